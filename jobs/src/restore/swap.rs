//! Step 4: the old files go aside, the new one comes in. May be called again
//! after a crash at any line.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{Status, prepare};
use crate::{backup, db::DataDir, queue::reached};

/// The database and what `SQLite` keeps beside it. A `-wal` of the old one must
/// never meet the new one: it would be played into it.
const FILES: [&str; 3] = ["crm.db", "crm.db-wal", "crm.db-shm"];

/// What there is now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Swapped {
    /// The new database is in its place.
    New,
    /// The new file was not whole: the old database is in its place.
    Old,
}

/// Where a restore's things lie.
pub(super) fn scratch(dir: &DataDir, id: &str) -> PathBuf {
    dir.restore().join(id)
}

/// Where the old database goes.
pub(super) fn aside(dir: &DataDir, id: &str) -> PathBuf {
    dir.replaced().join(id)
}

/// Moves. Nobody has the database open, and nobody can.
pub(super) fn swap(dir: &DataDir, status: &Status) -> io::Result<Swapped> {
    let new = prepare::database(&scratch(dir, &status.id));
    let place = dir.database();
    let aside = aside(dir, &status.id);
    if !new.exists() {
        // It was moved in before a crash; or it is lost, and the old one comes back.
        return if aside.join(FILES[0]).exists() && !place.exists() {
            put_back(dir, &aside)?;
            Ok(Swapped::Old)
        } else if place.exists() {
            Ok(Swapped::New)
        } else {
            Err(io::Error::new(
                io::ErrorKind::NotFound,
                "neither the new nor the old database is where it should be",
            ))
        };
    }
    let (sha256, _) = backup::digest(&mut File::open(&new)?)?;
    if sha256 != status.new_sha256 {
        put_back(dir, &aside)?;
        return Ok(Swapped::Old);
    }
    make_private(&dir.replaced())?;
    make_private(&aside)?;
    for (n, name) in FILES.iter().enumerate() {
        let old = dir.path().join(name);
        if old.exists() {
            fs::rename(&old, aside.join(name))?;
        }
        if n == 0 {
            reached("restore_half_aside");
        }
    }
    sync(&aside)?;
    sync(&dir.replaced())?;
    sync(dir.path())?;
    reached("restore_moved_aside");
    fs::rename(&new, &place)?;
    sync(dir.path())?;
    if let Some(folder) = new.parent() {
        sync(folder)?;
    }
    reached("restore_moved_in");
    Ok(Swapped::New)
}

/// The log first: the database must not be there without it.
fn put_back(dir: &DataDir, aside: &Path) -> io::Result<()> {
    for name in FILES.iter().rev() {
        let old = aside.join(name);
        if old.exists() {
            fs::rename(&old, dir.path().join(name))?;
        }
    }
    sync(dir.path())
}

fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
