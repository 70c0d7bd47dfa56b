//! Notes read: live ones of live rows.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::mentions::{self, Mention};
use crate::db::DbError;

/// A note on an investor.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// Time-ordered id.
    pub id: String,
    /// The investor.
    pub row_id: String,
    /// The person it is about.
    pub contact_id: Option<String>,
    /// The name of that person.
    pub contact_name: Option<String>,
    /// The call or meeting it tells of.
    pub interaction_id: Option<String>,
    /// Markdown.
    pub body: String,
    /// On top of the others.
    pub pinned: bool,
    /// UTC milliseconds.
    pub created_at: i64,
    /// Who: `user:ID`, `job:ID` or `system`.
    pub created_by: String,
    /// Last change; send it back to change only what you saw.
    pub updated_at: i64,
    /// Who.
    pub updated_by: String,
    /// How often its text was changed.
    pub edits: i64,
    /// Members it calls on.
    #[sqlx(skip)]
    pub mentions: Vec<Mention>,
}

/// One live note.
pub async fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<Note>, DbError> {
    let note: Option<Note> = sqlx::query_as(
        "select n.id, n.row_id, n.contact_id, c.name as contact_name, n.interaction_id, n.body, n.pinned,
                n.created_at, n.created_by, n.updated_at, n.updated_by,
                (select count(*) from note_versions v where v.note_id = n.id) as edits
         from notes n join grid_rows r on r.id = n.row_id left join contacts c on c.id = n.contact_id
         where n.id = ?1 and n.deleted_at is null and r.deleted_at is null",
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await?;
    Ok(with_mentions(conn, note.into_iter().collect()).await?.pop())
}

/// Notes of an investor, the newest first; older than the one at `before`.
pub async fn of_row(
    conn: &mut SqliteConnection,
    row: &str,
    before: Option<(i64, &str)>,
    limit: i64,
) -> Result<Vec<Note>, DbError> {
    let (at, id) = before.unwrap_or((i64::MAX, ""));
    let notes = sqlx::query_as(
        "select n.id, n.row_id, n.contact_id, c.name as contact_name, n.interaction_id, n.body, n.pinned,
                n.created_at, n.created_by, n.updated_at, n.updated_by,
                (select count(*) from note_versions v where v.note_id = n.id) as edits
         from notes n join grid_rows r on r.id = n.row_id left join contacts c on c.id = n.contact_id
         where n.row_id = ?1 and n.deleted_at is null and r.deleted_at is null and (n.created_at, n.id) < (?2, ?3)
         order by n.created_at desc, n.id desc limit ?4",
    )
    .bind(row)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    with_mentions(conn, notes).await
}

/// Pinned notes of an investor, the newest first, at most 20.
pub async fn pinned(conn: &mut SqliteConnection, row: &str) -> Result<Vec<Note>, DbError> {
    let notes = sqlx::query_as(
        "select n.id, n.row_id, n.contact_id, c.name as contact_name, n.interaction_id, n.body, n.pinned,
                n.created_at, n.created_by, n.updated_at, n.updated_by,
                (select count(*) from note_versions v where v.note_id = n.id) as edits
         from notes n left join contacts c on c.id = n.contact_id
         where n.row_id = ?1 and n.pinned = 1 and n.deleted_at is null
         order by n.created_at desc, n.id desc limit 20",
    )
    .bind(row)
    .fetch_all(&mut *conn)
    .await?;
    with_mentions(conn, notes).await
}

/// Fills in whom notes mention.
pub(crate) async fn with_mentions(
    conn: &mut SqliteConnection,
    mut notes: Vec<Note>,
) -> Result<Vec<Note>, DbError> {
    let ids: Vec<&str> = notes.iter().map(|n| n.id.as_str()).collect();
    let mut found: HashMap<String, Vec<Mention>> = mentions::of_notes(conn, &ids).await?;
    for note in &mut notes {
        note.mentions = found.remove(&note.id).unwrap_or_default();
    }
    Ok(notes)
}

/// A note that calls on somebody, for their day.
#[derive(Clone, Debug, FromRow)]
pub struct Mentioned {
    /// The note.
    pub id: String,
    /// The investor.
    pub row_id: String,
    /// Markdown.
    pub body: String,
    /// When they were mentioned.
    pub at: i64,
    /// Who wrote it.
    pub by: String,
}

/// Notes that mention a member since a moment, the newest first. Their own
/// notes tell them nothing new.
pub async fn mentioning(
    conn: &mut SqliteConnection,
    user: &str,
    since: i64,
    limit: i64,
) -> Result<Vec<Mentioned>, DbError> {
    sqlx::query_as(
        "select n.id, n.row_id, n.body, max(m.at) as at, n.updated_by as by
         from note_mentions m join notes n on n.id = m.note_id join grid_rows r on r.id = n.row_id
         where m.user_id = ?1 and m.at >= ?2 and n.deleted_at is null and r.deleted_at is null
           and n.created_by <> 'user:' || ?1
         group by n.id order by at desc limit ?3",
    )
    .bind(user)
    .bind(since)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// What a note said before its edits.
#[derive(Clone, Debug, FromRow)]
pub struct NoteVersion {
    /// Markdown.
    pub body: String,
    /// When it was written, UTC milliseconds.
    pub at: i64,
    /// By whom.
    pub by: String,
}

/// Earlier texts of a note, the newest first, at most 50.
pub async fn versions(
    conn: &mut SqliteConnection,
    note: &str,
) -> Result<Vec<NoteVersion>, DbError> {
    sqlx::query_as(
        "select body, at, by from note_versions where note_id = ?1 order by id desc limit 50",
    )
    .bind(note)
    .fetch_all(conn)
    .await
}
