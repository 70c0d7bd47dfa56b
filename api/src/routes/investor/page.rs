//! One investor: what happened, fields, facts and files.

use askama::Template;

use crate::routes::{
    automations::page::DraftLine,
    email::page::EmailItem,
    files::FileItem,
    grid::page::{Cell, Conflict, Control, Field, Pill, Value},
    page::{Badge, Choice, Frame, LinkTo, When},
    reminders::item::TaskItem,
};

/// One investor: all there is to know.
#[derive(Debug, Template)]
#[template(path = "pages/investor.html")]
pub struct InvestorPage {
    /// The frame.
    pub frame: Frame,
    /// The row's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The row's version.
    pub version: i64,
    /// The list it is in.
    pub list: Pill,
    /// Since when, by whom and why.
    pub list_story: String,
    /// What to look at for more: the run and the change behind the list, and the list.
    pub list_links: Vec<LinkTo>,
    /// Mail that rules propose.
    pub drafts: Vec<DraftLine>,
    /// The latest captured emails.
    pub emails: Vec<EmailItem>,
    /// Lists it may move to.
    pub lists: Vec<Choice>,
    /// If archived: when, by whom and why.
    pub archived: Option<String>,
    /// Fields that may be edited.
    pub fields: Vec<Field>,
    /// Derived values, which may not.
    pub derived: Vec<Cell>,
    /// People at the investor.
    pub contacts: Vec<ContactCard>,
    /// Amounts in funds.
    pub commitments: Vec<CommitmentRow>,
    /// The pursuit that was lost.
    pub lost: Option<Lost>,
    /// Who looks after it, where it stands, when we were in touch.
    pub facts: Vec<Fact>,
    /// How fresh the contact is.
    pub staleness: Option<Badge>,
    /// Tasks that are open.
    pub tasks: Vec<TaskItem>,
    /// Notes that stay on top.
    pub pinned: Vec<Entry>,
    /// What happened, newest first.
    pub timeline: Vec<Entry>,
    /// Kinds of events to show.
    pub filters: Vec<FilterLink>,
    /// Whether the timeline is narrowed or begins further down.
    pub is_narrowed: bool,
    /// Address of what is older.
    pub older: Option<String>,
    /// Files attached.
    pub files: Vec<FileItem>,
    /// Files that may be attached.
    pub files_allowed: &'static str,
    /// Why a file was not attached.
    pub file_error: Option<String>,
    /// Whom a task may be given to.
    pub assignees: Vec<Choice>,
    /// How it may come back.
    pub repeats: Vec<Choice>,
    /// Changes that met newer ones.
    pub conflicts: Vec<Conflict>,
    /// Kinds of contact to note.
    pub contact_kinds: Vec<Choice>,
    /// The day in the fund's zone, `2026-03-31`.
    pub today: String,
    /// Whether the form came back with errors.
    pub has_errors: bool,
}

/// A person at an investor.
#[derive(Debug, Clone, Default)]
pub struct ContactCard {
    /// Name.
    pub name: String,
    /// Address of their page; may be empty.
    pub href: String,
    /// Letters for the avatar.
    pub initials: String,
    /// Role; may be empty.
    pub role: String,
    /// Mail addresses.
    pub emails: Vec<String>,
    /// Phone; may be empty.
    pub phone: String,
}

/// An amount in a fund.
#[derive(Debug, Clone, Default)]
pub struct CommitmentRow {
    /// The fund.
    pub fund: String,
    /// The form that changes it.
    pub href: String,
    /// How firm it is.
    pub stage: Badge,
    /// The amount, formatted.
    pub amount: String,
}

/// A pursuit that was lost.
#[derive(Debug, Clone, Default)]
pub struct Lost {
    /// The opportunity.
    pub id: String,
    /// Why; empty until somebody says.
    pub reason: String,
}

/// One changed cell.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Name of the column.
    pub field: String,
    /// Value before; empty for nothing.
    pub before: String,
    /// Value after; empty for nothing.
    pub after: String,
}

/// A fact beside its label.
#[derive(Debug, Clone, Default)]
pub struct Fact {
    /// What it is.
    pub label: &'static str,
    /// The fact; empty for none.
    pub text: String,
    /// More, as a tooltip; may be empty.
    pub title: String,
    /// Its tone; empty for plain text.
    pub tone: &'static str,
}

/// A kind of event to show, or to leave out.
#[derive(Debug, Clone, Default)]
pub struct FilterLink {
    /// Its name.
    pub label: &'static str,
    /// Where it leads.
    pub href: String,
    /// Whether it is shown now.
    pub current: bool,
}

/// Something that happened.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Its kind.
    pub kind: &'static str,
    /// Name of a symbol.
    pub icon: &'static str,
    /// Who.
    pub by: String,
    /// What they did, such as `moved it from Main to Longshot`.
    pub says: String,
    /// What it is about.
    pub link: Option<LinkTo>,
    /// More in plain text; may be empty.
    pub detail: String,
    /// When.
    pub at: When,
    /// When, to the minute, as a tooltip.
    pub moment: String,
    /// A note.
    pub note: Option<NoteText>,
    /// Fields that changed.
    pub changes: Vec<Change>,
    /// Whether those are shown only when asked for.
    pub folded: bool,
    /// A file.
    pub file: Option<FileItem>,
    /// Id of a contact that may be taken back; empty for none.
    pub remove: String,
}

/// A note, ready to be read.
#[derive(Debug, Clone, Default)]
pub struct NoteText {
    /// Its id.
    pub id: String,
    /// HTML that is safe.
    pub html: String,
    /// The day it was last edited, if it was.
    pub edited: Option<String>,
    /// Whether it stays on top.
    pub pinned: bool,
    /// Whether the reader wrote it.
    pub mine: bool,
}

#[cfg(any(test, debug_assertions))]
#[path = "sample.rs"]
mod sample;
