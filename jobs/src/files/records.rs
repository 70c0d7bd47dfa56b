//! What the database knows of files.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
};

/// Files of one investor shown at most.
const MOST: i64 = 500;

/// A file at an investor.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, JsonSchema)]
pub struct File {
    /// Time-ordered id.
    pub id: String,
    /// The investor.
    pub row_id: String,
    /// The person it is about.
    pub contact_id: Option<String>,
    /// As it was named, cleaned.
    pub name: String,
    /// By its content.
    pub media_type: String,
    /// How large it is.
    pub size_bytes: i64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// UTC milliseconds.
    pub created_at: i64,
    /// Who: `user:ID`, `job:ID` or `system`.
    pub created_by: String,
}

pub(super) struct NewFile<'a> {
    pub(super) row: &'a str,
    pub(super) contact: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) media_type: &'a str,
    pub(super) size: i64,
    pub(super) sha256: &'a str,
    pub(super) by: &'a str,
}

pub(super) async fn add(tx: &mut WriteTx, new: &NewFile<'_>) -> Result<File, GridError> {
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into files (id, row_id, contact_id, name, media_type, size_bytes, sha256, created_at, created_by)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(&id)
    .bind(new.row)
    .bind(new.contact)
    .bind(new.name)
    .bind(new.media_type)
    .bind(new.size)
    .bind(new.sha256)
    .bind(now)
    .bind(new.by)
    .execute(&mut **tx)
    .await?;
    known(tx, &id).await
}

/// One file that is not deleted, at an investor that is not.
pub async fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<File>, DbError> {
    sqlx::query_as(
        "select f.id, f.row_id, f.contact_id, f.name, f.media_type, f.size_bytes, f.sha256, f.created_at, f.created_by
         from files f join grid_rows r on r.id = f.row_id
         where f.id = ?1 and f.deleted_at is null and r.deleted_at is null",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

/// The files of an investor, the newest first, at most 500.
pub async fn of_row(conn: &mut SqliteConnection, row: &str) -> Result<Vec<File>, DbError> {
    sqlx::query_as(
        "select f.id, f.row_id, f.contact_id, f.name, f.media_type, f.size_bytes, f.sha256, f.created_at, f.created_by
         from files f join grid_rows r on r.id = f.row_id
         where f.row_id = ?1 and f.deleted_at is null and r.deleted_at is null
         order by f.created_at desc, f.id desc limit ?2",
    )
    .bind(row)
    .bind(MOST)
    .fetch_all(conn)
    .await
}

async fn known(conn: &mut SqliteConnection, id: &str) -> Result<File, GridError> {
    find(conn, id).await?.ok_or_else(|| GridError::Missing {
        what: "file",
        id: id.to_owned(),
    })
}

/// Deletes a file (softly). Returns it as it was.
pub async fn remove(tx: &mut WriteTx, id: &str, by: &str) -> Result<File, GridError> {
    let file = known(tx, id).await?;
    let now = tx.now();
    sqlx::query(
        "update files set deleted_at = ?2, deleted_by = ?3 where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(file)
}

/// Brings a deleted file back, as long as it is remembered.
pub async fn restore(tx: &mut WriteTx, id: &str) -> Result<File, GridError> {
    sqlx::query("update files set deleted_at = null, deleted_by = null where id = ?1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    known(tx, id).await
}
