//! The SQL of the audit log.

use futures_util::stream::BoxStream;
use serde::Serialize;
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use super::{Actor, Head, Sealed, hash};
use crate::db::{Db, DbError, WriteTx};

/// One row of the log.
#[derive(Clone, Debug, FromRow, Serialize, schemars::JsonSchema)]
pub struct Entry {
    /// Counts up.
    pub id: i64,
    /// UTC milliseconds.
    pub at: i64,
    /// Who: `user:ID`, `job:ID`, `shell` or `system`.
    pub actor: String,
    /// What, such as `user.disabled`.
    pub action: String,
    /// What it was done to, such as `user:ID`.
    pub target: String,
    /// More about it, as the JSON text that was sealed.
    #[schemars(with = "Value")]
    #[serde(serialize_with = "as_json")]
    pub detail: String,
    /// Network address; empty for the worker and the shell.
    pub ip: String,
}

fn as_json<S: serde::Serializer>(text: &str, out: S) -> Result<S::Ok, S::Error> {
    serde_json::from_str::<Value>(text)
        .unwrap_or_default()
        .serialize(out)
}

/// Which rows to read.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this actor.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only rows older than this id.
    pub before: Option<i64>,
    /// Skip so many, for numbered pages.
    pub offset: i64,
    /// At most so many; 50 if not said, never more than 500.
    pub limit: Option<i64>,
}

/// Appends a row. Part of the caller's transaction: what is not recorded did
/// not happen, and the other way round.
pub async fn record(
    tx: &mut WriteTx,
    actor: &Actor,
    action: &str,
    target: &str,
    mut detail: Value,
    ip: &str,
) -> Result<(), DbError> {
    if let (Actor::Token { token, .. }, Value::Object(fields)) = (actor, &mut detail) {
        fields.insert("token".to_owned(), Value::String(token.clone()));
    }
    let detail = match detail {
        Value::Null => "{}".to_owned(),
        other => other.to_string(),
    };
    let actor = actor.to_string();
    let prev = head(tx).await?;
    let at = tx.now();
    let sealed = Sealed {
        action,
        actor: &actor,
        at,
        detail: &detail,
        ip,
        target,
    };
    let hash = hash(&prev.hash, &sealed);
    sqlx::query(
        "insert into audit_log (at, actor, action, target, detail, ip, prev_hash, hash)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(at)
    .bind(&actor)
    .bind(action)
    .bind(target)
    .bind(&detail)
    .bind(ip)
    .bind(&prev.hash)
    .bind(hash)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Rows of the log, newest first.
pub async fn list(db: &Db, filter: &Filter) -> Result<Vec<Entry>, DbError> {
    sqlx::query_as(
        "select id, at, actor, action, target, detail, ip
         from audit_log
         where (?1 is null or actor = ?1) and (?2 is null or action = ?2) and (?3 is null or id < ?3)
         order by id desc
         limit ?4 offset ?5",
    )
    .bind(&filter.actor)
    .bind(&filter.action)
    .bind(filter.before)
    .bind(filter.limit.unwrap_or(50).clamp(1, 500))
    .bind(filter.offset.max(0))
    .fetch_all(db.read())
    .await
}

/// How many rows the filter lets through, paging apart.
pub async fn count(db: &Db, filter: &Filter) -> Result<i64, DbError> {
    sqlx::query_scalar(
        "select count(*) from audit_log
         where (?1 is null or actor = ?1) and (?2 is null or action = ?2)",
    )
    .bind(&filter.actor)
    .bind(&filter.action)
    .fetch_one(db.read())
    .await
}

/// The actions that occur, for a filter.
pub async fn actions(db: &Db) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar("select distinct action from audit_log order by action")
        .fetch_all(db.read())
        .await
}

#[derive(FromRow)]
pub(super) struct Row {
    pub id: i64,
    at: i64,
    actor: String,
    action: String,
    target: String,
    detail: String,
    ip: String,
    pub prev_hash: String,
    pub hash: String,
}

impl Row {
    pub fn sealed(&self) -> Sealed<'_> {
        Sealed {
            action: &self.action,
            actor: &self.actor,
            at: self.at,
            detail: &self.detail,
            ip: &self.ip,
            target: &self.target,
        }
    }
}

pub(super) fn stream(db: &Db) -> BoxStream<'_, Result<Row, DbError>> {
    sqlx::query_as(
        "select id, at, actor, action, target, detail, ip, prev_hash, hash
         from audit_log order by id",
    )
    .fetch(db.read())
}

pub(super) async fn head(conn: &mut SqliteConnection) -> Result<Head, DbError> {
    let newest: Option<(i64, String)> =
        sqlx::query_as("select id, hash from audit_log order by id desc limit 1")
            .fetch_optional(conn)
            .await?;
    Ok(newest.map_or_else(Head::genesis, |(id, hash)| Head { id, hash }))
}
