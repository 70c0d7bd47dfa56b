//! Verified copies of the whole database.
//!
//! "Verified" means: the stored bytes were read back, their checksum compared
//! with the manifest, decompressed, opened, integrity- and foreign-key-checked,
//! and their row counts and sums found equal to what the manifest says.

mod attached;
mod crypt;
pub mod drill;
pub(crate) mod facts;
mod health;
mod policy;
mod retention;
mod second;
mod store;
mod stored;
mod take;
mod verify;

pub(crate) use attached::bring_back;
pub use attached::{KeptFile, find_kept};
pub use crypt::Keys;
pub use drill::{Drill, DrillBackup};
pub use facts::{Facts, TableCount};
pub use health::{Health, health};
pub use policy::{
    BACKUP_POLICY, Challenge, DrillDay, Policy, PolicyError, challenge, policy, set_policy,
};
pub use retention::{keep, rotate};
pub(crate) use second::copy_all;
pub(crate) use store::set_verified;
pub use store::{Backup, RemoveError, find, list, newest_verified, remove, remove_files};
pub(crate) use stored::{digest, unpack};
pub(crate) use take::blocking;
pub use take::{Encryption, Manifest, Taken, record, take};
pub(crate) use verify::{check, manifest_of, manifests};
pub use verify::{verify_file, verify_stored, verify_with};

/// True since a restore: no mail leaves until an admin says so.
pub const MAIL_HELD: &str = "outbound_mail_held";

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

/// Why a backup was taken.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// By the schedule.
    Nightly,
    /// Somebody asked.
    #[default]
    Manual,
    /// Of the database that a restore replaced.
    BeforeRestore,
    /// Before a new release migrated the database.
    BeforeUpgrade,
}

impl Kind {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nightly => "nightly",
            Self::Manual => "manual",
            Self::BeforeRestore => "before_restore",
            Self::BeforeUpgrade => "before_upgrade",
        }
    }
}

/// Takes a backup now. Enqueued by the nightly schedule, by people, and before
/// anything risky.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TakeBackup {
    /// Why.
    #[serde(default)]
    pub why: Kind,
}

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
