//! What a write asks for, and what it is answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ColumnOptions, ColumnType};
use crate::queue::JobId;

/// One thing to do to the grid. `base` is the row version the change was based
/// on; a row that moved on since answers with a conflict where the same cell
/// changed, and merges where it did not.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// Set one cell; null clears it.
    Set {
        /// Row id.
        #[schemars(length(min = 1, max = 64))]
        row: String,
        /// Column id.
        #[schemars(length(min = 1, max = 64))]
        column: String,
        /// In the column type's form, or text that reads as such.
        value: Value,
        /// Row version it was based on.
        #[schemars(range(max = 9_007_199_254_740_991_i64))]
        base: i64,
    },
    /// Add a row at the end.
    AddRow {
        /// A new UUID, or absent: the server gives one.
        #[serde(default)]
        #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
        id: Option<String>,
        /// Column id → value.
        #[serde(default)]
        cells: Map<String, Value>,
        /// `main` unless told.
        #[serde(default)]
        #[schemars(regex(pattern = "^(main|follow_up|longshot|graveyard)$"))]
        list: Option<String>,
        /// Put it below this row instead of at the end.
        #[serde(default)]
        #[schemars(length(min = 1, max = 64))]
        after: Option<String>,
    },
    /// Move a row to another list.
    Move {
        /// Row id.
        #[schemars(length(min = 1, max = 64))]
        row: String,
        /// `main`, `follow_up`, `longshot` or `graveyard`.
        #[schemars(regex(pattern = "^(main|follow_up|longshot|graveyard)$"))]
        list: String,
        /// Why, for whoever asks later.
        #[serde(default)]
        #[schemars(length(max = 1_000))]
        reason: String,
    },
    /// Take a row out of the views. It stays searchable and restorable.
    Archive {
        /// Row id.
        #[schemars(length(min = 1, max = 64))]
        row: String,
        /// Why.
        #[schemars(length(min = 1, max = 1_000))]
        reason: String,
    },
    /// Bring an archived or deleted row back.
    Restore {
        /// Row id.
        #[schemars(length(min = 1, max = 64))]
        row: String,
    },
    /// Delete a row (softly: history keeps it, restore brings it back).
    Delete {
        /// Row id.
        #[schemars(length(min = 1, max = 64))]
        row: String,
    },
    /// Add a column at the right.
    AddColumn {
        /// A slug, or absent: made from the name.
        #[serde(default)]
        #[schemars(regex(pattern = "^[a-z0-9]([a-z0-9_]{0,30}[a-z0-9])?$"))]
        id: Option<String>,
        /// For people.
        #[schemars(length(min = 1, max = 100))]
        name: String,
        /// What its cells hold.
        #[serde(rename = "type")]
        kind: ColumnType,
        /// How.
        #[serde(default)]
        options: ColumnOptions,
    },
    /// Rename a column, show or hide it, or change its options.
    UpdateColumn {
        /// Column id.
        #[schemars(length(min = 1, max = 64))]
        column: String,
        /// New name, if any.
        #[serde(default)]
        #[schemars(length(min = 1, max = 100))]
        name: Option<String>,
        /// New options, if any.
        #[serde(default)]
        options: Option<ColumnOptions>,
        /// Hidden or shown, if said.
        #[serde(default)]
        hidden: Option<bool>,
    },
    /// Change a column's type. Values that do not convert become blank; history
    /// keeps them, and undoing this brings them back.
    RetypeColumn {
        /// Column id.
        #[schemars(length(min = 1, max = 64))]
        column: String,
        /// What its cells shall hold.
        #[serde(rename = "type")]
        kind: ColumnType,
        /// How; absent keeps what still applies, and makes choices from values.
        #[serde(default)]
        options: Option<ColumnOptions>,
    },
    /// Move a column to another place.
    MoveColumn {
        /// Column id.
        #[schemars(length(min = 1, max = 64))]
        column: String,
        /// The column that shall stand right of it; null is the right end.
        #[serde(default)]
        #[schemars(length(min = 1, max = 64))]
        before: Option<String>,
    },
    /// Put a column at a place, as undoing a move needs it.
    PlaceColumn {
        /// Column id.
        #[schemars(length(min = 1, max = 64))]
        column: String,
        /// Place from the left; the lower id goes first on a tie.
        #[schemars(range(min = 1, max = 1_000_000))]
        position: i64,
    },
    /// Delete a column (softly: its cells stay, restore brings them back).
    DeleteColumn {
        /// Column id.
        #[schemars(length(min = 1, max = 64))]
        column: String,
    },
    /// Bring a deleted column back.
    RestoreColumn {
        /// Column id.
        #[schemars(length(min = 1, max = 64))]
        column: String,
    },
}

/// Who changes the grid, and how it came about.
#[derive(Clone, Debug)]
pub struct ChangeBy<'a> {
    /// The actor as stored: `user:ID`, `job:ID`, `system`.
    pub actor: &'a str,
    /// `edit`, `import`, `document` …
    pub origin: &'a str,
    /// In words, for history pages.
    pub summary: &'a str,
    /// The job that does it.
    pub job: Option<JobId>,
}

/// A row's id and its version after the write.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RowVersion {
    /// Row id.
    pub id: String,
    /// Its version now.
    pub version: i64,
}

/// A cell that somebody else changed meanwhile. It was not written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// Row id.
    pub row: String,
    /// Column id; null when the whole row is gone.
    pub column: Option<String>,
    /// What this request wanted.
    pub yours: Value,
    /// What is there now.
    pub theirs: Value,
    /// Who put it there.
    pub by: String,
    /// When, UTC milliseconds.
    pub at: i64,
}

/// What a write did.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// The grid's version now; unchanged if nothing changed.
    pub version: i64,
    /// Rows that changed, with their new versions.
    pub rows: Vec<RowVersion>,
    /// Columns that changed.
    pub columns: Vec<String>,
    /// Cells that were left as they are.
    pub conflicts: Vec<Conflict>,
    /// Single changes made.
    pub changes: usize,
}

impl Operation {
    /// Whether it changes what columns there are, or how they are.
    pub fn is_about_columns(&self) -> bool {
        matches!(
            self,
            Self::AddColumn { .. }
                | Self::UpdateColumn { .. }
                | Self::RetypeColumn { .. }
                | Self::MoveColumn { .. }
                | Self::PlaceColumn { .. }
                | Self::DeleteColumn { .. }
                | Self::RestoreColumn { .. }
        )
    }

    /// The row it touches, if it is there already.
    pub(super) fn row(&self) -> Option<&str> {
        match self {
            Self::AddRow { after, .. } => after.as_deref(),
            Self::Set { row, .. }
            | Self::Move { row, .. }
            | Self::Archive { row, .. }
            | Self::Restore { row }
            | Self::Delete { row } => Some(row),
            _ => None,
        }
    }
}
