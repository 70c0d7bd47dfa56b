//! Switching a second factor on and off.

use serde_json::{Value, json};

use super::{codes, is_on, prove, purpose, recovery, seconds, stored};
use crate::{
    accounts::{AccountError, Origin, User, confirm_password, sessions, throttle, users},
    audit::{self, Actor},
    clock::{MINUTE, random_bytes},
    db::{Db, DbError, WriteTx},
    secrets,
};

/// A secret that was shown waits so long for its first code.
const PATIENCE_MS: i64 = 15 * MINUTE;
/// What RFC 4226 recommends: 160 bits.
const SECRET_BYTES: usize = 20;

/// What somebody puts into their app.
#[derive(Clone)]
pub struct Enrolment {
    /// `otpauth://…`, as a link and as a picture.
    pub url: String,
    /// To type by hand.
    pub secret: String,
}

/// Makes a secret. Nothing is asked for at sign-in until [`confirm`].
pub async fn begin(
    db: &Db,
    user: &User,
    password: &str,
    origin: &Origin,
) -> Result<Enrolment, AccountError> {
    confirm_password(db, user, password, origin).await?;
    let secret: [u8; SECRET_BYTES] = random_bytes();
    let sealed = secrets::seal(db, &purpose(&user.id), &crate::hex(&secret))?;
    let mut tx = db.write().await?;
    if is_on(&mut tx, &user.id).await? {
        return Err(AccountError::field(
            "password",
            "You sign in with a second factor already; switch it off first.",
        ));
    }
    let now = tx.now();
    sqlx::query(
        "insert into second_factors (user_id, sealed, created_at) values (?1, ?2, ?3)
         on conflict (user_id) do update
         set sealed = excluded.sealed, created_at = excluded.created_at, last_step = 0",
    )
    .bind(&user.id)
    .bind(&sealed)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    enrolment(db, user, &sealed)
}

/// The secret that waits for its first code, for a form that comes back.
pub async fn pending(db: &Db, user: &User) -> Result<Option<Enrolment>, AccountError> {
    let stored = stored(&mut *db.read().acquire().await?, &user.id).await?;
    let waits =
        stored.filter(|it| it.confirmed_at.is_none() && it.created_at > db.now() - PATIENCE_MS);
    waits.map(|it| enrolment(db, user, &it.sealed)).transpose()
}

fn enrolment(db: &Db, user: &User, sealed: &str) -> Result<Enrolment, AccountError> {
    let codes = codes(db, &user.id, &user.email, sealed)?;
    Ok(Enrolment {
        url: codes.to_url().map_err(|_| AccountError::SecondFactorLost)?,
        secret: codes.secret().to_base32(),
    })
}

/// Proves that the app has the secret, and switches the factor on. All other
/// sessions end: they were opened without it. The answer is the recovery codes.
pub async fn confirm(
    db: &Db,
    user: &User,
    code: &str,
    keep_session: Option<&str>,
    origin: &Origin,
) -> Result<Vec<String>, AccountError> {
    let stored = stored(&mut *db.read().acquire().await?, &user.id).await?;
    let started = stored
        .filter(|it| it.confirmed_at.is_none() && it.created_at > db.now() - PATIENCE_MS)
        .ok_or(AccountError::EnrolmentOver)?;
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = codes(db, &user.id, &user.email, &started.sealed)?
        .check(&digits, seconds(db.now()))
        .ok_or(AccountError::WrongCode)?;
    let mut tx = db.write().await?;
    let now = tx.now();
    let done = sqlx::query(
        "update second_factors set confirmed_at = ?2, last_step = ?3
         where user_id = ?1 and confirmed_at is null and sealed = ?4",
    )
    .bind(&user.id)
    .bind(now)
    .bind(i64::try_from(step).unwrap_or(i64::MAX))
    .bind(&started.sealed)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(AccountError::EnrolmentOver);
    }
    let made = recovery::remake(&mut tx, &user.id).await?;
    sessions::end_all(&mut tx, &user.id, keep_session).await?;
    record(&mut tx, user, "second_factor.enabled", json!({}), origin).await?;
    tx.commit().await?;
    Ok(made)
}

/// Makes ten new recovery codes; those before no longer work.
pub async fn remake_codes(
    db: &Db,
    user: &User,
    password: &str,
    code: &str,
    origin: &Origin,
) -> Result<Vec<String>, AccountError> {
    confirm_password(db, user, password, origin).await?;
    let (mut tx, _) = prove(db, user, code, origin).await?;
    let made = recovery::remake(&mut tx, &user.id).await?;
    record(&mut tx, user, "second_factor.codes_made", json!({}), origin).await?;
    tx.commit().await?;
    Ok(made)
}

/// Switches one's own second factor off.
pub async fn switch_off(
    db: &Db,
    user: &User,
    password: &str,
    code: &str,
    origin: &Origin,
) -> Result<(), AccountError> {
    confirm_password(db, user, password, origin).await?;
    let (mut tx, _) = prove(db, user, code, origin).await?;
    drop_factor(&mut tx, user).await?;
    record(&mut tx, user, "second_factor.disabled", json!({}), origin).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes somebody's second factor away: an admin for a colleague, or the shell.
/// False: there was none.
pub async fn remove(
    tx: &mut WriteTx,
    user_id: &str,
    actor: &Actor,
    ip: &str,
) -> Result<bool, AccountError> {
    let user = users::by_id(tx, user_id)
        .await?
        .ok_or(AccountError::NoSuchUser)?;
    if !is_on(tx, user_id).await? {
        return Ok(false);
    }
    drop_factor(tx, &user).await?;
    let target = users::target(user_id);
    audit::record(tx, actor, "second_factor.removed", &target, json!({}), ip).await?;
    Ok(true)
}

async fn drop_factor(tx: &mut WriteTx, user: &User) -> Result<(), DbError> {
    sqlx::query("delete from second_factors where user_id = ?1")
        .bind(&user.id)
        .execute(&mut **tx)
        .await?;
    recovery::drop_all(tx, &user.id).await?;
    sqlx::query("delete from half_sign_ins where user_id = ?1")
        .bind(&user.id)
        .execute(&mut **tx)
        .await?;
    throttle::forget(tx, throttle::Guess::Code, &user.email).await
}

async fn record(
    tx: &mut WriteTx,
    user: &User,
    action: &str,
    detail: Value,
    origin: &Origin,
) -> Result<(), DbError> {
    let (actor, target) = (Actor::User(user.id.clone()), users::target(&user.id));
    audit::record(tx, &actor, action, &target, detail, &origin.ip).await
}
