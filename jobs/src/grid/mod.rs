//! The grid: columns, rows, cells, versions and history.
//!
//! All writes are [`Operation`]s through [`apply`]: one transaction checks
//! versions, validates by type, writes cells, appends the change set, raises the
//! version and enqueues the relational sync. Nothing is overwritten unseen: a
//! stale write comes back as a [`Conflict`].

mod apply;
mod beginning;
mod bulk;
mod column_operations;
mod columns;
mod decimal;
mod document;
mod formulas;
mod history;
mod ledger;
mod links;
mod merges;
mod model;
mod names;
mod operation;
mod opportunities;
pub mod people;
mod persist;
mod put_back;
mod read;
mod retype;
mod revert;
mod row_operations;
mod rules;
pub mod table;
mod touch;
mod trash;
mod trial;
mod values;
pub mod view;

pub use apply::apply;
pub use beginning::begin;
pub use bulk::{Bulk, Prepared};
pub use columns::{
    COLORS, Choice, ColumnOptions, ColumnType, Commitment, DateFormat, NumberFormat, slug,
};
pub use decimal::{Amount, parse_amount};
pub use document::{Document, DocumentRow, Mismatch, replace, stream};
pub use formulas::{
    compile as compile_formula, fields as formula_fields, shown as shown_columns, with_derived,
};
pub use history::{
    CellChange, Change, ChangeSet, find as change_set, of_cell as history_of_cell,
    of_row as history_of_row, recent as recent_changes, size_of_set,
};
pub use model::{Column, ContactPill, LISTS, MAX_CELL_BYTES, MAX_COLUMNS, MAX_ROWS, Row, State};
pub use names::{FundName, Names, UserName};
pub use operation::{Applied, ChangeBy, Conflict, Operation, RowVersion};
pub use put_back::{PutBackCell, PutBackPreview, PutBackTable, put_back, put_back_preview};
pub use read::{ListCounts, all_columns, all_rows, columns, list_counts, row, rows_by_id, state};
pub use retype::{RetypeFailure, RetypePreview, retype_preview};
pub(crate) use revert::took_back;
pub use revert::{
    REVERTED_AT_ONCE, RevertChangeSet, TOO_MANY, Undone, added_cells, hand_over, pass_over, redo,
    revert, undo,
};
pub use table::value_json;
pub use trash::{Trash, TrashedColumn, TrashedRow, purge, trash};
pub use trial::{Trial, Tried, try_formula};
pub use values::{display, normalize};
pub use view::add_default_views;

use crate::{
    db::DbError,
    queue::{Payload, Unique},
};
use serde::{Deserialize, Serialize};

/// Why a write to the grid was refused. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum GridError {
    /// Bad input: what, where, and how to mend it.
    #[error("{detail}")]
    Invalid {
        /// Stable, for programs.
        code: &'static str,
        /// The part of the request, for example `operations[3].value`.
        field: String,
        /// For people: names row, column, value and the fix.
        detail: String,
    },
    /// Several cells hold what their columns do not take. Nothing was written.
    #[error("{}", .0.first().map_or("", |cell| cell.detail.as_str()))]
    InvalidCells(Vec<CellError>),
    /// No such row, column or change set.
    #[error("no {what} {id:?}")]
    Missing {
        /// `row`, `column` or `change set`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The document was based on another version.
    #[error("the grid is at version {}, not {expected}: load it again and merge", .now.version)]
    Stale {
        /// What the caller expected.
        expected: i64,
        /// What there is, and what differs.
        now: Box<Mismatch>,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What is wrong with one cell of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellError {
    /// The part of the request: `operations[3].value`.
    pub field: String,
    /// For people.
    pub detail: String,
}

/// The column that says where investors stand, if there is one.
pub fn pipeline_column(columns: &[Column]) -> Option<&Column> {
    table::pipeline_column(columns.iter())
}

impl GridError {
    pub(crate) fn invalid(
        code: &'static str,
        field: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            code,
            field: field.into(),
            detail: detail.into(),
        }
    }
}

/// Brings the relational projection up to the grid's version. Enqueued by every
/// write; writes that follow before it starts share it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SyncRelational {
    /// Throw the projection away and build it anew.
    #[serde(default)]
    pub rebuild: bool,
}

impl Payload for SyncRelational {
    const KIND: &'static str = "sync_relational";

    fn group(&self) -> Option<String> {
        Some("relational".to_owned())
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_queued(if self.rebuild {
            "rebuild"
        } else {
            "incremental"
        }))
    }
}
