//! The one way to write the grid.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::{
    Applied, ChangeBy, Column, Conflict, GridError, LISTS, MAX_ROWS, Operation, Row, links::Links,
    normalize, read,
};
use crate::db::{DbError, WriteTx};

/// Characters of a reason at most.
const MAX_REASON_CHARS: usize = 1_000;

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
    }
    work.write(tx, by).await
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
    pub(super) links: Links,
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
    async fn load(tx: &mut WriteTx, operations: &[Operation]) -> Result<Self, GridError> {
        let state = read::state(tx).await?;
        let columns: BTreeMap<String, Column> = read::columns(tx)
            .await?
            .into_iter()
            .map(|c| (c.id.clone(), c))
            .collect();
        let mut deleted_columns = read::all_columns(tx).await?;
        deleted_columns.retain(|id, _| !columns.contains_key(id));
        let mut wanted: Vec<&str> = operations.iter().filter_map(Operation::row).collect();
        wanted.sort_unstable();
        wanted.dedup();
        // Counting is the price of adding; an edit does not pay it.
        let adds = operations
            .iter()
            .any(|o| matches!(o, Operation::AddRow { .. }));
        let (live_rows, last) = if adds { size(tx).await? } else { (0, 0) };
        Ok(Self {
            version: state.version + 1,
            now: tx.now(),
            columns,
            deleted_columns,
            rows: load_rows(tx, &wanted).await?,
            live_rows: usize::try_from(live_rows).unwrap_or(usize::MAX),
            next_position: last + 1,
            added: Vec::new(),
            changed_columns: BTreeMap::new(),
            changes: Vec::new(),
            conflicts: Vec::new(),
            links: Links::default(),
        })
    }

    async fn take(
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
            Operation::AddRow { id, cells, list } => {
                self.add_row(tx, index, id.as_deref(), cells, list.as_deref(), by)
                    .await
            }
            Operation::Move { row, list, reason } => self.move_row(index, row, list, reason, by),
            Operation::Archive { row, reason } => self.archive(index, row, reason),
            Operation::Restore { row } => self.restore(row),
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
            Operation::DeleteColumn { column } => self.delete_column(column),
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
                let field = format!("operations[{index}].value");
                return Err(refused(column, &field, &title, &why));
            }
        };
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

    async fn add_row(
        &mut self,
        tx: &mut WriteTx,
        index: usize,
        id: Option<&str>,
        cells: &Map<String, Value>,
        list: Option<&str>,
        by: &ChangeBy<'_>,
    ) -> Result<(), GridError> {
        let field = |name: &str| format!("operations[{index}].{name}");
        if self.live_rows >= MAX_ROWS {
            return Err(GridError::invalid(
                "too_many_rows",
                field("op"),
                "the grid has 100,000 rows, which is the most it takes: archive does not help, delete some",
            ));
        }
        let given = id.is_some();
        let id = id.map_or_else(|| tx.new_id(), str::to_owned);
        if id.is_empty()
            || id.len() > 64
            || !id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            || self.rows.contains_key(&id)
            || (given && row_exists(tx, &id).await?)
        {
            return Err(GridError::invalid(
                "row_id_taken",
                field("id"),
                "a new row needs an id of its own, of up to 64 letters, digits, - and _: leave it out to get one",
            ));
        }
        let list = list.unwrap_or("main");
        check_list(list, &field("list"))?;
        let mut kept = Map::new();
        for (column_id, value) in cells {
            let column = self
                .columns
                .get(column_id)
                .ok_or_else(|| missing("column", column_id))?;
            match checked(tx, &mut self.links, column, value).await? {
                Ok(Some(value)) => {
                    kept.insert(column_id.clone(), value);
                }
                Ok(None) => {}
                Err(why) => {
                    let place = field(&format!("cells.{column_id}"));
                    return Err(refused(column, &place, "the new row", &why));
                }
            }
        }
        self.changes.push(change(
            "row_added",
            Some(&id),
            None,
            None,
            Some(&Value::Object(kept.clone())),
        ));
        let row = Row {
            id: id.clone(),
            position: self.next_position,
            version: self.version,
            cells: kept,
            list: list.to_owned(),
            list_since_at: self.now,
            list_by: by.actor.to_owned(),
            list_reason: by.summary.to_owned(),
            created_at: self.now,
            created_by: by.actor.to_owned(),
            updated_at: self.now,
            updated_by: by.actor.to_owned(),
            archived_at: None,
            archive_reason: None,
        };
        self.next_position += 1;
        self.live_rows += 1;
        self.added.push(id.clone());
        self.rows.insert(
            id,
            Touched {
                row,
                deleted: false,
                dirty: false,
            },
        );
        Ok(())
    }

    fn move_row(
        &mut self,
        index: usize,
        row_id: &str,
        list: &str,
        reason: &str,
        by: &ChangeBy<'_>,
    ) -> Result<(), GridError> {
        check_list(list, &format!("operations[{index}].list"))?;
        check_reason(reason, &format!("operations[{index}].reason"))?;
        let now = self.now;
        let touched = live(&mut self.rows, row_id)?;
        if touched.row.list == list {
            return Ok(());
        }
        let before = json!({"list": touched.row.list, "reason": touched.row.list_reason});
        list.clone_into(&mut touched.row.list);
        reason.trim().clone_into(&mut touched.row.list_reason);
        touched.row.list_since_at = now;
        by.actor.clone_into(&mut touched.row.list_by);
        touched.dirty = true;
        let after = json!({"list": list, "reason": reason.trim()});
        self.changes.push(change(
            "list",
            Some(row_id),
            None,
            Some(&before),
            Some(&after),
        ));
        Ok(())
    }

    fn archive(&mut self, index: usize, row_id: &str, reason: &str) -> Result<(), GridError> {
        if reason.trim().is_empty() {
            return Err(GridError::invalid(
                "reason_needed",
                format!("operations[{index}].reason"),
                "say why the row is archived: whoever looks for it later will ask",
            ));
        }
        check_reason(reason, &format!("operations[{index}].reason"))?;
        let now = self.now;
        let touched = live(&mut self.rows, row_id)?;
        if touched.row.archived_at.is_some() {
            return Ok(());
        }
        touched.row.archived_at = Some(now);
        touched.row.archive_reason = Some(reason.trim().to_owned());
        touched.dirty = true;
        self.changes.push(change(
            "archived",
            Some(row_id),
            None,
            None,
            Some(&reason.trim().into()),
        ));
        Ok(())
    }

    fn restore(&mut self, row_id: &str) -> Result<(), GridError> {
        let touched = self
            .rows
            .get_mut(row_id)
            .ok_or_else(|| missing("row", row_id))?;
        if touched.deleted {
            touched.deleted = false;
            touched.dirty = true;
            self.live_rows += 1;
            self.changes.push(change(
                "deleted",
                Some(row_id),
                None,
                Some(&true.into()),
                None,
            ));
        }
        if touched.row.archived_at.take().is_some() {
            let reason = touched.row.archive_reason.take().unwrap_or_default();
            touched.dirty = true;
            self.changes.push(change(
                "archived",
                Some(row_id),
                None,
                Some(&reason.into()),
                None,
            ));
        }
        Ok(())
    }

    fn delete(&mut self, row_id: &str) -> Result<(), GridError> {
        let touched = self
            .rows
            .get_mut(row_id)
            .ok_or_else(|| missing("row", row_id))?;
        if !touched.deleted {
            touched.deleted = true;
            touched.dirty = true;
            self.live_rows = self.live_rows.saturating_sub(1);
            self.changes.push(change(
                "deleted",
                Some(row_id),
                None,
                None,
                Some(&true.into()),
            ));
        }
        Ok(())
    }
}

