//! A password becomes a session.

use serde_json::json;

use super::{
    AccountError, Origin, User, half, passwords, second_factor, sessions,
    throttle::{self, Guess},
    users,
};
use crate::{
    audit::{self, Actor},
    db::{Db, DbError, WriteTx},
};

/// What came of the first step.
#[derive(Debug)]
pub enum SignIn {
    /// They are in. The secret is for the session's cookie.
    Done(String, User),
    /// A code is still to come. The secret is for the cookie of [`half`].
    CodeWanted(String),
}

/// Checks address and password and opens a session, or asks for the code of the
/// second factor. An unknown address costs and answers the same as a wrong
/// password.
pub async fn sign_in(
    db: &Db,
    email: &str,
    password: &str,
    origin: &Origin,
) -> Result<SignIn, AccountError> {
    let email: String = email.trim().to_lowercase().chars().take(254).collect();
    let mut tx = db.write().await?;
    throttle::begin_attempt(&mut tx, Guess::Password, &email, &origin.ip).await?;
    let user = users::by_email(&mut tx, &email).await?;
    let stored = match &user {
        Some(user) => users::password_hash(&mut tx, &user.id).await?,
        None => None,
    };
    tx.commit().await?;

    // Outside the transaction: a hash takes longer than all other writes.
    let fits = password.chars().count() <= passwords::MAX_CHARS
        && passwords::verify(password, stored.as_deref()).await?;
    let Some(user) = user.filter(|user| fits && user.disabled_at.is_none()) else {
        refuse(db, origin).await?;
        return Err(AccountError::WrongCredentials);
    };
    let fresh_hash = match &stored {
        Some(stored) if passwords::is_outdated(stored) => Some(passwords::hash(password).await?),
        _ => None,
    };

    let mut tx = db.write().await?;
    // Disabled while we were hashing: the check above looked too early.
    let user = users::by_id(&mut tx, &user.id)
        .await?
        .filter(|user| user.disabled_at.is_none())
        .ok_or(AccountError::WrongCredentials)?;
    throttle::forgive(&mut tx, Guess::Password, &email, &origin.ip).await?;
    if let Some(hash) = fresh_hash {
        users::set_password_hash(&mut tx, &user.id, &hash).await?;
    }
    let signed_in = admit(&mut tx, user, origin).await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// The password was right: opens a session, unless a code is still to come.
pub(super) async fn admit(
    tx: &mut WriteTx,
    user: User,
    origin: &Origin,
) -> Result<SignIn, DbError> {
    if second_factor::is_on(tx, &user.id).await? {
        return Ok(SignIn::CodeWanted(half::begin(tx, &user.id).await?));
    }
    let secret = sessions::open(tx, &user.id, origin).await?;
    let (actor, target) = (Actor::User(user.id.clone()), users::target(&user.id));
    audit::record(
        tx,
        &actor,
        "session.started",
        &target,
        json!({}),
        &origin.ip,
    )
    .await?;
    Ok(SignIn::Done(secret, user))
}

/// Records the failure, without the address that was typed: people type their
/// password into the wrong box.
async fn refuse(db: &Db, origin: &Origin) -> Result<(), AccountError> {
    let mut tx = db.write().await?;
    audit::record(
        &mut tx,
        &Actor::System,
        "session.refused",
        "",
        json!({}),
        &origin.ip,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Changes one's own password and ends all other sessions. Guesses at the
/// present password are slowed down like sign-ins.
pub async fn change_password(
    db: &Db,
    user: &User,
    current: &str,
    new: &str,
    keep_session: Option<&str>,
    origin: &Origin,
) -> Result<(), AccountError> {
    let mut tx = db.write().await?;
    throttle::begin_attempt(&mut tx, Guess::Password, &user.email, &origin.ip).await?;
    let stored = users::password_hash(&mut tx, &user.id).await?;
    tx.commit().await?;
    if !passwords::verify(current, stored.as_deref()).await? {
        return Err(AccountError::field(
            "current",
            "This is not your present password.",
        ));
    }
    passwords::check(new, &[&user.email, &user.name])?;
    let hash = passwords::hash(new).await?;

    let mut tx = db.write().await?;
    throttle::forgive(&mut tx, Guess::Password, &user.email, &origin.ip).await?;
    users::set_password_hash(&mut tx, &user.id, &hash).await?;
    throttle::forget(&mut tx, Guess::Code, &user.email).await?;
    sessions::end_all(&mut tx, &user.id, keep_session).await?;
    let actor = Actor::User(user.id.clone());
    audit::record(
        &mut tx,
        &actor,
        "user.password_changed",
        &users::target(&user.id),
        json!({}),
        &origin.ip,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Asks somebody who is signed in for the password once more, before what cannot
/// be undone with a click. Guesses are slowed down like sign-ins.
pub async fn confirm_password(
    db: &Db,
    user: &User,
    password: &str,
    origin: &Origin,
) -> Result<(), AccountError> {
    let mut tx = db.write().await?;
    throttle::begin_attempt(&mut tx, Guess::Password, &user.email, &origin.ip).await?;
    let stored = users::password_hash(&mut tx, &user.id).await?;
    tx.commit().await?;
    if !passwords::verify(password, stored.as_deref()).await? {
        return Err(AccountError::field(
            "password",
            "This is not your password.",
        ));
    }
    let mut tx = db.write().await?;
    throttle::forgive(&mut tx, Guess::Password, &user.email, &origin.ip).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a password is somebody's, without signing in. For checks made at
/// the machine itself: nothing slows it down.
pub async fn password_fits(db: &Db, email: &str, password: &str) -> Result<bool, AccountError> {
    let mut tx = db.read().begin().await?;
    let stored = match users::by_email(&mut tx, email).await? {
        Some(user) => users::password_hash(&mut tx, &user.id).await?,
        None => None,
    };
    drop(tx);
    passwords::verify(password, stored.as_deref()).await
}
