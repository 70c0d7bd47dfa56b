//! What was deleted: listed, and purged for good by an admin.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::{
    Applied, ChangeBy, Column, GridError, Row,
    apply::{Work, change, missing},
    read,
};
use crate::db::{DbError, WriteTx};

/// Deleted rows and columns.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Trash {
    /// Newest first, at most as many as asked for.
    pub rows: Vec<TrashedRow>,
    /// Deleted columns, newest first.
    pub columns: Vec<TrashedColumn>,
}

/// A deleted row.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TrashedRow {
    /// Row id.
    pub id: String,
    /// Text of its first cell.
    pub title: String,
    /// UTC milliseconds.
    pub deleted_at: i64,
    /// Who changed it last: the one who deleted it.
    pub deleted_by: String,
}

/// A deleted column.
#[derive(Debug, Serialize, JsonSchema, FromRow)]
pub struct TrashedColumn {
    /// Column id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// UTC milliseconds.
    pub deleted_at: i64,
}

/// What is in the trash: rows deleted before `before`, newest first.
pub async fn trash(
    conn: &mut SqliteConnection,
    before: Option<i64>,
    limit: i64,
) -> Result<Trash, DbError> {
    let columns: Vec<Column> = read::columns(conn).await?;
    let found: Vec<(String, i64)> = sqlx::query_as(
        "select id, deleted_at from grid_rows
         where deleted_at is not null and deleted_at < coalesce(?1, 9223372036854775807)
         order by deleted_at desc, id limit ?2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<String> = found.iter().map(|(id, _)| id.clone()).collect();
    let rows = read::deleted_rows_by_id(conn, &ids).await?;
    let row = |id: &str| rows.iter().find(|r| r.id == id);
    let trashed = |(id, deleted_at): (String, i64)| {
        let row: &Row = row(&id)?;
        Some(TrashedRow {
            title: row.title(&columns),
            deleted_by: row.updated_by.clone(),
            id,
            deleted_at,
        })
    };
    Ok(Trash {
        rows: found.into_iter().filter_map(trashed).collect(),
        columns: sqlx::query_as(
            "select id, name, deleted_at from grid_columns where deleted_at is not null order by deleted_at desc, id limit 200",
        )
        .fetch_all(conn)
        .await?,
    })
}

/// Erases a deleted row, its history and its closed tasks. `typed` must be its
/// title. Refused while anything live points to it.
pub async fn purge(
    tx: &mut WriteTx,
    id: &str,
    typed: &str,
    by: &ChangeBy<'_>,
) -> Result<Applied, GridError> {
    let ids = [id.to_owned()];
    if read::rows_by_id(tx, &ids).await?.pop().is_some() {
        return Err(GridError::invalid(
            "not_deleted",
            "id",
            "only a deleted row can be purged: delete it first",
        ));
    }
    let row = read::deleted_rows_by_id(tx, &ids)
        .await?
        .pop()
        .ok_or_else(|| missing("row", id))?;
    let title = row.title(&read::columns(tx).await?);
    if typed.trim() != title {
        return Err(GridError::invalid(
            "not_confirmed",
            "confirm",
            format!("type the row's name, {title:?}, to purge it"),
        ));
    }
    let open: i64 = sqlx::query_scalar(
        "select count(*) from tasks where row_id = ?1 and deleted_at is null and status in ('open', 'snoozed')",
    )
    .bind(id)
    .fetch_one(&mut **tx)
    .await?;
    if open > 0 {
        return Err(GridError::invalid(
            "still_in_use",
            "id",
            format!("{open} open tasks are about this row: close them first"),
        ));
    }
    for sql in [
        "delete from tasks where row_id = ?1",
        "delete from interactions where row_id = ?1",
        "delete from commitment_events where row_id = ?1",
        "delete from stage_events where row_id = ?1",
        "delete from opportunities where row_id = ?1",
        "delete from email_drafts where row_id = ?1",
        "delete from email_proposals where row_id = ?1",
        "delete from search_entries where kind = 'email' and row_id = ?1",
        "delete from email_links where row_id = ?1",
        "delete from email_near_matches where row_id = ?1",
        "delete from email_book where row_id = ?1",
        "delete from digest_notices where row_id = ?1",
        // A letter that names them is kept nowhere, nor sent again.
        "update digest_deliveries set state = 'skipped', error = 'Its text was removed: it told of a purged investor'
         where state in ('failed', 'unknown') and digest_id in (select id from digests where instr(facts, ?1) > 0)",
        "update digests set facts = null, subject = '', html = '', text = '',
           error = 'Its text was removed: it told of a purged investor' where instr(facts, ?1) > 0",
        "delete from digest_narratives where row_id = ?1",
        "delete from automation_watch where row_id = ?1",
        // That a rule fired stays; for whom and what it saw goes.
        "update automation_runs set row_title = 'A purged investor', facts = '{}', steps = '[]', outcome = '' where row_id = ?1",
        "delete from grid_changes where row_id = ?1",
        "delete from grid_rows where id = ?1",
    ] {
        sqlx::query(sql).bind(id).execute(&mut **tx).await?;
    }
    let mut work = Work::load(tx, &[]).await?;
    // The name is gone too: history keeps that something was purged, not what.
    work.changes
        .push(change("purged", Some(id), None, None, None));
    work.write(tx, by).await
}
