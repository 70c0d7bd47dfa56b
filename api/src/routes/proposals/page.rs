//! What captured mail suggests, for a person to decide.

use askama::Template;

use crate::routes::page::{Badge, Choice, Frame, LinkTo, When};

/// The list.
#[derive(Debug, Template)]
#[template(path = "pages/proposals.html")]
pub struct ProposalsPage {
    /// The frame.
    pub frame: Frame,
    /// Waiting, approved, dismissed.
    pub tabs: Vec<Choice>,
    /// Of the newest day first.
    pub cards: Vec<Card>,
    /// Whether these wait for a decision.
    pub is_open: bool,
    /// Whether any mailbox is read.
    pub has_mailboxes: bool,
    /// Whether the reader may set one up.
    pub is_admin: bool,
    /// Where the next page is.
    pub older: Option<String>,
}

/// One of them.
#[derive(Debug, Clone, Default)]
pub struct Card {
    /// Its id.
    pub id: String,
    /// The investor.
    pub investor: LinkTo,
    /// The day of its mail.
    pub day: String,
    /// Who drafted it.
    pub drafted: Badge,
    /// The note.
    pub note: String,
    /// Who may become a contact, and whether they shall.
    pub contact: Option<(String, bool)>,
    /// When to follow up, as written.
    pub follow_up: String,
    /// The stage it sounds like, in words.
    pub hint: Option<String>,
    /// The stages to move to; empty without a pipeline.
    pub stages: Vec<Choice>,
    /// The mail it rests on.
    pub sources: Vec<SourceItem>,
    /// The conversation.
    pub thread: String,
    /// How it was decided, by whom and when.
    pub decided: Option<(Badge, String, When)>,
    /// The field that was refused, and why.
    pub refused: Option<(String, String)>,
}

impl Card {
    /// Why a field was refused.
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&String> {
        let (at, why) = self.refused.as_ref()?;
        (at == field).then_some(why)
    }
}

/// A mail.
#[derive(Debug, Clone, Default)]
pub struct SourceItem {
    /// Where it stands in its conversation.
    pub href: String,
    /// Who wrote it.
    pub from: String,
    /// From where; empty if that is the name.
    pub address: String,
    /// Whether the team wrote it.
    pub is_sent: bool,
    /// May be empty.
    pub subject: String,
    /// Its paragraphs; none where the mailbox does not share them.
    pub said: String,
    /// When.
    pub at: When,
}
