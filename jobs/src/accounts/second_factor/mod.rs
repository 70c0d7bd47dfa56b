//! A second factor: codes of an authenticator app (RFC 6238), and ten recovery
//! codes for when the phone is gone.
//!
//! The secret that app and server share is sealed with the key outside the
//! database, so a stolen backup makes no codes; recovery codes are stored hashed.
//! On a box with another key the secret does not open: then recovery codes still
//! work, and an admin or the shell can take the factor away. It is never skipped.

mod enrol;
mod prove;
mod recovery;

use sqlx::{FromRow, SqliteConnection};
use totp_rs::{Builder, Totp};

pub use enrol::{Enrolment, begin, confirm, pending, remake_codes, remove, switch_off};
pub(super) use prove::prove;

use super::AccountError;
use crate::{
    db::{Db, DbError},
    secrets::{self, SecretError},
};

/// What apps list the account under.
const ISSUER: &str = "Venture CRM";
/// Steps before and after the present one whose codes work too: clocks differ.
const TOLERANCE: u16 = 1;

/// Whether somebody signs in with a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A password is enough.
    Off,
    /// A code is asked for.
    On {
        /// UTC milliseconds.
        since: i64,
        /// Recovery codes not used yet.
        codes_left: i64,
        /// False: the secret was sealed with another key, and codes of the app
        /// cannot be checked on this box.
        opens: bool,
    },
}

#[derive(FromRow)]
struct Stored {
    sealed: String,
    created_at: i64,
    confirmed_at: Option<i64>,
}

/// How somebody signs in.
pub async fn state(db: &Db, user_id: &str) -> Result<State, DbError> {
    let mut conn = db.read().acquire().await?;
    let Some(stored) = stored(&mut conn, user_id).await? else {
        return Ok(State::Off);
    };
    let Some(since) = stored.confirmed_at else {
        return Ok(State::Off);
    };
    Ok(State::On {
        since,
        codes_left: recovery::left(&mut conn, user_id).await?,
        opens: secrets::open(db, &purpose(user_id), &stored.sealed).is_ok(),
    })
}

/// Ids of those who sign in with a second factor.
pub async fn users(db: &Db) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar("select user_id from second_factors where confirmed_at is not null")
        .fetch_all(db.read())
        .await
}

/// Whether a code is asked for.
pub(super) async fn is_on(conn: &mut SqliteConnection, user_id: &str) -> Result<bool, DbError> {
    let stored = stored(conn, user_id).await?;
    Ok(stored.is_some_and(|it| it.confirmed_at.is_some()))
}

async fn stored(conn: &mut SqliteConnection, user_id: &str) -> Result<Option<Stored>, DbError> {
    sqlx::query_as("select sealed, created_at, confirmed_at from second_factors where user_id = ?1")
        .bind(user_id)
        .fetch_optional(conn)
        .await
}

/// What the secret is sealed for: nobody's can be put in the place of another's.
fn purpose(user_id: &str) -> String {
    format!("second_factor:{user_id}")
}

/// Makes and checks the codes of one secret.
fn codes(db: &Db, user_id: &str, email: &str, sealed: &str) -> Result<Totp, AccountError> {
    let hex = secrets::open(db, &purpose(user_id), sealed).map_err(|error| match error {
        SecretError::OtherKey => AccountError::SecondFactorLost,
        error @ SecretError::KeyFile(_) => AccountError::Secret(error),
    })?;
    let secret: Vec<u8> = (0..hex.len() / 2)
        .filter_map(|at| u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect();
    Builder::new()
        .with_secret(secret)
        .with_skew(TOLERANCE)
        .with_issuer(Some(ISSUER))
        // A colon would end the issuer's name.
        .with_account_name(email.replace(':', " "))
        .build()
        .map_err(|_| AccountError::SecondFactorLost)
}

/// A clock in the terms of RFC 6238.
fn seconds(now: i64) -> u64 {
    u64::try_from(now / 1_000).unwrap_or(0)
}

#[cfg(test)]
mod tests;
