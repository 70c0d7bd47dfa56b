//! Invitations by mail: only where an admin asked for it, and only to an address in
//! a domain that people here sign in with. The letter is a durable job; what it needs
//! of the link is sealed until it is out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::{AccountError, links::NewLink, public_id};
use crate::{
    clock::MINUTE,
    db::{Db, DbError, WriteTx},
    email::address,
    queue::{self, Payload, RetryPolicy, Unique},
    secrets,
};

/// Mails one invitation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendInvite {
    /// The link's public id.
    pub link: String,
}

impl Payload for SendInvite {
    const KIND: &'static str = "send_invite";
    const TIMEOUT: std::time::Duration = std::time::Duration::from_mins(2);
    const RETRY: RetryPolicy = RetryPolicy {
        max_attempts: 6,
        initial_ms: MINUTE,
        factor: 2.0,
        max_ms: 60 * MINUTE,
    };

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished(self.link.clone()))
    }
}

/// How far a mailed invitation is.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Letter {
    /// `queued`, `sent` or `failed`.
    pub state: String,
    /// Why it failed.
    pub error: String,
}

/// An invitation that may be mailed in this moment.
#[derive(FromRow)]
pub(crate) struct Open {
    pub(crate) token_hash: String,
    pub(crate) email: String,
    pub(crate) expires_at: i64,
    pub(crate) inviter: String,
    pub(crate) sealed: String,
}

/// Domains that people here sign in with, public mail providers apart.
pub async fn team_domains(conn: &mut SqliteConnection) -> Result<BTreeSet<String>, DbError> {
    let emails: Vec<String> = sqlx::query_scalar(
        "select email from users where disabled_at is null and password_hash is not null",
    )
    .fetch_all(conn)
    .await?;
    Ok(emails
        .iter()
        .map(|email| address::domain(email))
        .filter(|domain| !domain.is_empty() && !address::is_public(domain))
        .map(ToOwned::to_owned)
        .collect())
}

/// Has a new invitation mailed, in the transaction that made it.
pub async fn ask(tx: &mut WriteTx, db: &Db, made: &NewLink) -> Result<(), AccountError> {
    let email = made.link.email.as_deref().unwrap_or_default();
    let domains = team_domains(tx).await?;
    if !domains.contains(address::domain(email)) {
        let ours: Vec<String> = domains.into_iter().collect();
        return Err(AccountError::field(
            "mail",
            format!(
                "Only addresses of your own team are mailed ({}). Leave the tick out and hand the link over yourself.",
                if ours.is_empty() {
                    "there is no domain of yours yet".to_owned()
                } else {
                    ours.join(", ")
                }
            ),
        ));
    }
    let hash = made.link.token_hash();
    let sealed = secrets::seal(db, &purpose(hash), &made.secret)?;
    let now = tx.now();
    sqlx::query("insert into invite_letters (link_hash, sealed, updated_at) values (?1, ?2, ?3)")
        .bind(hash)
        .bind(sealed)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    let job = SendInvite {
        link: made.link.id(),
    };
    queue::enqueue(tx, &job).await?;
    Ok(())
}

/// The invitation, if it may still be mailed: it is open, its letter waits, an admin
/// who is still one made it, and its domain is still ours.
pub(crate) async fn open(db: &Db, link: &str) -> Result<Option<Open>, DbError> {
    let mut conn = db.read().acquire().await?;
    let found: Option<Open> = sqlx::query_as(
        "select l.token_hash, l.email, l.expires_at, u.name as inviter, i.sealed
         from links l
         join invite_letters i on i.link_hash = l.token_hash
         join users u on 'user:' || u.id = l.created_by
         where substr(l.token_hash, 1, 24) = ?1 and l.purpose = 'invite' and l.email is not null
           and l.used_at is null and l.expires_at > ?2 and i.state = 'queued'
           and u.role = 'admin' and u.disabled_at is null",
    )
    .bind(link)
    .bind(db.now())
    .fetch_optional(&mut *conn)
    .await?;
    let domains = team_domains(&mut conn).await?;
    Ok(found.filter(|it| domains.contains(address::domain(&it.email))))
}

/// The secret of the link, for its letter.
pub(crate) fn secret(db: &Db, open: &Open) -> Result<String, secrets::SecretError> {
    secrets::open(db, &purpose(&open.token_hash), &open.sealed)
}

fn purpose(link_hash: &str) -> String {
    format!("invite:{link_hash}")
}

/// Writes down how it went. Nothing is kept that would open the link.
pub(crate) async fn end(
    tx: &mut WriteTx,
    link: &str,
    state: &str,
    error: &str,
) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "update invite_letters set state = ?2, error = ?3, sealed = '', updated_at = ?4
         where substr(link_hash, 1, 24) = ?1 and state = 'queued'",
    )
    .bind(link)
    .bind(state)
    .bind(error)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Letters of open invitations, by public id.
pub async fn letters(db: &Db) -> Result<BTreeMap<String, Letter>, DbError> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select i.link_hash, i.state, i.error
         from invite_letters i join links l on l.token_hash = i.link_hash
         where l.used_at is null and l.expires_at > ?1",
    )
    .bind(db.now())
    .fetch_all(db.read())
    .await?;
    Ok(rows
        .into_iter()
        .map(|(hash, state, error)| (public_id(&hash), Letter { state, error }))
        .collect())
}
