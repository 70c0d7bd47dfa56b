//! Reading from the database what a table needs: all of it, or what changed
//! since a version, in one snapshot.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value as Json;
use sqlx::{FromRow, SqliteConnection};
use tokio::sync::SemaphorePermit;

use super::{Around, Table};
use crate::{
    db::{Db, DbError},
    grid::{Column, ColumnType, Names, State, read},
    settings, turn,
};

/// What changed since a table's version, and all that goes with it.
pub(super) struct Delta {
    /// The table's version it builds on; none replaces everything.
    pub(super) from: Option<i64>,
    pub(super) state: State,
    pub(super) last_touch: i64,
    pub(super) zone: String,
    pub(super) names: Names,
    /// All columns, if any changed.
    pub(super) columns: Option<Vec<Column>>,
    /// Cells of columns that came back or changed their type: column → row → JSON.
    pub(super) cells: HashMap<String, Vec<(String, String)>>,
    pub(super) rows: Vec<Fetched>,
    /// Open tasks and last contacts of rows that changed or were touched.
    pub(super) around: Vec<(String, Around)>,
    /// Rows whose surroundings were read, whether or not there are any.
    pub(super) touched: Vec<String>,
    /// All positions were given anew.
    pub(super) positions: Option<Vec<(String, i64)>>,
    /// Of a large one: held until it is taken in.
    pub(super) _turn: Option<SemaphorePermit<'static>>,
}

#[derive(FromRow)]
pub(super) struct Fetched {
    pub(super) id: String,
    pub(super) position: i64,
    pub(super) version: i64,
    pub(super) cells: String,
    pub(super) list: String,
    pub(super) created_at: i64,
    pub(super) created_by: String,
    pub(super) updated_at: i64,
    pub(super) updated_by: String,
    pub(super) archived: bool,
    pub(super) deleted: bool,
}

#[derive(FromRow)]
struct AroundRecord {
    row_id: String,
    tasks: i64,
    due_on: Option<String>,
    last_contact_at: Option<i64>,
}

/// Stands among touched rows for the saved views.
pub(super) const VIEWS: &str = "@views";
/// The zone everything is reckoned in until the fund has said otherwise.
const DEFAULT_ZONE: &str = "UTC";

/// Reads everything.
pub(super) async fn everything(db: &Db) -> Result<Delta, DbError> {
    let mut tx = db.read().begin().await?;
    let (mut delta, _) = head(&mut tx, 0, i64::MAX).await?;
    delta.rows = sqlx::query_as(
        "select id, position, version, cells, list, created_at, created_by, updated_at, updated_by,
                archived_at is not null as archived, false as deleted
         from grid_rows where deleted_at is null order by position, id",
    )
    .fetch_all(&mut *tx)
    .await?;
    delta.columns = Some(read::columns(&mut tx).await?);
    delta.around = around(&mut tx, None).await?;
    Ok(delta)
}

/// Reads what changed; none if nothing did. After an edit these are two short
/// queries: every write waits for its answer until they are done.
pub(super) async fn since(db: &Db, known: &Known<'_>) -> Result<Option<Delta>, DbError> {
    let mut tx = db.read().begin().await?;
    let (mut delta, news) = head(&mut tx, known.version, known.last_touch).await?;
    let is_same = delta.state.version == known.version
        && delta.last_touch == known.last_touch
        && delta.names == known.names
        && delta.zone == known.zone;
    if is_same {
        return Ok(None);
    }
    delta.from = Some(known.version);
    if delta.state.version != known.version {
        // In no order: asked for one, SQLite walks all rows by position.
        delta.rows = sqlx::query_as(
            "select id, position, version, cells, list, created_at, created_by, updated_at, updated_by,
                    archived_at is not null as archived, deleted_at is not null as deleted
             from grid_rows where version > ?1",
        )
        .bind(known.version)
        .fetch_all(&mut *tx)
        .await?;
        delta
            .rows
            .sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
    }
    if news.columns_changed {
        let columns = read::columns(&mut tx).await?;
        for column in &columns {
            let before = known.columns.iter().find(|(id, _)| *id == column.id);
            let lacks_cells = before.is_none_or(|(_, kind)| *kind != column.kind);
            if lacks_cells && column.kind != ColumnType::Formula {
                let cells = cells_of(&mut tx, &column.id, known.version).await?;
                delta.cells.insert(column.id.clone(), cells);
            }
        }
        delta.columns = Some(columns);
    }
    if news.touches.iter().any(Option::is_none) {
        delta.positions = Some(
            sqlx::query_as("select id, position from grid_rows where deleted_at is null")
                .fetch_all(&mut *tx)
                .await?,
        );
    }
    let back = delta
        .rows
        .iter()
        .filter(|r| !known.rows.contains_key(r.id.as_str()));
    delta.touched = back
        .map(|r| r.id.clone())
        .chain(news.touches.into_iter().flatten())
        .collect();
    if !delta.touched.is_empty() {
        delta.around = around(&mut tx, Some(&delta.touched)).await?;
    }
    Ok(Some(delta))
}

/// What a table has, to ask for what it lacks.
pub(super) struct Known<'t> {
    rows: &'t HashMap<Arc<str>, u32>,
    version: i64,
    last_touch: i64,
    names: Names,
    zone: String,
    columns: Vec<(String, crate::grid::ColumnType)>,
}

