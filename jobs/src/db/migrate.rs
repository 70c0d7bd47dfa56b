//! Migrations: embedded, numbered, run by the api only.

use sqlx::{
    Connection, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use super::{Db, DbError, OpenError};

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        &[$(($version, $name, include_str!(concat!("../../../migrations/", $name, ".sql")))),*]
    };
}

/// Version, name and text of every migration, in order.
pub(crate) const MIGRATIONS: &[(i64, &str, &str)] = migrations![
    1 "0001_accounts",
    2 "0002_queue",
    3 "0003_grid",
    4 "0004_imports",
    5 "0005_projection",
    6 "0006_backups",
    7 "0007_grid_depth",
    8 "0008_raise",
    9 "0009_imports_depth",
    10 "0010_people",
    11 "0011_search",
    12 "0012_automations",
    13 "0013_backups_depth",
    14 "0014_email",
    15 "0015_digest",
    16 "0016_proposals",
    17 "0017_reply_drafts",
    18 "0018_second_factor",
];

/// The schema this binary was built for.
pub const SCHEMA_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Brings the database to [`SCHEMA_VERSION`]. A newer one is refused untouched.
///
/// sqlx's migration lock does nothing on `SQLite`, so only one process may do this.
pub async fn migrate(db: &Db) -> Result<(), OpenError> {
    let found = schema_version(db).await?;
    if found > SCHEMA_VERSION {
        return Err(newer(found));
    }
    let list = MIGRATIONS.iter().map(|(version, name, sql)| {
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let mut conn = super::connect_writer(db).await?;
    let migrated = Migrator::with_migrations(list.collect())
        .run_direct(None, &mut conn, false)
        .await;
    conn.close().await?;
    migrated.map_err(|e| OpenError::Schema(format!("migration failed: {e}")))?;
    if found < SCHEMA_VERSION {
        tracing::info!(
            from = found,
            to = SCHEMA_VERSION,
            "database schema migrated"
        );
    }
    Ok(())
}

/// The newest migration applied; 0 on an empty file.
pub async fn schema_version(db: &Db) -> Result<i64, DbError> {
    let mut tx = db.read().begin().await?;
    let known: i64 =
        sqlx::query_scalar("select count(*) from sqlite_schema where name = '_sqlx_migrations'")
            .fetch_one(&mut *tx)
            .await?;
    if known == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(&mut *tx)
        .await
}

/// Refuses to work on any schema but [`SCHEMA_VERSION`]. An older one may
/// still become right, when the api migrates: the caller decides whether to wait.
pub async fn check_schema(db: &Db) -> Result<(), OpenError> {
    match schema_version(db).await? {
        SCHEMA_VERSION => Ok(()),
        found if found > SCHEMA_VERSION => Err(newer(found)),
        found => Err(OpenError::Schema(format!(
            "the database has schema {found}, this program needs {SCHEMA_VERSION}: run `crm-api migrate`"
        ))),
    }
}

fn newer(found: i64) -> OpenError {
    OpenError::Schema(format!(
        "the database has schema {found}, this program knows {SCHEMA_VERSION}: install the newer release"
    ))
}
