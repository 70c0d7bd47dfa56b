//! Attached files in backups: each kept once for all backups, by its SHA-256,
//! under `backups/files/`. A backup names those that its database names.

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Connection;

use super::{
    Backup, BackupError, Manifest,
    crypt::{Keys, Readers},
    facts, stored,
    take::blocking,
};
use crate::{
    db::Db,
    files::{in_folder, remove_unnamed},
};

/// In the backup folder.
pub(super) const FOLDER: &str = "files";

/// An attached file that a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptFile {
    /// SHA-256 of its bytes, and its name in `files/`.
    pub sha256: String,
    /// Its size, bytes.
    pub size_bytes: u64,
}

/// What became of the files that a copy names.
pub(super) struct Kept {
    pub(super) files: Vec<KeptFile>,
    pub(super) missing: Vec<String>,
}

/// Where a kept file lies; sealed ones are named after their readers too.
fn path_in(folder: &Path, sha256: &str, tag: Option<&str>) -> PathBuf {
    let plain = in_folder(folder, sha256);
    match tag {
        None => plain,
        Some(tag) => plain.with_file_name(sealed_name(sha256, tag)),
    }
}

fn sealed_name(sha256: &str, tag: &str) -> String {
    format!("{sha256}.{tag}.age")
}

/// Where a backup's attached file lies, relative to the backup folder.
pub fn find_kept(dir: &Path, manifest: &Manifest, file: &KeptFile) -> PathBuf {
    path_in(&dir.join(FOLDER), &file.sha256, manifest.tag())
}

/// Keeps the files that a copy of the database names. One whose bytes are lost
/// is told of, and does not keep the rest from being backed up.
pub(super) async fn keep(
    db: &Db,
    copy: &Path,
    readers: Option<Readers>,
) -> Result<(Option<Readers>, Kept), BackupError> {
    let mut conn = facts::open(copy).await?;
    let named: Vec<(String, i64)> =
        sqlx::query_as("select distinct sha256, size_bytes from files order by sha256")
            .fetch_all(&mut conn)
            .await?;
    let _ = conn.close().await;
    let (from, to) = (db.dir().files(), db.dir().backups().join(FOLDER));
    let (readers, kept) = blocking(move || {
        let mut kept = Kept {
            files: Vec::new(),
            missing: Vec::new(),
        };
        for (sha256, size) in named {
            let size = u64::try_from(size).unwrap_or(0);
            let is_kept = match &readers {
                None => keep_one(&from, &to, &sha256, size)?,
                Some(readers) => seal_one(&from, &to, &sha256, size, readers)?,
            };
            if is_kept {
                kept.files.push(KeptFile {
                    sha256,
                    size_bytes: size,
                });
            } else {
                kept.missing.push(sha256);
            }
        }
        Ok((readers, kept))
    })
    .await
    .map_err(BackupError::file("keep attached files"))?;
    if !kept.missing.is_empty() {
        tracing::error!(
            files = kept.missing.len(),
            "attached files have lost their bytes and are in no backup"
        );
    }
    Ok((readers, kept))
}

/// False if its bytes are nowhere.
fn keep_one(from: &Path, to: &Path, sha256: &str, size: u64) -> io::Result<bool> {
    let (source, target) = (in_folder(from, sha256), in_folder(to, sha256));
    if is_whole(&target, size) {
        return Ok(true);
    }
    if !is_whole(&source, size) {
        return Ok(false);
    }
    put_in(&source, &target, to)?;
    Ok(true)
}

/// The same, sealed: written once for each pair of readers.
fn seal_one(
    from: &Path,
    to: &Path,
    sha256: &str,
    size: u64,
    readers: &Readers,
) -> io::Result<bool> {
    let source = in_folder(from, sha256);
    let target = path_in(to, sha256, Some(&readers.tag));
    if target.exists() {
        return Ok(true);
    }
    if !is_whole(&source, size) {
        return Ok(false);
    }
    let folder = target.parent().unwrap_or(to);
    fs::create_dir_all(folder)?;
    let partial = to.join(format!("{}.tmp", sealed_name(sha256, &readers.tag)));
    let mut out = readers.seal(File::create(&partial)?)?;
    io::copy(&mut File::open(&source)?, &mut out)?;
    out.finish()?.sync_all()?;
    fs::rename(&partial, &target)?;
    File::open(folder)?.sync_all()?;
    Ok(true)
}

