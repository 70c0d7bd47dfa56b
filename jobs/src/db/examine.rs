//! Looking at a database file without changing it, be it whole or not.

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{DataDir, DbError};

/// What a look found.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// What `quick_check` says is wrong; empty: nothing.
    pub damage: Vec<String>,
    /// The newest migration; none if this is no database of ours.
    pub schema: Option<i64>,
    /// The time of the newest change on record, UTC milliseconds.
    pub newest_at: Option<i64>,
}

/// Opens the file for reading only and checks it.
pub async fn examine(dir: &DataDir) -> Result<Examined, DbError> {
    let mut conn = SqliteConnectOptions::new()
        .filename(dir.database())
        .read_only(true)
        .pragma("trusted_schema", "off")
        .connect()
        .await?;
    let found = look(&mut conn).await;
    let _ = conn.close().await;
    found
}

async fn look(conn: &mut SqliteConnection) -> Result<Examined, DbError> {
    let mut found = Examined::default();
    let said: Vec<String> = sqlx::query_scalar("pragma quick_check(3)")
        .fetch_all(&mut *conn)
        .await?;
    found.damage = said.into_iter().filter(|line| line != "ok").collect();
    let known: i64 = sqlx::query_scalar(
        "select count(*) from sqlite_schema where name in ('_sqlx_migrations', 'audit_log')",
    )
    .fetch_one(&mut *conn)
    .await?;
    if known == 2 {
        found.schema =
            sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
                .fetch_one(&mut *conn)
                .await?;
        found.newest_at = sqlx::query_scalar("select max(at) from audit_log")
            .fetch_one(conn)
            .await?;
    }
    Ok(found)
}
