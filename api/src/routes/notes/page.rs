//! One note, and the quick log, as pages of their own.

use askama::Template;

use crate::routes::page::{Choice, Frame, LinkTo, When};

/// The form of one note.
#[derive(Debug, Template)]
#[template(path = "pages/note.html")]
pub struct NotePage {
    /// The frame.
    pub frame: Frame,
    /// Its id; empty for a new one.
    pub id: String,
    /// Where the form posts to.
    pub action: String,
    /// The investor it is about.
    pub investor: LinkTo,
    /// That investor's id.
    pub row: String,
    /// Markdown, as stored or as typed.
    pub body: String,
    /// As it was when the form was loaded.
    pub updated_at: i64,
    /// Such as `Written yesterday by Robin Sample`.
    pub story: String,
    /// What it said before, the newest first.
    pub earlier: Vec<EarlierNote>,
    /// What is wrong.
    pub error: Option<String>,
}

/// An earlier text of a note.
#[derive(Debug, Clone)]
pub struct EarlierNote {
    /// Markdown.
    pub body: String,
    /// When it was written.
    pub at: When,
    /// By whom.
    pub by: String,
}

/// The form of the quick log.
#[derive(Debug, Template)]
#[template(path = "pages/log.html")]
pub struct LogPage {
    /// The frame.
    pub frame: Frame,
    /// What was typed.
    pub form: LogFields,
    /// Name of the investor, if it is named by its id; empty otherwise.
    pub known: String,
    /// Investors that the name may mean; one of them is to be chosen.
    pub candidates: Vec<Choice>,
    /// Kinds of contact.
    pub kinds: Vec<Choice>,
    /// What is wrong, by field.
    pub error_field: String,
    /// What is wrong.
    pub error: Option<String>,
}

impl LogPage {
    /// What is wrong with a field.
    #[must_use]
    pub fn error_of(&self, field: &str) -> Option<&String> {
        self.error.as_ref().filter(|_| self.error_field == field)
    }

    /// What is wrong apart from the fields shown.
    #[must_use]
    pub fn other_error(&self) -> Option<&String> {
        let shown = ["investor", "contact", "on", "follow_up", "note"];
        self.error
            .as_ref()
            .filter(|_| !shown.contains(&self.error_field.as_str()))
    }
}

/// What the quick log asks, as typed.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct LogFields {
    /// Id or name of the investor.
    #[serde(default)]
    pub investor: String,
    /// `Name <email>`, a name or an address.
    #[serde(default)]
    pub contact: String,
    /// One of the kinds.
    #[serde(default)]
    pub kind: String,
    /// The day, `2026-03-31`; today if blank.
    #[serde(default)]
    pub on: String,
    /// Markdown.
    #[serde(default)]
    pub note: String,
    /// When to follow up, as people write days.
    #[serde(default)]
    pub follow_up: String,
    /// Where to go afterwards.
    #[serde(default)]
    pub next: String,
}

#[cfg(any(test, debug_assertions))]
impl NotePage {
    /// A note that somebody else changed meanwhile.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Note", "/grid"),
            id: "sample".to_owned(),
            action: "/notes/sample".to_owned(),
            investor: LinkTo::new("Sample Family Office 12", "/investors/sample"),
            row: "sample".to_owned(),
            body: "**Call with Alex.** They want the data room after the quarter closes."
                .to_owned(),
            updated_at: 1,
            story: "Written yesterday by Robin Sample, edited once".to_owned(),
            earlier: vec![EarlierNote {
                body: "Met **Alex**. They like the fund.".to_owned(),
                at: When::new("2026-03-03T10:00:00Z", "3 Mar 2026, 11:00"),
                by: "Robin Sample".to_owned(),
            }],
            error: Some("Somebody changed this note while you were editing.".to_owned()),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl LogPage {
    /// A name that means two investors.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Log a contact", "/day"),
            form: LogFields {
                investor: "Sample Office".to_owned(),
                contact: "Alex Placeholder <alex@example.org>".to_owned(),
                kind: "call".to_owned(),
                on: "2026-03-03".to_owned(),
                note: "Wants the data room.".to_owned(),
                follow_up: "in two weeks".to_owned(),
                next: "/day".to_owned(),
            },
            known: String::new(),
            candidates: vec![
                Choice::new("r1", "Sample Office (Main)", false),
                Choice::new("r2", "Sample Office (Longshot)", false),
            ],
            kinds: vec![
                Choice::new("call", "Call", true),
                Choice::new("meeting", "Meeting", false),
            ],
            error_field: "investor".to_owned(),
            error: Some("Two investors bear this name: choose one.".to_owned()),
        }
    }
}
