//! One line that says whether all is well, then the parts.

use askama::Template;
use crm_jobs::health::{self, Part, Tone};

use crate::routes::page::{Badge, Frame, Piece};

/// How everything is.
#[derive(Debug, Template)]
#[template(path = "pages/status.html")]
pub struct StatusPage {
    /// The frame.
    pub frame: Frame,
    /// Whether all is well.
    pub line: String,
    /// Its colour.
    pub tone: &'static str,
    /// Its symbol.
    pub icon: &'static str,
    /// Part by part.
    pub parts: Vec<PartRow>,
}

/// One part.
#[derive(Debug)]
pub struct PartRow {
    /// Its name.
    pub name: &'static str,
    /// A word for how it is.
    pub badge: Badge,
    /// That in a sentence.
    pub says: String,
    /// What to do, in pieces; may be none.
    pub fix: Vec<Piece>,
    /// Where to do it, for those who may.
    pub page: Option<&'static str>,
}

impl StatusPage {
    /// The parts as they are.
    pub fn new(frame: Frame, parts: &[Part]) -> Self {
        let (tone, line) = health::line(parts);
        let is_admin = frame.user.as_ref().is_some_and(|user| user.is_admin);
        let rows = parts.iter().map(|part| PartRow {
            name: part.name,
            badge: badge(part.tone),
            says: part.says.clone(),
            fix: Piece::all(match part.tone {
                Tone::Well => "",
                _ if is_admin => &part.fix,
                Tone::Off => "",
                _ => "An admin of your team can mend it.",
            }),
            page: part.page.filter(|_| is_admin),
        });
        Self {
            line,
            tone: badge(tone).tone,
            icon: if tone == Tone::Well {
                "check"
            } else {
                "warning"
            },
            parts: rows.collect(),
            frame,
        }
    }

    /// Something of everything.
    #[cfg(any(test, debug_assertions))]
    pub fn sample() -> Self {
        let part = |name, tone, says: &str, fix: &str, page| Part {
            name,
            tone,
            says: says.to_owned(),
            fix: fix.to_owned(),
            page,
        };
        let parts = [
            part("Worker", Tone::Well, "1 worker alive.", "", Some("/jobs")),
            part(
                "Backup",
                Tone::Look,
                "The newest verified one is from 2 days ago.",
                "Look under Backups; `ops/backup` takes one now.",
                Some("/backups"),
            ),
            part(
                "Disk",
                Tone::Act,
                "Only 120.0 MB are free.",
                "Free some room.",
                None,
            ),
            part(
                "Mail capture",
                Tone::Off,
                "No mailbox is read.",
                "",
                Some("/mailboxes"),
            ),
        ];
        Self::new(Frame::sample("Status", "/status"), &parts)
    }
}

fn badge(tone: Tone) -> Badge {
    match tone {
        Tone::Well => Badge::new("well", "ok"),
        Tone::Off => Badge::new("not yet", "muted"),
        Tone::Look => Badge::new("look", "warn"),
        Tone::Act => Badge::new("act", "bad"),
    }
}
