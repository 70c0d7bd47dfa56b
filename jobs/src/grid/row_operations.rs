//! The part of a write that adds rows, moves them and takes them away.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    ChangeBy, GridError, LISTS, MAX_ROWS, Row,
    apply::{Touched, Work, change, checked, missing, refused},
};
use crate::db::{DbError, WriteTx};

/// Characters of a reason at most.
const MAX_REASON_CHARS: usize = 1_000;

impl Work {
    pub(super) async fn add_row(
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

    pub(super) fn move_row(
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

    pub(super) fn archive(
        &mut self,
        index: usize,
        row_id: &str,
        reason: &str,
    ) -> Result<(), GridError> {
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

    pub(super) fn restore(&mut self, row_id: &str) -> Result<(), GridError> {
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

    pub(super) fn delete(&mut self, row_id: &str) -> Result<(), GridError> {
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

async fn row_exists(tx: &mut WriteTx, id: &str) -> Result<bool, DbError> {
    let found: Option<i64> = sqlx::query_scalar("select 1 from grid_rows where id = ?1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.is_some())
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
