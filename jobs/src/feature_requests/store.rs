//! Requests read: live ones.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::db::DbError;

/// A wish.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct FeatureRequest {
    /// Time-ordered id.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// In more words; may be empty.
    pub body: String,
    /// `open`, `planned`, `done` or `declined`.
    pub status: String,
    /// The word that came with the status; may be empty.
    pub answer: String,
    /// The admin who said so: a user's id.
    pub answered_by: Option<String>,
    /// When, UTC milliseconds.
    pub answered_at: Option<i64>,
    /// Whose wish it is: a user's id.
    pub created_by: String,
    /// UTC milliseconds.
    pub created_at: i64,
    /// UTC milliseconds.
    pub updated_at: i64,
    /// How many wish it too.
    pub votes: i64,
    /// You do.
    pub is_voted: bool,
}

/// Requests as one member sees them: the most wished for first.
pub async fn list(
    conn: &mut SqliteConnection,
    status: Option<&str>,
    user: &str,
    limit: i64,
    offset: i64,
) -> Result<Vec<FeatureRequest>, DbError> {
    sqlx::query_as(
        "select r.id, r.title, r.body, r.status, r.answer, r.answered_by, r.answered_at, r.created_by, r.created_at, r.updated_at,
                (select count(*) from feature_votes v where v.request_id = r.id) as votes,
                exists (select 1 from feature_votes v where v.request_id = r.id and v.user_id = ?2) as is_voted
         from feature_requests r
         where r.deleted_at is null and (?1 is null or r.status = ?1)
         order by votes desc, r.created_at desc, r.id desc limit ?3 offset ?4",
    )
    .bind(status)
    .bind(user)
    .bind(limit.clamp(1, 200))
    .bind(offset.max(0))
    .fetch_all(conn)
    .await
}

/// One request as one member sees it.
pub async fn find(
    conn: &mut SqliteConnection,
    id: &str,
    user: &str,
) -> Result<Option<FeatureRequest>, DbError> {
    sqlx::query_as(
        "select r.id, r.title, r.body, r.status, r.answer, r.answered_by, r.answered_at, r.created_by, r.created_at, r.updated_at,
                (select count(*) from feature_votes v where v.request_id = r.id) as votes,
                exists (select 1 from feature_votes v where v.request_id = r.id and v.user_id = ?2) as is_voted
         from feature_requests r where r.id = ?1 and r.deleted_at is null",
    )
    .bind(id)
    .bind(user)
    .fetch_optional(conn)
    .await
}

/// Status → how many; statuses without a request are left out.
pub async fn totals(conn: &mut SqliteConnection) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select status, count(*) from feature_requests where deleted_at is null group by status",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}
