//! What is told of a person: contacts, notes, tasks and files that name them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use sqlx::{FromRow, SqliteConnection};

use crate::db::DbError;

/// Something that names a person.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Told {
    /// `contact`, `note`, `task` or `file`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The investor it is about; none for a task about the person alone.
    pub row_id: Option<String>,
    /// UTC milliseconds.
    pub at: i64,
    /// Who wrote it.
    pub by: String,
    /// The note, the title, the name of the file; `call: …` for contacts.
    pub text: String,
}

/// When somebody was in touch with a person, UTC milliseconds.
#[derive(Clone, Copy, Debug, FromRow, Serialize, JsonSchema)]
pub struct InTouch {
    /// The first time.
    pub first_at: Option<i64>,
    /// The last time.
    pub last_at: Option<i64>,
}

/// What names these ids of one person, the newest first, at most `limit`.
pub async fn told(
    conn: &mut SqliteConnection,
    family: &[String],
    limit: i64,
) -> Result<Vec<Told>, DbError> {
    sqlx::query_as(
        "with whom (id) as (select value from json_each(?1))
         select t.kind, t.id, t.row_id, t.at, t.by, t.text from (
           select 'contact' as kind, i.id, i.row_id, i.at, i.created_by as by,
                  i.kind || ': ' || coalesce((select n.body from notes n where n.interaction_id = i.id and n.deleted_at is null limit 1), i.note) as text
           from interactions i where i.contact_id in whom and i.deleted_at is null
           union all
           select 'note', n.id, n.row_id, n.created_at, n.created_by, n.body
           from notes n where n.contact_id in whom and n.deleted_at is null and n.interaction_id is null
           union all
           select 'task', k.id, k.row_id, k.created_at, k.created_by, k.title
           from tasks k where k.contact_id in whom and k.deleted_at is null
           union all
           select 'file', f.id, f.row_id, f.created_at, f.created_by, f.name
           from files f where f.contact_id in whom and f.deleted_at is null) t
         left join grid_rows r on r.id = t.row_id
         where t.row_id is null or r.deleted_at is null
         order by t.at desc, t.id desc limit ?2",
    )
    .bind(json!(family).to_string())
    .bind(limit.clamp(1, 200))
    .fetch_all(conn)
    .await
}

/// When somebody was first and last in touch with a person.
pub async fn in_touch(conn: &mut SqliteConnection, family: &[String]) -> Result<InTouch, DbError> {
    sqlx::query_as(
        "select min(t.at) as first_at, max(t.at) as last_at from (
           select i.at from interactions i join grid_rows r on r.id = i.row_id and r.deleted_at is null
           where i.contact_id in (select value from json_each(?1)) and i.deleted_at is null
           union all
           select l.sent_at from email_links l join emails e on e.id = l.email_id and e.deleted_at is null and e.is_matched = 1
           join grid_rows r on r.id = l.row_id and r.deleted_at is null
           where l.contact_id in (select value from json_each(?1)) and l.deleted_at is null) t",
    )
    .bind(json!(family).to_string())
    .fetch_one(conn)
    .await
}
