//! "Take everything with you": one ZIP with the database, tables, attached files
//! and pages that open without the app. It lies beside the database for a day.

mod blank;
mod details;
mod entries;
mod make;
mod names;
mod pages;
mod shelf;
mod tables;
mod words;

pub use make::{Made, make};
pub use shelf::{Archive, find, list, path_of, remove, sweep};

use serde::{Deserialize, Serialize};

use crate::{
    clock::DAY,
    db::DbError,
    queue::{Payload, Unique},
};

/// How long an archive is kept, milliseconds.
pub const KEPT_MS: i64 = DAY;

/// Steps of making one, for whoever watches.
pub const STEPS: i64 = 7;

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file could not be read or written.
    #[error("{what}: {error}")]
    File {
        /// Which, and what was tried.
        what: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The ZIP.
    #[error("write the archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The copy is not what it should be.
    #[error(transparent)]
    Copy(#[from] crate::backup::BackupError),
    /// The copy does not open.
    #[error(transparent)]
    Open(#[from] crate::db::OpenError),
    /// Somebody asked for the end.
    #[error("making the archive was stopped")]
    Stopped,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ArchiveError {
    fn file(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::File { what, error }
    }
}

/// Makes an archive. Enqueued by admins.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MakeArchive {}

impl Payload for MakeArchive {
    const KIND: &'static str = "make_archive";
    const TIMEOUT: std::time::Duration = std::time::Duration::from_hours(2);
    const MAX_RUNNING: Option<i64> = Some(1);

    fn group(&self) -> Option<String> {
        Some("archive".to_owned())
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished("archive"))
    }
}

/// Removes archives that have had their day. Enqueued with each, for then.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RemoveArchives {}

impl Payload for RemoveArchives {
    const KIND: &'static str = "remove_archives";

    fn group(&self) -> Option<String> {
        Some("archive".to_owned())
    }
}
