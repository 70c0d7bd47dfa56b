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
use sha2::{Digest, Sha256};
use sqlx::Connection;

use super::{Backup, BackupError, Manifest, facts, take::blocking, verify::HashOnly};
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

/// Keeps the files that a copy of the database names. One whose bytes are lost
/// is told of, and does not keep the rest from being backed up.
pub(super) async fn keep(db: &Db, copy: &Path) -> Result<Kept, BackupError> {
    let mut conn = facts::open(copy).await?;
    let named: Vec<(String, i64)> =
        sqlx::query_as("select distinct sha256, size_bytes from files order by sha256")
            .fetch_all(&mut conn)
            .await?;
    let _ = conn.close().await;
    let (from, to) = (db.dir().files(), db.dir().backups().join(FOLDER));
    let kept = blocking(move || {
        let mut kept = Kept {
            files: Vec::new(),
            missing: Vec::new(),
        };
        for (sha256, size) in named {
            let size = u64::try_from(size).unwrap_or(0);
            if keep_one(&from, &to, &sha256, size)? {
                kept.files.push(KeptFile {
                    sha256,
                    size_bytes: size,
                });
            } else {
                kept.missing.push(sha256);
            }
        }
        Ok(kept)
    })
    .await
    .map_err(BackupError::file("keep attached files"))?;
    if !kept.missing.is_empty() {
        tracing::error!(
            files = kept.missing.len(),
            "attached files have lost their bytes and are in no backup"
        );
    }
    Ok(kept)
}

/// False if its bytes are nowhere.
fn keep_one(from: &Path, to: &Path, sha256: &str, size: u64) -> io::Result<bool> {
    let (source, target) = (in_folder(from, sha256), in_folder(to, sha256));
    let is_whole = |path: &Path| fs::metadata(path).is_ok_and(|m| m.len() == size);
    if is_whole(&target) {
        return Ok(true);
    }
    if !is_whole(&source) {
        return Ok(false);
    }
    let folder = target.parent().unwrap_or(to);
    fs::create_dir_all(folder)?;
    // What is there is damaged: another length.
    if target.exists() {
        fs::remove_file(&target)?;
    }
    // A link costs nothing; where there can be none (another disk) it is a copy.
    // Bytes are written once and replaced, never changed, so a link is safe.
    if fs::hard_link(&source, &target).is_err() {
        let partial = to.join(format!("{sha256}.tmp"));
        fs::copy(&source, &partial)?;
        File::open(&partial)?.sync_all()?;
        fs::rename(&partial, &target)?;
    }
    File::open(folder)?.sync_all()?;
    File::open(to)?.sync_all()?;
    Ok(true)
}

/// Reads every file back and compares it with its name and size.
pub(super) async fn verify(dir: &Path, files: &[KeptFile]) -> Result<(), BackupError> {
    for file in files {
        let path = in_folder(&dir.join(FOLDER), &file.sha256);
        let read = blocking(move || {
            let mut hash = Sha256::new();
            let size = io::copy(&mut File::open(&path)?, &mut HashOnly(&mut hash))?;
            Ok((size, crate::hex(&hash.finalize())))
        });
        let damaged =
            |what: &str| BackupError::Damaged(format!("the attached file {} {what}", file.sha256));
        match read.await {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(damaged("is missing")),
            Err(e) => return Err(BackupError::file("read an attached file")(e)),
            Ok((size, sha256)) if size != file.size_bytes || sha256 != file.sha256 => {
                return Err(damaged("is damaged"));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Removes kept files that no backup names any more.
pub(super) async fn rotate(dir: &Path, backups: &[Backup]) -> Result<(), BackupError> {
    let mut named = HashSet::new();
    for backup in backups {
        let manifest: Manifest = serde_json::from_str(&backup.manifest)
            .map_err(|e| BackupError::Damaged(format!("a manifest is not readable: {e}")))?;
        named.extend(manifest.files.into_iter().map(|file| file.sha256));
    }
    let folder: PathBuf = dir.join(FOLDER);
    blocking(move || remove_unnamed(&folder, &named, None))
        .await
        .map_err(BackupError::file("remove attached files of old backups"))?;
    Ok(())
}
