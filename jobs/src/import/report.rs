//! What a dry run finds and an import leaves behind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Changed cells a report shows.
pub const SHOWN_CHANGES: usize = 200;
/// New rows a report shows.
pub const SHOWN_NEW: usize = 100;
/// Conflicting rows a report shows.
pub const SHOWN_CONFLICTS: usize = 100;
/// Rejected rows kept with a finished import; a dry run names all.
pub const KEPT_REJECTED: usize = 500;

/// What an import does, or would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The grid version it was compared with.
    pub grid_version: i64,
    /// Rows in the file.
    pub rows: usize,
    /// Rows that are added.
    pub new: usize,
    /// Rows of which cells change.
    pub changed: usize,
    /// How many cells.
    pub changed_cells: usize,
    /// Rows that stay as they are.
    pub unchanged: usize,
    /// Rows left out because several rows of the grid have their key.
    pub conflicting: usize,
    /// Rows left out because they cannot be read.
    pub rejected: usize,
    /// Columns that are added.
    pub new_columns: Vec<String>,
    /// Options that are added to columns of the grid.
    pub new_choices: Vec<NewChoices>,
    /// Funds that are created.
    pub new_funds: Vec<String>,
    /// People who are not known yet and become contacts.
    #[serde(default)]
    pub new_contacts: usize,
    /// The first new rows.
    pub new_rows: Vec<NewRow>,
    /// The first changed cells.
    pub changes: Vec<CellChange>,
    /// The first conflicting rows.
    pub conflicts: Vec<RowConflict>,
    /// What is wrong with rejected rows, by line.
    pub rejects: Vec<Rejected>,
    /// Things to know before applying.
    pub warnings: Vec<String>,
    /// Why it cannot be applied; empty if it can.
    pub errors: Vec<String>,
}

/// Options that are added to a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewChoices {
    /// The column's name.
    pub column: String,
    /// The options.
    pub names: Vec<String>,
}

/// A row that is added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewRow {
    /// Its line in the file.
    pub line: u64,
    /// What its first column says.
    pub row: String,
}

/// A cell before and after, as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellChange {
    /// Its line in the file.
    pub line: u64,
    /// Row id in the grid.
    pub row_id: String,
    /// What the row is called.
    pub row: String,
    /// The column's name.
    pub column: String,
    /// Empty for blank.
    pub before: String,
    /// Empty for blank.
    pub after: String,
}

/// A row of the file that several rows of the grid answer to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RowConflict {
    /// Its line in the file.
    pub line: u64,
    /// What its key cell says.
    pub key: String,
    /// Ids of the rows in the grid.
    pub row_ids: Vec<String>,
}

/// One reason why a row cannot be taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// Its line in the file.
    pub line: u64,
    /// What identifies it, as far as known.
    pub row: String,
    /// The column's header; empty if the row as a whole is bad.
    pub column: String,
    /// Why, and how to mend it.
    pub reason: String,
}

impl Report {
    /// As kept with a finished import.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        self.rejects.truncate(KEPT_REJECTED);
        self
    }

    /// One sentence, for change sets and lists: `12 new, 3 changed, 1 rejected`.
    pub fn summary(&self) -> String {
        let counts = [
            (self.new, "new"),
            (self.changed, "changed"),
            (self.unchanged, "unchanged"),
            (self.conflicting, "conflicting"),
            (self.rejected, "rejected"),
        ];
        let parts: Vec<String> = counts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}"))
            .collect();
        parts.join(", ")
    }
}
