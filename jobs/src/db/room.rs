//! How much the disk can still take.

use std::{io, path::Path};

use schemars::JsonSchema;
use serde::Serialize;

use super::DataDir;

/// What a backup, its check and a day's writes need beside the database.
const BASE: u64 = 256 * 1024 * 1024;

/// The disk under the data directory, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Room {
    /// What this program may still write.
    pub free_bytes: u64,
    /// Below this there is no room for a backup any more, and people's writes are
    /// refused: twice the database with its log, and 256 MiB.
    pub floor_bytes: u64,
    /// The database.
    pub database_bytes: u64,
    /// Its write-ahead log.
    pub wal_bytes: u64,
}

impl Room {
    /// Whether there is less than there should be.
    pub fn is_low(&self) -> bool {
        self.free_bytes < self.floor_bytes
    }
}

/// Looks at the disk.
pub fn room(dir: &DataDir) -> io::Result<Room> {
    let disk = rustix::fs::statvfs(dir.path())?;
    let database = dir.database();
    let database_bytes = size(&database);
    let wal_bytes = size(&database.with_extension("db-wal"));
    let kept_bytes = database_bytes.saturating_add(wal_bytes);
    Ok(Room {
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        floor_bytes: kept_bytes.saturating_mul(2).saturating_add(BASE),
        database_bytes,
        wal_bytes,
    })
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |meta| meta.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_grows_with_the_database_and_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::create(folder.path()).unwrap();
        assert_eq!(room(&dir).unwrap().floor_bytes, BASE);
        std::fs::write(dir.database(), vec![0; 3_000]).unwrap();
        std::fs::write(dir.path().join("crm.db-wal"), vec![0; 500]).unwrap();
        let room = room(&dir).unwrap();
        assert_eq!(room.floor_bytes, BASE + 7_000);
        assert!(room.free_bytes > 0);
    }
}
