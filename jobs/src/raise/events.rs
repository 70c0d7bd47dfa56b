//! Reading the ledger: events, positions and totals as of any day.

use futures_util::TryStreamExt;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::book::{Book, Day, Entry, Position, Totals};
use crate::{db::DbError, funds::FundTerms};

/// After every day there is.
const EVER: &str = "9999-12-31";

/// One line of the ledger.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Event {
    /// Counts up.
    pub id: i64,
    /// The investor's row.
    pub row_id: String,
    /// The fund.
    pub fund_id: String,
    /// The stage whose amount changed.
    pub stage: String,
    /// Amount before, decimal text; null is none.
    pub before: Option<String>,
    /// Amount after.
    pub after: Option<String>,
    /// ISO 4217 code.
    pub currency: String,
    /// The day it counts from.
    pub happened_on: String,
    /// When it was written down, UTC milliseconds.
    pub at: i64,
    /// Who wrote it down.
    pub by: String,
    /// The grid version that it is part of.
    pub change_set_id: i64,
    /// In words.
    pub note: String,
    /// The other investor of a transfer.
    pub other_row_id: Option<String>,
}

/// Which events to read.
#[derive(Clone, Debug, Default)]
pub struct EventFilter<'a> {
    /// Of this fund.
    pub fund: Option<&'a str>,
    /// Of this investor.
    pub row: Option<&'a str>,
    /// Of this stage.
    pub stage: Option<&'a str>,
    /// On this day or before.
    pub until: Option<&'a str>,
    /// Written before this one.
    pub before: Option<i64>,
}

/// Events of live investors, the newest written first, at most `limit`.
pub async fn events(
    conn: &mut SqliteConnection,
    filter: &EventFilter<'_>,
    limit: i64,
) -> Result<Vec<Event>, DbError> {
    sqlx::query_as(
        "select e.id, e.row_id, e.fund_id, e.stage, e.before, e.after, e.currency, e.happened_on, e.at, e.by,
                e.change_set_id, e.note, e.other_row_id
         from commitment_events e join grid_rows r on r.id = e.row_id and r.deleted_at is null
         where (?1 is null or e.fund_id = ?1) and (?2 is null or e.row_id = ?2) and (?3 is null or e.stage = ?3)
           and (?4 is null or e.happened_on <= ?4) and (?5 is null or e.id < ?5)
         order by e.id desc limit ?6",
    )
    .bind(filter.fund)
    .bind(filter.row)
    .bind(filter.stage)
    .bind(filter.until)
    .bind(filter.before)
    .bind(limit.clamp(1, 500))
    .fetch_all(conn)
    .await
}

/// The book of a fund at the end of a day.
async fn book(
    conn: &mut SqliteConnection,
    fund: &str,
    until: Option<&str>,
) -> Result<Book, DbError> {
    let mut book = Book::default();
    let mut entries = sqlx::query_as::<_, Entry>(
        "select e.row_id, e.stage, e.column_id, e.after, e.happened_on
         from commitment_events e join grid_rows r on r.id = e.row_id and r.deleted_at is null
         where e.fund_id = ?1 and e.happened_on <= ?2 order by e.happened_on, e.id",
    )
    .bind(fund)
    .bind(until.unwrap_or(EVER))
    .fetch(conn);
    while let Some(entry) = entries.try_next().await? {
        book.enter(&entry);
    }
    Ok(book)
}

/// Where a fund stands at the end of a day.
pub async fn totals(
    conn: &mut SqliteConnection,
    fund: &FundTerms,
    as_of: &str,
) -> Result<Totals, DbError> {
    Ok(book(conn, &fund.id, Some(as_of)).await?.totals(fund, as_of))
}

/// Who has what in a fund at the end of a day, the furthest and most first.
pub async fn positions(
    conn: &mut SqliteConnection,
    fund: &str,
    as_of: &str,
    stage: Option<&str>,
) -> Result<Vec<Position>, DbError> {
    Ok(book(conn, fund, Some(as_of)).await?.positions(stage))
}

/// The days on which a fund's sums changed, oldest first.
pub async fn progress(conn: &mut SqliteConnection, fund: &str) -> Result<Vec<Day>, DbError> {
    Ok(book(conn, fund, None).await?.days())
}
