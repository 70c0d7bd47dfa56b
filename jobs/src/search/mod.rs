//! Finding investors, contacts, notes, tasks and calls by what they say.
//!
//! Every thing that can be found has one row in `search_entries`, indexed by
//! FTS5. A query means all of its words, each as the beginning of one; when that
//! finds little, words that are nearly the same count too. What is deleted is
//! never found; what is archived is found behind all else.

mod entries;
mod find;
mod near;
mod words;

pub(crate) use entries::{write_contacts, write_investors, write_things};
pub use find::find;
pub use near::Dictionary;
pub use words::Part;

/// A query for one table of things, as the index reads it; blank for no words.
pub(crate) fn expression_of(query: &str) -> String {
    let groups: Vec<Vec<String>> = words::of(query).into_iter().map(|w| vec![w]).collect();
    if groups.is_empty() {
        return String::new();
    }
    format!("({{title body}} : ({}))", words::expression(&groups))
}

use schemars::JsonSchema;
use serde::Serialize;

/// Kinds of things with their names for people, in the order pages show them.
pub const KINDS: [(&str, &str); 6] = [
    ("investor", "Investors"),
    ("contact", "Contacts"),
    ("task", "Tasks"),
    ("note", "Notes"),
    ("interaction", "Calls and meetings"),
    ("email", "Emails"),
];
/// Things of one search that are put in order, and can be paged through.
pub const MOST: usize = 1_000;
/// Fewer than these, and near words are looked for.
const FEW: usize = 5;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// As somebody typed it.
    pub query: &'a str,
    /// Only this kind.
    pub kind: Option<&'a str>,
    /// Things of each kind at most.
    pub limit: usize,
    /// Things of each kind to leave out first.
    pub offset: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Found {
    /// By kind, in the order pages show them; kinds without a hit are left out.
    pub groups: Vec<Group>,
    /// Words that were looked for too, because what was typed finds little.
    pub near: Vec<String>,
}

/// Hits of one kind.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Group {
    /// `investor`, `contact`, `task`, `note`, `interaction` or `email`.
    pub kind: String,
    /// Its name for people.
    pub label: String,
    /// The best first, archived ones last.
    pub hits: Vec<Hit>,
    /// How many there are.
    pub total: usize,
    /// There are more than were counted: say more.
    pub is_capped: bool,
}

/// Something found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Hit {
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The investor it belongs to.
    pub row_id: Option<String>,
    /// Its name, with what matches marked.
    pub title: Vec<Part>,
    /// Some of its text around what matches.
    pub text: Vec<Part>,
    /// The investor's name, for what is not the investor itself.
    pub about: Option<String>,
    /// It or its investor is archived.
    pub archived: bool,
    /// Of a task: `open`, `snoozed`, `done` or `cancelled`.
    pub status: Option<String>,
    /// When a note was written or a call was made, UTC milliseconds.
    pub at: Option<i64>,
}
