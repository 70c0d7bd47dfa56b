//! Whether people may still write, looked at now and then.
//!
//! Their writes stop while there is still room for what keeps their data safe:
//! a checkpoint, a backup beside the database, a restore that wants a second copy.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{DataDir, Room, room};

/// The disk is asked at most this often.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Looks at the disk now and then. Cheap to clone.
#[derive(Clone)]
pub enum Gauge {
    /// The disk under the data directory.
    Disk(DataDir, Arc<Mutex<Option<(Instant, Room)>>>),
    /// What a test says is free, in bytes.
    Told(DataDir, Arc<AtomicU64>),
}

impl Gauge {
    /// A gauge of the disk.
    pub fn new(dir: &DataDir) -> Self {
        Self::Disk(dir.clone(), Arc::default())
    }

    /// How it is, to a few seconds. None: the disk does not say, and nothing is
    /// refused because of that.
    pub fn room(&self) -> Option<Room> {
        match self {
            Self::Disk(dir, known) => {
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((at, room)) = &*known
                    && at.elapsed() < LOOK_EVERY
                {
                    return Some(*room);
                }
                match room(dir) {
                    Ok(room) => {
                        *known = Some((Instant::now(), room));
                        Some(room)
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot tell how much room the disk has");
                        None
                    }
                }
            }
            Self::Told(dir, free) => room(dir).ok().map(|room| Room {
                free_bytes: free.load(Ordering::SeqCst),
                ..room
            }),
        }
    }

    /// Whether people's writes are refused now.
    pub fn is_low(&self) -> bool {
        self.room().is_some_and(|room| room.is_low())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk of its own, 64 MiB: only root may mount one, so elsewhere this says
    /// that it was skipped.
    #[test]
    fn a_small_disk_is_low() {
        let folder = tempfile::tempdir().unwrap();
        let mount = |args: &[&str]| {
            std::process::Command::new(args[0])
                .args(&args[1..])
                .arg(folder.path())
                .output()
                .is_ok_and(|done| done.status.success())
        };
        if !mount(&["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs"]) {
            eprintln!("skipped: no right to mount a disk");
            return;
        }
        let dir = DataDir::create(&folder.path().join("data")).unwrap();
        let room = room(&dir).unwrap();
        assert!(
            room.is_low() && room.free_bytes <= 64 * 1024 * 1024,
            "{room:?}"
        );
        let gauge = Gauge::new(&dir);
        assert!(gauge.is_low());
        drop(dir);
        assert!(mount(&["umount"]));
    }
}
