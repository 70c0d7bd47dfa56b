//! Half-way in: the password was right, the code of the second factor is still
//! to come. It is no session: it lives for minutes, belongs to the browser that
//! has its cookie, and nothing but the code page asks for it.

use serde_json::json;

use super::{
    AccountError, Origin, User, digest, new_secret, second_factor::prove, sessions, users,
};
use crate::{
    audit::{self, Actor},
    clock::MINUTE,
    db::{Db, DbError, WriteTx},
};

/// So long there is for the code.
pub const LIFETIME_MS: i64 = 10 * MINUTE;

/// Begins it. The answer is the secret for the cookie, known nowhere else.
pub(super) async fn begin(tx: &mut WriteTx, user_id: &str) -> Result<String, DbError> {
    let (secret, now) = (new_secret(), tx.now());
    sqlx::query("delete from half_sign_ins where expires_at <= ?1")
        .bind(now)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "insert into half_sign_ins (token_hash, user_id, created_at, expires_at)
         values (?1, ?2, ?3, ?4)",
    )
    .bind(digest(&secret))
    .bind(user_id)
    .bind(now)
    .bind(now + LIFETIME_MS)
    .execute(&mut **tx)
    .await?;
    Ok(secret)
}

/// Who is half-way in with this secret, if they may still sign in.
pub async fn find(db: &Db, secret: &str) -> Result<Option<User>, DbError> {
    let user: Option<String> = sqlx::query_scalar(
        "select user_id from half_sign_ins where token_hash = ?1 and expires_at > ?2",
    )
    .bind(digest(secret))
    .bind(db.now())
    .fetch_optional(db.read())
    .await?;
    let Some(user) = user else {
        return Ok(None);
    };
    let user = users::get(db, &user).await?;
    Ok(user.filter(|user| user.disabled_at.is_none()))
}

/// The code came: opens the session. The answer is the secret for its cookie.
pub async fn finish(
    db: &Db,
    secret: &str,
    code: &str,
    origin: &Origin,
) -> Result<(String, User), AccountError> {
    let user = find(db, secret).await?.ok_or(AccountError::HalfOver)?;
    let (mut tx, proof) = prove(db, &user, code, origin).await?;
    let now = tx.now();
    let done = sqlx::query("delete from half_sign_ins where token_hash = ?1 and expires_at > ?2")
        .bind(digest(secret))
        .bind(now)
        .execute(&mut *tx)
        .await?;
    // Ended meanwhile: a new password, a disabled account, somebody quicker.
    if done.rows_affected() == 0 {
        return Err(AccountError::HalfOver);
    }
    let session = sessions::open(&mut tx, &user.id, origin).await?;
    let (actor, target) = (Actor::User(user.id.clone()), users::target(&user.id));
    let detail = json!({ "second_factor": proof.as_str() });
    audit::record(
        &mut tx,
        &actor,
        "session.started",
        &target,
        detail,
        &origin.ip,
    )
    .await?;
    tx.commit().await?;
    Ok((session, user))
}
