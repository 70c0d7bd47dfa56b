//! The bytes of files: `files/ab/abcdef…`, each written once.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};

use super::{File, FileError};
use crate::db::{DataDir, Db};

/// Where bytes lie. A digest is hexadecimal; anything else names no file.
pub fn path_of(dir: &DataDir, sha256: &str) -> PathBuf {
    in_folder(&dir.files(), sha256)
}

/// Where bytes lie in a folder of such files.
pub(crate) fn in_folder(folder: &Path, sha256: &str) -> PathBuf {
    let is_digest = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
    if is_digest {
        folder.join(&sha256[..2]).join(sha256)
    } else {
        folder.join("no-such-file")
    }
}

/// Stores bytes, unless they are there. Returns their digest.
pub(super) async fn write(db: &Db, content: Vec<u8>) -> Result<String, FileError> {
    let (folder, now, scratch) = (db.dir().files(), db.now(), db.clock().new_id());
    let written = move || -> io::Result<String> {
        let sha256 = crate::hex(&Sha256::digest(&content));
        let target = in_folder(&folder, &sha256);
        let is_whole = fs::metadata(&target).is_ok_and(|m| m.len() == content.len() as u64);
        if !is_whole {
            put(&folder, &target, &scratch, &content)?;
        }
        // Young again: the sweep leaves alone what somebody is about to record.
        let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or(0));
        fs::File::options()
            .write(true)
            .open(&target)?
            .set_modified(now)?;
        Ok(sha256)
    };
    tokio::task::spawn_blocking(written)
        .await
        .map_err(io::Error::other)
        .and_then(|done| done)
        .map_err(FileError::disk("store the file"))
}

/// Writes beside the target, syncs, renames, syncs the folder: the target is
/// whole or absent.
pub(crate) fn put(folder: &Path, target: &Path, scratch: &str, content: &[u8]) -> io::Result<()> {
    let parent = target.parent().unwrap_or(folder);
    let is_new_folder = !parent.exists();
    fs::create_dir_all(parent)?;
    let partial = folder.join(format!("{scratch}.tmp"));
    let mut file = fs::File::create(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&partial, target)?;
    fs::File::open(parent)?.sync_all()?;
    if is_new_folder {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The bytes of a file, checked against its record.
pub async fn read(dir: &DataDir, file: &File) -> Result<Vec<u8>, FileError> {
    let (path, sha256) = (path_of(dir, &file.sha256), file.sha256.clone());
    let read = move || -> io::Result<Vec<u8>> {
        let content = fs::read(path)?;
        if crate::hex(&Sha256::digest(&content)) != sha256 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the stored bytes are not those that were attached",
            ));
        }
        Ok(content)
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)
        .and_then(|done| done)
        .map_err(FileError::disk("read the file"))
}
