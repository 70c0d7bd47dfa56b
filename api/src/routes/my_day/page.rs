//! My day.

use askama::Template;

use crate::routes::{
    page::{Badge, Choice, Frame, LinkTo, When},
    reminders::item::TaskItem,
};

/// What a member has before them.
#[derive(Debug, Template)]
#[template(path = "pages/day.html")]
pub struct DayPage {
    /// The frame.
    pub frame: Frame,
    /// The day.
    pub heading: String,
    /// What it holds, in one sentence.
    pub lead: String,
    /// Whose tasks: all, one's own, the team's.
    pub tabs: Vec<Choice>,
    /// The one shown.
    pub whose: String,
    /// Tasks by when they are due.
    pub groups: Vec<Group>,
    /// Whom a new task may be given to.
    pub assignees: Vec<Choice>,
    /// How it may come back.
    pub repeats: Vec<Choice>,
    /// Notes that call on the reader.
    pub mentions: Vec<MentionRow>,
    /// The reader's investors that nobody was in touch with.
    pub quiet: Vec<QuietRow>,
    /// How many more of those there are.
    pub quiet_more: usize,
    /// Days of silence.
    pub quiet_days: i64,
    /// Days to choose from.
    pub quiet_choices: Vec<Choice>,
    /// Kinds of contact to log.
    pub kinds: Vec<Choice>,
    /// The day in the fund's zone, `2026-03-31`.
    pub today: String,
}

/// Tasks due at about the same time.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Id of its heading.
    pub id: &'static str,
    /// Its name.
    pub label: &'static str,
    /// Its tone.
    pub tone: &'static str,
    /// In order.
    pub tasks: Vec<TaskItem>,
    /// Whether it is shown only when asked for.
    pub is_folded: bool,
}

/// A note that calls on the reader.
#[derive(Debug, Clone, Default)]
pub struct MentionRow {
    /// Who wrote it.
    pub by: String,
    /// Letters for the avatar.
    pub initials: String,
    /// The investor, with the note's place.
    pub investor: LinkTo,
    /// What it says, on one line.
    pub text: String,
    /// When.
    pub at: When,
}

/// An investor that nobody was in touch with.
#[derive(Debug, Clone, Default)]
pub struct QuietRow {
    /// The investor.
    pub investor: LinkTo,
    /// Its id.
    pub row: String,
    /// For how long.
    pub since: Badge,
}

#[cfg(any(test, debug_assertions))]
impl DayPage {
    /// A busy Tuesday.
    #[must_use]
    pub fn sample() -> Self {
        let task = TaskItem::sample;
        let group = |id, label, tone, tasks| Group {
            id,
            label,
            tone,
            tasks,
            is_folded: id == "snoozed",
        };
        Self {
            frame: Frame::sample("My day", "/day"),
            heading: "Tuesday, 3 March".to_owned(),
            lead: "Hello Robin, 2 tasks are due.".to_owned(),
            tabs: vec![
                Choice::new("", "All 4", true),
                Choice::new("mine", "Mine 3", false),
                Choice::new("team", "Team 1", false),
            ],
            whose: String::new(),
            groups: vec![
                group(
                    "overdue",
                    "Overdue",
                    "bad",
                    vec![task(
                        "Send the data room",
                        Some(Badge::new("3 days late", "bad")),
                    )],
                ),
                group(
                    "today",
                    "Today",
                    "warn",
                    vec![task(
                        "Call about the side letter",
                        Some(Badge::new("Today", "warn")),
                    )],
                ),
                group(
                    "undated",
                    "Without a date",
                    "muted",
                    vec![task("Tidy up the deck", None)],
                ),
                group(
                    "snoozed",
                    "Snoozed",
                    "muted",
                    vec![task("Ask again", Some(Badge::new("20 Mar", "muted")))],
                ),
            ],
            assignees: vec![
                Choice::new("r", "Me", true),
                Choice::new("team", "The team", false),
            ],
            repeats: crate::routes::reminders::item::repeats(""),
            mentions: vec![MentionRow {
                by: "Jo Testcase".to_owned(),
                initials: "JT".to_owned(),
                investor: LinkTo::new("Sample Family Office 12", "/investors/sample#note-1"),
                text: "Could @Robin look at their side letter?".to_owned(),
                at: When::new("2026-03-03T08:12:00Z", "12 min ago"),
            }],
            quiet: vec![
                QuietRow {
                    investor: LinkTo::new("Sample Foundation 3", "/investors/s3"),
                    row: "s3".to_owned(),
                    since: Badge::new("Never", "bad"),
                },
                QuietRow {
                    investor: LinkTo::new("Sample Pension 9", "/investors/s9"),
                    row: "s9".to_owned(),
                    since: Badge::new("44 days", "warn"),
                },
            ],
            quiet_more: 7,
            quiet_days: 30,
            quiet_choices: vec![
                Choice::new("14", "14 days", false),
                Choice::new("30", "30 days", true),
            ],
            kinds: crate::routes::investor::kinds(),
            today: "2026-03-03".to_owned(),
        }
    }

    /// A day with nothing in it.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            lead: "Hello Robin, nothing is due today.".to_owned(),
            groups: Vec::new(),
            mentions: Vec::new(),
            quiet: Vec::new(),
            quiet_more: 0,
            ..Self::sample()
        }
    }
}
