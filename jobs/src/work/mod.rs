//! Tasks and reminders: the people's kind of work.

mod interactions;

use crate::db::{DbError, WriteTx};

pub use interactions::{CONTACT_KINDS, NewInteraction, add_interaction, remove_interaction};

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

/// Adds an open task for the team. Returns its id.
pub async fn add_task(tx: &mut WriteTx, task: &NewTask<'_>) -> Result<String, DbError> {
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into tasks (id, row_id, title, due_on, created_by, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
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
