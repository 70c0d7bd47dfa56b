//! The change log as rules read it.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use sqlx::{FromRow, SqliteConnection};

use super::Trigger;
use crate::db::DbError;

/// A line of the change log that a rule may go by.
#[derive(Clone, Debug, FromRow)]
pub(super) struct Line {
    pub(super) id: i64,
    pub(super) change_set_id: i64,
    pub(super) what: String,
    pub(super) row_id: String,
    pub(super) column_id: Option<String>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) at: i64,
}

/// Which lines matter to some rules.
#[derive(Default)]
pub(super) struct Matter {
    kinds: BTreeSet<&'static str>,
    columns: BTreeSet<String>,
    has_lists: bool,
}

impl Matter {
    pub(super) fn of<'a>(triggers: impl Iterator<Item = &'a Trigger>) -> Self {
        let mut matter = Self::default();
        for trigger in triggers {
            match trigger {
                Trigger::CellChanged { column, .. } => {
                    matter.columns.insert(column.clone());
                }
                Trigger::RowCreated {} => {
                    matter.kinds.insert("row_added");
                }
                Trigger::EnteredList { .. } | Trigger::LeftList { .. } => {
                    matter.has_lists = true;
                    matter.kinds.extend(["row_added", "list"]);
                }
                _ => {}
            }
        }
        matter
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.kinds.is_empty() && self.columns.is_empty()
    }

    /// Lines behind a place, up to a change set, in their order.
    pub(super) async fn read(
        &self,
        conn: &mut SqliteConnection,
        after: (i64, i64),
        up_to: i64,
        limit: i64,
    ) -> Result<Vec<Line>, DbError> {
        if self.is_nothing() {
            return Ok(Vec::new());
        }
        let mut lines: Vec<Line> = sqlx::query_as(
            "select c.id, c.change_set_id, c.what, c.row_id, c.column_id, c.before, c.after, s.at
             from grid_changes c join change_sets s on s.id = c.change_set_id
             where (c.change_set_id, c.id) > (?1, ?2) and c.change_set_id <= ?3 and c.row_id is not null
               and (c.what in (select value from json_each(?4))
                    or (c.what = 'cell' and c.column_id in (select value from json_each(?5))))
             order by c.change_set_id, c.id limit ?6",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(up_to)
        .bind(self.kinds.iter().copied().collect::<Value>().to_string())
        .bind(self.columns.iter().cloned().collect::<Value>().to_string())
        .bind(limit)
        .fetch_all(&mut *conn)
        .await?;
        if self.has_lists {
            with_first_lists(conn, &mut lines).await?;
        }
        Ok(lines)
    }
}

/// A new row's line says nothing of its list: what it began with is what its
/// first move left, or where it still is.
async fn with_first_lists(conn: &mut SqliteConnection, lines: &mut [Line]) -> Result<(), DbError> {
    let added = lines.iter().filter(|line| line.what == "row_added");
    let rows: Value = added.map(|line| line.row_id.clone()).collect();
    let lists: HashMap<String, String> = sqlx::query_as::<_, (String, String)>(
        "select r.id, coalesce((select c.before ->> '$.list' from grid_changes c where c.row_id = r.id and c.what = 'list'
                                order by c.change_set_id, c.id limit 1), r.list)
         from grid_rows r where r.id in (select value from json_each(?1))",
    )
    .bind(rows.to_string())
    .fetch_all(conn)
    .await?
    .into_iter()
    .collect();
    for line in lines.iter_mut().filter(|line| line.what == "row_added") {
        let list = lists.get(&line.row_id);
        line.after = list.map(|list| json!({ "list": list }).to_string());
    }
    Ok(())
}

impl Line {
    /// What made a rule fire, for people and programs; none if this does not.
    pub(super) fn fires(&self, trigger: &Trigger) -> Option<Value> {
        let (before, after) = (
            parsed(self.before.as_deref()),
            parsed(self.after.as_deref()),
        );
        match (trigger, self.what.as_str()) {
            (Trigger::CellChanged { column, from, to }, "cell") => {
                let is_meant = self.column_id.as_ref() == Some(column)
                    && from.as_ref().is_none_or(|from| *from == before)
                    && to.as_ref().is_none_or(|to| *to == after);
                is_meant.then(
                    || json!({"what": "cell", "column": column, "before": before, "after": after}),
                )
            }
            (Trigger::RowCreated {}, "row_added") => Some(json!({"what": "row_created"})),
            (Trigger::EnteredList { list }, "list" | "row_added") => (after["list"] == **list)
                .then(|| json!({"what": "entered_list", "list": list, "from": before["list"]})),
            (Trigger::LeftList { list }, "list") => (before["list"] == **list)
                .then(|| json!({"what": "left_list", "list": list, "to": after["list"]})),
            _ => None,
        }
    }
}

fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}
