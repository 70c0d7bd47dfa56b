//! Everything that happened around one investor, in one order.
//!
//! Each kind of event is a stream of its own, read by its own index a page at a
//! time; the streams are merged here. So a page costs the same whether there
//! are twenty events or twenty thousand.

mod cursor;
mod fill;
mod streams;
mod what;

pub use cursor::Cursor;
pub use what::{Event, Kind, What};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::SqliteConnection;

use self::streams::{STREAMS, Streams};
use crate::db::DbError;

/// Events on one page at most.
pub const MOST: usize = 100;

/// What a page shall show.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Kinds of events.
    pub kinds: &'a [Kind],
    /// Where the page before ended.
    pub after: Option<&'a Cursor>,
    /// Events at most.
    pub limit: usize,
    /// The day it is, for tasks that are hidden until one.
    pub today: Date,
}

/// A page of a timeline.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Page {
    /// The newest first.
    pub events: Vec<Event>,
    /// Send it back as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// The events of an investor, the newest first. Of what several kinds tell, the
/// changes tell only what no kind that is shown does.
pub async fn page(
    conn: &mut SqliteConnection,
    row: &str,
    wanted: &Wanted<'_>,
) -> Result<Page, DbError> {
    let limit = wanted.limit.clamp(1, MOST);
    let (shown, after) = (wanted.kinds, wanted.after);
    let streams = Streams::new(conn, row, wanted, limit + 1).await?;
    let mut found = Vec::new();
    for (stream, kind) in STREAMS {
        if shown.contains(&kind) {
            let events = streams.read(conn, stream).await?;
            found.extend(events.into_iter().map(|event| (stream, event)));
        }
    }
    // Within a stream the order is already right, and the sort keeps it.
    found.sort_by_key(|(stream, event)| (std::cmp::Reverse(event.at), *stream));
    let has_more = found.len() > limit;
    let rest = found.split_off(limit.min(found.len()));
    let next_cursor = match found.last() {
        Some(last) if has_more => Some(Cursor::behind(last, &found, &rest, after).to_string()),
        _ => None,
    };
    let mut events: Vec<Event> = found.into_iter().map(|(_, event)| event).collect();
    streams.fill(conn, &mut events).await?;
    Ok(Page {
        events,
        next_cursor,
    })
}

#[cfg(test)]
mod tests;
