//! Who has the database open, and whether anybody may.
//!
//! Every process holds a shared flock on `run/open.lock` for as long as its
//! [`super::Db`] lives. A restore takes it exclusively before it touches the
//! file: that is at once the proof that everybody has closed it, and the door
//! in front of whoever comes meanwhile. The kernel drops a lock however its
//! process dies, so there is no acknowledgement that could be stale.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::PathBuf,
    time::Duration,
};

use super::{DataDir, OpenError};

/// How long somebody waits in front of the door.
const PATIENCE: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Somebody has the database open.
#[derive(Debug)]
pub(super) struct Inside(#[allow(dead_code, reason = "the lock goes with it")] File);

/// Nobody else has it open, nor can they.
#[derive(Debug)]
pub(crate) struct Alone(#[allow(dead_code, reason = "the lock goes with it")] File);

/// Where a restore writes down how far it is.
pub(crate) fn status_path(dir: &DataDir) -> PathBuf {
    dir.run().join("restore.json")
}

fn lock_file(dir: &DataDir) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.run().join("open.lock"))
}

/// Goes in, waiting while the file is being swapped.
pub(super) async fn enter(dir: &DataDir) -> Result<Inside, OpenError> {
    let failed = |e| OpenError::Directory(dir.run().display().to_string(), e);
    let file = lock_file(dir).map_err(failed)?;
    let start = tokio::time::Instant::now();
    loop {
        match file.try_lock_shared() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                return Err(OpenError::Restoring(
                    "a restore is replacing the database and takes unusually long: look at the log of the worker".to_owned(),
                ));
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
    // Asked with the lock in hand: who swapped may have died half-way.
    if is_half_swapped(dir) {
        return Err(OpenError::Restoring(
            "a restore was cut off while it replaced the database: start crm-worker or crm-api, which finish it first".to_owned(),
        ));
    }
    Ok(Inside(file))
}

/// Takes the database for oneself; none while somebody has it open.
pub(crate) fn try_alone(dir: &DataDir) -> io::Result<Option<Alone>> {
    let file = lock_file(dir)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Alone(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_half_swapped(dir: &DataDir) -> bool {
    #[derive(serde::Deserialize)]
    struct Seen {
        phase: String,
    }
    std::fs::read(status_path(dir))
        .ok()
        .and_then(|text| serde_json::from_slice::<Seen>(&text).ok())
        .is_some_and(|seen| matches!(seen.phase.as_str(), "swapping" | "swapped"))
}
