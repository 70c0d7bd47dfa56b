//! The table as it was: today's, with the history since taken back.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;
use sqlx::{FromRow, SqliteConnection};

use super::{
    SharedTable, Table, cell, compute,
    fetch::{Delta, Fetched},
    follow::Touched,
};
use crate::{
    db::{Db, DbError},
    grid::{Column, GridError, State, apply::missing, read},
};

/// Which past is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// After this change set.
    Version(i64),
    /// At this time, UTC milliseconds.
    Time(i64),
}

#[derive(FromRow)]
struct Past {
    what: String,
    row_id: Option<String>,
    column_id: Option<String>,
    before: Option<String>,
}

/// The grid as it was. Tasks and contacts are not part of its history, so the
/// columns derived from them are blank.
pub async fn as_of(db: &Db, shared: &SharedTable, when: AsOf) -> Result<Table, GridError> {
    let mut tx = db.read().begin().await.map_err(GridError::from)?;
    let (version, at, actor) = version_at(&mut tx, when).await?;
    let table = shared.read().await?;
    let changes: Vec<Past> = sqlx::query_as(
        "select what, row_id, column_id, before from grid_changes where change_set_id > ?1 order by change_set_id desc, id desc",
    )
    .bind(version)
    .fetch_all(&mut *tx)
    .await
    .map_err(GridError::from)?;
    let mut columns: HashMap<String, Column> =
        read::all_columns(&mut tx).await?.into_iter().collect();
    let live: Vec<String> = read::columns(&mut tx)
        .await?
        .into_iter()
        .map(|c| c.id)
        .collect();
    columns.retain(|id, _| live.contains(id));
    let mut back = Back::default();
    for change in &changes {
        match (&change.row_id, &change.column_id) {
            (None, Some(column)) => {
                take_column_back(&mut columns, column, change.before.as_deref());
            }
            (Some(row), _) => back.take(row, change),
            (None, None) => {}
        }
    }
    let mut cells = HashMap::new();
    for id in columns.keys().filter(|id| {
        table
            .column(id)
            .is_none_or(|c| c.column.kind != columns[*id].kind)
    }) {
        cells.insert(id.clone(), cells_of(&mut tx, id).await?);
    }
    let mut ordered: Vec<Column> = columns.into_values().collect();
    ordered.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
    let deleted = deleted_rows(&mut tx, version).await?;
    for row in &deleted {
        // Deleted now, and not since: it was deleted then.
        back.live.entry(row.id.clone()).or_insert(false);
    }
    let mut past = (*table).clone();
    past.around.clear();
    past.program.forget_history();
    let delta = Delta {
        _turn: None,
        from: Some(table.version),
        state: State {
            version,
            updated_at: at,
            updated_by: actor,
        },
        last_touch: table.last_touch,
        zone: table.moment.zone.iana_name().unwrap_or("UTC").to_owned(),
        names: table.names.clone(),
        columns: Some(ordered),
        cells,
        rows: deleted,
        around: Vec::new(),
        touched: Vec::new(),
        positions: None,
    };
    drop(table);
    past.follow(delta);
    past.put_back(back);
    super::shared::history(&mut tx, &mut past).await?;
    past.epoch = format!("{}@{version}", past.epoch);
    past.tick(match when {
        AsOf::Version(_) => at,
        AsOf::Time(time) => time,
    });
    Ok(past)
}

/// Version, time and actor of the last change set by then.
pub(crate) async fn version_at(
    tx: &mut SqliteConnection,
    when: AsOf,
) -> Result<(i64, i64, String), GridError> {
    let found: Option<(i64, i64, String)> = match when {
        AsOf::Version(version) => {
            sqlx::query_as("select id, at, actor from change_sets where id = ?1")
                .bind(version)
                .fetch_optional(&mut *tx)
                .await
        }
        AsOf::Time(time) => {
            sqlx::query_as(
                "select id, at, actor from change_sets where at <= ?1 order by at desc, id desc limit 1",
            )
            .bind(time)
            .fetch_optional(&mut *tx)
            .await
        }
    }
    .map_err(GridError::from)?;
    match (found, when) {
        (Some(found), _) => Ok(found),
        // Before the first change there was an empty grid.
        (None, AsOf::Time(time)) => Ok((0, time, "system".to_owned())),
        (None, AsOf::Version(0)) => Ok((0, 0, "system".to_owned())),
        (None, AsOf::Version(version)) => Err(missing("version", &version.to_string())),
    }
}

