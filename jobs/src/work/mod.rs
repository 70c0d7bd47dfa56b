//! Tasks and reminders, and who was in touch with whom: the people's kind of work.

mod agenda;
mod check;
pub mod due;
pub mod feed;
mod interactions;
mod log;
mod repeat;
mod tasks;

pub(crate) use check::{contact_exists, row_is_live};

pub use agenda::{Due, TaskFilter, TaskPage, Whose, end_of_week, list, open_for, open_of_row};
pub use interactions::{
    CONTACT_KINDS, Contacts, NewInteraction, add_interaction, add_interaction_with,
    contacts_of_row, remove_interaction,
};
pub use log::{Ambiguous, Communication, LogContact, Logged, Seen, log_communication, look_for};
pub(crate) use log::{pill_of, pills_with};
pub use repeat::{OFFERED as REPEATS, Repeat};
pub use tasks::{
    Edited, Finished, Task, TaskChange, TaskDraft, add, edit, find, finish, remove, reopen,
    restore, snooze,
};

use jiff::{civil::Date, tz::TimeZone};
use sqlx::SqliteConnection;

use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
    settings,
};

/// A task to be added.
#[derive(Clone, Debug)]
pub struct NewTask<'a> {
    /// The investor it is about.
    pub row: &'a str,
    /// What is to be done.
    pub title: &'a str,
    /// `2026-03-31`.
    pub due_on: &'a str,
    /// The actor.
    pub by: &'a str,
}

/// Adds an open task for the team, unchecked: for samples and tests, whose rows
/// are known. Returns its id.
pub async fn add_task(tx: &mut WriteTx, task: &NewTask<'_>) -> Result<String, DbError> {
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into tasks (id, row_id, title, due_on, created_by, created_at, updated_at, updated_by)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?5)",
    )
    .bind(&id)
    .bind(task.row)
    .bind(task.title)
    .bind(task.due_on)
    .bind(task.by)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// A text of one line within its limits, trimmed.
pub(crate) fn checked_line(
    field: &'static str,
    text: &str,
    most: usize,
) -> Result<String, GridError> {
    check::text(field, text, most, false)
}

/// A long text within its limits, trimmed, with plain line ends.
pub(crate) fn checked_text(
    field: &'static str,
    text: &str,
    most: usize,
) -> Result<String, GridError> {
    check::text(field, text, most, true)
}

/// The fund's zone, UTC until somebody says otherwise.
pub async fn zone(conn: &mut SqliteConnection) -> Result<TimeZone, DbError> {
    let name: Option<String> =
        sqlx::query_scalar("select value ->> '$' from settings where key = ?1")
            .bind(settings::FUND_ZONE)
            .fetch_optional(conn)
            .await?;
    let known = name.and_then(|name| TimeZone::get(&name).ok());
    Ok(known.unwrap_or(TimeZone::UTC))
}

/// The day it is in the fund's zone.
pub async fn today(conn: &mut SqliteConnection, now: i64) -> Result<Date, DbError> {
    let zone = zone(conn).await?;
    Ok(day_of(&zone, now))
}

/// The day of a moment in a zone.
pub fn day_of(zone: &TimeZone, at: i64) -> Date {
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    at.to_zoned(zone.clone()).date()
}
