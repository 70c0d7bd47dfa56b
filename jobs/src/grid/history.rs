//! What changed, when, by whom and how it came about.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::db::DbError;

/// All that one action changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangeSet {
    /// The grid version it made.
    pub id: i64,
    /// Who: `user:ID`, `job:ID` or `system`.
    pub actor: String,
    /// How: `edit`, `import`, `document`, `demo` …
    pub origin: String,
    /// In words.
    pub summary: String,
    /// The job that did it.
    pub job_id: Option<i64>,
    /// UTC milliseconds.
    pub at: i64,
    /// What changed.
    pub changes: Vec<Change>,
}

/// One change within a set.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Change {
    #[serde(skip)]
    #[sqlx(rename = "change_set_id")]
    set: i64,
    /// `cell`, `row_added`, `list`, `archived`, `deleted` or `column`.
    pub what: String,
    /// The row, unless a column's definition changed.
    pub row_id: Option<String>,
    /// The column of a cell.
    pub column_id: Option<String>,
    /// JSON text before; null is blank.
    pub before: Option<String>,
    /// JSON text after; null is blank.
    pub after: Option<String>,
}

impl Change {
    /// A change of a column's definition.
    pub(super) fn of_column(id: &str, before: Option<String>, after: Option<String>) -> Self {
        Self {
            set: 0,
            what: "column".to_owned(),
            row_id: None,
            column_id: Some(id.to_owned()),
            before,
            after,
        }
    }
}

#[derive(FromRow)]
struct SetRecord {
    id: i64,
    actor: String,
    origin: String,
    summary: String,
    job_id: Option<i64>,
    at: i64,
}

impl SetRecord {
    fn with(self, changes: Vec<Change>) -> ChangeSet {
        ChangeSet {
            id: self.id,
            actor: self.actor,
            origin: self.origin,
            summary: self.summary,
            job_id: self.job_id,
            at: self.at,
            changes,
        }
    }
}

/// A row's change sets, newest first, at most `limit`, older than `before`.
pub async fn of_row(
    conn: &mut SqliteConnection,
    row: &str,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ChangeSet>, DbError> {
    let sets: Vec<SetRecord> = sqlx::query_as(
        "select id, actor, origin, summary, job_id, at from change_sets
         where id in (select change_set_id from grid_changes where row_id = ?1
                        and change_set_id < coalesce(?2, 9223372036854775807))
         order by id desc limit ?3",
    )
    .bind(row)
    .bind(before)
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    let oldest = sets.last().map_or(0, |s| s.id);
    let newest = sets.first().map_or(0, |s| s.id);
    let mut changes: Vec<Change> = sqlx::query_as(
        "select change_set_id, what, row_id, column_id, before, after from grid_changes
         where row_id = ?1 and change_set_id between ?2 and ?3 order by change_set_id, id",
    )
    .bind(row)
    .bind(oldest)
    .bind(newest)
    .fetch_all(conn)
    .await?;
    Ok(sets
        .into_iter()
        .map(|set| {
            let (own, others) = std::mem::take(&mut changes)
                .into_iter()
                .partition(|c| c.set == set.id);
            changes = others;
            set.with(own)
        })
        .collect())
}

/// How many changes a set has.
pub async fn size_of_set(conn: &mut SqliteConnection, set: i64) -> Result<i64, DbError> {
    sqlx::query_scalar("select count(*) from grid_changes where change_set_id = ?1")
        .bind(set)
        .fetch_one(conn)
        .await
}

/// What happened to one cell, newest first, at most 200: who, when, before and
/// after as JSON text.
pub async fn of_cell(
    conn: &mut SqliteConnection,
    row: &str,
    column: &str,
) -> Result<Vec<CellChange>, DbError> {
    let records: Vec<CellChange> = sqlx::query_as(
        "select s.id as change_set, s.actor, s.origin, s.summary, s.at, c.before,
                iif(c.what = 'row_added', c.after -> ?2, c.after) as after
         from grid_changes c join change_sets s on s.id = c.change_set_id
         where c.row_id = ?1 and (c.column_id = ?2 or (c.what = 'row_added' and c.after -> ?2 is not null))
         order by c.change_set_id desc, c.id desc limit 200",
    )
    .bind(row)
    .bind(column)
    .fetch_all(conn)
    .await?;
    Ok(records)
}

/// One change of one cell.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct CellChange {
    /// The change set.
    pub change_set: i64,
    /// Who.
    pub actor: String,
    /// How it came about.
    pub origin: String,
    /// In words.
    pub summary: String,
    /// UTC milliseconds.
    pub at: i64,
    /// JSON text; null is blank.
    pub before: Option<String>,
    /// JSON text; null is blank.
    pub after: Option<String>,
}

/// One change set, without its changes.
pub async fn find(conn: &mut SqliteConnection, id: i64) -> Result<Option<ChangeSet>, DbError> {
    let set: Option<SetRecord> = sqlx::query_as(
        "select id, actor, origin, summary, job_id, at from change_sets where id = ?1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    Ok(set.map(|s| s.with(Vec::new())))
}

/// The changes of one set, in the order they were made, at most `limit`.
pub(super) async fn of_set(
    conn: &mut SqliteConnection,
    set: i64,
    limit: usize,
) -> Result<Vec<Change>, DbError> {
    sqlx::query_as(
        "select change_set_id, what, row_id, column_id, before, after from grid_changes
         where change_set_id = ?1 order by id limit ?2",
    )
    .bind(set)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(conn)
    .await
}

/// The newest change sets, without their changes, older than `before`.
pub async fn recent(
    conn: &mut SqliteConnection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ChangeSet>, DbError> {
    let sets: Vec<SetRecord> = sqlx::query_as(
        "select id, actor, origin, summary, job_id, at from change_sets
         where id < coalesce(?1, 9223372036854775807) order by id desc limit ?2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(sets.into_iter().map(|s| s.with(Vec::new())).collect())
}
