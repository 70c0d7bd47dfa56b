//! The one way to write the grid.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::{
    Applied, CellError, ChangeBy, Column, Conflict, GridError, Names, Operation, Row,
    bulk::Drained, links::Links, normalize, read, row_operations::NewRow, rules,
};
use crate::db::{DbError, WriteTx};

/// Wrong cells told of at most: a paste into the wrong column has thousands.
const MOST_REFUSED: usize = 500;
/// Room between neighbours, so that rows can be put between them.
pub(super) const POSITION_STEP: i64 = 1_024;

/// Applies all operations, or none: bad input refuses the whole request;
/// conflicts leave out just their cell.
pub async fn apply(
    tx: &mut WriteTx,
    operations: &[Operation],
    by: &ChangeBy<'_>,
) -> Result<Applied, GridError> {
    let mut work = Work::load(tx, operations).await?;
    for (index, operation) in operations.iter().enumerate() {
        work.take(tx, index, operation, by).await?;
        if work.refused.len() >= MOST_REFUSED {
            break;
        }
    }
    if let Some(refused) = refusal(std::mem::take(&mut work.refused)) {
        return Err(refused);
    }
    work.check_rules(tx).await?;
    work.write(tx, by).await
}

/// One wrong cell is the error itself; several are a list.
pub(super) fn refusal(mut refused: Vec<CellError>) -> Option<GridError> {
    match refused.len() {
        0 => None,
        1 => refused
            .pop()
            .map(|cell| GridError::invalid("invalid_value", cell.field, cell.detail)),
        _ => Some(GridError::InvalidCells(refused)),
    }
}

/// The rows and columns a request touches, as they will be.
pub(super) struct Work {
    pub(super) version: i64,
    pub(super) now: i64,
    pub(super) columns: BTreeMap<String, Column>,
    pub(super) deleted_columns: BTreeMap<String, Column>,
    pub(super) rows: HashMap<String, Touched>,
    pub(super) live_rows: usize,
    pub(super) next_position: i64,
    pub(super) added: Vec<String>,
    pub(super) changed_columns: BTreeMap<String, ColumnWrite>,
    pub(super) changes: Vec<Value>,
    pub(super) conflicts: Vec<Conflict>,
    /// Values that their columns do not take: told together.
    pub(super) refused: Vec<CellError>,
    pub(super) links: Links,
    /// Loaded where columns change: formulas and retyped cells need them.
    pub(super) names: Names,
    /// Rows that a large write has finished with.
    pub(super) drained: Drained,
}

pub(super) struct Touched {
    pub(super) row: Row,
    pub(super) deleted: bool,
    pub(super) dirty: bool,
}

pub(super) struct ColumnWrite {
    pub(super) deleted: bool,
}

impl Work {
    pub(super) async fn load(
        tx: &mut WriteTx,
        operations: &[Operation],
    ) -> Result<Self, GridError> {
        let state = read::state(tx).await?;
        let columns: BTreeMap<String, Column> = read::columns(tx)
            .await?
            .into_iter()
            .map(|c| (c.id.clone(), c))
            .collect();
        // Only who changes columns must know of deleted ones, and what ids mean.
        let is_about_columns = operations.iter().any(Operation::is_about_columns);
        let (mut deleted_columns, names) = if is_about_columns {
            (read::all_columns(tx).await?, Names::load(tx).await?)
        } else {
            (BTreeMap::new(), Names::default())
        };
        deleted_columns.retain(|id, _| !columns.contains_key(id));
        let mut wanted: Vec<&str> = operations.iter().filter_map(Operation::row).collect();
        wanted.sort_unstable();
        wanted.dedup();
        // Counting is the price of adding; an edit does not pay it.
        let adds = operations
            .iter()
            .any(|o| matches!(o, Operation::AddRow { .. } | Operation::Restore { .. }));
        let (live_rows, last) = if adds { size(tx).await? } else { (0, 0) };
        Ok(Self {
            version: state.version + 1,
            now: tx.now(),
            columns,
            deleted_columns,
            rows: load_rows(tx, &wanted).await?,
            live_rows: usize::try_from(live_rows).unwrap_or(usize::MAX),
            next_position: last + POSITION_STEP,
            added: Vec::new(),
            changed_columns: BTreeMap::new(),
            changes: Vec::new(),
            conflicts: Vec::new(),
            refused: Vec::new(),
            links: Links::default(),
            names,
            drained: Drained::default(),
        })
    }

