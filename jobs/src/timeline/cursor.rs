//! Where a page ended.

use std::{fmt, str::FromStr};

use super::{
    Event,
    streams::{CHANGES, LISTS},
};

/// The last event of a page: its time, its stream and its id. Streams of change
/// sets count by set, because a clock that was put back would leave them out
/// of order; for these the next set is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) at: i64,
    pub(super) stream: u8,
    pub(super) id: String,
    /// The next page's change sets lie below this.
    pub(super) changes_below: i64,
    /// So do its moves from list to list.
    pub(super) lists_below: i64,
}

impl Cursor {
    /// Behind the last event of a page, of which `rest` was left over.
    pub(super) fn behind(
        (stream, last): &(u8, Event),
        page: &[(u8, Event)],
        rest: &[(u8, Event)],
        before: Option<&Self>,
    ) -> Self {
        let of = |events: &[(u8, Event)], wanted: u8| -> Vec<i64> {
            let those = events.iter().filter(|(stream, _)| *stream == wanted);
            those
                .filter_map(|(_, event)| event.id.parse().ok())
                .collect()
        };
        let below = |wanted: u8, known: Option<i64>| {
            // The lowest that was shown; else what is above the first left over.
            let shown = of(page, wanted).into_iter().min();
            let left = of(rest, wanted).into_iter().max().map(|set| set + 1);
            shown.or(left).or(known).unwrap_or(0)
        };
        Self {
            at: last.at,
            stream: *stream,
            id: last.id.clone(),
            changes_below: below(CHANGES, before.map(|c| c.changes_below)),
            lists_below: below(LISTS, before.map(|c| c.lists_below)),
        }
    }

    /// Events of a stream that follow are below this, as (time, id).
    pub(super) fn bound(cursor: Option<&Self>, stream: u8) -> (i64, &str) {
        match cursor {
            None => (i64::MAX, ""),
            Some(c) if stream < c.stream => (c.at, ""),
            Some(c) if stream == c.stream => (c.at, &c.id),
            Some(c) => (c.at.saturating_add(1), ""),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}.{}.{}",
            self.at, self.stream, self.changes_below, self.lists_below, self.id
        )
    }
}

impl FromStr for Cursor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "send back the cursor of the last answer".to_owned();
        let parts: Vec<&str> = text.splitn(5, '.').collect();
        let [at, stream, changes, lists, id] = parts.as_slice() else {
            return Err(wrong());
        };
        let number = |text: &str| text.parse::<i64>().map_err(|_| wrong());
        if id.is_empty() || id.len() > 64 {
            return Err(wrong());
        }
        Ok(Self {
            at: number(at)?,
            stream: stream.parse().map_err(|_| wrong())?,
            changes_below: number(changes)?,
            lists_below: number(lists)?,
            id: (*id).to_owned(),
        })
    }
}
