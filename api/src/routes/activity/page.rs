//! The audit log as a feed people can read.

use askama::Template;

use crate::routes::page::{Choice, Frame, LinkTo, Paging, When};

/// What everybody did, newest first.
#[derive(Debug, Template)]
#[template(path = "pages/activity.html")]
pub struct ActivityPage {
    /// The frame.
    pub frame: Frame,
    /// The actor filter.
    pub actors: Vec<Choice>,
    /// The filter by kind of action.
    pub actions: Vec<Choice>,
    /// Entries of this page, by day.
    pub days: Vec<ActivityDay>,
    /// Where the feed stands.
    pub paging: Paging,
    /// Whether the hash chain verifies.
    pub chain_ok: bool,
    /// One sentence on the chain.
    pub chain_text: String,
}

/// The entries of one day.
#[derive(Debug, Clone, Default)]
pub struct ActivityDay {
    /// The day in words.
    pub label: String,
    /// Its entries.
    pub entries: Vec<ActivityEntry>,
}

/// One entry.
#[derive(Debug, Clone, Default)]
pub struct ActivityEntry {
    /// When.
    pub at: When,
    /// Who.
    pub who: String,
    /// Letters for the avatar.
    pub initials: String,
    /// What, in words, after the name.
    pub what: String,
    /// What it was done to.
    pub target: Option<LinkTo>,
    /// Network address it came from; empty for the worker.
    pub ip: String,
}

#[cfg(any(test, debug_assertions))]
impl ActivityPage {
    /// Two days of a small team.
    #[must_use]
    pub fn sample() -> Self {
        let entry = |initials: &str, who: &str, what: &str, target: &str, text: &str, ip: &str| {
            ActivityEntry {
                at: When::new("2025-03-04T08:12:00Z", text),
                who: who.to_owned(),
                initials: initials.to_owned(),
                what: what.to_owned(),
                target: (!target.is_empty()).then(|| LinkTo::new(target, "/investors/sample")),
                ip: ip.to_owned(),
            }
        };
        Self {
            frame: Frame::sample("Activity", "/activity"),
            actors: vec![
                Choice::new("", "Everybody", true),
                Choice::new("u1", "Robin Sample", false),
            ],
            actions: vec![
                Choice::new("", "Every action", true),
                Choice::new("grid", "Edits", false),
                Choice::new("session", "Sign-ins", false),
            ],
            days: vec![
                ActivityDay {
                    label: "Today".to_owned(),
                    entries: vec![
                        entry(
                            "RS",
                            "Robin Sample",
                            "changed 2 cells of",
                            "Sample Family Office 12",
                            "08:12",
                            "192.0.2.10",
                        ),
                        entry(
                            "W",
                            "The worker",
                            "verified the backup",
                            "crm-2025-03-04",
                            "02:00",
                            "",
                        ),
                    ],
                },
                ActivityDay {
                    label: "Yesterday".to_owned(),
                    entries: vec![
                        entry(
                            "JT",
                            "Jo Testcase",
                            "archived",
                            "Sample Private 9",
                            "16:20",
                            "192.0.2.11",
                        ),
                        entry("JT", "Jo Testcase", "signed in", "", "16:02", "192.0.2.11"),
                    ],
                },
            ],
            paging: Paging::sample("412 entries"),
            chain_ok: true,
            chain_text:
                "The log is whole: 412 entries, each sealed by the one after it. Checked 3 min ago."
                    .to_owned(),
        }
    }

    /// A filter that matches nothing, and a broken chain.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            days: Vec::new(),
            paging: Paging::default(),
            chain_ok: false,
            chain_text:
                "Entry 208 does not match the one after it: someone or something changed the log."
                    .to_owned(),
            ..Self::sample()
        }
    }
}