    pub(super) async fn take(
        &mut self,
        tx: &mut WriteTx,
        index: usize,
        operation: &Operation,
        by: &ChangeBy<'_>,
    ) -> Result<(), GridError> {
        match operation {
            Operation::Set {
                row,
                column,
                value,
                base,
            } => self.set(tx, index, row, column, value, *base).await,
            Operation::AddRow {
                id,
                cells,
                list,
                after,
            } => {
                let new = NewRow {
                    id: id.as_deref(),
                    cells,
                    list: list.as_deref(),
                    after: after.as_deref(),
                };
                self.add_row(tx, index, &new, by).await
            }
            Operation::Move { row, list, reason } => self.move_row(index, row, list, reason, by),
            Operation::Archive { row, reason } => self.archive(index, row, reason),
            Operation::Restore { row } => self.restore(index, row),
            Operation::Delete { row } => self.delete(row),
            Operation::AddColumn {
                id,
                name,
                kind,
                options,
            } => self.add_column(index, id.as_deref(), name, *kind, options),
            Operation::UpdateColumn {
                column,
                name,
                options,
                hidden,
            } => self.update_column(index, column, name.as_deref(), options.as_ref(), *hidden),
            Operation::RetypeColumn {
                column,
                kind,
                options,
            } => {
                self.retype_column(tx, index, column, *kind, options.as_ref())
                    .await
            }
            Operation::MoveColumn { column, before } => self.move_column(column, before.as_deref()),
            Operation::PlaceColumn { column, position } => self.place_column(column, *position),
            Operation::DeleteColumn { column } => self.delete_column(index, column),
            Operation::RestoreColumn { column } => self.restore_column(index, column),
        }
    }

    async fn set(
        &mut self,
        tx: &mut WriteTx,
        index: usize,
        row_id: &str,
        column_id: &str,
        value: &Value,
        base: i64,
    ) -> Result<(), GridError> {
        let column = self
            .columns
            .get(column_id)
            .ok_or_else(|| missing("column", column_id))?;
        let touched = self
            .rows
            .get(row_id)
            .ok_or_else(|| missing("row", row_id))?;
        let value = match checked(tx, &mut self.links, column, value).await? {
            Ok(value) => value,
            Err(why) => {
                let first = self.columns.values().min_by_key(|c| (c.position, &c.id));
                let title = touched.row.title(first.map_or(&[], std::slice::from_ref));
                self.refused.push(CellError {
                    field: format!("operations[{index}].value"),
                    detail: format!("{} of {title}: {why}", column.name),
                });
                return Ok(());
            }
        };
        if value.is_none() {
            let refuse = |why: &str| {
                let first = self.columns.values().min_by_key(|c| (c.position, &c.id));
                let title = touched.row.title(first.map_or(&[], std::slice::from_ref));
                refused(column, &format!("operations[{index}].value"), &title, why)
            };
            rules::emptied(column, &touched.row).map_err(refuse)?;
        }
        let touched = self
            .rows
            .get_mut(row_id)
            .ok_or_else(|| missing("row", row_id))?;
        if touched.deleted {
            self.conflicts.push(gone(row_id, value, &touched.row));
            return Ok(());
        }
        let now = touched.row.cells.get(column_id).cloned();
        if now == value {
            return Ok(());
        }
        if base < touched.row.version
            && let Some((by, at)) = changed_since(tx, row_id, column_id, base).await?
        {
            self.conflicts.push(Conflict {
                row: row_id.to_owned(),
                column: Some(column_id.to_owned()),
                yours: value.unwrap_or(Value::Null),
                theirs: now.unwrap_or(Value::Null),
                by,
                at,
            });
            return Ok(());
        }
        self.changes.push(change(
            "cell",
            Some(row_id),
            Some(column_id),
            now.as_ref(),
            value.as_ref(),
        ));
        match value {
            Some(value) => touched.row.cells.insert(column_id.to_owned(), value),
            None => touched.row.cells.remove(column_id),
        };
        touched.dirty = true;
        Ok(())
    }
}

