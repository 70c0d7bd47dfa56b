//! What the database knows of backups.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqlitePool};

use super::{BackupError, take};
use crate::db::{DataDir, DbError, WriteTx};

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
    /// `nightly`, `manual`, `before_restore` or `before_upgrade`.
    pub kind: String,
    /// The age public key it is encrypted to; null: it is not.
    pub recipient: Option<String>,
    /// Of the second directory: `copied` or `failed`; null: there was none.
    pub second_state: Option<String>,
    /// Why it was not copied.
    pub second_error: Option<String>,
}

/// Backups that still exist, newest first, older than `before` if given.
pub async fn list(
    db: &SqlitePool,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Backup>, DbError> {
    sqlx::query_as(
        "select id, file_name, size_bytes, database_bytes, sha256, manifest, state, error, job_id, created_at, verified_at, kind, recipient, second_state, second_error
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
        "select id, file_name, size_bytes, database_bytes, sha256, manifest, state, error, job_id, created_at, verified_at, kind, recipient, second_state, second_error
         from backups where deleted_at is null and id = ?1",
    )
    .bind(id)
    .fetch_optional(db)
    .await
}

/// The newest backup that was read back well.
pub async fn newest_verified(db: &SqlitePool) -> Result<Option<Backup>, DbError> {
    sqlx::query_as(
        "select id, file_name, size_bytes, database_bytes, sha256, manifest, state, error, job_id, created_at, verified_at, kind, recipient, second_state, second_error
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

/// Why a backup stays.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// No such backup.
    #[error("there is no such backup")]
    Missing,
    /// It is the one that would be needed.
    #[error("this is the newest verified backup: it stays until a newer one is verified")]
    NewestVerified,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Marks a backup as gone on somebody's wish; its files may be removed once this
/// is committed. The newest verified one is never removed.
pub async fn remove(tx: &mut WriteTx, id: &str) -> Result<String, RemoveError> {
    let newest: Option<String> = sqlx::query_scalar(
        "select id from backups where deleted_at is null and state = 'verified' order by created_at desc limit 1",
    )
    .fetch_optional(&mut **tx)
    .await?;
    if newest.as_deref() == Some(id) {
        return Err(RemoveError::NewestVerified);
    }
    let file: Option<String> =
        sqlx::query_scalar("select file_name from backups where id = ?1 and deleted_at is null")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?;
    let file = file.ok_or(RemoveError::Missing)?;
    reserve_delete(tx, id).await?;
    Ok(file)
}

/// Removes the files of a backup that is off the record.
pub fn remove_files(dir: &DataDir, file: &str) -> Result<(), BackupError> {
    take::remove_stored(&dir.backups(), file)
}

/// Writes down how the copy to the second directory went.
pub(super) async fn set_second(
    tx: &mut WriteTx,
    id: &str,
    error: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query(
        "update backups set second_state = case when ?2 is null then 'copied' else 'failed' end, second_error = ?2 where id = ?1",
    )
    .bind(id)
    .bind(error)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Files of backups that are gone here and still lie in the second directory.
pub(super) async fn second_leftovers(db: &SqlitePool) -> Result<Vec<(String, String)>, DbError> {
    sqlx::query_as(
        "select id, file_name from backups where deleted_at is not null and second_state = 'copied'",
    )
    .fetch_all(db)
    .await
}

/// It is gone there too.
pub(super) async fn forget_second(tx: &mut WriteTx, id: &str) -> Result<(), DbError> {
    sqlx::query("update backups set second_state = null where id = ?1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Marks a backup as gone; its files may be removed once this is committed.
pub(super) async fn reserve_delete(tx: &mut WriteTx, id: &str) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query("update backups set deleted_at = ?2 where id = ?1 and deleted_at is null")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
