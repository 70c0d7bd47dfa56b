//! Taking a backup: copy, take secrets out, check, compress, store, read back.

use std::{
    io,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    BACKUP_POLICY, BackupError, Facts, KeptFile, Kind, attached, crypt::Readers, facts, policy,
    stored, verify,
};
use crate::{
    db::{self, Db, DbError},
    export::OPEN_SETTINGS,
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
    /// Why.
    #[serde(default)]
    pub kind: Kind,
    /// How it is sealed; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// What is in it.
    pub facts: Facts,
    /// Attached files, kept beside it under `files/`.
    #[serde(default)]
    pub files: Vec<KeptFile>,
    /// SHA-256 of attached files whose bytes were nowhere to be found.
    #[serde(default)]
    pub missing_files: Vec<String>,
}

/// For whom a backup is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Encryption {
    /// `age`.
    pub scheme: String,
    /// The admin's public key. The box's own opens it too.
    pub recipient: String,
    /// Attached files sealed for the same readers are named `SHA256.TAG.age`.
    pub tag: String,
}

impl Manifest {
    /// How its attached files are named beyond their digest.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.encryption.as_ref().map(|e| e.tag.as_str())
    }
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
/// file names anew. One that fails leaves nothing behind. `progress` hears what
/// is being done.
pub async fn take(
    db: &Db,
    id: &str,
    created_at: i64,
    kind: Kind,
    progress: impl Fn(i64, &str),
) -> Result<Taken, BackupError> {
    let dir = db.dir().backups();
    clear_leftovers(&dir)?;
    let recipient = policy::policy(db).await?.recipient;
    let name = file_name(id, created_at, recipient.is_some());
    let taken = make(db, id, created_at, kind, &name, recipient, &progress).await;
    if taken.is_err() {
        // Room is what is most likely missing: give back all of it.
        clear_leftovers(&dir)?;
        remove_stored(&dir, &name)?;
    }
    taken
}

