//! Where a page ended.

use std::{fmt, str::FromStr};

use super::{Entry, Source};

/// The last entry of a page: its time, its source and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    at: i64,
    source: Source,
    id: String,
}

impl Cursor {
    pub(super) fn behind(last: &Entry) -> Self {
        Self {
            at: last.at,
            source: last.source,
            id: last.id.clone(),
        }
    }

    /// Entries of a source that follow are below this, as (time, id). Ids that
    /// count start at 1, and no text is below the empty one.
    pub(super) fn bound(cursor: Option<&Self>, source: Source) -> (i64, &str) {
        match cursor {
            None => (i64::MAX, ""),
            Some(c) if source == c.source => (c.at, &c.id),
            Some(c) if source.rank() < c.source.rank() => (c.at, ""),
            Some(c) => (c.at.saturating_add(1), ""),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.at, self.source.word(), self.id)
    }
}

impl FromStr for Cursor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "send back the cursor of the last answer".to_owned();
        let mut parts = text.splitn(3, '.');
        let at = parts.next().and_then(|at| at.parse().ok());
        let source = parts.next().and_then(|source| source.parse().ok());
        let id = parts.next().filter(|id| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            (1..=64).contains(&id.len()) && id.chars().all(is_plain)
        });
        match (at, source, id) {
            (Some(at), Some(source), Some(id)) => Ok(Self {
                at,
                source,
                id: id.to_owned(),
            }),
            _ => Err(wrong()),
        }
    }
}
