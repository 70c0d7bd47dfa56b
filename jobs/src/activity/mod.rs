//! What everybody did, in one order: changes of the grid, imports, backups, jobs
//! that failed, and the audit log.
//!
//! Nothing is told twice. A change of the grid is told by its change set, which
//! knows what changed; an import or a backup by its own record, which knows what
//! came of it; all else by the audit log. That log is also a source of its own,
//! whole, with addresses.

mod cursor;
mod names;
mod streams;
mod told;

pub use cursor::Cursor;

use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use self::streams::Streams;
use crate::db::{Db, DbError};

/// Entries on one page at most.
pub const MOST: usize = 200;
/// Changes of one change set that are counted; beyond that there are "more".
pub const MOST_CHANGES: i64 = 1_000;

/// Where an entry comes from, as filters name it. Emails will be one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Change sets of the grid: edits, undo, imports without a record, automations.
    Changes,
    /// Imports that were applied.
    Imports,
    /// Backups taken.
    Backups,
    /// Jobs that failed for good.
    Jobs,
    /// The audit log.
    Audit,
}

impl Source {
    /// All of them, in the order of entries at one moment.
    pub const ALL: [Self; 5] = [
        Self::Changes,
        Self::Imports,
        Self::Backups,
        Self::Jobs,
        Self::Audit,
    ];

    /// As filters have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Imports => "imports",
            Self::Backups => "backups",
            Self::Jobs => "jobs",
            Self::Audit => "audit",
        }
    }

    /// Its place at one moment.
    fn rank(self) -> usize {
        Self::ALL.iter().position(|it| *it == self).unwrap_or(0)
    }
}

impl FromStr for Source {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|source| source.word() == word);
        found.ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|source| source.word()).collect();
            format!("there is no such source: use {}", all.join(", "))
        })
    }
}

/// Which entries to read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only this source. [`Source::Audit`] alone is the whole log, what others
    /// tell included.
    pub source: Option<Source>,
    /// Only this actor, such as `user:ID`.
    pub actor: Option<String>,
    /// Only this action of the audit log.
    pub action: Option<String>,
    /// From this moment on, UTC milliseconds.
    pub from: Option<i64>,
    /// Before this moment.
    pub to: Option<i64>,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Entries at most.
    pub limit: usize,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Entry {
    /// Unique within its source.
    pub id: String,
    /// Where it comes from.
    pub source: Source,
    /// UTC milliseconds.
    pub at: i64,
    /// Who: `user:ID`, `job:ID`, `schedule:NAME`, `shell` or `system`.
    pub by: String,
    /// What, such as `cells.changed`, `import.applied` or `user.disabled`.
    pub action: String,
    /// What it was done to, such as `row:ID`; may be empty.
    pub target: String,
    /// The name of that, if it is still there.
    pub name: Option<String>,
    /// Changes of the grid it made.
    pub changes: Option<i64>,
    /// At how many investors.
    pub rows: Option<i64>,
    /// There are more changes than were counted.
    pub has_more_changes: bool,
    /// More about it, in words; may be empty.
    pub note: String,
    /// Network address it came from; empty for all but the audit log.
    pub ip: String,
}

/// A page of entries.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Page {
    /// The newest first.
    pub entries: Vec<Entry>,
    /// Where it ended; none at the end.
    #[serde(skip)]
    pub next: Option<Cursor>,
}

/// What happened, the newest first.
pub async fn page(db: &Db, wanted: &Wanted) -> Result<Page, DbError> {
    let limit = wanted.limit.clamp(1, MOST);
    let mut conn = db.read().acquire().await?;
    let streams = Streams::new(wanted, limit + 1);
    let mut found = Vec::new();
    for source in Source::ALL {
        let is_wanted = wanted.source.is_none_or(|it| it == source);
        // Actions are words of the audit log.
        if is_wanted && (wanted.action.is_none() || source == Source::Audit) {
            found.extend(streams.read(&mut conn, source).await?);
        }
    }
    // Within a source the order is right already, and the sort keeps it.
    found.sort_by_key(|entry| (std::cmp::Reverse(entry.at), entry.source.rank()));
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(Cursor::behind);
    told::fill(&mut conn, &mut found).await?;
    names::fill(&mut conn, &mut found).await?;
    Ok(Page {
        entries: found,
        next,
    })
}