/// Rows that are deleted now and changed since, as they would be if they were
/// not; which of them were there is for their history to say.
async fn deleted_rows(tx: &mut SqliteConnection, version: i64) -> Result<Vec<Fetched>, DbError> {
    sqlx::query_as(
        "select id, position, version, cells, list, created_at, created_by, updated_at, updated_by,
                archived_at is not null as archived, false as deleted
         from grid_rows where deleted_at is not null and version > ?1",
    )
    .bind(version)
    .fetch_all(tx)
    .await
}

async fn cells_of(
    tx: &mut SqliteConnection,
    column: &str,
) -> Result<Vec<(String, String)>, DbError> {
    sqlx::query_as("select id, cells -> ?1 from grid_rows where cells -> ?1 is not null")
        .bind(column)
        .fetch_all(tx)
        .await
}

fn take_column_back(columns: &mut HashMap<String, Column>, id: &str, before: Option<&str>) {
    let Some(before) = before.and_then(|b| serde_json::from_str::<Json>(b).ok()) else {
        columns.remove(id);
        return;
    };
    let position = columns.get(id).map_or(i64::MAX, |c| c.position);
    let mut full = before;
    full["id"] = id.into();
    if full.get("position").is_none() {
        full["position"] = position.into();
    }
    if let Ok(column) = serde_json::from_value(full) {
        columns.insert(id.to_owned(), column);
    }
}

/// What rows had before all changes since: the oldest `before` of each part wins.
#[derive(Default)]
struct Back {
    cells: HashMap<(String, String), Json>,
    lists: HashMap<String, String>,
    archived: HashMap<String, bool>,
    /// Whether the row was there.
    live: HashMap<String, bool>,
}

impl Back {
    /// Changes come newest first.
    fn take(&mut self, row: &str, change: &Past) {
        let before: Json = change
            .before
            .as_deref()
            .and_then(|b| serde_json::from_str(b).ok())
            .unwrap_or_default();
        let row = row.to_owned();
        match (change.what.as_str(), &change.column_id) {
            ("cell", Some(column)) => {
                self.cells.insert((row, column.clone()), before);
            }
            ("row_added", _) => {
                self.live.insert(row, false);
            }
            ("deleted", _) => {
                self.live.insert(row, before.is_null());
            }
            ("archived", _) => {
                self.archived.insert(row, !before.is_null());
            }
            ("list", _) => {
                let list = before["list"].as_str().unwrap_or("main").to_owned();
                self.lists.insert(row, list);
            }
            _ => {}
        }
    }
}

impl Table {
    /// Gives rows back what they had.
    fn put_back(&mut self, back: Back) {
        let mut touched = Touched::default();
        let mut slots: HashSet<u32> = HashSet::new();
        let slot = |table: &Self, row: &str| table.slots.get(row).copied();
        for ((row, column), before) in back.cells {
            let (Some(slot), Some(at)) = (slot(self, &row), self.by_id.get(&column).copied())
            else {
                continue;
            };
            let key = cell::key(self.columns[at].column.kind, &before);
            if self.columns[at].set(slot, key, &self.names) {
                touched.cells.push((slot, vec![at]));
                slots.insert(slot);
            }
        }
        for (row, list) in back.lists {
            if let (Some(slot), Some(at)) = (slot(self, &row), self.by_id.get("@list").copied())
                && self.columns[at].set(slot, list.as_str().into(), &self.names)
            {
                touched.cells.push((slot, vec![at]));
            }
        }
        for (row, archived) in back.archived {
            if let Some(slot) = slot(self, &row) {
                self.rows[slot as usize].archived = archived;
            }
        }
        for (row, live) in back.live {
            if let Some(slot) = slot(self, &row) {
                self.rows[slot as usize].live = live;
            }
        }
        let rows = &self.rows;
        self.order.retain(|slot| rows[*slot as usize].live);
        for slot in slots {
            self.derive_cells(slot, &mut touched);
        }
        compute::recompute(self, &touched);
    }
}
