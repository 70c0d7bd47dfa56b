//! Taking a change set back, by the operations that undo it; undo and redo.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    Applied, Change, ChangeBy, Column, GridError, LISTS, Operation, Row, apply, apply::missing,
    history, ledger, merges, read,
};
use crate::{
    db::{DbError, WriteTx},
    queue::{EnqueueOptions, JobId, Payload, Prepared, Unique, enqueue_with},
};

/// A change set with more changes is reverted by a job, not while somebody waits.
pub const REVERTED_AT_ONCE: usize = 20_000;

/// The code of the refusal of a larger one.
pub const TOO_MANY: &str = "too_many_changes";

/// Takes a large change set back.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct RevertChangeSet {
    /// Its id.
    pub change_set: i64,
    /// Who asked.
    pub actor: String,
}

impl Payload for RevertChangeSet {
    const KIND: &'static str = "revert_change_set";

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished(self.change_set.to_string()))
    }
}

/// What an undo or redo did.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Undone {
    /// The change set that was taken back.
    pub change_set: i64,
    /// What it was about.
    pub summary: String,
    /// What taking it back did.
    pub applied: Applied,
    /// Why nothing could be taken back, if so. The next undo goes on before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Undoes a change set of at most `most` changes. What no longer is as the set
/// left it was changed by somebody since: a cell comes back as a conflict and
/// stays, a row's list, archive or delete mark refuses the whole.
pub async fn revert(
    tx: &mut WriteTx,
    set: i64,
    by: &ChangeBy<'_>,
    most: usize,
) -> Result<Applied, GridError> {
    let changes = history::of_set(tx, set, most.saturating_add(1)).await?;
    if changes.is_empty() {
        return Err(missing("change set", &set.to_string()));
    }
    if changes.len() > most {
        return Err(GridError::invalid(
            TOO_MANY,
            "change_set",
            format!("more than {most} changes are taken back by a job: ask for one"),
        ));
    }
    let (columns, rows): (Vec<_>, Vec<_>) = changes.iter().rev().partition(|c| c.row_id.is_none());
    let mut operations = Vec::new();
    // Columns first: the cells that follow must fit the types they had. Columns
    // that the set added go last: its cells in them are taken back before.
    let mut added = Vec::new();
    for change in columns {
        let is_new = change.before.is_none();
        undo_column(change, if is_new { &mut added } else { &mut operations })?;
    }
    let mut now = Now::load(tx, &rows).await?;
    for change in rows {
        if change.what == "cell" {
            operations.push(now.undo_cell(set, change)?);
        } else {
            now.undo_mark(tx, set, change, by, &mut operations).await?;
        }
    }
    operations.append(&mut added);
    let applied = apply(tx, &operations, by).await?;
    took_back(tx, set, &applied).await?;
    Ok(applied)
}

