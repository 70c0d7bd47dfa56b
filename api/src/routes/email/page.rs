//! Pages of mail.

use askama::Template;
use crm_jobs::email::credentials::Shown;

use crate::routes::page::{Badge, Choice, Frame, LinkTo, Progress, When};

/// Mailboxes, the key, and how to set both up.
#[derive(Debug, Template)]
#[template(path = "pages/mailboxes.html")]
pub struct MailboxesPage {
    /// The frame.
    pub frame: Frame,
    /// What may be shown of the key.
    pub key: Shown,
    /// By address.
    pub mailboxes: Vec<MailboxCard>,
    /// Near matches that wait.
    pub near: usize,
    /// As typed.
    pub address: String,
    /// As typed.
    pub consent: String,
    /// As typed, or a year ago.
    pub starts_on: String,
    /// The last day to choose.
    pub today: String,
    /// Whose it may be.
    pub users: Vec<Choice>,
    /// What may be kept.
    pub privacies: Vec<Choice>,
    /// What is wrong with the new one.
    pub error: Option<String>,
    /// And with which field.
    pub error_at: String,
    /// What is wrong with the key.
    pub key_error: Option<String>,
}

impl MailboxesPage {
    /// What is wrong with a field.
    fn wrong(&self, field: &str) -> Option<String> {
        self.error.clone().filter(|_| self.error_at == field)
    }
}

/// One mailbox.
#[derive(Debug, Clone, Default)]
pub struct MailboxCard {
    /// Its id.
    pub id: String,
    /// Its address.
    pub address: String,
    /// Whose it is; may be empty.
    pub owner: String,
    /// How it goes.
    pub status: Badge,
    /// Whether it is paused.
    pub is_paused: bool,
    /// How far the past is read.
    pub progress: Option<Progress>,
    /// How many messages of the past were read.
    pub read: String,
    /// When it was last up to date.
    pub synced: Option<When>,
    /// The first day that is read.
    pub starts: String,
    /// The last failure with its fix.
    pub error: Option<String>,
    /// When that was.
    pub failed: Option<When>,
    /// Who agreed.
    pub consent: String,
    /// Whose it may be.
    pub users: Vec<Choice>,
    /// What may be kept.
    pub privacies: Vec<Choice>,
    /// Whether it may have reply drafts.
    pub may_draft: bool,
}

/// Emails that concern investors.
#[derive(Debug, Template)]
#[template(path = "pages/emails.html")]
pub struct EmailsPage {
    /// The frame.
    pub frame: Frame,
    /// The newest first.
    pub emails: Vec<EmailItem>,
    /// Whether there is none at all.
    pub is_empty: bool,
    /// Whether any mailbox is read.
    pub has_mailboxes: bool,
    /// Whether whoever looks can set them up.
    pub is_admin: bool,
    /// Near matches that wait.
    pub near: usize,
    /// Words looked for.
    pub q: String,
    /// `in`, `out` or empty.
    pub direction: String,
    /// Only of this investor.
    pub investor: String,
    /// Only with this contact.
    pub contact: String,
    /// Its name.
    pub narrowed_to: Option<String>,
    /// By direction; values are addresses.
    pub tabs: Vec<Choice>,
    /// What is older.
    pub older: Option<String>,
}

/// An email in a list.
#[derive(Debug, Clone, Default)]
pub struct EmailItem {
    /// Its place in its thread.
    pub href: String,
    /// Who wrote it.
    pub from: String,
    /// Letters for the avatar.
    pub initials: String,
    /// We wrote it.
    pub is_sent: bool,
    /// Its subject, or why there is none.
    pub subject: String,
    /// How it begins.
    pub said: String,
    /// Whom it concerns.
    pub investor: LinkTo,
    /// When.
    pub at: When,
    /// Files.
    pub attachments: i64,
}

/// A conversation.
#[derive(Debug, Template)]
#[template(path = "pages/email_thread.html")]
pub struct ThreadPage {
    /// The frame.
    pub frame: Frame,
    /// Its subject.
    pub title: String,
    /// The oldest first.
    pub letters: Vec<Letter>,
    /// Whom it concerns.
    pub investors: Vec<LinkTo>,
    /// Drafts that were written, the newest first.
    pub drafts: Vec<DraftLine>,
    /// Where another may be written.
    pub reply: Option<ReplyForm>,
}

/// A reply to be written.
#[derive(Debug, Clone, Default)]
pub struct ReplyForm {
    /// Where it is posted.
    pub action: String,
    /// To whom.
    pub to: String,
    /// Who gets a copy; may be empty.
    pub cc: String,
    /// The mailbox it will lie in.
    pub address: String,
}

/// A draft and what became of it.
#[derive(Debug, Clone, Default)]
pub struct DraftLine {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub status: Badge,
    /// The mailbox it is for.
    pub address: String,
    /// What it says.
    pub body: String,
    /// Why it is not in Gmail, with the fix.
    pub error: Option<String>,
    /// Since when.
    pub at: When,
}

/// One email of a conversation.
#[derive(Debug, Clone, Default)]
pub struct Letter {
    /// Its id.
    pub id: String,
    /// Unfolded at first.
    pub open: bool,
    /// Who wrote it.
    pub from: String,
    /// From where.
    pub address: String,
    /// Letters for the avatar.
    pub initials: String,
    /// To whom.
    pub to: String,
    /// Sent or received.
    pub badge: Badge,
    /// When.
    pub at: When,
    /// What its writer said.
    pub said: String,
    /// All of it, if that is more.
    pub whole: String,
    /// Why there is no text.
    pub withheld: String,
    /// Row, name and why it is there.
    pub investors: Vec<(String, String, String)>,
    /// Address, name and size.
    pub files: Vec<(String, String, String)>,
}

/// Addresses that look like somebody's.
#[derive(Debug, Template)]
#[template(path = "pages/near_matches.html")]
pub struct NearPage {
    /// The frame.
    pub frame: Frame,
    /// The newest first.
    pub lines: Vec<NearLine>,
}

/// One of them.
#[derive(Debug, Clone, Default)]
pub struct NearLine {
    /// Its id.
    pub id: String,
    /// The address.
    pub address: String,
    /// The name with it.
    pub name: String,
    /// Whose it may be.
    pub investor: LinkTo,
    /// Why.
    pub reason: String,
    /// What it would bring.
    pub emails: String,
}
