//! Reading the grid: live rows only, everywhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sqlx::{FromRow, SqliteConnection};

use super::{Column, ColumnOptions, ColumnType, Row, State};
use crate::db::DbError;

#[derive(FromRow)]
struct ColumnRecord {
    id: String,
    name: String,
    #[sqlx(rename = "type")]
    kind: String,
    options: String,
    position: i64,
    hidden: bool,
}

impl ColumnRecord {
    fn into_column(self) -> Result<Column, DbError> {
        let kind = ColumnType::parse(&self.kind)
            .ok_or_else(|| sqlx::Error::Decode(format!("column type {:?}", self.kind).into()))?;
        let options: ColumnOptions =
            serde_json::from_str(&self.options).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        Ok(Column {
            id: self.id,
            name: self.name,
            kind,
            options,
            position: self.position,
            hidden: self.hidden,
        })
    }
}

#[derive(FromRow)]
pub(super) struct RowRecord {
    id: String,
    position: i64,
    version: i64,
    cells: String,
    list: String,
    list_since_at: i64,
    list_by: String,
    list_reason: String,
    created_at: i64,
    created_by: String,
    updated_at: i64,
    updated_by: String,
    archived_at: Option<i64>,
    archive_reason: Option<String>,
}

impl RowRecord {
    pub(super) fn into_row(self) -> Result<Row, DbError> {
        let cells: Map<String, Value> =
            serde_json::from_str(&self.cells).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        Ok(Row {
            id: self.id,
            position: self.position,
            version: self.version,
            cells,
            list: self.list,
            list_since_at: self.list_since_at,
            list_by: self.list_by,
            list_reason: self.list_reason,
            created_at: self.created_at,
            created_by: self.created_by,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
            archived_at: self.archived_at,
            archive_reason: self.archive_reason,
        })
    }
}

/// The grid's version and last change.
pub async fn state(conn: &mut SqliteConnection) -> Result<State, DbError> {
    sqlx::query_as("select version, updated_at, updated_by from grid_state where id = 1")
        .fetch_one(conn)
        .await
}

/// Live columns from left to right.
pub async fn columns(conn: &mut SqliteConnection) -> Result<Vec<Column>, DbError> {
    let records: Vec<ColumnRecord> = sqlx::query_as(
        "select id, name, type, options, position, hidden from grid_columns where deleted_at is null order by position, id",
    )
    .fetch_all(conn)
    .await?;
    records.into_iter().map(ColumnRecord::into_column).collect()
}

/// Columns that history may name, deleted ones included.
pub async fn all_columns(conn: &mut SqliteConnection) -> Result<BTreeMap<String, Column>, DbError> {
    let records: Vec<ColumnRecord> =
        sqlx::query_as("select id, name, type, options, position, hidden from grid_columns")
            .fetch_all(conn)
            .await?;
    records
        .into_iter()
        .map(|r| Ok((r.id.clone(), r.into_column()?)))
        .collect()
}

/// One live row, archived or not.
pub async fn row(conn: &mut SqliteConnection, id: &str) -> Result<Option<Row>, DbError> {
    Ok(rows_by_id(conn, &[id.to_owned()]).await?.pop())
}

/// Live rows of these ids, archived or not, by position.
pub async fn rows_by_id(conn: &mut SqliteConnection, ids: &[String]) -> Result<Vec<Row>, DbError> {
    let records: Vec<RowRecord> = sqlx::query_as(
        "select id, position, version, cells, list, list_since_at, list_by, list_reason, created_at, created_by,
                updated_at, updated_by, archived_at, archive_reason
         from grid_rows where deleted_at is null and id in (select value from json_each(?1)) order by position, id",
    )
    .bind(Value::from(ids).to_string())
    .fetch_all(conn)
    .await?;
    records.into_iter().map(RowRecord::into_row).collect()
}

/// Deleted rows of these ids: for restoring them, and to tell a deleted row from
/// one that never was.
pub(super) async fn deleted_rows_by_id(
    conn: &mut SqliteConnection,
    ids: &[String],
) -> Result<Vec<Row>, DbError> {
    let records: Vec<RowRecord> = sqlx::query_as(
        "select id, position, version, cells, list, list_since_at, list_by, list_reason, created_at, created_by,
                updated_at, updated_by, archived_at, archive_reason
         from grid_rows where deleted_at is not null and id in (select value from json_each(?1))",
    )
    .bind(Value::from(ids).to_string())
    .fetch_all(conn)
    .await?;
    records.into_iter().map(RowRecord::into_row).collect()
}

/// All live rows, archived ones included, by position.
pub async fn all_rows(conn: &mut SqliteConnection) -> Result<Vec<Row>, DbError> {
    let records: Vec<RowRecord> = sqlx::query_as(
        "select id, position, version, cells, list, list_since_at, list_by, list_reason, created_at, created_by,
                updated_at, updated_by, archived_at, archive_reason
         from grid_rows where deleted_at is null order by position, id",
    )
    .fetch_all(conn)
    .await?;
    records.into_iter().map(RowRecord::into_row).collect()
}

/// Live rows in the views, by list, and archived ones.
#[derive(Clone, Debug, Default)]
pub struct ListCounts {
    /// List → rows; every list is there.
    pub lists: BTreeMap<String, i64>,
    /// Rows out of the views.
    pub archived: i64,
}

impl ListCounts {
    /// Rows of all lists together.
    pub fn all(&self) -> i64 {
        self.lists.values().sum()
    }
}

/// How many rows each list has.
pub async fn list_counts(conn: &mut SqliteConnection) -> Result<ListCounts, DbError> {
    let rows: Vec<(String, bool, i64)> = sqlx::query_as(
        "select list, archived_at is not null, count(*) from grid_rows where deleted_at is null group by 1, 2",
    )
    .fetch_all(conn)
    .await?;
    let mut counts = ListCounts {
        lists: super::LISTS.iter().map(|l| ((*l).to_owned(), 0)).collect(),
        archived: 0,
    };
    for (list, archived, count) in rows {
        if archived {
            counts.archived += count;
        } else {
            *counts.lists.entry(list).or_default() += count;
        }
    }
    Ok(counts)
}
