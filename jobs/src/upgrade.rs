//! The first start of a newer release: a verified backup of the database as it
//! was, then the migration. Without that backup nothing is migrated.

use std::collections::HashSet;

use serde_json::json;

use crate::{
    audit::{self, Actor},
    backup::{self, BackupError, Kind, Taken},
    db::{self, Db, DbError, OpenError, SCHEMA_VERSION},
};

/// What comes before the migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// A verified backup, or nothing happens.
    Backup,
    /// Nothing: somebody said that they have one.
    Nothing,
}

/// Why the database has the schema it had.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// The backup failed; nothing was changed.
    #[error(
        "the database has schema {from} and this release needs {SCHEMA_VERSION}, but the backup before the upgrade failed: {error}; \
         nothing was changed. Mend that and start again, or, if you have a good backup elsewhere, run `crm-api migrate --without-backup`"
    )]
    Backup {
        /// Its schema.
        from: i64,
        /// Why the backup failed.
        error: BackupError,
    },
    /// A migration failed half-way; the backup is there.
    #[error(
        "{error}; the database as it was is in backups/{file}: `crm-worker restore` of the release before puts it back"
    )]
    Migration {
        /// What failed.
        error: OpenError,
        /// The backup's file.
        file: String,
    },
    /// Without a backup, as asked.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Brings the database to this release's schema. Answers the backup that was
/// taken before; none if there was nothing to do or nothing to lose.
pub async fn upgrade(db: &Db, before: Before) -> Result<Option<Taken>, UpgradeError> {
    let from = db::schema_version(db).await?;
    let is_new_or_current = from == 0 || from >= SCHEMA_VERSION;
    if is_new_or_current || before == Before::Nothing {
        db::migrate(db).await?;
        return Ok(None);
    }
    tracing::warn!(
        from,
        to = SCHEMA_VERSION,
        "this release is newer than the database: backing it up before the upgrade"
    );
    let (id, now) = (db.clock().new_id(), db.now());
    let taken = backup::take(db, &id, now, Kind::BeforeUpgrade, |_, what| {
        tracing::info!("backup before the upgrade: {what}");
    })
    .await
    .map_err(|error| UpgradeError::Backup { from, error })?;
    tracing::warn!(
        file = taken.manifest.file,
        "backed up and read back: backups/{}",
        taken.manifest.file
    );
    forget_attempts(db, &taken).await?;
    db::migrate(db)
        .await
        .map_err(|error| UpgradeError::Migration {
            error,
            file: taken.manifest.file.clone(),
        })?;
    write_down(db, from, &taken).await?;
    Ok(Some(taken))
}

/// In the new schema: an older one may have other columns.
async fn write_down(db: &Db, from: i64, taken: &Taken) -> Result<(), DbError> {
    let mut tx = db.write().await?;
    backup::record(&mut tx, taken, None).await?;
    let detail = json!({
        "from_schema": from, "to_schema": SCHEMA_VERSION,
        "release": env!("CARGO_PKG_VERSION"), "backup": taken.manifest.id,
    });
    audit::record(
        &mut tx,
        &Actor::System,
        "database.upgraded",
        "database",
        detail,
        "",
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// A migration that fails is tried at every start, and each leaves a backup that
/// is on no record: the newest is enough, or they would fill the disk.
async fn forget_attempts(db: &Db, taken: &Taken) -> Result<(), UpgradeError> {
    let known: HashSet<String> = sqlx::query_scalar("select id from backups")
        .fetch_all(db.read())
        .await?
        .into_iter()
        .collect();
    let now = &taken.manifest;
    for old in backup::manifests(&db.dir().backups()) {
        let is_attempt = old.kind == Kind::BeforeUpgrade
            && old.facts.schema_version == now.facts.schema_version
            && old.id != now.id
            && !known.contains(&old.id);
        if is_attempt && let Err(error) = backup::remove_files(db.dir(), &old.file) {
            tracing::warn!(%error, "an earlier attempt's backup stays: {error}");
        }
    }
    Ok(())
}
