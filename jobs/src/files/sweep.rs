//! Removing bytes that nothing names any more.

use std::{collections::HashSet, fs, path::PathBuf, time::UNIX_EPOCH};

use super::FileError;
use crate::{
    clock::DAY,
    db::{Db, WriteTx},
};

/// How long a deleted file can be brought back.
pub const KEEP_DELETED: i64 = 30 * DAY;
/// Younger bytes may belong to somebody who is about to record them.
const LEFT_ALONE: i64 = DAY;

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records of files deleted long ago.
    pub forgotten: u64,
    /// Files of bytes.
    pub removed: u64,
}

/// Forgets files deleted more than 30 days ago, then removes bytes that no
/// record names. The write lock is held while bytes go, so that nobody records
/// what is being removed.
pub async fn sweep(db: &Db) -> Result<Swept, FileError> {
    let mut tx = db.write().await?;
    let now = tx.now();
    let forgotten = sqlx::query("delete from files where deleted_at < ?1")
        .bind(now - KEEP_DELETED)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    WriteTx::commit(tx).await?;
    let mut tx = db.write().await?;
    let named: Vec<String> = sqlx::query_scalar("select distinct sha256 from files")
        .fetch_all(&mut *tx)
        .await?;
    let named: HashSet<String> = named.into_iter().collect();
    let folder = db.dir().files();
    let swept = tokio::task::spawn_blocking(move || {
        remove_unnamed(&folder, &named, Some(now - LEFT_ALONE))
    })
    .await
    .map_err(std::io::Error::other)
    .and_then(|done| done)
    .map_err(FileError::disk("sweep the files"));
    tx.rollback().await?;
    Ok(Swept {
        forgotten,
        removed: swept?,
    })
}

/// Removes what is not named and was last touched before a moment.
pub(crate) fn remove_unnamed(
    folder: &PathBuf,
    named: &HashSet<String>,
    before: Option<i64>,
) -> std::io::Result<u64> {
    if !folder.exists() {
        return Ok(0);
    }
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let inside: Vec<PathBuf> = if path.is_dir() {
            fs::read_dir(&path)?.flatten().map(|e| e.path()).collect()
        } else {
            vec![path]
        };
        for path in inside {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if named.contains(name.as_ref()) || !is_old(&path, before) {
                continue;
            }
            fs::remove_file(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_old(path: &PathBuf, before: Option<i64>) -> bool {
    let Some(before) = before else {
        return true;
    };
    let touched = fs::metadata(path).and_then(|m| m.modified());
    let touched = touched
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    touched.is_some_and(|at| i64::try_from(at.as_millis()).unwrap_or(i64::MAX) < before)
}
