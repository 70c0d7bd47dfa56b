//! What the grid consists of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::FromRow;

use super::{ColumnOptions, ColumnType};

/// The lists a row can be in, in the order pages show them.
pub const LISTS: [&str; 4] = ["main", "follow_up", "longshot", "graveyard"];
/// Live rows at most.
pub const MAX_ROWS: usize = 100_000;
/// Live columns at most.
pub const MAX_COLUMNS: usize = 200;
/// One cell's JSON at most, bytes.
pub const MAX_CELL_BYTES: usize = 64 * 1024;

/// A column. Its id never changes; its name may.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// A short slug, unique for ever.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What its cells hold.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// How they hold it.
    #[serde(default)]
    pub options: ColumnOptions,
    /// Place from the left.
    #[serde(default)]
    pub position: i64,
    /// Not shown unless asked for.
    #[serde(default)]
    pub hidden: bool,
}

/// A row: one investor.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// Time-ordered id.
    pub id: String,
    /// Place from the top.
    pub position: i64,
    /// The grid version that last changed it.
    pub version: i64,
    /// Column id → value; blank cells are absent.
    pub cells: Map<String, Value>,
    /// `main`, `follow_up`, `longshot` or `graveyard`.
    pub list: String,
    /// Member since, UTC milliseconds.
    pub list_since_at: i64,
    /// Who put it there.
    pub list_by: String,
    /// Why.
    pub list_reason: String,
    /// Created, UTC milliseconds.
    pub created_at: i64,
    /// By whom.
    pub created_by: String,
    /// Last change.
    pub updated_at: i64,
    /// By whom.
    pub updated_by: String,
    /// Out of the views since; null while it is in.
    pub archived_at: Option<i64>,
    /// Why.
    pub archive_reason: Option<String>,
}

impl Row {
    /// The text of the row's first column, or a stand-in.
    pub fn title(&self, columns: &[Column]) -> String {
        columns
            .first()
            .and_then(|c| Some(super::display(c, self.cells.get(&c.id)?)))
            .filter(|t| !t.is_empty())
            .unwrap_or_else(|| "Unnamed investor".to_owned())
    }
}

/// A person at an investor, as a cell holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactPill {
    /// The person; given by the server when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Full name.
    pub name: String,
    /// Lower-case address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// As written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// What they do there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// Where the grid stands.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct State {
    /// Raised by every committed change.
    pub version: i64,
    /// Last change, UTC milliseconds; 0 if there was none.
    pub updated_at: i64,
    /// By whom.
    pub updated_by: String,
}
