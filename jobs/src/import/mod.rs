//! Files on their way into the grid: read, mapped, compared, applied.
//!
//! A file becomes a draft with a suggested [`Mapping`]; a person reviews it with
//! a dry run; [`start`] enqueues [`ApplyImport`], which writes all of it as one
//! change set or nothing. The dry run and the job share one comparison, so they
//! cannot differ on an unchanged grid. The same file again changes nothing.

mod amounts;
mod apply;
mod dates;
mod decode;
mod drift;
mod headers;
mod infer;
mod keys;
mod mapping;
mod merge;
mod model;
mod plan;
mod profiles;
mod report;
mod revert;
mod snapshot;
mod store;
mod suggest;
mod table;
mod targets;
mod upload;
mod values;
mod verdict;
mod xlsx;

pub use apply::{changes_csv, dry_run, rejected_csv};
pub(crate) use apply::{file_table, prepare};
pub use dates::DateOrder;
pub use decode::{Encoding, MAX_FILE_BYTES, decode};
pub use drift::{
    Difference, Drift, DriftCounts, DriftKind, LastChange, PER_PAGE as DRIFT_PER_PAGE, drift,
    drift_csv,
};
pub use infer::Profile;
pub use mapping::{Blank, ColumnMapping, Mapping, Overrides, Target};
pub use model::{Import, ImportPage, ImportState, ImportSummary, UsedProfile};
pub use profiles::{ImportProfile, profiles, remove_profile, save_profile};
pub use report::{CellChange, NewChoices, NewRow, Rejected, Report, RowConflict};
pub use revert::{Kept, RevertImport, Reverted, Taken, revert};
pub(crate) use revert::{finish as finish_revert, prepare as prepare_revert};
pub use store::{create, list, load, remove, reopen, set_mapping, set_upload, start};
pub(crate) use store::{mark_applied, mark_failed};
pub use table::{Delimiter, Record, Table, detect_delimiter, read_table};
pub use upload::{Upload, read_again, read_upload};
pub use values::CellProblem;

use std::time::Duration;

use crate::{
    db::DbError,
    grid::GridError,
    queue::{Payload, Unique},
};
use serde::{Deserialize, Serialize};

/// Why an import was refused. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A bad file or mapping: what, where, and how to mend it.
    #[error("{detail}")]
    Invalid {
        /// Stable, for programs.
        code: &'static str,
        /// The part of the request, for example `mapping.key`.
        field: String,
        /// For people.
        detail: String,
    },
    /// Its state does not allow this.
    #[error("the import is {}: {needs}", .now.as_str())]
    State {
        /// Where it stands.
        now: ImportState,
        /// What it takes.
        needs: &'static str,
    },
    /// No such import.
    #[error("no import {0:?}")]
    Missing(String),
    /// What the grid says.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ImportError {
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

/// Writes an import's file into the grid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplyImport {
    /// Which import.
    pub import_id: String,
}

impl Payload for ApplyImport {
    const KIND: &'static str = "apply_import";
    // A person waits in front of its page.
    const PRIORITY: i64 = -10;
    const TIMEOUT: Duration = Duration::from_mins(10);

    fn group(&self) -> Option<String> {
        Some("import".to_owned())
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished(self.import_id.clone()))
    }
}

/// Runs work that keeps a processor busy away from the threads that answer.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DbError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| sqlx::Error::WorkerCrashed)
}
