//! What the database knows of backups.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqlitePool};

use crate::db::{DbError, WriteTx};

/// A backup on record.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Backup {
    /// Time-ordered id.
    pub id: String,
    /// In the backup folder.
    pub file_name: String,
    /// Stored bytes.
    pub size_bytes: i64,
    /// Bytes once decompressed.
    pub database_bytes: i64,
    /// SHA-256 of the stored bytes.
    pub sha256: String,
    /// The manifest, JSON text.
    pub manifest: String,
    /// `verified` or `failed`.
    pub state: String,
    /// Why it failed.
    pub error: Option<String>,
    /// The job that took it.
    pub job_id: Option<i64>,
    /// UTC milliseconds.
    pub created_at: i64,
    /// When it was last read back well.
    pub verified_at: Option<i64>,
}

/// Backups that still exist, newest first, older than `before` if given.
pub async fn list(
    db: &SqlitePool,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Backup>, DbError> {
    sqlx::query_as(
        "select id, file_name, size_bytes, database_bytes, sha256, manifest, state, error, job_id, created_at, verified_at
         from backups where deleted_at is null and created_at < coalesce(?1, 9223372036854775807)
         order by created_at desc limit ?2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// One backup that still exists.
pub async fn find(db: &SqlitePool, id: &str) -> Result<Option<Backup>, DbError> {
    sqlx::query_as(
        "select id, file_name, size_bytes, database_bytes, sha256, manifest, state, error, job_id, created_at, verified_at
         from backups where deleted_at is null and id = ?1",
    )
    .bind(id)
    .fetch_optional(db)
    .await
}

/// The newest backup that was read back well.
pub async fn newest_verified(db: &SqlitePool) -> Result<Option<Backup>, DbError> {
    sqlx::query_as(
        "select id, file_name, size_bytes, database_bytes, sha256, manifest, state, error, job_id, created_at, verified_at
         from backups where deleted_at is null and state = 'verified' order by created_at desc limit 1",
    )
    .fetch_optional(db)
    .await
}

/// Writes down how a later verification went.
pub(crate) async fn set_verified(
    tx: &mut WriteTx,
    id: &str,
    error: Option<&str>,
) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "update backups
         set state = case when ?2 is null then 'verified' else 'failed' end, error = ?2,
             verified_at = case when ?2 is null then ?3 else verified_at end
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(error)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Marks a backup as gone; its files may be removed once this is committed.
pub async fn reserve_delete(tx: &mut WriteTx, id: &str) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query("update backups set deleted_at = ?2 where id = ?1 and deleted_at is null")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
