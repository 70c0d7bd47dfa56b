//! Reading a backup back from its stored bytes.

use std::{fs::File, io, path::Path};

use super::{
    BackupError, Keys, Manifest, attached, facts, stored,
    take::{blocking, manifest_path, remove},
};

/// Verifies a backup file by the manifest beside it. For people with a file and
/// no database.
pub async fn verify_file(file: &Path) -> Result<Manifest, BackupError> {
    let dir = file.parent().unwrap_or(Path::new("."));
    let manifest = manifest_of(file)?.ok_or_else(|| {
        BackupError::Damaged(format!("there is no manifest beside {}", file.display()))
    })?;
    verify_stored(dir, &manifest).await?;
    Ok(manifest)
}

/// Checksum, decompression, integrity, counts and sums, and every attached file:
/// all from the stored bytes. What is sealed is opened with the box's own key,
/// which lies beside the backup folder.
pub async fn verify_stored(dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let keys = Keys::of_box(dir.parent().unwrap_or(dir))
        .map_err(BackupError::file("read the box's key"))?;
    verify_with(dir, manifest, &keys).await
}

/// The same with these keys.
pub async fn verify_with(dir: &Path, manifest: &Manifest, keys: &Keys) -> Result<(), BackupError> {
    let scratch = dir.join(format!("{}.verify.tmp", manifest.id));
    let checked = check(dir, manifest, keys, &scratch).await;
    remove(&scratch)?;
    checked?;
    attached::verify(dir, manifest, keys).await
}

/// Unpacks a stored backup to `target` and checks all that its manifest says.
pub(crate) async fn check(
    dir: &Path,
    manifest: &Manifest,
    keys: &Keys,
    target: &Path,
) -> Result<(), BackupError> {
    // Hash first: a damaged file is named as such, whatever zstd makes of it.
    let path = dir.join(&manifest.file);
    let (sha256, _) = blocking(move || stored::digest(&mut File::open(&path)?))
        .await
        .map_err(BackupError::file(format!("read {}", manifest.file)))?;
    if sha256 != manifest.sha256 {
        return Err(BackupError::Damaged(format!(
            "{} is damaged: its SHA-256 is {sha256}, the manifest says {}",
            manifest.file, manifest.sha256
        )));
    }
    let (source, to, keys) = (dir.join(&manifest.file), target.to_owned(), keys.clone());
    let most = manifest.database_bytes;
    let size = blocking(move || stored::unpack(&source, &to, &keys, most))
        .await
        .map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData => BackupError::Damaged(format!("{}: {e}", manifest.file)),
            _ => BackupError::file(format!("decompress {}", manifest.file))(e),
        })?;
    if size != manifest.database_bytes {
        return Err(BackupError::Damaged(format!(
            "{} holds {size} bytes, the manifest says {}",
            manifest.file, manifest.database_bytes
        )));
    }
    let facts = facts::check(target).await?;
    if facts != manifest.facts {
        return Err(BackupError::Damaged(format!(
            "{} does not hold what its manifest says: counts or sums differ",
            manifest.file
        )));
    }
    Ok(())
}

/// The manifest beside a backup file, if there is one.
pub(crate) fn manifest_of(file: &Path) -> Result<Option<Manifest>, BackupError> {
    let dir = file.parent().unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let path = manifest_path(dir, &name);
    let text = match std::fs::read(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(BackupError::file(format!("read {}", path.display())))?,
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|e| BackupError::Damaged(format!("the manifest is not readable: {e}")))
}

/// Of the backups that lie in a folder. One that cannot be read is left out: its
/// row, if there is one, says so when it is verified.
pub(crate) fn manifests(dir: &Path) -> Vec<Manifest> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().ends_with(".manifest.json"))
        .filter_map(|e| serde_json::from_slice::<Manifest>(&std::fs::read(e.path()).ok()?).ok())
        .filter(|m| dir.join(&m.file).exists() && manifest_path(dir, &m.file).exists())
        .collect()
}
