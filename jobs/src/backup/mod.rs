//! Verified copies of the whole database.
//!
//! "Verified" means: the stored bytes were read back, their checksum compared
//! with the manifest, decompressed, opened, integrity- and foreign-key-checked,
//! and their row counts and sums found equal to what the manifest says.

mod attached;
pub(crate) mod facts;
mod retention;
mod store;
mod take;
mod verify;

pub use attached::KeptFile;
pub use facts::{Facts, TableCount};
pub use retention::{keep, rotate};
pub(crate) use store::set_verified;
pub use store::{Backup, find, list, newest_verified, reserve_delete};
pub use take::{Manifest, Taken, record, take};
pub use verify::{verify_file, verify_stored};

use serde::{Deserialize, Serialize};

use crate::queue::{Payload, Unique};

/// Why a backup failed, or is not to be trusted.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file could not be read or written.
    #[error("{what}: {error}")]
    File {
        /// Which, and what was tried.
        what: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The copy is not what it should be.
    #[error("{0}")]
    Damaged(String),
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
}

impl BackupError {
    fn file(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::File { what, error }
    }
}

/// Takes a backup now. Enqueued by the nightly schedule, by people, and before
/// anything risky.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TakeBackup {}

impl Payload for TakeBackup {
    const KIND: &'static str = "take_backup";
    const TIMEOUT: std::time::Duration = std::time::Duration::from_hours(1);

    fn group(&self) -> Option<String> {
        Some("backup".to_owned())
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished("backup"))
    }
}

/// Verifies a stored backup again, from its bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyBackup {
    /// Which.
    pub backup_id: String,
}

impl Payload for VerifyBackup {
    const KIND: &'static str = "verify_backup";
    const TIMEOUT: std::time::Duration = std::time::Duration::from_hours(1);

    fn group(&self) -> Option<String> {
        Some("backup".to_owned())
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished(&self.backup_id))
    }
}