/// Joins a set with the one that took it back: history names both, and what the
/// ledger and merged people rest on goes the same way.
pub(crate) async fn took_back(
    tx: &mut WriteTx,
    set: i64,
    applied: &Applied,
) -> Result<(), DbError> {
    if applied.changes > 0 {
        sqlx::query("update change_sets set reverts = ?2 where id = ?1")
            .bind(applied.version)
            .bind(set)
            .execute(&mut **tx)
            .await?;
        ledger::date_like(tx, applied.version, set).await?;
    }
    merges::follow_revert(tx, set).await?;
    // Even if nothing was left to take back: it is done with.
    sqlx::query("update change_sets set undone_by = ?2 where id = ?1")
        .bind(set)
        .bind(if applied.changes > 0 {
            applied.version
        } else {
            set
        })
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes back the actor's newest change set that still stands. `None` if there
/// is nothing to undo.
pub async fn undo(tx: &mut WriteTx, actor: &str) -> Result<Option<Undone>, GridError> {
    let set: Option<(i64, String)> = sqlx::query_as(
        "select id, summary from change_sets
         where actor = ?1 and undone_by is null and origin in ('edit', 'redo') order by id desc limit 1",
    )
    .bind(actor)
    .fetch_optional(&mut **tx)
    .await?;
    take_back(tx, actor, set, "undo").await
}

/// Takes back the actor's newest undo, unless they have edited since. `None` if
/// there is nothing to redo.
pub async fn redo(tx: &mut WriteTx, actor: &str) -> Result<Option<Undone>, GridError> {
    let set: Option<(i64, String)> = sqlx::query_as(
        "select id, summary from change_sets
         where actor = ?1 and undone_by is null and origin = 'undo'
           and id > (select coalesce(max(id), 0) from change_sets where actor = ?1 and origin = 'edit')
         order by id desc limit 1",
    )
    .bind(actor)
    .fetch_optional(&mut **tx)
    .await?;
    take_back(tx, actor, set, "redo").await
}

async fn take_back(
    tx: &mut WriteTx,
    actor: &str,
    set: Option<(i64, String)>,
    origin: &str,
) -> Result<Option<Undone>, GridError> {
    let Some((set, summary)) = set else {
        return Ok(None);
    };
    let by = ChangeBy {
        actor,
        origin,
        summary: &summary,
        job: None,
    };
    let (applied, refused) = match revert(tx, set, &by, REVERTED_AT_ONCE).await {
        Ok(applied) => (applied, None),
        Err(GridError::Invalid { code, .. }) if code == TOO_MANY => {
            hand_over(tx, actor, set).await?;
            let told = "this change is large, so a job takes it back: watch it on the worker page";
            (unchanged(tx).await?, Some(told.to_owned()))
        }
        // Otherwise this one would stand in the way of all before it for ever.
        Err(GridError::Invalid { detail, .. }) => (passed_over(tx, set).await?, Some(detail)),
        Err(other) => return Err(other),
    };
    Ok(Some(Undone {
        change_set: set,
        summary,
        applied,
        refused,
    }))
}

/// Leaves a large set to a job. Asking again while it is at work changes nothing.
pub async fn hand_over(tx: &mut WriteTx, actor: &str, set: i64) -> Result<JobId, GridError> {
    let job = Prepared::new(&RevertChangeSet {
        change_set: set,
        actor: actor.to_owned(),
    })?;
    Ok(enqueue_with(tx, &job, &EnqueueOptions::by(actor)).await?.id)
}

async fn passed_over(tx: &mut WriteTx, set: i64) -> Result<Applied, DbError> {
    pass_over(tx, set).await?;
    unchanged(tx).await
}

/// Leaves a set that cannot be taken back out of what undo looks at.
pub async fn pass_over(tx: &mut WriteTx, set: i64) -> Result<(), DbError> {
    sqlx::query("update change_sets set undone_by = id where id = ?1 and undone_by is null")
        .bind(set)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn unchanged(tx: &mut WriteTx) -> Result<Applied, DbError> {
    Ok(Applied {
        version: read::state(tx).await?.version,
        rows: Vec::new(),
        columns: Vec::new(),
        conflicts: Vec::new(),
        changes: 0,
    })
}

/// A column's definition as history keeps it.
pub(super) fn definition(id: &str, text: Option<&str>) -> Result<Option<Column>, DbError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let mut full = json(Some(text))?;
    full["id"] = id.into();
    serde_json::from_value(full)
        .map(Some)
        .map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

pub(super) fn undo_column(
    change: &Change,
    operations: &mut Vec<Operation>,
) -> Result<(), GridError> {
    let id = change.column_id.clone().unwrap_or_default();
    let before = definition(&id, change.before.as_deref())?;
    let after = definition(&id, change.after.as_deref())?;
    match (before, after) {
        (None, _) => operations.push(Operation::DeleteColumn { column: id }),
        (Some(_), None) => operations.push(Operation::RestoreColumn { column: id }),
        (Some(before), Some(after)) => {
            if before.kind != after.kind {
                operations.push(Operation::RetypeColumn {
                    column: id.clone(),
                    kind: before.kind,
                    options: Some(before.options.clone()),
                });
            }
            let is_move = before.position != after.position;
            operations.push(Operation::UpdateColumn {
                column: id.clone(),
                name: Some(before.name),
                options: Some(before.options),
                hidden: Some(before.hidden),
            });
            if is_move && before.position > 0 {
                operations.push(Operation::PlaceColumn {
                    column: id,
                    position: before.position,
                });
            }
        }
    }
    Ok(())
}

/// The rows a set touched as they are now, and as they will be while its
/// changes are taken back one by one.
struct Now(HashMap<String, (Row, bool)>);

impl Now {
    async fn load(tx: &mut WriteTx, changes: &[&Change]) -> Result<Self, DbError> {
        let mut ids: Vec<String> = changes.iter().filter_map(|c| c.row_id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut rows = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(2_000) {
            for row in read::rows_by_id(tx, chunk).await? {
                rows.insert(row.id.clone(), (row, false));
            }
            for row in read::deleted_rows_by_id(tx, chunk).await? {
                rows.insert(row.id.clone(), (row, true));
            }
        }
        Ok(Self(rows))
    }

    fn row(&mut self, change: &Change) -> Result<&mut (Row, bool), GridError> {
        let id = change.row_id.as_deref().unwrap_or_default();
        self.0.get_mut(id).ok_or_else(|| missing("row", id))
    }

    /// Sets a cell back. If it is as the set left it, whatever happened between
    /// does not matter; else its history decides whose the conflict is.
    fn undo_cell(&mut self, set: i64, change: &Change) -> Result<Operation, GridError> {
        let (before, after) = (
            json(change.before.as_deref())?,
            json(change.after.as_deref())?,
        );
        let column = change.column_id.clone().unwrap_or_default();
        let (row, _) = self.row(change)?;
        let is_as_left = *row.cells.get(&column).unwrap_or(&Value::Null) == after;
        row.cells.insert(column.clone(), before.clone());
        Ok(Operation::Set {
            row: row.id.clone(),
            column,
            value: before,
            base: if is_as_left { i64::MAX } else { set },
        })
    }

    async fn undo_mark(
        &mut self,
        tx: &mut WriteTx,
        set: i64,
        change: &Change,
        by: &ChangeBy<'_>,
        operations: &mut Vec<Operation>,
    ) -> Result<(), GridError> {
        let (before, after) = (
            json(change.before.as_deref())?,
            json(change.after.as_deref())?,
        );
        if change.what == "purged" {
            return Err(GridError::invalid(
                "purged",
                "change_set",
                "a purged row is gone for good: it cannot be brought back",
            ));
        }
        let (row, deleted) = self.row(change)?;
        let id = row.id.clone();
        let is_as_left = match change.what.as_str() {
            "deleted" => *deleted != after.is_null(),
            "archived" => row.archived_at.is_some() != after.is_null(),
            "list" => row.list == text(&after["list"]),
            _ => !*deleted && !changed_by_others(tx, &id, set, by.actor).await?,
        };
        if !is_as_left {
            return Err(changed_since());
        }
        let archived = row.archive_reason.clone();
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
                *deleted = true;
                operations.push(Operation::Delete { row: id });
            }
            ("deleted", _) => {
                *deleted = false;
                restored(operations, archived);
            }
            ("archived", Value::Null) => {
                row.archived_at = None;
                restored(operations, None);
            }
            ("archived", reason) => {
                row.archived_at = Some(0);
                operations.push(Operation::Archive {
                    row: id,
                    reason: Some(text(reason))
                        .filter(|r| !r.trim().is_empty())
                        .unwrap_or_else(|| "archived before".to_owned()),
                });
            }
            ("list", before) => {
                row.list = text(&before["list"]);
                operations.push(Operation::Move {
                    row: id,
                    list: Some(row.list.clone())
                        .filter(|l| LISTS.contains(&l.as_str()))
                        .unwrap_or_else(|| LISTS[0].to_owned()),
                    reason: text(&before["reason"]),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether somebody else's change to the row, made after the set, still stands.
async fn changed_by_others(
    tx: &mut WriteTx,
    row: &str,
    set: i64,
    actor: &str,
) -> Result<bool, DbError> {
    let found: i64 = sqlx::query_scalar(
        "select exists (select 1 from grid_changes c join change_sets s on s.id = c.change_set_id
                        where c.row_id = ?1 and c.change_set_id > ?2 and s.actor <> ?3 and s.undone_by is null)",
    )
    .bind(row)
    .bind(set)
    .bind(actor)
    .fetch_one(&mut **tx)
    .await?;
    Ok(found == 1)
}

fn changed_since() -> GridError {
    GridError::invalid(
        "changed_since",
        "change_set",
        "the investor was changed again since, so this cannot be undone any more",
    )
}

pub(super) fn json(text: Option<&str>) -> Result<Value, DbError> {
    text.map_or(Ok(Value::Null), |text| {
        serde_json::from_str(text).map_err(|e| sqlx::Error::Decode(Box::new(e)))
    })
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The cells a new row began with, from its `row_added` change.
pub fn added_cells(change: &Change) -> Map<String, Value> {
    match json(change.after.as_deref()) {
        Ok(Value::Object(cells)) => cells,
        _ => Map::new(),
    }
}