fn is_whole(path: &Path, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|m| m.len() == size)
}

/// Puts bytes under another name. A link costs nothing; where there can be none
/// (another disk) it is a copy. Bytes are written once and replaced, never
/// changed, so a link is safe.
pub(super) fn put_in(source: &Path, target: &Path, scratch: &Path) -> io::Result<()> {
    let folder = target.parent().unwrap_or(scratch);
    fs::create_dir_all(folder)?;
    // What is there is damaged: another length.
    if target.exists() {
        fs::remove_file(target)?;
    }
    if fs::hard_link(source, target).is_err() {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let partial = scratch.join(format!("{name}.tmp"));
        fs::copy(source, &partial)?;
        File::open(&partial)?.sync_all()?;
        fs::rename(&partial, target)?;
    }
    File::open(folder)?.sync_all()?;
    File::open(scratch)?.sync_all()
}

/// Reads every file back and compares it with its name and size.
pub(super) async fn verify(
    dir: &Path,
    manifest: &Manifest,
    keys: &Keys,
) -> Result<(), BackupError> {
    for file in &manifest.files {
        let path = find_kept(dir, manifest, file);
        let (keys, sealed) = (keys.clone(), manifest.encryption.is_some());
        let read = blocking(move || {
            if sealed {
                stored::digest(&mut stored::unseal(&path, &keys)?)
            } else {
                stored::digest(&mut File::open(&path)?)
            }
        });
        let damaged =
            |what: &str| BackupError::Damaged(format!("the attached file {} {what}", file.sha256));
        match read.await {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(damaged("is missing")),
            Err(_) if manifest.encryption.is_some() => return Err(damaged("is damaged")),
            Err(e) => return Err(BackupError::file("read an attached file")(e)),
            Ok((sha256, size)) if size != file.size_bytes || sha256 != file.sha256 => {
                return Err(damaged("is damaged"));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Puts a backup's attached files back beside the database, those that are not
/// there. Says how many could not be found. Adds only: safe at any time.
pub(crate) async fn bring_back(
    dir: PathBuf,
    manifest: Manifest,
    to: PathBuf,
    keys: Keys,
) -> Result<usize, BackupError> {
    blocking(move || {
        let mut missing = 0;
        for file in &manifest.files {
            let target = in_folder(&to, &file.sha256);
            if is_whole(&target, file.size_bytes) {
                continue;
            }
            let source = find_kept(&dir, &manifest, file);
            if !source.exists() {
                missing += 1;
            } else if manifest.encryption.is_some() {
                let folder = target.parent().unwrap_or(&to);
                fs::create_dir_all(folder)?;
                let partial = to.join(format!("{}.tmp", file.sha256));
                let mut out = File::create(&partial)?;
                io::copy(&mut stored::unseal(&source, &keys)?, &mut out)?;
                out.sync_all()?;
                fs::rename(&partial, &target)?;
                File::open(folder)?.sync_all()?;
            } else {
                put_in(&source, &target, &to)?;
            }
        }
        Ok(missing)
    })
    .await
    .map_err(BackupError::file("bring attached files back"))
}

/// Names in `files/` that some backup still needs.
pub(super) fn named(backups: &[Backup]) -> Result<HashSet<String>, BackupError> {
    let mut named = HashSet::new();
    for backup in backups {
        let manifest: Manifest = serde_json::from_str(&backup.manifest)
            .map_err(|e| BackupError::Damaged(format!("a manifest is not readable: {e}")))?;
        let tag = manifest.tag().map(str::to_owned);
        named.extend(manifest.files.into_iter().map(|file| match &tag {
            None => file.sha256,
            Some(tag) => sealed_name(&file.sha256, tag),
        }));
    }
    Ok(named)
}

/// Removes kept files that no backup names any more.
pub(super) async fn rotate(dir: &Path, backups: &[Backup]) -> Result<(), BackupError> {
    let named = named(backups)?;
    let folder: PathBuf = dir.join(FOLDER);
    blocking(move || remove_unnamed(&folder, &named, None))
        .await
        .map_err(BackupError::file("remove attached files of old backups"))?;
    Ok(())
}
