//! Step 1: a backup becomes a checked, migrated database in a scratch folder.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{RestoreError, refused};
use crate::{
    backup::{self, BackupError, Facts, Keys, Manifest, blocking},
    clock::Clock,
    db::{self, Db, DbError, SCHEMA_VERSION},
};

/// A database larger than this is not unpacked: a few bytes can claim to be a
/// whole disk of zeros.
pub const MAX_DATABASE: u64 = 16 * 1024 * 1024 * 1024;

/// What is to be restored.
#[derive(Clone, Debug)]
pub struct Source {
    /// The stored file. Attached files lie in `files/` beside it.
    pub file: PathBuf,
    /// What stands beside it; without one less can be checked.
    pub manifest: Option<Manifest>,
}

impl Source {
    /// A file with the manifest beside it, if there is one.
    pub fn of_file(file: &Path) -> Result<Self, RestoreError> {
        Ok(Self {
            manifest: backup::manifest_of(file)?,
            file: file.to_owned(),
        })
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.file.parent().unwrap_or(Path::new(".")).to_owned()
    }

    /// Its file's name.
    pub fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// A database that may be moved in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prepared {
    /// What it held before it was migrated.
    pub facts: Facts,
    /// SHA-256 of the migrated file.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What an admin should know.
    pub warnings: Vec<String>,
}

/// A data directory of its own inside a scratch folder.
pub(super) fn data_dir(scratch: &Path) -> PathBuf {
    scratch.join("data")
}

/// The database in it.
pub(super) fn database(scratch: &Path) -> PathBuf {
    data_dir(scratch).join("crm.db")
}

/// Verifies the source and makes a migrated copy of it in `scratch`.
pub(crate) async fn prepare(
    source: &Source,
    scratch: &Path,
    keys: &Keys,
    clock: &Clock,
    most: u64,
) -> Result<Prepared, RestoreError> {
    let target = database(scratch);
    fs::create_dir_all(data_dir(scratch)).map_err(RestoreError::file("make a scratch folder"))?;
    let mut warnings = Vec::new();
    let facts = if let Some(manifest) = &source.manifest {
        refuse_newer(manifest.facts.schema_version, &manifest.app_version)?;
        backup::check(&source.folder(), manifest, keys, &target).await?;
        if !manifest.missing_files.is_empty() {
            warnings.push(format!(
                "{} attached files were lost already when this backup was taken.",
                manifest.missing_files.len()
            ));
        }
        manifest.facts.clone()
    } else {
        warnings.push("There is no manifest: that these are the bytes that were backed up cannot be checked, and attached files cannot be brought back from it.".to_owned());
        without_manifest(source, &target, keys, most).await?
    };
    let sha256_bytes = migrate(scratch, clock).await?;
    Ok(Prepared {
        facts,
        sha256: sha256_bytes.0,
        bytes: sha256_bytes.1,
        warnings,
    })
}

fn refuse_newer(schema: i64, release: &str) -> Result<(), RestoreError> {
    if schema > SCHEMA_VERSION {
        return Err(refused(
            "newer_schema",
            format!(
                "this backup was taken by a newer release ({release}, schema {schema}; this one knows {SCHEMA_VERSION}): install that release first"
            ),
        ));
    }
    Ok(())
}

async fn without_manifest(
    source: &Source,
    target: &Path,
    keys: &Keys,
    most: u64,
) -> Result<Facts, RestoreError> {
    let (from, to, keys) = (source.file.clone(), target.to_owned(), keys.clone());
    blocking(move || backup::unpack(&from, &to, &keys, most))
        .await
        .map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                refused("not_a_backup", format!("this file cannot be restored: {e}"))
            }
            io::ErrorKind::Other => refused("damaged", format!("this file is damaged: {e}")),
            _ => RestoreError::file("unpack the file")(e),
        })?;
    let mut conn = open_read_only(target).await?;
    let known: Result<i64, _> =
        sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
            .fetch_one(&mut conn)
            .await;
    let _ = conn.close().await;
    match known {
        Ok(schema) if schema > 0 => refuse_newer(schema, "of which we know nothing")?,
        Ok(_) => return Err(no_crm()),
        Err(error) if error.to_string().contains("no such table") => return Err(no_crm()),
        Err(error) => {
            return Err(
                BackupError::Damaged(format!("the database cannot be read: {error}")).into(),
            );
        }
    }
    Ok(backup::facts::check(target).await?)
}

