//! Guessing gets slower with every failure, per account and per address, and
//! never locks anybody out for good.

use std::net::IpAddr;

use super::AccountError;
use crate::{
    clock::{DAY, HOUR, MINUTE, SECOND},
    db::{DbError, WriteTx},
};

/// Failures without a wait: people mistype, and an office shares one address.
const FREE_PER_ACCOUNT: i64 = 5;
const FREE_PER_ADDRESS: i64 = 20;

/// What somebody may be guessing.
#[derive(Clone, Copy)]
pub(super) enum Guess {
    /// A password.
    Password,
    /// The code of a second factor. It has six digits only, and whoever guesses it
    /// knows the password already: failures count for longer, and the longest wait
    /// leaves some forty guesses a day, of a million.
    Code,
}

impl Guess {
    fn subject(self, email: &str) -> String {
        match self {
            Self::Password => format!("account:{email}"),
            Self::Code => format!("code:{email}"),
        }
    }

    /// Failures older than this no longer count.
    fn window_ms(self) -> i64 {
        match self {
            Self::Password => HOUR,
            Self::Code => DAY,
        }
    }

    /// The longest wait.
    fn most_ms(self) -> i64 {
        match self {
            Self::Password => 5 * MINUTE,
            Self::Code => HOUR,
        }
    }
}

/// Counts an attempt as failed in advance, or refuses it. Counting first keeps
/// a burst of parallel guesses from slipping through while the first is hashed.
pub(super) async fn begin_attempt(
    tx: &mut WriteTx,
    guess: Guess,
    email: &str,
    ip: &str,
) -> Result<(), AccountError> {
    let (account, address) = (guess.subject(email), address_subject(ip));
    let mut wait = delay(tx, Guess::Password, &address, FREE_PER_ADDRESS).await?;
    // Somebody else's guesses must not keep the owner out: where they are
    // signed in already, only the limit per address holds.
    if !is_at_home(tx, email, ip).await? {
        wait = wait.max(delay(tx, guess, &account, FREE_PER_ACCOUNT).await?);
    }
    if wait > 0 {
        let retry_after_s = (wait + SECOND - 1) / SECOND;
        return Err(AccountError::TooManyAttempts { retry_after_s });
    }
    let now = tx.now();
    sqlx::query("insert into login_failures (subject, at) values (?1, ?3), (?2, ?3)")
        .bind(&account)
        .bind(&address)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    sqlx::query("delete from login_failures where at < ?1")
        .bind(now - DAY)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The attempt was right after all: the account starts afresh, and the address
/// gets this one attempt back (not more: an attacker may own one account).
pub(super) async fn forgive(
    tx: &mut WriteTx,
    guess: Guess,
    email: &str,
    ip: &str,
) -> Result<(), DbError> {
    forget(tx, guess, email).await?;
    sqlx::query(
        "delete from login_failures
         where id = (select max(id) from login_failures where subject = ?1)",
    )
    .bind(address_subject(ip))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What was guessed at is no longer what it was.
pub(super) async fn forget(tx: &mut WriteTx, guess: Guess, email: &str) -> Result<(), DbError> {
    sqlx::query("delete from login_failures where subject = ?1")
        .bind(guess.subject(email))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Milliseconds to wait: 1 s after the free failures, doubling with each more.
async fn delay(tx: &mut WriteTx, guess: Guess, subject: &str, free: i64) -> Result<i64, DbError> {
    let now = tx.now();
    let (failures, newest): (i64, Option<i64>) = sqlx::query_as(
        "select count(*), max(at) from login_failures where subject = ?1 and at > ?2",
    )
    .bind(subject)
    .bind(now - guess.window_ms())
    .fetch_one(&mut **tx)
    .await?;
    let Some(newest) = newest.filter(|_| failures >= free) else {
        return Ok(0);
    };
    let doublings = u32::try_from(failures - free).unwrap_or(u32::MAX).min(20);
    let delay = (SECOND << doublings).min(guess.most_ms());
    Ok((newest + delay - now).max(0))
}

async fn is_at_home(tx: &mut WriteTx, email: &str, ip: &str) -> Result<bool, DbError> {
    sqlx::query_scalar(
        "select exists (select 1 from sessions s join users u on u.id = s.user_id
         where u.email = ?1 and s.ip = ?2)",
    )
    .bind(email)
    .bind(ip)
    .fetch_one(&mut **tx)
    .await
}

/// An IPv6 network hands out whole /64s, so that is what counts as one address.
fn address_subject(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("ip:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => format!("ip:{ip}"),
    }
}
