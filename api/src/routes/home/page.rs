//! The home page: where the raise stands and whether the box is well.

use askama::Template;

#[cfg(any(test, debug_assertions))]
use crate::routes::page::Badge;
use crate::routes::{
    page::{Chart, Frame, Tile, When},
    raise::page::FundCard,
    reminders::item::TaskItem,
};

/// Where the raise stands, how the box is doing, and what happened lately.
#[derive(Debug, Template)]
#[template(path = "pages/home.html")]
pub struct HomePage {
    /// The frame.
    pub frame: Frame,
    /// Such as `"Good morning, Robin"`.
    pub greeting: String,
    /// One line under it, such as the date.
    pub subtitle: String,
    /// Investors, lists and contacts.
    pub tiles: Vec<Tile>,
    /// Funds being raised.
    pub funds: Vec<FundCard>,
    /// The raise over time, month by month, and the funnel.
    pub charts: Vec<Chart>,
    /// Tasks of this person that are due this week.
    pub tasks: Vec<TaskItem>,
    /// Investors to get in touch with.
    pub stale: Stale,
    /// What is wrong with the backups, for admins.
    pub alarms: Vec<String>,
    /// State of the parts that run by themselves.
    pub health: Vec<HealthLine>,
    /// The newest entries of the activity page.
    pub recent: Vec<RecentEntry>,
    /// First steps; empty once all are done or dismissed.
    pub checklist: Vec<ChecklistStep>,
}

impl HomePage {
    /// How many of the first steps are done.
    #[must_use]
    pub fn steps_done(&self) -> usize {
        self.checklist.iter().filter(|step| step.done).count()
    }
}

/// An investor nobody was in touch with for long.
#[derive(Debug, Clone, Default)]
pub struct StaleLine {
    /// Their page.
    pub href: String,
    /// Their name.
    pub name: String,
    /// When somebody was last in touch.
    pub when: When,
}

/// Investors nobody was in touch with for long.
#[derive(Debug, Clone, Default)]
pub struct Stale {
    /// The longest first.
    pub lines: Vec<StaleLine>,
    /// How many there are in all.
    pub total: String,
    /// All of them.
    pub href: String,
}

/// One part of the installation and how it is doing.
#[derive(Debug, Clone, Default)]
pub struct HealthLine {
    /// The part.
    pub label: String,
    /// How it is.
    pub value: String,
    /// `ok`, `warn`, `bad` or `muted`.
    pub tone: &'static str,
    /// The tone in a word, for those who do not see colours.
    pub word: String,
    /// Where to look closer.
    pub href: String,
}

/// Something that happened.
#[derive(Debug, Clone, Default)]
pub struct RecentEntry {
    /// Who did it.
    pub who: String,
    /// Letters for the avatar.
    pub initials: String,
    /// What, in words, after the name.
    pub what: String,
    /// What it was done to.
    pub target: String,
    /// Address of that; may be empty.
    pub href: String,
    /// When.
    pub when: When,
}

/// One of the first steps.
#[derive(Debug, Clone, Default)]
pub struct ChecklistStep {
    /// What to do.
    pub title: String,
    /// Why, in one sentence.
    pub why: String,
    /// Words on the button.
    pub action: String,
    /// Where the button leads.
    pub href: String,
    /// Whether it is done.
    pub done: bool,
}

