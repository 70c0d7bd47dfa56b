//! What readers who follow along are told.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Table;
use crate::grid::Column;

/// Rows told of one by one; beyond, loading the state again is cheaper.
const MOST_ROWS: usize = 2_000;

/// What changed since a reader last looked.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Changes {
    /// These rows, and perhaps columns.
    Changes(Changed),
    /// Too much, or another epoch: load the state again.
    Reload {
        /// The grid's version.
        version: i64,
    },
}

/// Rows and columns that changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changed {
    /// The grid's version.
    pub version: i64,
    /// Of the slots.
    pub epoch: String,
    /// Send it back to hear what comes next.
    pub stamp: u64,
    /// As they are now.
    pub rows: Vec<ChangedRow>,
    /// All columns, if any changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<ColumnFacts>>,
    /// Views changed: ask for them again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub views: bool,
}

/// A column with what the table knows of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ColumnFacts {
    /// Its definition; formulas with today's names.
    #[serde(flatten)]
    pub column: Column,
    /// Nobody writes it: it is joined in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub derived: bool,
    /// What a formula gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

impl Changes {
    /// Whether there is nothing to tell.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Changes(c) if c.rows.is_empty() && c.columns.is_none() && !c.views)
    }
}

/// One row as it is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedRow {
    /// Where the state had or would have it.
    pub slot: u32,
    /// Row id.
    pub id: String,
    /// The grid version that last changed it.
    pub version: i64,
    /// Out of the views.
    pub archived: bool,
    /// Gone; its cells are not told.
    pub deleted: bool,
    /// Stored, derived and computed cells; blank ones are absent.
    pub cells: Map<String, Value>,
}

impl Table {
    /// What changed after `stamp`.
    pub fn changes_since(&self, epoch: &str, stamp: u64) -> Changes {
        let reload = Changes::Reload {
            version: self.version,
        };
        if epoch != self.epoch || stamp > self.stamp {
            return reload;
        }
        self.collect(
            |head| head.stamp > stamp,
            self.columns_stamp > stamp,
            self.views_stamp > stamp,
        )
        .unwrap_or(reload)
    }

    /// What changed after a version, for readers who know no stamp.
    pub fn changes_since_version(&self, epoch: &str, version: i64) -> Changes {
        let reload = Changes::Reload {
            version: self.version,
        };
        if epoch != self.epoch || version > self.version {
            return reload;
        }
        let is_old = version < self.version;
        self.collect(|head| head.version > version, is_old, is_old)
            .unwrap_or(reload)
    }

    fn collect(
        &self,
        is_new: impl Fn(&super::Head) -> bool,
        columns: bool,
        views: bool,
    ) -> Option<Changes> {
        let slots: Vec<u32> = (0..)
            .zip(&self.rows)
            .filter(|(_, head)| is_new(head))
            .map(|(slot, _)| slot)
            .take(MOST_ROWS + 1)
            .collect();
        if slots.len() > MOST_ROWS {
            return None;
        }
        Some(Changes::Changes(Changed {
            version: self.version,
            epoch: self.epoch.clone(),
            stamp: self.stamp,
            rows: slots
                .into_iter()
                .map(|slot| self.changed_row(slot))
                .collect(),
            columns: columns.then(|| self.facts()),
            views,
        }))
    }

    /// All columns as the API gives them.
    pub fn facts(&self) -> Vec<ColumnFacts> {
        self.definitions()
            .into_iter()
            .map(|column| ColumnFacts {
                derived: super::is_derived(&column.id),
                result: self.result_of(&column.id),
                column,
            })
            .collect()
    }

    fn changed_row(&self, slot: u32) -> ChangedRow {
        let head = &self.rows[slot as usize];
        ChangedRow {
            slot,
            id: head.id.to_string(),
            version: head.version,
            archived: head.archived,
            deleted: !head.live,
            cells: if head.live {
                self.cells(slot)
            } else {
                Map::new()
            },
        }
    }
}
