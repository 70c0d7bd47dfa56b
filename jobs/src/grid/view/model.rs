//! What a view is made of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who may see and change a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everybody sees it and may change it for all.
    Shared,
    /// Only its owner sees it.
    Personal,
    /// Everybody sees it, nobody changes it until it is unlocked; data stays
    /// editable.
    Locked,
}

impl Mode {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Personal => "personal",
            Self::Locked => "locked",
        }
    }
}

/// A saved way of looking at the grid.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct View {
    /// Time-ordered id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Who may see and change it.
    pub mode: Mode,
    /// User id of who made a personal view.
    pub owner: Option<String>,
    /// What it shows.
    pub config: ViewConfig,
    /// Place in the list of views.
    pub position: i64,
}

/// What a view shows. All parts may be absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ViewConfig {
    /// Which rows; all that are not archived if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// By what they stand, most important first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub sorts: Vec<SortBy>,
    /// Up to three levels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    pub groups: Vec<GroupBy>,
    /// Columns in the view's order; those not named follow in the grid's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 400))]
    pub columns: Vec<ViewColumn>,
    /// Columns that do not scroll away, from the left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 20))]
    pub frozen: Option<u8>,
    /// How much of a cell is seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_height: Option<RowHeight>,
    /// The first whose filter holds colours the row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub colors: Vec<RowColor>,
    /// Column → what stands below it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub summaries: BTreeMap<String, Summary>,
    /// Grid, board or calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// The single select whose options are a board's columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board_column: Option<String>,
    /// The date by which a calendar places rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_column: Option<String>,
}

/// Conditions joined by *and* or *or*, nested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Filter {
    /// All must hold; none at all holds.
    All {
        /// Parts.
        #[schemars(length(max = 100))]
        all: Vec<Filter>,
    },
    /// One must hold; of none at all, all rows are shown.
    Any {
        /// Parts.
        #[schemars(length(max = 100))]
        any: Vec<Filter>,
    },
    /// One condition.
    Condition(Condition),
}

/// One condition on one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Column id, derived ones included.
    #[schemars(length(max = 100))]
    pub column: String,
    /// Which operators a column takes depends on its type.
    #[schemars(length(max = 20))]
    pub op: String,
    /// What to compare with; absent for `empty`, `checked` and the like.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

/// One level of sorting. Blank cells come last either way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SortBy {
    /// Column id.
    pub column: String,
    /// From the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
}

/// One level of grouping.
pub type GroupBy = SortBy;

/// A column in a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewColumn {
    /// Column id.
    pub id: String,
    /// Not shown here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 40, max = 2_000))]
    pub width: Option<u16>,
}

/// How much of a cell is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowHeight {
    /// One line.
    Short,
    /// Two lines.
    Medium,
    /// Four lines.
    Tall,
}

/// Rows of one colour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowColor {
    /// Which rows.
    pub filter: Filter,
    /// One of the ten colour names.
    pub color: String,
}

/// What stands below a column, or beside a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Summary {
    /// Of numbers.
    Sum,
    /// Of numbers that are there.
    Average,
    /// The smallest number or the earliest date.
    Min,
    /// The largest number or the latest date.
    Max,
    /// Cells with a value.
    Filled,
    /// Cells without.
    Empty,
    /// Distinct values.
    Unique,
}

/// How a view looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// A table.
    #[default]
    Grid,
    /// Cards in columns.
    Board,
    /// Cards on days.
    Calendar,
}