impl<'t> Known<'t> {
    pub(super) fn of(table: &'t Table) -> Self {
        Self {
            rows: &table.slots,
            version: table.version,
            last_touch: table.last_touch,
            names: table.names.clone(),
            zone: table
                .moment
                .zone
                .iana_name()
                .unwrap_or(DEFAULT_ZONE)
                .to_owned(),
            columns: table
                .columns
                .iter()
                .map(|c| (c.column.id.clone(), c.column.kind))
                .collect(),
        }
    }
}

/// What happened beside changed rows.
struct News {
    columns_changed: bool,
    /// Touched rows; none stands for all.
    touches: Vec<Option<String>>,
}

#[derive(FromRow)]
struct HeadRecord {
    version: i64,
    updated_at: i64,
    updated_by: String,
    last_touch: i64,
    zone: Option<String>,
    users: String,
    funds: String,
    touches: String,
    columns_changed: bool,
    is_large: bool,
}

/// Where the database stands, in one query.
async fn head(
    tx: &mut SqliteConnection,
    version: i64,
    touch: i64,
) -> Result<(Delta, News), DbError> {
    let head: HeadRecord = sqlx::query_as(
        "select version, updated_at, updated_by,
                coalesce((select max(seq) from sqlite_sequence where name = 'grid_touches'), 0) as last_touch,
                (select value ->> '$' from settings where key = ?1) as zone,
                (select json_group_array(json_object('id', id, 'name', name, 'email', email) order by name, id) from users) as users,
                (select json_group_array(json_object('id', id, 'name', name, 'currency', currency) order by name, id)
                 from funds where deleted_at is null) as funds,
                (select json_group_array(row_id) from (select distinct row_id from grid_touches where id > ?3)) as touches,
                exists (select 1 from grid_changes where change_set_id > ?2 and row_id is null) as columns_changed,
                exists (select 1 from grid_rows where version > ?2 limit 1 offset 10000) as is_large
         from grid_state where id = 1",
    )
    .bind(settings::FUND_ZONE)
    .bind(version)
    .bind(touch)
    .fetch_one(&mut *tx)
    .await?;
    let news = News {
        columns_changed: head.columns_changed,
        touches: parsed(&head.touches)?,
    };
    let turn = if head.is_large {
        turn::turn().await
    } else {
        None
    };
    let delta = Delta {
        _turn: turn,
        from: None,
        state: State {
            version: head.version,
            updated_at: head.updated_at,
            updated_by: head.updated_by,
        },
        last_touch: head.last_touch,
        zone: head.zone.unwrap_or_else(|| DEFAULT_ZONE.to_owned()),
        names: Names::of_all(parsed(&head.users)?, parsed(&head.funds)?),
        columns: None,
        cells: HashMap::new(),
        rows: Vec::new(),
        around: Vec::new(),
        touched: Vec::new(),
        positions: None,
    };
    Ok((delta, news))
}

fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, DbError> {
    serde_json::from_str(json).map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

/// A column's cells in rows that are not read anyway: an import that brings forty
/// columns and all their cells would have every row parsed forty times.
async fn cells_of(
    tx: &mut SqliteConnection,
    column: &str,
    version: i64,
) -> Result<Vec<(String, String)>, DbError> {
    sqlx::query_as(
        "select id, cells -> ?1 from grid_rows
         where version <= ?2 and deleted_at is null and cells -> ?1 is not null",
    )
    .bind(column)
    .bind(version)
    .fetch_all(tx)
    .await
}

/// When each row was last edited in one of these columns, up to a version.
pub(super) async fn edits(
    tx: &mut SqliteConnection,
    columns: &[String],
    version: i64,
) -> Result<Vec<(String, i64)>, DbError> {
    sqlx::query_as(
        "select c.row_id, max(s.at) from grid_changes c join change_sets s on s.id = c.change_set_id
         where c.what = 'cell' and c.change_set_id <= ?2
           and c.column_id in (select value from json_each(?1))
         group by c.row_id",
    )
    .bind(Json::from(columns).to_string())
    .bind(version)
    .fetch_all(tx)
    .await
}

/// Open tasks and the last contact, of these rows or of all that have any.
async fn around(
    tx: &mut SqliteConnection,
    rows: Option<&[String]>,
) -> Result<Vec<(String, Around)>, DbError> {
    let records: Vec<AroundRecord> = sqlx::query_as(
        "with open_tasks as (
           select row_id, count(*) as tasks, min(day) as due_on from tasks
           where status in ('open', 'snoozed') and deleted_at is null and row_id is not null
             and (?1 is null or row_id in (select value from json_each(?1)))
           group by row_id
         ),
         contacted as (
           select row_id, max(at) as last_contact_at from (
             select row_id, at from interactions
             where deleted_at is null and (?1 is null or row_id in (select value from json_each(?1)))
             union all
             select l.row_id, l.sent_at from email_links l join emails e on e.id = l.email_id
             where l.deleted_at is null and e.deleted_at is null and e.is_matched = 1
               and (?1 is null or l.row_id in (select value from json_each(?1))))
           group by row_id
         )
         select coalesce(t.row_id, c.row_id) as row_id, coalesce(t.tasks, 0) as tasks, t.due_on, c.last_contact_at
         from open_tasks t full join contacted c on c.row_id = t.row_id",
    )
    .bind(rows.map(|rows| Json::from(rows).to_string()))
    .fetch_all(tx)
    .await?;
    Ok(records
        .into_iter()
        .map(|r| {
            let around = Around {
                tasks: r.tasks,
                due_on: r.due_on.and_then(|d| d.parse().ok()),
                last_contact_at: r.last_contact_at,
            };
            (r.row_id, around)
        })
        .collect())
}