#[cfg(any(test, debug_assertions))]
impl HomePage {
    /// A fund in the middle of its raise.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "a plain list of sample values")]
    pub fn sample() -> Self {
        let fund =
            |name: &str, status: Badge, committed: &str, target: &str, percent, detail: &str| {
                FundCard {
                    href: "/funds/sample".to_owned(),
                    name: name.to_owned(),
                    status,
                    committed: committed.to_owned(),
                    target: target.to_owned(),
                    percent,
                    detail: detail.to_owned(),
                }
            };
        let line = |label: &str, value: &str, tone, word: &str, href: &str| HealthLine {
            label: label.to_owned(),
            value: value.to_owned(),
            tone,
            word: word.to_owned(),
            href: href.to_owned(),
        };
        let entry = |initials: &str, who: &str, what: &str, target: &str, iso: &str, text: &str| {
            RecentEntry {
                who: who.to_owned(),
                initials: initials.to_owned(),
                what: what.to_owned(),
                target: target.to_owned(),
                href: "/investors/sample".to_owned(),
                when: When::new(iso, text),
            }
        };
        let mut frame = Frame::sample("Home", "/");
        frame.demo = true;
        Self {
            frame,
            greeting: "Good morning, Robin".to_owned(),
            subtitle: "Tuesday, 4 March · version 1,284 of the grid".to_owned(),
            tiles: vec![
                Tile::new("Investors", "412", "9 new this week", "").to("/grid"),
                Tile::new("Main", "148", "", "").to("/grid?list=main"),
                Tile::new("Follow-up", "61", "7 overdue", "").to("/grid?list=follow_up"),
                Tile::new("Longshot", "122", "", "").to("/grid?list=longshot"),
                Tile::new("Graveyard", "81", "", "").to("/grid?list=graveyard"),
                Tile::new("Contacts", "715", "each person once", ""),
            ],
            funds: vec![
                fund(
                    "Sample Ventures III",
                    Badge::new("Raising", "info"),
                    "EUR 46.2m",
                    "EUR 80m",
                    58,
                    "38 investors · cap EUR 100m · first close 30 Sep",
                ),
                fund(
                    "Sample Ventures II",
                    Badge::new("Closed", "ok"),
                    "EUR 52.5m",
                    "EUR 50m",
                    105,
                    "61 investors · closed 12 May 2021",
                ),
                fund(
                    "Sample Opportunity I",
                    Badge::new("Planned", "muted"),
                    "EUR 1.5m",
                    "EUR 25m",
                    6,
                    "2 investors · no first close date yet",
                ),
            ],
            charts: Vec::new(),
            tasks: Vec::new(),
            stale: Stale {
                lines: vec![StaleLine {
                    href: "/investors/sample".to_owned(),
                    name: "Sample Foundation".to_owned(),
                    when: When::new("2024-12-01T08:00:00Z", "93 days ago"),
                }],
                total: "14 investors".to_owned(),
                href: "/grid".to_owned(),
            },
            alarms: vec!["The newest verified backup is older than 26 hours.".to_owned()],
            health: vec![
                line(
                    "Worker",
                    "alive, last heartbeat 2 s ago",
                    "ok",
                    "Good",
                    "/jobs",
                ),
                line(
                    "Jobs",
                    "1 failing",
                    "bad",
                    "Problem",
                    "/jobs?state=discarded",
                ),
                line("Backup", "verified 9 hours ago", "ok", "Good", "/backups"),
                line(
                    "Relational sync",
                    "2 versions behind",
                    "warn",
                    "Look",
                    "/jobs?kind=sync_relational",
                ),
            ],
            recent: vec![
                entry(
                    "RS",
                    "Robin Sample",
                    "moved to Follow-up",
                    "Sample Family Office 12",
                    "2025-03-04T08:12:00Z",
                    "12 min ago",
                ),
                entry(
                    "JT",
                    "Jo Testcase",
                    "changed Ticket size of",
                    "Sample Fund of Funds 4",
                    "2025-03-04T07:58:00Z",
                    "26 min ago",
                ),
                entry(
                    "W",
                    "The worker",
                    "finished the import of",
                    "prospects-spring.csv",
                    "2025-03-04T07:31:00Z",
                    "53 min ago",
                ),
                entry(
                    "RS",
                    "Robin Sample",
                    "added",
                    "Sample Foundation 31",
                    "2025-03-03T16:20:00Z",
                    "yesterday",
                ),
            ],
            checklist: Vec::new(),
        }
    }

    /// A new installation with nothing in it.
    #[must_use]
    pub fn sample_empty() -> Self {
        let step = |title: &str, why: &str, action: &str, href: &str, done| ChecklistStep {
            title: title.to_owned(),
            why: why.to_owned(),
            action: action.to_owned(),
            href: href.to_owned(),
            done,
        };
        let full = Self::sample();
        Self {
            frame: Frame::sample("Home", "/"),
            tiles: Vec::new(),
            funds: Vec::new(),
            stale: Stale::default(),
            recent: Vec::new(),
            checklist: vec![
                step(
                    "Create the first admin",
                    "That was you, a moment ago.",
                    "",
                    "",
                    true,
                ),
                step(
                    "Import your investors",
                    "Export a table from Airtable as CSV; you see every change before it is made.",
                    "Import a file",
                    "/imports#upload",
                    false,
                ),
                step(
                    "Invite your team",
                    "Each person gets a link that works once.",
                    "Invite someone",
                    "/settings/team",
                    false,
                ),
                step(
                    "Take a first backup",
                    "It is read back and checked before it counts.",
                    "Back up now",
                    "/backups",
                    false,
                ),
            ],
            ..full
        }
    }
}
