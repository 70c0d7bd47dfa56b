//! What columns demand of their cells: required and unique values, formulas that
//! can be computed.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{Column, GridError, Row, apply::Work, formulas};
use crate::db::{DbError, WriteTx};

/// Why a cell may not be emptied, if so. One that was empty before may stay so.
pub(super) fn emptied(column: &Column, row: &Row) -> Result<(), &'static str> {
    if column.options.required && row.cells.contains_key(&column.id) {
        return Err("is required: put another value instead of none");
    }
    Ok(())
}

impl Work {
    /// Checks what only the whole request can break.
    pub(super) async fn check_rules(&self, tx: &mut WriteTx) -> Result<(), GridError> {
        if !self.changed_columns.is_empty() {
            formulas::check(&self.all_columns())?;
        }
        let touched = self.touched_columns();
        for column in self.columns.values() {
            let is_touched =
                touched.contains(&column.id) || self.drained.unique.contains_key(&column.id);
            if column.options.unique && is_touched {
                self.check_unique(tx, column).await?;
            }
        }
        Ok(())
    }

    /// Columns in which a value is new, by this request.
    fn touched_columns(&self) -> BTreeSet<String> {
        let mut touched: BTreeSet<String> = self.changed_columns.keys().cloned().collect();
        for change in &self.changes {
            match (change[0].as_str(), change[2].as_str()) {
                (Some("cell"), Some(column)) => {
                    touched.insert(column.to_owned());
                }
                (Some("row_added" | "deleted"), _) => {
                    let row = change[1].as_str().and_then(|id| self.rows.get(id));
                    touched.extend(row.into_iter().flat_map(|t| t.row.cells.keys().cloned()));
                }
                _ => {}
            }
        }
        touched
    }

    /// One look at the whole column: only writes to unique columns pay for it.
    async fn check_unique(&self, tx: &mut WriteTx, column: &Column) -> Result<(), GridError> {
        let mut seen: HashMap<String, String> = HashMap::new();
        let none = HashMap::new();
        let drained = self.drained.unique.get(&column.id).unwrap_or(&none);
        for (id, value) in stored_values(tx, &column.id).await? {
            if !self.rows.contains_key(&id) && !drained.contains_key(&id) {
                seen.insert(key(&value), id);
            }
        }
        let rows = self.rows.iter().filter(|(_, t)| !t.deleted);
        let held = rows.filter_map(|(id, t)| Some((id, as_text(t.row.cells.get(&column.id)?))));
        let ready = drained
            .iter()
            .filter_map(|(id, value)| Some((id, value.clone()?)));
        for (id, value) in held.chain(ready) {
            if let Some(other) = seen.insert(key(&value), id.clone()) {
                return Err(GridError::invalid(
                    "not_unique",
                    format!("columns.{}", column.id),
                    format!(
                        "{} must be unique, and {value:?} would stand in two rows ({other} and {id}): change one of them",
                        column.name
                    ),
                ));
            }
        }
        Ok(())
    }
}

async fn stored_values(tx: &mut WriteTx, column: &str) -> Result<Vec<(String, String)>, DbError> {
    sqlx::query_as(
        "select id, cells ->> ?1 from grid_rows where deleted_at is null and cells ->> ?1 is not null",
    )
    .bind(column)
    .fetch_all(&mut **tx)
    .await
}

pub(super) fn as_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Values that read the same are the same.
fn key(value: &str) -> String {
    value.trim().to_lowercase()
}
