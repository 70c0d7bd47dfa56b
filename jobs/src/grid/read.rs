//! Reading the grid: live rows only, everywhere.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sqlx::{FromRow, SqliteConnection};

use super::{Column, ColumnOptions, ColumnType, GridError, Row, State};
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

/// Which rows a page shows.
#[derive(Clone, Debug, Default)]
pub struct PageQuery {
    /// Only this list; `None` is all.
    pub list: Option<String>,
    /// Only rows with this text in a cell, as the cell holds it.
    pub search: Option<String>,
    /// Also rows whose cells hold one of these ids: of options, funds and users
    /// whose names contain the text.
    pub search_ids: Vec<String>,
    /// By position if absent.
    pub sort: Option<Sort>,
    /// Archived rows instead of those in the views.
    pub archived: bool,
    /// Counts from 1.
    pub page: i64,
    /// Rows a page, at most 500.
    pub per_page: i64,
}

/// By which column rows stand.
#[derive(Clone, Debug)]
pub struct Sort {
    /// The column.
    pub column: Column,
    /// Ids in the order of what they stand for, for cells that hold ids. Empty
    /// for the order of the column's own options.
    pub ranks: Vec<String>,
    /// From the end.
    pub descending: bool,
}

impl Sort {
    /// Where in `cells` the deciding value is: lists go by their first item.
    fn path(&self) -> String {
        let id = self.column.id.replace('"', "");
        match self.column.kind {
            ColumnType::Contacts => format!("$.\"{id}\"[0].name"),
            ColumnType::MultiSelect | ColumnType::Funds => format!("$.\"{id}\"[0]"),
            _ => format!("$.\"{id}\""),
        }
    }

    fn ranks(&self) -> Vec<String> {
        if self.ranks.is_empty() {
            let choices = self.column.options.choices.iter();
            choices.map(|c| c.id.clone()).collect()
        } else {
            self.ranks.clone()
        }
    }
}

/// One page of rows.
#[derive(Clone, Debug)]
pub struct RowPage {
    /// By position.
    pub rows: Vec<Row>,
    /// Over all pages.
    pub total: i64,
}

/// One page of live rows.
pub async fn page(conn: &mut SqliteConnection, query: &PageQuery) -> Result<RowPage, GridError> {
    let search = query
        .search
        .as_deref()
        .map(str::trim)
        .filter(|s| !s.is_empty());
    let pattern = search.map(like);
    let ids = Value::from(query.search_ids.clone()).to_string();
    let per_page = query.per_page.clamp(1, 500);
    let offset = (query.page.max(1) - 1).saturating_mul(per_page);
    let total: i64 = sqlx::query_scalar(
        "select count(*) from grid_rows
         where deleted_at is null and (archived_at is not null) = ?1 and (?2 is null or list = ?2)
           and (?3 is null or exists (select 1 from json_tree(cells)
                where atom is not null and (key is null or key <> 'id')
                  and (atom like ?3 escape '\\' or atom in (select value from json_each(?4)))))",
    )
    .bind(query.archived)
    .bind(&query.list)
    .bind(&pattern)
    .bind(&ids)
    .fetch_one(&mut *conn)
    .await?;
    let records: Vec<RowRecord> = if let Some(sort) = &query.sort {
        // Blanks last either way; options in their own order, amounts by value,
        // the rest by its text.
        sqlx::query_as(
            "with found as (
               select *, cells ->> ?7 as sort_value,
                      case when ?8 then cast(cells ->> ?7 as real) end as sort_number,
                      (select r.key from json_each(?9) r where r.value = cells ->> ?7) as sort_rank
               from grid_rows
               where deleted_at is null and (archived_at is not null) = ?1 and (?2 is null or list = ?2)
                 and (?3 is null or exists (select 1 from json_tree(cells)
                      where atom is not null and (key is null or key <> 'id')
                        and (atom like ?3 escape '\\' or atom in (select value from json_each(?4)))))
             )
             select id, position, version, cells, list, list_since_at, list_by, list_reason, created_at, created_by,
                    updated_at, updated_by, archived_at, archive_reason
             from found
             order by sort_value is null,
                      case when not ?10 then sort_rank end, case when ?10 then sort_rank end desc,
                      case when not ?10 then sort_number end, case when ?10 then sort_number end desc,
                      case when not ?10 then lower(sort_value) end, case when ?10 then lower(sort_value) end desc,
                      position, id
             limit ?5 offset ?6",
        )
        .bind(query.archived)
        .bind(&query.list)
        .bind(&pattern)
        .bind(&ids)
        .bind(per_page)
        .bind(offset)
        .bind(sort.path())
        .bind(sort.column.kind.is_decimal() || sort.column.kind == ColumnType::Rating)
        .bind(Value::from(sort.ranks()).to_string())
        .bind(sort.descending)
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as(
            "select id, position, version, cells, list, list_since_at, list_by, list_reason, created_at, created_by,
                    updated_at, updated_by, archived_at, archive_reason
             from grid_rows
             where deleted_at is null and (archived_at is not null) = ?1 and (?2 is null or list = ?2)
               and (?3 is null or exists (select 1 from json_tree(cells)
                    where atom is not null and (key is null or key <> 'id')
                      and (atom like ?3 escape '\\' or atom in (select value from json_each(?4)))))
             order by position, id limit ?5 offset ?6",
        )
        .bind(query.archived)
        .bind(&query.list)
        .bind(&pattern)
        .bind(&ids)
        .bind(per_page)
        .bind(offset)
        .fetch_all(conn)
        .await?
    };
    let rows = records
        .into_iter()
        .map(RowRecord::into_row)
        .collect::<Result<_, _>>()?;
    Ok(RowPage { rows, total })
}

/// A pattern for texts that contain this one.
fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
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
