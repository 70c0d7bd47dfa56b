//! The go-live checklist as a page.

use askama::Template;

use super::{Check, Level};
use crate::routes::page::{Badge, Frame, Piece};

/// The go-live checklist.
#[derive(Debug, Template)]
#[template(path = "pages/security.html")]
pub struct SecurityPage {
    /// The frame.
    pub frame: Frame,
    /// In one sentence.
    pub summary: String,
    /// How the summary is shown.
    pub tone: &'static str,
    /// The list, what needs doing first.
    pub checks: Vec<CheckRow>,
}

/// One thing on the list.
#[derive(Debug, Clone)]
pub struct CheckRow {
    /// Where it stands on the page.
    pub id: &'static str,
    /// How it is.
    pub state: Badge,
    /// In one sentence.
    pub says: String,
    /// What to do about it, in pieces; may be none.
    pub fix: Vec<Piece>,
}

impl SecurityPage {
    /// The page from the list.
    #[must_use]
    pub fn new(frame: Frame, worst: Level, mut checks: Vec<Check>) -> Self {
        let open = checks.iter().filter(|it| it.state != Level::Ok).count();
        let summary = match worst {
            Level::Ok => "Everything on the list is as it should be.".to_owned(),
            Level::Warn => format!("Nothing is wrong; {open} on the list could be safer."),
            Level::Fail => {
                let fails = checks.iter().filter(|it| it.state == Level::Fail).count();
                format!("Not fit for the open internet yet: {fails} to fix.")
            }
        };
        checks.sort_by_key(|it| std::cmp::Reverse(it.state));
        let row = |it: Check| CheckRow {
            id: it.id,
            state: match it.state {
                Level::Ok => Badge::new("OK", "ok"),
                Level::Warn => Badge::new("Could be safer", "warn"),
                Level::Fail => Badge::new("To fix", "bad"),
            },
            says: it.says,
            fix: Piece::all(&it.fix),
        };
        Self {
            frame,
            summary,
            tone: match worst {
                Level::Ok => "ok",
                Level::Warn => "warn",
                Level::Fail => "bad",
            },
            checks: checks.into_iter().map(row).collect(),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl SecurityPage {
    /// One of each.
    #[must_use]
    pub fn sample() -> Self {
        Self::new(
            Frame::sample("Security", "/settings/security"),
            Level::Fail,
            vec![
                Check::ok("worker", "A worker is alive."),
                Check::warn("spare_admin", "There is one admin.", "Make another."),
                Check::fail(
                    "base_url",
                    "People come over plain http.",
                    "Put TLS in front.",
                ),
            ],
        )
    }
}
