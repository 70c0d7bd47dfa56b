//! What a script proves itself with.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::FromRow;

use super::{AccountError, User, digest, new_secret, users};
use crate::{
    audit::{self, Actor},
    clock::MINUTE,
    db::{Db, DbError, WriteTx},
};

/// So that a token is recognised wherever it leaks to.
const PREFIX: &str = "crm_";
/// How much of a token is kept readable, to tell tokens apart.
const SHOWN_CHARS: usize = 12;

/// What a token may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Scope {
    /// What its owner may do.
    All,
    /// Only read.
    Read,
}

impl std::str::FromStr for Scope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "read" => Ok(Self::Read),
            _ => Err("the scope is all or read".to_owned()),
        }
    }
}

/// One token, without its secret.
#[derive(Clone, Debug, FromRow, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ApiToken")]
pub struct Token {
    /// `UUIDv7`.
    pub id: String,
    #[serde(skip)]
    #[schemars(skip)]
    /// Whose.
    pub user_id: String,
    /// What it is for.
    pub name: String,
    /// Its first characters, to tell tokens apart.
    pub prefix: String,
    /// What it may do.
    pub scope: Scope,
    /// UTC milliseconds.
    pub created_at: i64,
    /// When it stops working; never if absent.
    pub expires_at: Option<i64>,
    /// To the minute.
    pub last_used_at: Option<i64>,
}

/// Makes a token. The second value is the token itself, known nowhere else.
pub async fn create(
    tx: &mut WriteTx,
    user_id: &str,
    name: &str,
    scope: Scope,
    expires_at: Option<i64>,
    actor: &Actor,
    ip: &str,
) -> Result<(Token, String), AccountError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 80 {
        return Err(AccountError::field(
            "name",
            "Say in at most 80 characters what the token is for.",
        ));
    }
    let now = tx.now();
    if expires_at.is_some_and(|at| at <= now) {
        return Err(AccountError::field("expires_at", "Choose a time to come."));
    }
    let secret = format!("{PREFIX}{}", new_secret());
    let token = Token {
        id: tx.new_id(),
        user_id: user_id.to_owned(),
        name: name.to_owned(),
        prefix: secret.chars().take(SHOWN_CHARS).collect(),
        scope,
        created_at: now,
        expires_at,
        last_used_at: None,
    };
    sqlx::query(
        "insert into api_tokens (id, user_id, name, prefix, token_hash, scope, created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(&token.id)
    .bind(user_id)
    .bind(name)
    .bind(&token.prefix)
    .bind(digest(&secret))
    .bind(scope)
    .bind(now)
    .bind(expires_at)
    .execute(&mut **tx)
    .await?;
    let detail = json!({ "name": name, "scope": scope, "user": user_id });
    audit::record(
        tx,
        actor,
        "token.created",
        &format!("token:{}", token.id),
        detail,
        ip,
    )
    .await?;
    Ok((token, secret))
}

/// Whose token this is, if it still works and its owner may sign in.
pub async fn find(db: &Db, secret: &str) -> Result<Option<(Token, User)>, DbError> {
    let now = db.now();
    let token: Option<Token> = sqlx::query_as(
        "select id, user_id, name, prefix, scope, created_at, expires_at, last_used_at
         from api_tokens
         where token_hash = ?1 and revoked_at is null and (expires_at is null or expires_at > ?2)",
    )
    .bind(digest(secret))
    .bind(now)
    .fetch_optional(db.read())
    .await?;
    let Some(token) = token else {
        return Ok(None);
    };
    let user = users::get(db, &token.user_id).await?;
    if token.last_used_at.is_none_or(|at| at <= now - MINUTE) {
        touch(db, &token.id, now).await;
    }
    Ok(user
        .filter(|user| user.disabled_at.is_none())
        .map(|user| (token, user)))
}

/// As with sessions, a token that cannot be touched still serves.
async fn touch(db: &Db, id: &str, now: i64) {
    let touched = async {
        let mut tx = db.write().await?;
        sqlx::query("update api_tokens set last_used_at = ?2 where id = ?1")
            .bind(id)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    if let Err(error) = touched.await {
        tracing::warn!(%error, token.id = id, "token {id} not touched");
    }
}

/// Somebody's tokens that were not revoked, the newest first.
pub async fn list(db: &Db, user_id: &str) -> Result<Vec<Token>, DbError> {
    sqlx::query_as(
        "select id, user_id, name, prefix, scope, created_at, expires_at, last_used_at
         from api_tokens where user_id = ?1 and revoked_at is null order by created_at desc, id desc",
    )
    .bind(user_id)
    .fetch_all(db.read())
    .await
}

/// How many living tokens of living accounts never end by themselves.
pub async fn count_endless(db: &Db) -> Result<i64, DbError> {
    sqlx::query_scalar(
        "select count(*) from api_tokens t join users u on u.id = t.user_id
         where t.revoked_at is null and t.expires_at is null and u.disabled_at is null",
    )
    .fetch_one(db.read())
    .await
}

/// Revokes one of somebody's tokens. False: there was none by that id.
pub async fn revoke(
    tx: &mut WriteTx,
    user_id: &str,
    id: &str,
    actor: &Actor,
    ip: &str,
) -> Result<bool, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update api_tokens set revoked_at = ?3 where id = ?2 and user_id = ?1 and revoked_at is null",
    )
    .bind(user_id)
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let revoked = done.rows_affected() > 0;
    if revoked {
        audit::record(
            tx,
            actor,
            "token.revoked",
            &format!("token:{id}"),
            json!({}),
            ip,
        )
        .await?;
    }
    Ok(revoked)
}
