//! Reading a backup back from its stored bytes.

use std::{fs::File, io, path::Path};

use sha2::{Digest, Sha256};

use super::{
    BackupError, Manifest, attached, facts,
    take::{blocking, manifest_path, remove},
};

/// Verifies a backup file by the manifest beside it. For people with a file and
/// no database.
pub async fn verify_file(file: &Path) -> Result<Manifest, BackupError> {
    let dir = file.parent().unwrap_or(Path::new(".")).to_owned();
    let name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let path = manifest_path(&dir, &name);
    let text =
        std::fs::read(&path).map_err(BackupError::file(format!("read {}", path.display())))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|e| BackupError::Damaged(format!("the manifest is not readable: {e}")))?;
    verify_stored(&dir, &manifest).await?;
    Ok(manifest)
}

/// Checksum, decompression, integrity, counts and sums, and every attached file:
/// all from the stored bytes.
pub async fn verify_stored(dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let scratch = dir.join(format!("{}.verify.tmp", manifest.id));
    let checked = check(dir, manifest, &scratch).await;
    remove(&scratch)?;
    checked
}

async fn check(dir: &Path, manifest: &Manifest, scratch: &Path) -> Result<(), BackupError> {
    let (source, target) = (dir.join(&manifest.file), scratch.to_owned());
    // Hash first: a damaged file is named as such, whatever zstd makes of it.
    let path = source.clone();
    let sha256 = blocking(move || {
        let mut hash = Sha256::new();
        io::copy(&mut File::open(&path)?, &mut HashOnly(&mut hash))?;
        Ok(crate::hex(&hash.finalize()))
    })
    .await
    .map_err(BackupError::file(format!("read {}", manifest.file)))?;
    if sha256 != manifest.sha256 {
        return Err(BackupError::Damaged(format!(
            "{} is damaged: its SHA-256 is {sha256}, the manifest says {}",
            manifest.file, manifest.sha256
        )));
    }
    let size = blocking(move || {
        let mut decoder = zstd::stream::Decoder::new(File::open(&source)?)?;
        io::copy(&mut decoder, &mut File::create(&target)?)
    })
    .await
    .map_err(BackupError::file(format!("decompress {}", manifest.file)))?;
    if size != manifest.database_bytes {
        return Err(BackupError::Damaged(format!(
            "{} holds {size} bytes, the manifest says {}",
            manifest.file, manifest.database_bytes
        )));
    }
    let facts = facts::check(scratch).await?;
    if facts != manifest.facts {
        return Err(BackupError::Damaged(format!(
            "{} does not hold what its manifest says: counts or sums differ",
            manifest.file
        )));
    }
    attached::verify(dir, &manifest.files).await
}

pub(super) struct HashOnly<'a>(pub(super) &'a mut Sha256);

impl io::Write for HashOnly<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
