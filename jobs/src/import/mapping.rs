//! How each column of a file is taken: what a person reviews before the dry run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DateOrder, Delimiter, Encoding, ImportError};
use crate::grid::{ColumnOptions, ColumnType};

/// How a file is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mapping {
    /// What parts its cells. To change it, read the file again.
    pub delimiter: Delimiter,
    /// What its bytes mean. To change it, read the file again.
    pub encoding: Encoding,
    /// The file column that tells rows apart, from 0; none makes every row new.
    #[serde(default)]
    pub key: Option<usize>,
    /// One for each column of the file, in its order.
    pub columns: Vec<ColumnMapping>,
}

/// How one column of the file is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ColumnMapping {
    /// Its header, cleaned.
    pub header: String,
    /// Where it goes.
    pub target: Target,
    /// Type of a new column; an existing one keeps its own.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Options of a new column. `commitment.fund` may be a fund's id or its name;
    /// a fund that does not exist is created.
    #[serde(default)]
    pub options: ColumnOptions,
    /// What a blank cell does to a row that is there already.
    #[serde(default)]
    pub blank: Blank,
    /// For dates whose text leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// Amounts are written `1.234,50`.
    #[serde(default)]
    pub decimal_comma: bool,
    /// A new column is text in spite of its looks.
    #[serde(default)]
    pub keep_as_text: bool,
}

/// Where a column of the file goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Target {
    /// Nowhere.
    Skip,
    /// Into a column of the grid.
    Existing {
        /// Its id.
        column: String,
    },
    /// Into a new column. If there is one of this name and type by then, into that.
    New {
        /// Its name.
        name: String,
    },
}

/// What a blank cell does to a row that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blank {
    /// Leaves the value as it is.
    #[default]
    Skip,
    /// Clears the value.
    Clear,
}

/// What may be said of a file instead of guessing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Overrides {
    /// Instead of what the header and the rows look like.
    #[serde(default)]
    pub delimiter: Option<Delimiter>,
    /// Instead of what the bytes look like.
    #[serde(default)]
    pub encoding: Option<Encoding>,
    /// The sheet of a workbook, instead of the first with rows.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub sheet: Option<String>,
    /// The profile to take it by, its id or name, instead of the one whose columns
    /// fit; `none` takes none.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub profile: Option<String>,
}

impl ColumnMapping {
    /// The type a new column gets.
    pub fn new_kind(&self) -> ColumnType {
        match (self.keep_as_text, self.kind) {
            (true, ColumnType::LongText) => ColumnType::LongText,
            (true, _) => ColumnType::Text,
            (false, kind) => kind,
        }
    }
}

impl Mapping {
    /// Whether it fits a file of these headers. What depends on the grid shows in
    /// the dry run.
    pub fn check(&self, headers: &[String]) -> Result<(), ImportError> {
        if self.columns.len() != headers.len() {
            return Err(ImportError::invalid(
                "mapping_mismatch",
                "mapping.columns",
                format!(
                    "the file has {} columns, the mapping {}: send one for each",
                    headers.len(),
                    self.columns.len()
                ),
            ));
        }
        for (index, (column, header)) in self.columns.iter().zip(headers).enumerate() {
            if column.header != *header {
                return Err(ImportError::invalid(
                    "mapping_mismatch",
                    format!("mapping.columns[{index}].header"),
                    format!(
                        "column {} of the file is {header:?}, not {:?}",
                        index + 1,
                        column.header
                    ),
                ));
            }
        }
        if self.columns.iter().all(|c| c.target == Target::Skip) {
            return Err(ImportError::invalid(
                "nothing_taken",
                "mapping.columns",
                "every column is skipped: choose where at least one goes",
            ));
        }
        let Some(key) = self.key else {
            return Ok(());
        };
        match self.columns.get(key) {
            Some(column) if column.target != Target::Skip => Ok(()),
            _ => Err(ImportError::invalid(
                "invalid_key",
                "mapping.key",
                "the key must be a column of the file that is not skipped",
            )),
        }
    }
}