fn no_crm() -> RestoreError {
    refused(
        "not_a_backup",
        "this is a database, but not one of Venture CRM",
    )
}

pub(super) async fn open_read_only(path: &Path) -> Result<SqliteConnection, RestoreError> {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .connect()
        .await
        .map_err(|e| refused("not_a_backup", format!("this is no database: {e}")))
}

/// Brings the copy to today's schema, and refuses one that has rules in it that
/// no release ever wrote. Returns checksum and size of the file.
async fn migrate(scratch: &Path, clock: &Clock) -> Result<(String, u64), RestoreError> {
    let copy = Db::open_alone(&data_dir(scratch), clock.clone()).await?;
    let migrated = db::migrate(&copy).await;
    let found = match &migrated {
        Ok(()) => Some(schema(&copy).await?),
        Err(_) => None,
    };
    copy.close().await;
    migrated.map_err(|e| {
        refused(
            "unknown_schema",
            format!("this backup cannot be brought to today's schema: {e}"),
        )
    })?;
    let fresh_dir = scratch.join("fresh");
    let fresh = Db::open_alone(&fresh_dir, clock.clone()).await?;
    db::migrate(&fresh).await?;
    let expected = schema(&fresh).await?;
    fresh.close().await;
    let _ = fs::remove_dir_all(&fresh_dir);
    if let Some(odd) = found
        .as_ref()
        .and_then(|found| found.symmetric_difference(&expected).next())
    {
        return Err(refused(
            "unknown_schema",
            format!(
                "this database is not as any release made it: look at its {} {}",
                odd.0, odd.1
            ),
        ));
    }
    let path = database(scratch);
    fold(&path).await?;
    blocking(move || {
        let mut file = File::open(path)?;
        let digest = backup::digest(&mut file)?;
        file.sync_all()?;
        Ok(digest)
    })
    .await
    .map_err(RestoreError::file("read the migrated copy"))
}

/// Folds the log into the file, which `SQLite` does only for somebody who is
/// alone with it. The next to open it has a log again.
pub(super) async fn fold(path: &Path) -> Result<(), RestoreError> {
    let start = tokio::time::Instant::now();
    loop {
        let folded = async {
            let mut conn = SqliteConnectOptions::new()
                .filename(path)
                .busy_timeout(Duration::from_secs(1))
                .connect()
                .await?;
            let mode: Result<String, DbError> = sqlx::query_scalar("pragma journal_mode = delete")
                .fetch_one(&mut conn)
                .await;
            conn.close().await?;
            mode
        };
        match folded.await {
            Ok(mode) if mode == "delete" => return Ok(()),
            Err(error) if !db::is_busy(&error) => return Err(error.into()),
            _ if start.elapsed() > Duration::from_secs(10) => {
                return Err(refused(
                    "still_open",
                    "another program, such as sqlite3, has the database open: close it and try again",
                ));
            }
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Tables by name; triggers, views and indices with their text: what runs by
/// itself must be ours to the letter. Litestream keeps two small tables of its own
/// in a database that it replicates; they come along.
async fn schema(db: &Db) -> Result<BTreeSet<(String, String, String)>, RestoreError> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select type, name, case when type = 'table' then '' else coalesce(sql, '') end
         from sqlite_schema
         where name not like 'sqlite_%' and not (type = 'table' and name in ('_litestream_seq', '_litestream_lock'))",
    )
    .fetch_all(db.read())
    .await?;
    Ok(rows.into_iter().collect())
}
