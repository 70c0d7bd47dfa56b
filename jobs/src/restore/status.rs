//! How far a restore is: one file, outside the database.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::db::{DataDir, gate::status_path};

/// A step of a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Somebody asked for it; the new database lies checked in the scratch folder.
    Asked,
    /// Nobody writes any more; the old database is being backed up.
    Securing,
    /// Everybody closes the database.
    Maintenance,
    /// Files are being moved. From here on it is carried to its end.
    Swapping,
    /// The new database is in its place.
    Swapped,
    /// Done.
    Finished,
    /// Given up; the old database is in its place.
    Failed,
}

impl Phase {
    /// Nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed)
    }

    /// Nobody may have the database open.
    pub fn closes(self) -> bool {
        matches!(self, Self::Maintenance | Self::Swapping | Self::Swapped)
    }
}

/// A restore under way, or the last one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Time-ordered id; names the scratch folder and the folder in `replaced/`.
    pub id: String,
    /// How far it is.
    pub phase: Phase,
    /// Who asked, as histories have it.
    pub by: String,
    /// From where.
    pub ip: String,
    /// The backup, if it is one of ours.
    pub backup_id: Option<String>,
    /// Its file.
    pub file: String,
    /// When the backup was taken, if its manifest tells.
    pub taken_at: Option<i64>,
    /// The new database's bytes: what may be moved in.
    pub new_sha256: String,
    /// Leave out the backup of a database that cannot be read.
    pub without_safety_backup: bool,
    /// The backup of the old database.
    pub safety_backup: Option<String>,
    /// UTC milliseconds, as all below.
    pub asked_at: i64,
    /// Since when nobody could work.
    pub closed_at: Option<i64>,
    /// The end.
    pub finished_at: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Status {
    /// Writes it down, whole, before anything else is done.
    pub(super) fn save(&self, dir: &DataDir) -> io::Result<()> {
        let path = status_path(dir);
        let partial = path.with_extension("json.tmp");
        let mut file = File::create(&partial)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&partial, &path)?;
        File::open(dir.run())?.sync_all()
    }

    /// How long nobody could work, milliseconds.
    pub fn downtime_ms(&self) -> Option<i64> {
        Some(self.finished_at? - self.closed_at?)
    }
}

/// The restore under way, or the last one. A file that cannot be read is an
/// error: nobody may go on as if there were none.
pub fn status(dir: &DataDir) -> io::Result<Option<Status>> {
    match fs::read(status_path(dir)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The right to carry a restore out: one process at a time, for as long as it
/// lives.
#[derive(Debug)]
pub struct Mover(#[allow(dead_code, reason = "the lock goes with it")] File);

impl Mover {
    /// Takes it, unless another process has it.
    pub fn try_take(dir: &DataDir) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.run().join("restore.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
