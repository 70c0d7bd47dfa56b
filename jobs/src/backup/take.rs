//! Taking a backup: copy, check, compress, store, read back.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Connection;

use super::{BackupError, Facts, KeptFile, attached, facts, verify};
use crate::{
    db::{self, Db, DbError, WriteTx},
    queue::JobId,
};

/// What stands beside each backup, as JSON, for people and for [`verify`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The backup's id.
    pub id: String,
    /// The file it describes, in the same folder.
    pub file: String,
    /// SHA-256 of that file's bytes, as `sha256sum` prints it.
    pub sha256: String,
    /// Its size, bytes.
    pub size_bytes: u64,
    /// The database's size once decompressed (`zstd -d`), bytes.
    pub database_bytes: u64,
    /// The release that took it.
    pub app_version: String,
    /// When, UTC milliseconds.
    pub created_at: i64,
    /// What is in it.
    pub facts: Facts,
    /// Attached files, kept beside it under `files/`.
    #[serde(default)]
    pub files: Vec<KeptFile>,
    /// SHA-256 of attached files whose bytes were nowhere to be found.
    #[serde(default)]
    pub missing_files: Vec<String>,
}

/// A backup that was stored and verified.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// As written beside the file.
    pub manifest: Manifest,
    /// When it was read back, UTC milliseconds.
    pub verified_at: i64,
}

/// Takes a backup under this id. Safe to repeat: a second run writes the same
/// file names anew. `progress` hears what is being done.
pub async fn take(
    db: &Db,
    id: &str,
    created_at: i64,
    progress: impl Fn(i64, &str),
) -> Result<Taken, BackupError> {
    let dir = db.dir().backups();
    clear_leftovers(&dir)?;
    let copy = dir.join(format!("{id}.copy.tmp"));
    progress(1, "copying the database");
    copy_database(db, &copy).await?;
    progress(2, "checking the copy");
    let facts = facts::check(&copy).await?;
    progress(3, "keeping attached files");
    let kept = attached::keep(db, &copy).await?;
    progress(4, "compressing");
    let name = file_name(id, created_at);
    let stored = store(&copy, &dir.join(&name)).await?;
    let manifest = Manifest {
        id: id.to_owned(),
        file: name.clone(),
        sha256: stored.sha256,
        size_bytes: stored.size_bytes,
        database_bytes: stored.database_bytes,
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at,
        facts,
        files: kept.files,
        missing_files: kept.missing,
    };
    write_manifest(&dir, &manifest)?;
    remove(&copy)?;
    progress(5, "reading it back");
    verify::verify_stored(&dir, &manifest).await?;
    Ok(Taken {
        manifest,
        verified_at: db.now(),
    })
}

/// `crm-20260303-100000-1a2b3c4d.db.zst`: sorts by time, names the backup.
fn file_name(id: &str, created_at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(created_at).unwrap_or_default();
    let short: String = id
        .chars()
        .rev()
        .take(8)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    format!("crm-{}-{short}.db.zst", at.strftime("%Y%m%d-%H%M%S"))
}

/// What a crash left half-done. Only one backup runs at a time.
fn clear_leftovers(dir: &Path) -> Result<(), BackupError> {
    for folder in [dir.to_owned(), dir.join(attached::FOLDER)] {
        if !folder.exists() {
            continue;
        }
        let entries =
            std::fs::read_dir(&folder).map_err(BackupError::file("read the backup folder"))?;
        for path in entries.flatten().map(|e| e.path()) {
            if path.extension().is_some_and(|x| x == "tmp") {
                remove(&path)?;
            }
        }
    }
    Ok(())
}

/// `vacuum into` gives a consistent, compact copy while writers go on.
async fn copy_database(db: &Db, to: &Path) -> Result<(), BackupError> {
    let mut conn = db::connect_writer(db).await?;
    let copied = sqlx::query("vacuum into ?1")
        .bind(to.display().to_string())
        .execute(&mut conn)
        .await;
    conn.close().await?;
    copied?;
    Ok(())
}

struct Stored {
    sha256: String,
    size_bytes: u64,
    database_bytes: u64,
}

/// Compresses `copy` to `target`: written beside it, synced, then renamed, so
/// that the target is whole or absent.
async fn store(copy: &Path, target: &Path) -> Result<Stored, BackupError> {
    let (copy, target) = (copy.to_owned(), target.to_owned());
    blocking(move || {
        let partial = target.with_extension("zst.tmp");
        let mut source = File::open(&copy)?;
        let mut hashing = Hashing::new(BufWriter::new(File::create(&partial)?));
        let mut encoder = zstd::stream::Encoder::new(&mut hashing, 3)?;
        let database_bytes = io::copy(&mut source, &mut encoder)?;
        encoder.finish()?;
        let (sha256, size_bytes) = hashing.finish()?;
        std::fs::rename(&partial, &target)?;
        sync_folder(&target)?;
        Ok(Stored {
            sha256,
            size_bytes,
            database_bytes,
        })
    })
    .await
    .map_err(BackupError::file("compress the copy"))
}

fn write_manifest(dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let path = manifest_path(dir, &manifest.file);
    let partial = path.with_extension("json.tmp");
    let write = || -> io::Result<()> {
        let mut file = File::create(&partial)?;
        file.write_all(&serde_json::to_vec_pretty(manifest)?)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&partial, &path)?;
        sync_folder(&path)
    };
    write().map_err(BackupError::file("write the manifest"))
}

/// The manifest beside a backup file.
pub(super) fn manifest_path(dir: &Path, file: &str) -> PathBuf {
    dir.join(format!(
        "{}.manifest.json",
        file.trim_end_matches(".db.zst")
    ))
}

/// Makes a rename durable.
fn sync_folder(of: &Path) -> io::Result<()> {
    of.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

pub(super) fn remove(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(BackupError::file(format!("remove {}", path.display()))(e))
        }
        _ => Ok(()),
    }
}

/// File work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

/// Writes through, hashing and counting what is stored.
struct Hashing {
    out: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl Hashing {
    fn new(out: BufWriter<File>) -> Self {
        Self {
            out,
            hash: Sha256::new(),
            size: 0,
        }
    }

    fn finish(self) -> io::Result<(String, u64)> {
        let file = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok((crate::hex(&self.hash.finalize()), self.size))
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Records a verified backup.
pub async fn record(tx: &mut WriteTx, taken: &Taken, job: JobId) -> Result<(), DbError> {
    let m = &taken.manifest;
    let manifest = serde_json::to_string(m).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    sqlx::query(
        "insert into backups (id, file_name, size_bytes, database_bytes, sha256, manifest, state, job_id, created_at, verified_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, 'verified', ?7, ?8, ?9)
         on conflict (id) do nothing",
    )
    .bind(&m.id)
    .bind(&m.file)
    .bind(i64::try_from(m.size_bytes).unwrap_or(i64::MAX))
    .bind(i64::try_from(m.database_bytes).unwrap_or(i64::MAX))
    .bind(&m.sha256)
    .bind(manifest)
    .bind(job)
    .bind(m.created_at)
    .bind(taken.verified_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
