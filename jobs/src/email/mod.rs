//! Captured mail: enrolled mailboxes are read by jobs, each message is kept once,
//! and what concerns an investor is shown beside them. Nothing here sends mail: a reply
//! becomes a draft that a person sends.
//!
//! Mail that concerns nobody keeps its metadata only, for the day its sender
//! becomes a contact, and is shown nowhere.

pub mod address;
mod book;
mod capture;
pub mod credentials;
mod drafts;
mod facts;
pub mod gmail;
mod jobs;
mod links;
mod mailboxes;
mod near;
mod parse;
mod privacy;
mod read;
mod save_draft;
mod store;
mod strip;
mod team;
#[cfg(test)]
mod tests;
mod text;
mod trouble;

pub use book::catch_up;
pub use capture::{Ended, backfill, capture};
pub use drafts::{Addressee, Addressees, Draft, Drafting, Reply, SaveDraft, drafting, save_reply};
pub use facts::{Facts, OnTeam, of_row as facts_of_row};
pub use jobs::{BackfillMailbox, CaptureMail, CaptureMailbox, MatchEmails, sync_now};
pub(crate) use jobs::{ask_to_match, enqueue_all};
pub use links::{attach, detach};
pub use mailboxes::{
    Change, Mailbox, New, change, enrol, find as find_mailbox, list as list_mailboxes, pause,
    remove, restore, resume,
};
pub use near::{NearMatch, decide as decide_near_match, list as near_matches};
pub use parse::{MAX_BODY, Parsed, Part, Person, parse};
pub use privacy::Privacy;
pub use read::{
    Attachment, EmailFull, EmailLine, EmailPerson, Filter, Investor, count, email,
    fetch_attachment, list, rows_named, thread,
};
pub use save_draft::save as save_draft;
pub use store::{Message, Stored, Taken, store};
pub use strip::said;
pub use team::Team;
pub use text::fetch_texts;
pub use trouble::{Again, Trouble};