async fn make(
    db: &Db,
    id: &str,
    created_at: i64,
    kind: Kind,
    name: &str,
    recipient: Option<String>,
    progress: &impl Fn(i64, &str),
) -> Result<Taken, BackupError> {
    let dir = db.dir().backups();
    let data_dir = db.dir().path().to_owned();
    let readers = recipient
        .as_deref()
        .map(|recipient| Readers::new(&data_dir, recipient))
        .transpose()
        .map_err(BackupError::file("find the keys to encrypt with"))?;
    let encryption = recipient
        .zip(readers.as_ref())
        .map(|(recipient, readers)| Encryption {
            scheme: "age".to_owned(),
            recipient,
            tag: readers.tag.clone(),
        });
    let copy = dir.join(format!("{id}.copy.tmp"));
    progress(1, "copying the database");
    copy_database(db, &copy).await?;
    take_secrets_out(&copy, encryption.is_some()).await?;
    progress(2, "checking the copy");
    let facts = facts::check(&copy).await?;
    progress(3, "keeping attached files");
    let (readers, kept) = attached::keep(db, &copy, readers).await?;
    progress(4, "compressing");
    let (source, target) = (copy.clone(), dir.join(name));
    let stored = blocking(move || stored::pack(&source, &target, readers.as_ref()))
        .await
        .map_err(BackupError::file("compress the copy"))?;
    let manifest = Manifest {
        id: id.to_owned(),
        file: name.to_owned(),
        sha256: stored.sha256,
        size_bytes: stored.size_bytes,
        database_bytes: stored.database_bytes,
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at,
        kind,
        encryption,
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
fn file_name(id: &str, created_at: i64, sealed: bool) -> String {
    let at = jiff::Timestamp::from_millisecond(created_at).unwrap_or_default();
    let short: String = id
        .chars()
        .rev()
        .take(8)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let end = if sealed { ".age" } else { "" };
    format!("crm-{}-{short}.db.zst{end}", at.strftime("%Y%m%d-%H%M%S"))
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
    let mut conn = db::connect_for_copy(db).await?;
    let copied = sqlx::query("vacuum into ?1")
        .bind(to.display().to_string())
        .execute(&mut conn)
        .await;
    conn.close().await?;
    copied?;
    Ok(())
}

/// Nobody is signed in after a restore, so what signs people in stays out;
/// settings that are nobody's business only go where nobody can read them.
/// What is deleted is overwritten in the copy.
async fn take_secrets_out(copy: &Path, sealed: bool) -> Result<(), BackupError> {
    let mut conn = SqliteConnectOptions::new()
        .filename(copy)
        .pragma("secure_delete", "on")
        .pragma("trusted_schema", "off")
        .pragma("journal_mode", "memory")
        .pragma("synchronous", "off")
        .connect()
        .await?;
    for sql in [
        "delete from sessions",
        "delete from half_sign_ins",
        "delete from invite_letters",
        "delete from links",
        "delete from idempotency_keys",
        "delete from login_failures",
        "delete from workers",
    ] {
        // A backup before an upgrade is of an older schema, without the newest tables.
        let table = sql.split(' ').next_back().unwrap_or_default();
        if has_table(&mut conn, table).await? {
            sqlx::query(sql).execute(&mut conn).await?;
        }
    }
    if !sealed {
        let open: Vec<&str> = OPEN_SETTINGS
            .into_iter()
            .chain([BACKUP_POLICY, super::MAIL_HELD])
            .collect();
        sqlx::query("delete from settings where key not in (select value from json_each(?1))")
            .bind(serde_json::json!(open).to_string())
            .execute(&mut conn)
            .await?;
    }
    conn.close().await?;
    Ok(())
}

async fn has_table(conn: &mut SqliteConnection, name: &str) -> Result<bool, DbError> {
    let known: i64 =
        sqlx::query_scalar("select count(*) from sqlite_schema where type = 'table' and name = ?1")
            .bind(name)
            .fetch_one(conn)
            .await?;
    Ok(known > 0)
}

fn write_manifest(dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let write = || -> io::Result<()> {
        // As `sha256sum -c` reads it.
        let sum = format!("{}  {}\n", manifest.sha256, manifest.file);
        stored::write_whole(&sum_path(dir, &manifest.file), sum.as_bytes())?;
        let mut json = serde_json::to_vec_pretty(manifest)?;
        json.push(b'\n');
        stored::write_whole(&manifest_path(dir, &manifest.file), &json)
    };
    write().map_err(BackupError::file("write the manifest"))
}

/// The manifest beside a backup file.
pub(crate) fn manifest_path(dir: &Path, file: &str) -> PathBuf {
    let stem = file.strip_suffix(".age").unwrap_or(file);
    let stem = stem.strip_suffix(".db.zst").unwrap_or(stem);
    dir.join(format!("{stem}.manifest.json"))
}

/// The checksum beside a backup file.
pub(super) fn sum_path(dir: &Path, file: &str) -> PathBuf {
    dir.join(format!("{file}.sha256"))
}

/// Removes a backup's file and what stands beside it.
pub(crate) fn remove_stored(dir: &Path, file: &str) -> Result<(), BackupError> {
    remove(&dir.join(file))?;
    remove(&sum_path(dir, file))?;
    remove(&manifest_path(dir, file))
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
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

/// Records a verified backup.
pub async fn record(
    conn: &mut sqlx::SqliteConnection,
    taken: &Taken,
    job: Option<JobId>,
) -> Result<(), DbError> {
    let m = &taken.manifest;
    let manifest = serde_json::to_string(m).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    sqlx::query(
        "insert into backups (id, file_name, size_bytes, database_bytes, sha256, manifest, state, job_id, created_at, verified_at, kind, recipient)
         values (?1, ?2, ?3, ?4, ?5, ?6, 'verified', ?7, ?8, ?9, ?10, ?11)
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
    .bind(m.kind.as_str())
    .bind(m.encryption.as_ref().map(|e| e.recipient.as_str()))
    .execute(conn)
    .await?;
    Ok(())
}