/// Validates a value and finds whom it links to. Takes the column by reference: a
/// clone for each of two million cells is what an import cannot afford.
async fn checked(
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

fn refused(column: &Column, field: &str, row: &str, why: &str) -> GridError {
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

fn check_list(list: &str, field: &str) -> Result<(), GridError> {
    if LISTS.contains(&list) {
        return Ok(());
    }
    Err(GridError::invalid(
        "invalid_list",
        field,
        format!("{list:?} is no list: use main, follow_up, longshot or graveyard"),
    ))
}

/// Reasons stand beside lists and in histories: a sentence, no essay.
fn check_reason(reason: &str, field: &str) -> Result<(), GridError> {
    if reason.chars().count() <= MAX_REASON_CHARS {
        return Ok(());
    }
    Err(GridError::invalid(
        "reason_too_long",
        field,
        "a reason has at most 1,000 characters: the rest belongs into a note",
    ))
}

fn live<'a>(
    rows: &'a mut HashMap<String, Touched>,
    id: &str,
) -> Result<&'a mut Touched, GridError> {
    rows.get_mut(id)
        .filter(|t| !t.deleted)
        .ok_or_else(|| missing("row", id))
}

/// Live rows, and the last position ever given.
async fn size(tx: &mut WriteTx) -> Result<(i64, i64), DbError> {
    sqlx::query_as(
        "select (select count(*) from grid_rows where deleted_at is null), (select coalesce(max(position), 0) from grid_rows)",
    )
    .fetch_one(&mut **tx)
    .await
}

async fn load_rows(tx: &mut WriteTx, ids: &[&str]) -> Result<HashMap<String, Touched>, DbError> {
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

async fn row_exists(tx: &mut WriteTx, id: &str) -> Result<bool, DbError> {
    let found: Option<i64> = sqlx::query_scalar("select 1 from grid_rows where id = ?1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.is_some())
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
