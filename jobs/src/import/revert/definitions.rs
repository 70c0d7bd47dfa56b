//! Columns that an import added, or gave more options.

use std::collections::HashSet;

use serde_json::Value;
use sqlx::SqliteConnection;

use super::{Kept, Reverted, json, keep, since::Used};
use crate::{
    grid::{Bulk, ChangeBy, Column, GridError, Operation},
    import::ImportError,
};

/// A column the import added, or gave more options.
pub(super) struct Definition {
    column: String,
    before: Option<Value>,
    after: Value,
}

pub(super) async fn definitions(
    conn: &mut SqliteConnection,
    set: i64,
) -> Result<Vec<Definition>, ImportError> {
    let changes: Vec<(String, Option<String>, Option<String>)> = sqlx::query_as(
        "select column_id, before, after from grid_changes
         where change_set_id = ?1 and row_id is null and what = 'column' order by id desc",
    )
    .bind(set)
    .fetch_all(conn)
    .await?;
    let read = |(column, before, after): (String, Option<String>, Option<String>)| {
        Ok(Definition {
            column,
            before: before
                .is_some()
                .then(|| json(before.as_deref()))
                .transpose()?,
            after: json(after.as_deref())?,
        })
    };
    changes.into_iter().map(read).collect()
}

fn choice_ids(definition: &Value) -> HashSet<&str> {
    let choices = definition["options"]["choices"].as_array();
    let ids = choices
        .into_iter()
        .flatten()
        .filter_map(|c| c["id"].as_str());
    ids.collect()
}

impl Definition {
    pub(super) fn deletion(&self) -> Operation {
        Operation::DeleteColumn {
            column: self.column.clone(),
        }
    }

    pub(super) async fn take_back(
        &self,
        bulk: &mut Bulk,
        live: &[Column],
        used: &Used,
        done: &mut Reverted,
        by: &ChangeBy<'_>,
    ) -> Result<(), ImportError> {
        let Some(column) = live.iter().find(|c| c.id == self.column) else {
            return Ok(()); // deleted since
        };
        let kept = |what: &str, name: &str, of: Option<&str>, reason: &str| Kept {
            what: what.to_owned(),
            name: name.to_owned(),
            row_id: None,
            column: of.map(str::to_owned),
            reason: reason.to_owned(),
            by: None,
            at: None,
        };
        let none = HashSet::new();
        let values = used.get(&column.id).unwrap_or(&none);
        let Some(before) = &self.before else {
            if !values.is_empty() {
                keep(
                    done,
                    kept("column", &column.name, None, "holds values that stay"),
                );
                return Ok(());
            }
            match bulk.take_column(&self.deletion(), by).await {
                Ok(()) => done.columns.push(column.name.clone()),
                Err(GridError::Invalid { detail, .. }) => {
                    keep(done, kept("column", &column.name, None, &detail));
                }
                Err(other) => return Err(other.into()),
            }
            return Ok(());
        };
        let (old, new) = (choice_ids(before), choice_ids(&self.after));
        let is_ours = |id: &str| new.contains(id) && !old.contains(id);
        let mut options = column.options.clone();
        options
            .choices
            .retain(|c| !is_ours(&c.id) || values.contains(&c.id));
        for choice in options.choices.iter().filter(|c| is_ours(&c.id)) {
            keep(
                done,
                kept(
                    "option",
                    &choice.name,
                    Some(&column.name),
                    "is chosen by now",
                ),
            );
        }
        let operation = Operation::UpdateColumn {
            column: column.id.clone(),
            name: None,
            options: Some(options),
            hidden: None,
        };
        Ok(bulk.take_column(&operation, by).await?)
    }
}
