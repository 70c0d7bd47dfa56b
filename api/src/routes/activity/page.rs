//! What happened, as a feed people can read.

use askama::Template;

use crate::routes::page::{Choice, Frame, LinkTo, When};

/// What everybody did, newest first.
#[derive(Debug, Template)]
#[template(path = "pages/activity.html")]
pub struct ActivityPage {
    /// The frame.
    pub frame: Frame,
    /// The filter by source.
    pub sources: Vec<Choice>,
    /// The actor filter.
    pub actors: Vec<Choice>,
    /// The filter by kind of action, of the audit log.
    pub actions: Vec<Choice>,
    /// The first day, as typed.
    pub from: String,
    /// The last day, as typed.
    pub to: String,
    /// What is wrong with the filters.
    pub error: Option<String>,
    /// Whether there are filters.
    pub is_filtered: bool,
    /// Entries of this page, by day.
    pub days: Vec<ActivityDay>,
    /// Whether this is the newest page.
    pub is_first: bool,
    /// The newest page with these filters.
    pub first: String,
    /// What is older.
    pub next: Option<String>,
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
    /// More about it; may be empty.
    pub note: String,
    /// `bad` for what failed; else empty.
    pub tone: &'static str,
    /// Network address it came from; shown in the log itself, not in the feed.
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
                note: String::new(),
                tone: "",
                ip: ip.to_owned(),
            }
        };
        Self {
            frame: Frame::sample("Activity", "/activity"),
            sources: vec![
                Choice::new("", "Everything", true),
                Choice::new("audit", "Audit log, whole", false),
            ],
            from: "2025-03-01".to_owned(),
            to: String::new(),
            error: None,
            is_filtered: true,
            is_first: true,
            first: "/activity".to_owned(),
            next: Some("/activity?cursor=x".to_owned()),
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
                        ActivityEntry {
                            note: "the disk is full".to_owned(),
                            tone: "bad",
                            ..entry(
                                "S",
                                "The system",
                                "asked for something that failed:",
                                "job 12",
                                "02:00",
                                "",
                            )
                        },
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
            error: Some("“soon” is no day: write it as 2026-03-31.".to_owned()),
            is_first: false,
            next: None,
            chain_ok: false,
            chain_text:
                "Entry 208 does not match the one after it: someone or something changed the log."
                    .to_owned(),
            ..Self::sample()
        }
    }
}
