//! Taking a change set back, by the operations that undo it.

use serde_json::{Map, Value};

use super::{
    Applied, Change, ChangeBy, GridError, LISTS, Operation, Row, apply, apply::missing, history,
    read,
};
use crate::db::{DbError, WriteTx};

/// A change set with more changes is reverted as a job (issue "The grid").
const MAX_CHANGES: usize = 20_000;

/// Undoes a change set. A cell that somebody changed since comes back as a
/// conflict and stays; a row whose list, archive or delete mark is to be undone
/// must not have changed since at all.
pub async fn revert(tx: &mut WriteTx, set: i64, by: &ChangeBy<'_>) -> Result<Applied, GridError> {
    let changes = history::of_set(tx, set, MAX_CHANGES + 1).await?;
    if changes.is_empty() {
        return Err(missing("change set", &set.to_string()));
    }
    if changes.len() > MAX_CHANGES {
        return Err(GridError::invalid(
            "too_many_changes",
            "change_set",
            "more than 20,000 changes cannot be undone at once",
        ));
    }
    let mut operations = Vec::new();
    for change in changes.iter().rev() {
        undo(tx, set, change, &mut operations).await?;
    }
    apply(tx, &operations, by).await
}

async fn undo(
    tx: &mut WriteTx,
    set: i64,
    change: &Change,
    operations: &mut Vec<Operation>,
) -> Result<(), GridError> {
    let before = json(change.before.as_deref())?;
    let Some(id) = change.row_id.clone() else {
        return Err(GridError::invalid(
            "column_change",
            "change_set",
            "a change of columns cannot be undone here: change the column back",
        ));
    };
    if change.what == "cell" {
        operations.push(Operation::Set {
            row: id,
            column: change.column_id.clone().unwrap_or_default(),
            value: before,
            base: set,
        });
        return Ok(());
    }
    let row = unchanged_since(tx, &id, set).await?;
    let restored = |operations: &mut Vec<Operation>, archived: Option<String>| {
        operations.push(Operation::Restore { row: id.clone() });
        if let Some(reason) = archived {
            operations.push(Operation::Archive {
                row: id.clone(),
                reason,
            });
        }
    };
    match (change.what.as_str(), &before) {
        ("row_added", _) | ("deleted", Value::Bool(true)) => {
            operations.push(Operation::Delete { row: id.clone() });
        }
        ("deleted", _) => restored(operations, row.archive_reason),
        ("archived", Value::Null) => restored(operations, None),
        ("archived", reason) => operations.push(Operation::Archive {
            row: id.clone(),
            reason: Some(text(reason))
                .filter(|r| !r.trim().is_empty())
                .unwrap_or_else(|| "archived before".to_owned()),
        }),
        ("list", before) => operations.push(Operation::Move {
            row: id.clone(),
            list: Some(text(&before["list"]))
                .filter(|l| LISTS.contains(&l.as_str()))
                .unwrap_or_else(|| LISTS[0].to_owned()),
            reason: text(&before["reason"]),
        }),
        _ => {}
    }
    Ok(())
}

/// The row, live or deleted, if this set was the last to change it.
async fn unchanged_since(tx: &mut WriteTx, id: &str, set: i64) -> Result<Row, GridError> {
    let ids = [id.to_owned()];
    let live = read::rows_by_id(tx, &ids).await?.pop();
    let row = match live {
        Some(row) => Some(row),
        None => read::deleted_rows_by_id(tx, &ids).await?.pop(),
    };
    let row = row.ok_or_else(|| missing("row", id))?;
    if row.version == set {
        return Ok(row);
    }
    Err(GridError::invalid(
        "changed_since",
        "change_set",
        "the investor was changed again since, so this cannot be undone any more",
    ))
}

fn json(text: Option<&str>) -> Result<Value, DbError> {
    text.map_or(Ok(Value::Null), |text| {
        serde_json::from_str(text).map_err(|e| sqlx::Error::Decode(Box::new(e)))
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The cells a new row began with, from its `row_added` change.
pub fn added_cells(change: &Change) -> Map<String, Value> {
    match json(change.after.as_deref()) {
        Ok(Value::Object(cells)) => cells,
        _ => Map::new(),
    }
}
