//! Putting a backup in the place of the database, so that at every moment, and
//! after a crash at any moment, the old or the new one is there and whole.
//!
//! 1. [`prepare`]: the backup is unpacked into a scratch folder, checked, and
//!    migrated there. [`preview()`] says what would change; nothing has yet.
//! 2. The old database is backed up and that backup verified, while nobody can
//!    write: what was acknowledged is in it.
//! 3. Everybody closes the database. The mover knows by an flock that each
//!    process holds while it has it open (`db::gate`).
//! 4. The old files are moved aside into `replaced/`, the new one moved in.
//! 5. In the new one sessions and links end, waiting jobs are cancelled, mail is
//!    held, and the restore is written down.
//!
//! How far it is lies in `run/restore.json`, written whole before each step. It
//! is outside the database because the database is what is swapped. Every
//! binary calls [`settle`] before it opens the database: steps before the fourth
//! are given up, from the fourth on they are carried to their end.

mod after;
mod carry;
mod compare;
mod perform;
mod prepare;
mod preview;
mod resume;
mod status;
mod swap;

pub use compare::{Differences, FundDifference, NamedDifference, TableDifference};
pub use perform::{TEST_POINTS, perform};
pub(crate) use prepare::prepare;
pub use prepare::{MAX_DATABASE, Prepared, Source};
pub use preview::{Asked, Preview, ask, over_damaged, preview, request, scratch_for_upload, sweep};
pub use resume::{Who, settle};
pub use status::{Mover, Phase, Status, status};

use sqlx::{FromRow, SqlitePool};

use crate::{
    backup::BackupError,
    db::{DbError, OpenError},
};

/// Why nothing is restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It may not be; nothing was changed.
    #[error("{message}")]
    Refused {
        /// Stable, for programs.
        code: &'static str,
        /// For people.
        message: String,
    },
    /// The backup is not what it should be.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A file could not be read or written.
    #[error("{what}: {error}")]
    File {
        /// What was tried.
        what: &'static str,
        /// Why not.
        error: std::io::Error,
    },
    /// A database did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl RestoreError {
    fn file(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::File { what, error }
    }
}

fn refused(code: &'static str, message: impl Into<String>) -> RestoreError {
    RestoreError::Refused {
        code,
        message: message.into(),
    }
}

/// A restore that was.
#[derive(Clone, Debug, FromRow, serde::Serialize, schemars::JsonSchema)]
pub struct Restored {
    /// Time-ordered id, and the folder under `replaced/`.
    pub id: String,
    /// The backup, if it was one of ours.
    pub backup_id: Option<String>,
    /// Its file.
    pub file: String,
    /// When the backup was taken, if it told, UTC milliseconds.
    pub taken_at: Option<i64>,
    /// Who asked.
    pub by: String,
    /// The backup of what was replaced.
    pub safety_backup: Option<String>,
    /// How long nobody could work, milliseconds.
    pub downtime_ms: i64,
    /// When, UTC milliseconds.
    pub at: i64,
}

/// Restores, newest first.
pub async fn list(db: &SqlitePool, limit: i64) -> Result<Vec<Restored>, DbError> {
    sqlx::query_as(
        "select id, backup_id, file, taken_at, by, safety_backup, downtime_ms, at
         from restores order by at desc limit ?1",
    )
    .bind(limit)
    .fetch_all(db)
    .await
}
