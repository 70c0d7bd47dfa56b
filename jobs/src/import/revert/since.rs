//! What an import changed, and what happened to the grid after it.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use sqlx::{FromRow, SqliteConnection};

use crate::{db::DbError, grid};

/// Changes read at once.
const AT_ONCE: i64 = 5_000;

#[derive(FromRow)]
pub(super) struct RowChange {
    pub(super) id: i64,
    pub(super) what: String,
    pub(super) row_id: Option<String>,
    pub(super) column_id: Option<String>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// Changes of rows, in the order they were made.
pub(super) async fn changes_after(
    conn: &mut SqliteConnection,
    set: i64,
    after: i64,
) -> Result<Vec<RowChange>, DbError> {
    sqlx::query_as(
        "select id, what, row_id, column_id, iif(what = 'cell', before, null) as before,
                iif(what = 'cell', after, null) as after
         from grid_changes
         where change_set_id = ?1 and id > ?2 and row_id is not null order by id limit ?3",
    )
    .bind(set)
    .bind(after)
    .bind(AT_ONCE)
    .fetch_all(conn)
    .await
}

/// Leaves a row that may go on behind these to the next batch: all changes of a
/// row must come together.
pub(super) fn whole_rows(changes: &mut Vec<RowChange>) {
    if i64::try_from(changes.len()).unwrap_or(0) < AT_ONCE {
        return;
    }
    let last = changes.last().and_then(|c| c.row_id.clone());
    if let Some(end) = changes.iter().rposition(|c| c.row_id != last) {
        changes.truncate(end + 1);
    }
}

/// What happened to the grid after the import.
pub(super) struct Since {
    /// Rows that were touched, by whom and when last.
    pub(super) rows: HashMap<String, Edit>,
    /// Rows that go now.
    pub(super) gone: HashSet<String>,
    /// Cells of touched rows that get their former value now.
    restored: HashMap<String, Map<String, Value>>,
}

pub(super) struct Edit {
    pub(super) actor: String,
    pub(super) at: i64,
    /// False if all of it was taken back itself.
    pub(super) stands: bool,
}

impl Since {
    pub(super) async fn read(conn: &mut SqliteConnection, set: i64) -> Result<Self, DbError> {
        let edits: Vec<(String, String, i64, bool)> = sqlx::query_as(
            "select c.row_id, s.actor, s.at, max(s.undone_by is null and s.reverts is null) as stands
             from grid_changes c join change_sets s on s.id = c.change_set_id
             where c.change_set_id > ?1 and c.row_id is not null group by c.row_id",
        )
        .bind(set)
        .fetch_all(conn)
        .await?;
        let rows = edits.into_iter().map(|(row, actor, at, stands)| {
            let edit = Edit { actor, at, stands };
            (row, edit)
        });
        Ok(Self {
            rows: rows.collect(),
            gone: HashSet::new(),
            restored: HashMap::new(),
        })
    }

    pub(super) fn restored(&mut self, row: &str, column: &str, before: Value) {
        let cells = self.restored.entry(row.to_owned()).or_default();
        cells.insert(column.to_owned(), before);
    }

    /// What stands in cells of touched rows afterwards, as text, by column. Rows
    /// that nobody touched hold nothing of the import.
    pub(super) async fn values(&self, conn: &mut SqliteConnection) -> Result<Used, DbError> {
        let mut used: Used = HashMap::new();
        let stay = self.rows.keys().filter(|id| !self.gone.contains(*id));
        let ids: Vec<String> = stay.cloned().collect();
        for chunk in ids.chunks(2_000) {
            for mut row in grid::rows_by_id(conn, chunk).await? {
                if let Some(restored) = self.restored.get(&row.id) {
                    row.cells.extend(restored.clone());
                }
                for (column, value) in row.cells {
                    let values = match value {
                        Value::Null => continue,
                        Value::Array(values) => values,
                        other => vec![other],
                    };
                    let texts = values
                        .into_iter()
                        .map(|v| v.as_str().unwrap_or_default().to_owned());
                    used.entry(column).or_default().extend(texts);
                }
            }
        }
        Ok(used)
    }
}

/// Column → what stands in its cells.
pub(super) type Used = HashMap<String, HashSet<String>>;