/// Validates a value and finds whom it links to. Takes the column by reference: a
/// clone for each of two million cells is what an import cannot afford.
pub(super) async fn checked(
    tx: &mut WriteTx,
    links: &mut Links,
    column: &Column,
    value: &Value,
) -> Result<Result<Option<Value>, String>, DbError> {
    match normalize(column, value) {
        Ok(Some(value)) => Ok(links.resolve(tx, column, value).await?.map(Some)),
        Ok(None) => Ok(Ok(None)),
        Err(why) => Ok(Err(why)),
    }
}

pub(super) fn refused(column: &Column, field: &str, row: &str, why: &str) -> GridError {
    GridError::invalid(
        "invalid_value",
        field,
        format!("{} of {row}: {why}", column.name),
    )
}

/// A change as `write_history` unpacks it: JSON text inside, so that `->>` gives
/// back exactly what was stored.
pub(super) fn change(
    what: &str,
    row: Option<&str>,
    column: Option<&str>,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Value {
    let text = |v: Option<&Value>| v.map(Value::to_string);
    json!([what, row, column, text(before), text(after)])
}

pub(super) fn missing(what: &'static str, id: &str) -> GridError {
    GridError::Missing {
        what,
        id: id.to_owned(),
    }
}

fn gone(row_id: &str, value: Option<Value>, row: &Row) -> Conflict {
    Conflict {
        row: row_id.to_owned(),
        column: None,
        yours: value.unwrap_or(Value::Null),
        theirs: Value::Null,
        by: row.updated_by.clone(),
        at: row.updated_at,
    }
}

/// Live rows, and the last position ever given.
pub(super) async fn size(tx: &mut WriteTx) -> Result<(i64, i64), DbError> {
    sqlx::query_as(
        "select (select count(*) from grid_rows where deleted_at is null), (select coalesce(max(position), 0) from grid_rows)",
    )
    .fetch_one(&mut **tx)
    .await
}

pub(super) async fn load_rows(
    tx: &mut WriteTx,
    ids: &[&str],
) -> Result<HashMap<String, Touched>, DbError> {
    let mut rows = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(2_000) {
        let chunk: Vec<String> = chunk.iter().map(|id| (*id).to_owned()).collect();
        for row in read::rows_by_id(tx, &chunk).await? {
            rows.insert(
                row.id.clone(),
                Touched {
                    row,
                    deleted: false,
                    dirty: false,
                },
            );
        }
        if chunk.iter().all(|id| rows.contains_key(id)) {
            continue;
        }
        for row in read::deleted_rows_by_id(tx, &chunk).await? {
            rows.insert(
                row.id.clone(),
                Touched {
                    row,
                    deleted: true,
                    dirty: false,
                },
            );
        }
    }
    Ok(rows)
}

/// Who changed this cell after version `base`, and when.
async fn changed_since(
    tx: &mut WriteTx,
    row: &str,
    column: &str,
    base: i64,
) -> Result<Option<(String, i64)>, DbError> {
    sqlx::query_as(
        "select s.actor, s.at from grid_changes c join change_sets s on s.id = c.change_set_id
         where c.row_id = ?1 and c.change_set_id > ?3 and (c.column_id = ?2 or c.what = 'row_added')
         order by c.change_set_id desc limit 1",
    )
    .bind(row)
    .bind(column)
    .bind(base)
    .fetch_optional(&mut **tx)
    .await
}
