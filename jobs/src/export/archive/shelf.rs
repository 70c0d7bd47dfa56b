//! The archives there are: each a ZIP and, beside it, what is known of it. No
//! table names them: a copy of the database elsewhere would name files that are
//! not there.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    clock::HOUR,
    db::{DataDir, Db},
};

/// An archive that can be taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Archive {
    /// Time-ordered id.
    pub id: String,
    /// Its name when it is saved.
    pub file: String,
    /// Bytes.
    pub size_bytes: u64,
    /// SHA-256, as `sha256sum` prints it.
    pub sha256: String,
    /// When it was made, UTC milliseconds.
    pub created_at: i64,
    /// When it goes, UTC milliseconds.
    pub expires_at: i64,
    /// Who asked for it: `user:ID` or `shell`.
    pub created_by: String,
    /// Investors in it.
    pub investors: usize,
    /// Attached files in it.
    pub files: usize,
    /// Attached files whose bytes are lost or damaged.
    pub missing_files: Vec<String>,
    /// The release that made it.
    pub app_version: String,
}

/// Archives that can still be had, the newest first.
pub async fn list(db: &Db) -> io::Result<Vec<Archive>> {
    let (dir, now) = (db.dir().exports(), db.now());
    blocking(move || {
        let mut found = all(&dir)?;
        found.retain(|a| a.expires_at > now && dir.join(&a.file).exists());
        found.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(b.id.cmp(&a.id)));
        Ok(found)
    })
    .await
}

/// One that can still be had.
pub async fn find(db: &Db, id: &str) -> io::Result<Option<Archive>> {
    Ok(list(db).await?.into_iter().find(|a| a.id == id))
}

/// Where an archive lies.
pub fn path_of(dir: &DataDir, archive: &Archive) -> PathBuf {
    dir.exports().join(&archive.file)
}

/// Removes an archive before its time. What is being downloaded is finished.
pub async fn remove(db: &Db, archive: &Archive) -> io::Result<()> {
    let (dir, archive) = (db.dir().exports(), archive.clone());
    blocking(move || take_away(&dir, &archive)).await
}

/// Removes archives past their time and what a crash left half-done. Only the
/// one who makes archives may call it, or nobody makes one: `is_mine` spares what
/// is being written now.
pub async fn sweep(db: &Db, is_mine: bool) -> io::Result<usize> {
    let (dir, now) = (db.dir().exports(), db.now());
    blocking(move || {
        let mut removed = 0;
        for archive in all(&dir)? {
            if archive.expires_at <= now || !dir.join(&archive.file).exists() {
                take_away(&dir, &archive)?;
                removed += 1;
            }
        }
        let known: Vec<String> = all(&dir)?.into_iter().map(|a| a.file).collect();
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            let ends_in = |end: &str| path.extension().is_some_and(|x| x == end);
            let is_zip = ends_in("zip") && !known.contains(&name);
            let is_scratch = name.starts_with("archive-") && ends_in("tmp");
            let is_left = name.starts_with("sheet-") && is_older(&entry, now - HOUR);
            if is_mine && (is_zip || is_scratch) || is_left {
                if entry.file_type()?.is_dir() {
                    fs::remove_dir_all(&path)?;
                } else {
                    fs::remove_file(&path)?;
                }
            }
        }
        Ok(removed)
    })
    .await
}

/// Makes a packed archive visible: first the ZIP, then what names it, so that what
/// is listed is whole.
pub(super) fn publish(dir: &Path, packed: &Path, archive: &Archive) -> io::Result<()> {
    let partial = dir.join(format!("archive-{}.json.tmp", archive.id));
    let mut file = File::create(&partial)?;
    file.write_all(&serde_json::to_vec_pretty(archive)?)?;
    file.sync_all()?;
    fs::rename(packed, dir.join(&archive.file))?;
    fs::rename(&partial, manifest(dir, archive))?;
    File::open(dir)?.sync_all()
}

fn manifest(dir: &Path, archive: &Archive) -> PathBuf {
    dir.join(format!("{}.json", archive.file.trim_end_matches(".zip")))
}

/// Every manifest; one that does not read names nothing.
fn all(dir: &Path) -> io::Result<Vec<Archive>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|x| x == "json")
            && let Ok(archive) = serde_json::from_slice::<Archive>(&fs::read(&path)?)
            && !archive.file.contains('/')
        {
            found.push(archive);
        }
    }
    Ok(found)
}

/// Whether a file was last written before a time.
fn is_older(entry: &fs::DirEntry, than: i64) -> bool {
    let written = entry.metadata().and_then(|m| m.modified());
    let age = written.map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default());
    age.is_ok_and(|age| i64::try_from(age.as_millis()).is_ok_and(|ms| ms < than))
}

fn take_away(dir: &Path, archive: &Archive) -> io::Result<()> {
    for path in [manifest(dir, archive), dir.join(&archive.file)] {
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
