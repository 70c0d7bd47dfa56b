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
    /// Not before this moment, UTC milliseconds.
    pub from: Option<i64>,
    /// Only before this moment.
    pub until: Option<i64>,
    /// Only what stands before this row: its time and id.
    pub before: Option<(i64, i64)>,
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

// One query for each index.
const ALL: &str = "select id, at, actor, action, target, detail, ip from audit_log
     where (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
const BY: &str = "select id, at, actor, action, target, detail, ip from audit_log
     where actor = ?5 and (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";
const OF: &str = "select id, at, actor, action, target, detail, ip from audit_log
     where action = ?6 and (?5 is null or actor = ?5) and (at, id) < (?1, ?2) and at >= ?3
     order by at desc, id desc limit ?4";

/// Rows of the log, newest first.
pub async fn list(db: &Db, filter: &Filter) -> Result<Vec<Entry>, DbError> {
    let sql = match (&filter.actor, &filter.action) {
        (_, Some(_)) => OF,
        (Some(_), None) => BY,
        (None, None) => ALL,
    };
    let day_ends = (filter.until.unwrap_or(i64::MAX), 0);
    let (at, id) = filter
        .before
        .map_or(day_ends, |before| before.min(day_ends));
    sqlx::query_as(sql)
        .bind(at)
        .bind(id)
        .bind(filter.from.unwrap_or(i64::MIN))
        .bind(filter.limit.unwrap_or(50).clamp(1, 500))
        .bind(&filter.actor)
        .bind(&filter.action)
        .fetch_all(db.read())
        .await
}

/// The actions that occur, for a filter.
pub async fn actions(db: &Db) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar("select distinct action from audit_log order by action")
        .fetch_all(db.read())
        .await
}

/// One row as it was sealed: enough to compute every hash again elsewhere. The detail
/// stays the text it is: written anew it might not have the same bytes.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Sealing {
    /// Counts up.
    pub id: i64,
    pub(super) at: i64,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) detail: String,
    pub(super) ip: String,
    /// Hash of the row before.
    pub prev_hash: String,
    /// SHA-256 of that and of the row.
    pub hash: String,
}

impl Sealing {
    pub(super) fn sealed(&self) -> Sealed<'_> {
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

pub(super) fn stream(db: &Db) -> BoxStream<'_, Result<Sealing, DbError>> {
    sqlx::query_as(
        "select id, at, actor, action, target, detail, ip, prev_hash, hash
         from audit_log order by id",
    )
    .fetch(db.read())
}

/// Rows as they were sealed, oldest first, after an id: for an export, which reads in
/// pieces so that a slow reader holds no snapshot of the database.
pub async fn sealings(db: &Db, after: i64, limit: i64) -> Result<Vec<Sealing>, DbError> {
    sqlx::query_as(
        "select id, at, actor, action, target, detail, ip, prev_hash, hash
         from audit_log where id > ?1 order by id limit ?2",
    )
    .bind(after)
    .bind(limit.clamp(1, 5_000))
    .fetch_all(db.read())
    .await
}

/// The row that has this hash, such as one kept in an old backup's manifest. Reads
/// the whole log: hashes have no index, because only a shell asks.
pub async fn with_hash(db: &Db, hash: &str) -> Result<Option<i64>, DbError> {
    sqlx::query_scalar("select id from audit_log where hash = ?1")
        .bind(hash)
        .fetch_optional(db.read())
        .await
}

pub(super) async fn head(conn: &mut SqliteConnection) -> Result<Head, DbError> {
    let newest: Option<(i64, String)> =
        sqlx::query_as("select id, hash from audit_log order by id desc limit 1")
            .fetch_optional(conn)
            .await?;
    Ok(newest.map_or_else(Head::genesis, |(id, hash)| Head { id, hash }))
}
