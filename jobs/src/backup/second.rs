//! The second directory: a mounted disk, or a folder that something else carries
//! away. Every backup is copied there once it is verified; what could not be
//! copied is tried again with the next one.

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    Backup, BackupError, Manifest, attached, find_kept, list,
    policy::policy,
    store::{forget_second, second_leftovers, set_second},
    stored,
    take::{blocking, manifest_path, remove_stored, sum_path},
};
use crate::{
    db::{Db, WriteTx},
    files::remove_unnamed,
};

/// Copies what is not there yet, removes there what is gone here. Says what it
/// did; none without a second directory. A copy that fails fails nothing else.
pub(crate) async fn copy_all(db: &Db) -> Result<Option<String>, BackupError> {
    let Some(second) = policy(db).await?.second_directory.map(PathBuf::from) else {
        return Ok(None);
    };
    let backups = list(db.read(), None, 1_000).await?;
    let (mut copied, mut failed) = (0, None);
    for backup in backups.iter().filter(|b| b.state == "verified") {
        if backup.second_state.as_deref() == Some("copied")
            && second.join(&backup.file_name).exists()
        {
            continue;
        }
        let error = copy(db, backup, &second).await.err();
        let says = error.as_ref().map(ToString::to_string);
        let mut tx = db.write().await?;
        set_second(&mut tx, &backup.id, says.as_deref()).await?;
        WriteTx::commit(tx).await?;
        match says {
            None => copied += 1,
            Some(says) => {
                tracing::error!(
                    backup = backup.id,
                    "the second copy failed and is tried again with the next backup: {says}"
                );
                failed.get_or_insert(says);
            }
        }
    }
    if failed.is_none() {
        thin_out(db, &backups, &second).await?;
    }
    Ok(Some(match failed {
        None => format!("{copied} copied to the second directory"),
        Some(error) => format!("the second copy failed: {error}"),
    }))
}

async fn copy(db: &Db, backup: &Backup, second: &Path) -> Result<(), BackupError> {
    let manifest: Manifest = serde_json::from_str(&backup.manifest)
        .map_err(|e| BackupError::Damaged(format!("the manifest is not readable: {e}")))?;
    let (dir, second) = (db.dir().backups(), second.to_owned());
    blocking(move || {
        if !second.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the second directory is not there: is the disk mounted?",
            ));
        }
        for file in &manifest.files {
            let source = find_kept(&dir, &manifest, file);
            let target = find_kept(&second, &manifest, file);
            let size = fs::metadata(&source)?.len();
            if !fs::metadata(&target).is_ok_and(|m| m.len() == size) {
                put(&source, &target)?;
            }
        }
        let target = second.join(&manifest.file);
        put(&dir.join(&manifest.file), &target)?;
        let (sha256, _) = stored::digest(&mut File::open(&target)?)?;
        if sha256 != manifest.sha256 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "what was written there reads back differently",
            ));
        }
        put(
            &sum_path(&dir, &manifest.file),
            &sum_path(&second, &manifest.file),
        )?;
        put(
            &manifest_path(&dir, &manifest.file),
            &manifest_path(&second, &manifest.file),
        )
    })
    .await
    .map_err(BackupError::file("copy to the second directory"))
}

/// Whole or not at all.
fn put(source: &Path, target: &Path) -> io::Result<()> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    let partial = stored::partial(target);
    fs::copy(source, &partial)?;
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, target)?;
    stored::sync_folder(target)
}

/// Only what this app put there and has forgotten since: the folder may hold
/// more than ours.
async fn thin_out(db: &Db, backups: &[Backup], second: &Path) -> Result<(), BackupError> {
    for (id, file) in second_leftovers(db.read()).await? {
        remove_stored(second, &file)?;
        let mut tx = db.write().await?;
        forget_second(&mut tx, &id).await?;
        WriteTx::commit(tx).await?;
    }
    let named: HashSet<String> = attached::named(backups)?;
    let folder = second.join(attached::FOLDER);
    blocking(move || remove_unnamed(&folder, &named, None))
        .await
        .map_err(BackupError::file("thin out the second directory"))?;
    Ok(())
}
