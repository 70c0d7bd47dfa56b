//! The part of a write that adds rows, moves them and takes them away.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    ChangeBy, GridError, LISTS, MAX_ROWS, Row,
    apply::{POSITION_STEP, Touched, Work, change, checked, missing, refused},
};
use crate::db::{DbError, WriteTx};

/// Characters of a reason at most.
const MAX_REASON_CHARS: usize = 1_000;

/// A row to be added.
pub(super) struct NewRow<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) cells: &'a Map<String, Value>,
    pub(super) list: Option<&'a str>,
    pub(super) after: Option<&'a str>,
}

impl Work {
    pub(super) async fn add_row(
        &mut self,
        tx: &mut WriteTx,
        index: usize,
        new: &NewRow<'_>,
        by: &ChangeBy<'_>,
    ) -> Result<(), GridError> {
        let field = |name: &str| format!("operations[{index}].{name}");
        if self.live_rows >= MAX_ROWS {
            return Err(too_many_rows(field("op")));
        }
        let id = new.id.map_or_else(|| tx.new_id(), str::to_owned);
        let is_given = new.id.is_some();
        if !is_row_id(&id)
            || self.rows.contains_key(&id)
            || (is_given && row_exists(tx, &id).await?)
        {
            return Err(GridError::invalid(
                "row_id_taken",
                field("id"),
                "a new row needs an id of its own, of up to 64 letters, digits, - and _: leave it out to get one",
            ));
        }
        let list = new.list.unwrap_or("main");
        check_list(list, &field("list"))?;
        let kept = self.new_cells(tx, index, new.cells).await?;
        let position = match new.after {
            Some(after) => self.place_after(tx, after).await?,
            None => self.next_position,
        };
        self.changes.push(change(
            "row_added",
            Some(&id),
            None,
            None,
            Some(&Value::Object(kept.clone())),
        ));
        let row = Row {
            id: id.clone(),
            position,
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
        self.next_position = self.next_position.max(position + POSITION_STEP);
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

    /// A new row's cells: as given, else the column's default.
    async fn new_cells(
        &mut self,
        tx: &mut WriteTx,
        index: usize,
        cells: &Map<String, Value>,
    ) -> Result<Map<String, Value>, GridError> {
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
                    let place = format!("operations[{index}].cells.{column_id}");
                    return Err(refused(column, &place, "the new row", &why));
                }
            }
        }
        for (id, column) in &self.columns {
            if let Some(value) = &column.options.default
                && !cells.contains_key(id)
                && let Ok(Some(value)) = checked(tx, &mut self.links, column, value).await?
            {
                kept.insert(id.clone(), value);
            }
            if column.options.required && !kept.contains_key(id) {
                let place = format!("operations[{index}].cells.{id}");
                let why = "is required: give the new row a value here";
                return Err(refused(column, &place, "the new row", why));
            }
        }
        Ok(kept)
    }

    /// A position between a row and the one below it.
    async fn place_after(&mut self, tx: &mut WriteTx, after: &str) -> Result<i64, GridError> {
        for _ in 0..2 {
            let above = live(&mut self.rows, after)?.row.position;
            let stored: Option<i64> =
                sqlx::query_scalar("select min(position) from grid_rows where position > ?1")
                    .bind(above)
                    .fetch_one(&mut **tx)
                    .await?;
            let new = self.added.iter().filter_map(|id| self.rows.get(id));
            let below = new
                .map(|t| t.row.position)
                .filter(|p| *p > above)
                .chain(stored)
                .min();
            match below {
                None => return Ok(above + POSITION_STEP),
                Some(below) if below - above > 1 => return Ok(above + (below - above) / 2),
                Some(_) => self.spread(tx).await?,
            }
        }
        Ok(self.next_position)
    }

    /// Gives all rows room again. Readers that keep the order learn by a touch.
    async fn spread(&mut self, tx: &mut WriteTx) -> Result<(), DbError> {
        sqlx::query(
            "with placed as (select id, row_number() over (order by position, id) as place from grid_rows)
             update grid_rows set position = placed.place * ?1 from placed where placed.id = grid_rows.id",
        )
        .bind(POSITION_STEP)
        .execute(&mut **tx)
        .await?;
        sqlx::query("insert into grid_touches (row_id) values (null)")
            .execute(&mut **tx)
            .await?;
        let mut last = 0;
        let placed: Vec<(String, i64)> = sqlx::query_as("select id, position from grid_rows")
            .fetch_all(&mut **tx)
            .await?;
        for (id, position) in placed {
            last = last.max(position);
            if let Some(touched) = self.rows.get_mut(&id) {
                touched.row.position = position;
            }
        }
        for id in &self.added {
            last += POSITION_STEP;
            if let Some(touched) = self.rows.get_mut(id) {
                touched.row.position = last;
            }
        }
        self.next_position = last + POSITION_STEP;
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

    pub(super) fn restore(&mut self, index: usize, row_id: &str) -> Result<(), GridError> {
        let is_full = self.live_rows >= MAX_ROWS;
        let touched = self
            .rows
            .get_mut(row_id)
            .ok_or_else(|| missing("row", row_id))?;
        if touched.deleted {
            if is_full {
                return Err(too_many_rows(format!("operations[{index}].op")));
            }
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

fn too_many_rows(field: String) -> GridError {
    GridError::invalid(
        "too_many_rows",
        field,
        "the grid has 100,000 rows, which is the most it takes: archive does not help, delete some",
    )
}

fn is_row_id(id: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    (1..=64).contains(&id.len()) && id.bytes().all(is_plain)
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
