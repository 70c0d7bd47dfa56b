//! What a browser proves itself with after signing in.

use serde_json::json;
use sqlx::FromRow;

use super::{Origin, User, digest, new_secret, public_id, users};
use crate::{
    audit::{self, Actor},
    clock::{DAY, HOUR, MINUTE},
    db::{Db, DbError, WriteTx},
};

/// Unused for so long, a session ends.
pub const IDLE_MS: i64 = 8 * HOUR;
/// Used or not, a session ends after so long.
pub const ABSOLUTE_MS: i64 = 7 * DAY;
/// `last_seen_at` is written at most this often: a read must not cost a write.
const TOUCH_MS: i64 = MINUTE;

/// One session, without anything that would open it.
#[derive(Clone, Debug, FromRow)]
pub struct Session {
    token_hash: String,
    /// Whose.
    pub user_id: String,
    /// UTC milliseconds.
    pub created_at: i64,
    /// To the minute.
    pub last_seen_at: i64,
    /// The absolute end.
    pub expires_at: i64,
    /// Where it was opened from.
    pub ip: String,
    /// What the browser called itself.
    pub user_agent: String,
}

impl Session {
    /// What pages call it.
    pub fn id(&self) -> String {
        public_id(&self.token_hash)
    }
}

/// Opens a session. The answer is the secret for the cookie, known nowhere else.
pub(super) async fn open(
    tx: &mut WriteTx,
    user_id: &str,
    origin: &Origin,
) -> Result<String, DbError> {
    let (secret, now) = (new_secret(), tx.now());
    let agent: String = origin.user_agent.chars().take(300).collect();
    sqlx::query(
        "insert into sessions (token_hash, user_id, created_at, last_seen_at, expires_at, ip, user_agent)
         values (?1, ?2, ?3, ?3, ?4, ?5, ?6)",
    )
    .bind(digest(&secret))
    .bind(user_id)
    .bind(now)
    .bind(now + ABSOLUTE_MS)
    .bind(&origin.ip)
    .bind(agent)
    .execute(&mut **tx)
    .await?;
    sqlx::query("delete from sessions where expires_at <= ?1 or last_seen_at <= ?2")
        .bind(now)
        .bind(now - IDLE_MS)
        .execute(&mut **tx)
        .await?;
    Ok(secret)
}

/// Who holds this secret, if the session still lives and the user may sign in.
pub async fn find(db: &Db, secret: &str) -> Result<Option<(Session, User)>, DbError> {
    let found = peek(db, secret).await?;
    if let Some((session, _)) = &found
        && session.last_seen_at <= db.now() - TOUCH_MS
    {
        touch(db, session, db.now()).await;
    }
    Ok(found)
}

/// Like [`find`], but being looked at does not count as being used: an open
/// event stream must not keep an abandoned browser signed in.
pub async fn peek(db: &Db, secret: &str) -> Result<Option<(Session, User)>, DbError> {
    let now = db.now();
    let session: Option<Session> = sqlx::query_as(
        "select token_hash, user_id, created_at, last_seen_at, expires_at, ip, user_agent
         from sessions where token_hash = ?1 and expires_at > ?2 and last_seen_at > ?3",
    )
    .bind(digest(secret))
    .bind(now)
    .bind(now - IDLE_MS)
    .fetch_optional(db.read())
    .await?;
    let Some(session) = session else {
        return Ok(None);
    };
    let user = users::get(db, &session.user_id).await?;
    Ok(user
        .filter(|user| user.disabled_at.is_none())
        .map(|user| (session, user)))
}

/// A session that cannot be touched still serves reads: on a full disk people
/// must be able to look.
async fn touch(db: &Db, session: &Session, now: i64) {
    let touched = async {
        let mut tx = db.write().await?;
        sqlx::query("update sessions set last_seen_at = ?2 where token_hash = ?1")
            .bind(&session.token_hash)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    if let Err(error) = touched.await {
        tracing::warn!(%error, "session not touched");
    }
}

/// Somebody's living sessions, the last used first.
pub async fn list(db: &Db, user_id: &str) -> Result<Vec<Session>, DbError> {
    let now = db.now();
    sqlx::query_as(
        "select token_hash, user_id, created_at, last_seen_at, expires_at, ip, user_agent
         from sessions where user_id = ?1 and expires_at > ?2 and last_seen_at > ?3
         order by last_seen_at desc",
    )
    .bind(user_id)
    .bind(now)
    .bind(now - IDLE_MS)
    .fetch_all(db.read())
    .await
}

/// Ends one of somebody's sessions. False: there was none by that id.
pub async fn end(tx: &mut WriteTx, user_id: &str, id: &str, ip: &str) -> Result<bool, DbError> {
    let done =
        sqlx::query("delete from sessions where user_id = ?1 and substr(token_hash, 1, 24) = ?2")
            .bind(user_id)
            .bind(id)
            .execute(&mut **tx)
            .await?;
    let ended = done.rows_affected() > 0;
    if ended {
        let actor = Actor::User(user_id.to_owned());
        audit::record(
            tx,
            &actor,
            "session.ended",
            &format!("session:{id}"),
            json!({}),
            ip,
        )
        .await?;
    }
    Ok(ended)
}

/// Signs somebody out everywhere, on their own wish.
pub async fn sign_out_everywhere(
    tx: &mut WriteTx,
    user_id: &str,
    ip: &str,
) -> Result<u64, DbError> {
    let ended = end_all(tx, user_id, None).await?;
    let actor = Actor::User(user_id.to_owned());
    let detail = json!({ "sessions": ended });
    audit::record(
        tx,
        &actor,
        "session.ended_everywhere",
        &users::target(user_id),
        detail,
        ip,
    )
    .await?;
    Ok(ended)
}

/// Ends all sessions of a user, but the one with the id `keep`.
pub(super) async fn end_all(
    tx: &mut WriteTx,
    user_id: &str,
    keep: Option<&str>,
) -> Result<u64, DbError> {
    let done = sqlx::query(
        "delete from sessions where user_id = ?1 and (?2 is null or substr(token_hash, 1, 24) <> ?2)",
    )
    .bind(user_id)
    .bind(keep)
    .execute(&mut **tx)
    .await?;
    // Whoever is half-way in got there with what no longer holds.
    sqlx::query("delete from half_sign_ins where user_id = ?1")
        .bind(user_id)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected())
}
