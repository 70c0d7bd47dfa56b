//! Mailboxes that are read: enrolled by an admin, with the word of whoever they
//! belong to.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::{Privacy, Team, address, jobs, privacy};
use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
    work::checked_text,
};

/// Characters of a consent note.
const MAX_CONSENT: usize = 1_000;
/// How far back a mailbox may be read.
const MAX_YEARS: i16 = 15;

/// A mailbox and where its reading stands.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Mailbox {
    /// Its id.
    pub id: String,
    /// Lower case.
    pub address: String,
    /// Whose it is on our team.
    pub user_id: Option<String>,
    /// Who agreed to this, when and how.
    pub consent: String,
    /// What is kept.
    pub privacy: Privacy,
    /// `active` or `paused`.
    pub state: String,
    /// Messages before this are not read.
    pub starts_at: i64,
    /// Messages before this propose nothing.
    pub enrolled_at: i64,
    /// About how many messages there are; none before the first look.
    pub backfill_total: Option<i64>,
    /// How many of them are read.
    pub backfill_done: i64,
    /// When the past was read to its end.
    pub backfilled_at: Option<i64>,
    /// The last time everything new was read.
    pub synced_at: Option<i64>,
    /// The last failure, for programs; empty again after a success.
    pub error_code: Option<String>,
    /// What to do about it.
    pub error: Option<String>,
    /// When it failed.
    pub failed_at: Option<i64>,
    /// How often since the last success.
    pub failures: i64,
    /// Whether reply drafts may be written into it.
    pub may_draft: bool,
    #[serde(skip)]
    pub(super) backfill_cursor: Option<String>,
    #[serde(skip)]
    pub(super) history_id: Option<String>,
}

/// A mailbox to be read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct New {
    /// In a domain of the team.
    #[schemars(length(min = 3, max = 254))]
    pub address: String,
    /// Whose it is: a user's id.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub user_id: Option<String>,
    /// Who agreed, when and how.
    #[schemars(length(min = 1, max = 1_000))]
    pub consent: String,
    /// From which day on it is read, such as 2026-01-31.
    #[schemars(length(min = 10, max = 10))]
    pub starts_on: String,
    /// `metadata`, `subject` or `body`.
    #[schemars(regex(pattern = "^(metadata|subject|body)$"))]
    pub privacy: String,
}

/// What to change of a mailbox; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Change {
    /// Whose it is; an empty text: nobody's.
    #[schemars(length(max = 64))]
    pub user_id: Option<String>,
    /// Who agreed, when and how.
    #[schemars(length(min = 1, max = 1_000))]
    pub consent: Option<String>,
    /// `metadata`, `subject` or `body`.
    #[schemars(regex(pattern = "^(metadata|subject|body)$"))]
    pub privacy: Option<String>,
    /// Whether reply drafts may be written into it: the service account needs
    /// `gmail.compose` for that. Off until somebody switches it on.
    pub may_draft: Option<bool>,
}

/// All that are read, by address.
pub async fn list(conn: &mut SqliteConnection) -> Result<Vec<Mailbox>, DbError> {
    sqlx::query_as(
        "select id, address, user_id, consent, privacy, state, starts_at, enrolled_at, backfill_total, backfill_done,
                backfilled_at, synced_at, error_code, error, failed_at, failures, may_draft, backfill_cursor, history_id
         from mailboxes where deleted_at is null order by address limit 500",
    )
    .fetch_all(conn)
    .await
}

/// One that is not removed.
pub async fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<Mailbox>, DbError> {
    sqlx::query_as(
        "select id, address, user_id, consent, privacy, state, starts_at, enrolled_at, backfill_total, backfill_done,
                backfilled_at, synced_at, error_code, error, failed_at, failures, may_draft, backfill_cursor, history_id
         from mailboxes where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

async fn needed(tx: &mut WriteTx, id: &str) -> Result<Mailbox, GridError> {
    find(tx, id).await?.ok_or_else(|| GridError::Missing {
        what: "mailbox",
        id: id.to_owned(),
    })
}

/// Enrols a mailbox; its past is read from now on. Returns its id.
pub async fn enrol(tx: &mut WriteTx, new: &New, by: &str) -> Result<String, GridError> {
    let address = address::normal(&new.address).ok_or_else(|| {
        GridError::invalid(
            "invalid_address",
            "address",
            "write one address, such as jo@example.com",
        )
    })?;
    let team = Team::load(tx).await?;
    if !team.owns(address::domain(&address)) {
        let ours = team.domains().join(", ");
        let ours = if ours.is_empty() {
            "none yet".to_owned()
        } else {
            ours
        };
        return Err(GridError::invalid(
            "foreign_address",
            "address",
            format!(
                "only mailboxes of the team are read; its domains, by the addresses people sign in with: {ours}"
            ),
        ));
    }
    let taken: Option<i64> =
        sqlx::query_scalar("select 1 from mailboxes where address = ?1 and deleted_at is null")
            .bind(&address)
            .fetch_optional(&mut **tx)
            .await?;
    if taken.is_some() {
        return Err(GridError::invalid(
            "already_enrolled",
            "address",
            format!("{address} is enrolled already"),
        ));
    }
    let consent = checked_consent(&new.consent)?;
    let privacy = checked_privacy(&new.privacy)?;
    let starts_at = checked_start(tx, &new.starts_on).await?;
    let user = checked_user(tx, new.user_id.as_deref()).await?;
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into mailboxes (id, address, user_id, consent, privacy, starts_at, enrolled_at, created_at, created_by, updated_at, updated_by)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?7, ?8)",
    )
    .bind(&id)
    .bind(&address)
    .bind(user)
    .bind(consent)
    .bind(privacy.as_str())
    .bind(starts_at)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    jobs::begin(tx, &id, by).await?;
    Ok(id)
}

fn checked_consent(text: &str) -> Result<String, GridError> {
    let text = checked_text("consent", text, MAX_CONSENT)?;
    if text.trim().is_empty() {
        return Err(GridError::invalid(
            "no_consent",
            "consent",
            "say who agreed to this, when and how: without their consent a mailbox is not read",
        ));
    }
    Ok(text)
}

fn checked_privacy(word: &str) -> Result<Privacy, GridError> {
    Privacy::parse(word).ok_or_else(|| {
        GridError::invalid(
            "invalid_privacy",
            "privacy",
            "use metadata, subject or body",
        )
    })
}

async fn checked_start(tx: &mut WriteTx, day: &str) -> Result<i64, GridError> {
    let wrong = |says: &str| GridError::invalid("invalid_start", "starts_on", says);
    let day: Date = day
        .trim()
        .parse()
        .map_err(|_| wrong("write a day as year-month-day, such as 2026-01-31"))?;
    let zone = crate::settings::fund_zone_in(tx).await?;
    let zone = jiff::tz::TimeZone::get(&zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let now = jiff::Timestamp::from_millisecond(tx.now())
        .unwrap_or_default()
        .to_zoned(zone.clone());
    if day > now.date() {
        return Err(wrong(
            "that day is still to come: choose today or a day before",
        ));
    }
    if day.year() < now.year() - MAX_YEARS {
        return Err(wrong("mail of more than 15 years ago is not read"));
    }
    let start = day
        .to_zoned(zone)
        .map_err(|_| wrong("there is no such day"))?;
    Ok(start.timestamp().as_millisecond())
}

async fn checked_user(tx: &mut WriteTx, id: Option<&str>) -> Result<Option<String>, GridError> {
    let Some(id) = id.map(str::trim).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    let known: Option<i64> = sqlx::query_scalar("select 1 from users where id = ?1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    if known.is_none() {
        return Err(GridError::invalid(
            "no_such_user",
            "user_id",
            "there is no such person on the team",
        ));
    }
    Ok(Some(id.to_owned()))
}

/// Changes what is said of a mailbox. A new level of privacy holds for what is
/// kept already: less is forgotten now, more is fetched.
pub async fn change(
    tx: &mut WriteTx,
    id: &str,
    change: &Change,
    by: &str,
) -> Result<(), GridError> {
    let before = needed(tx, id).await?;
    let consent = change.consent.as_deref().map(checked_consent).transpose()?;
    let level = change.privacy.as_deref().map(checked_privacy).transpose()?;
    let user = match &change.user_id {
        None => before.user_id,
        Some(user) => checked_user(tx, Some(user)).await?,
    };
    let now = tx.now();
    sqlx::query(
        "update mailboxes set user_id = ?2, consent = coalesce(?3, consent), privacy = coalesce(?4, privacy),
                may_draft = coalesce(?7, may_draft), updated_at = ?5, updated_by = ?6 where id = ?1",
    )
    .bind(id)
    .bind(user)
    .bind(consent)
    .bind(level.map(Privacy::as_str))
    .bind(now)
    .bind(by)
    .bind(change.may_draft)
    .execute(&mut **tx)
    .await?;
    if level.is_some_and(|level| level != before.privacy) {
        privacy::follow(tx, id).await?;
        jobs::ask_to_match(tx).await?;
    }
    Ok(())
}

/// Reads it no more until it is resumed.
pub async fn pause(tx: &mut WriteTx, id: &str, by: &str) -> Result<(), GridError> {
    set_state(tx, id, "paused", by).await
}

/// Reads it again, also what came meanwhile.
pub async fn resume(tx: &mut WriteTx, id: &str, by: &str) -> Result<(), GridError> {
    set_state(tx, id, "active", by).await?;
    jobs::begin(tx, id, by).await?;
    Ok(())
}

async fn set_state(tx: &mut WriteTx, id: &str, state: &str, by: &str) -> Result<(), GridError> {
    needed(tx, id).await?;
    let now = tx.now();
    sqlx::query("update mailboxes set state = ?2, updated_at = ?3, updated_by = ?4 where id = ?1")
        .bind(id)
        .bind(state)
        .bind(now)
        .bind(by)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes a mailbox out (softly): what it alone saw is gone from every page.
pub async fn remove(tx: &mut WriteTx, id: &str, by: &str) -> Result<Mailbox, GridError> {
    let mailbox = needed(tx, id).await?;
    let now = tx.now();
    sqlx::query(
        "update mailboxes set deleted_at = ?2, updated_at = ?2, updated_by = ?3 where id = ?1",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    privacy::follow(tx, id).await?;
    Ok(mailbox)
}

/// Takes a removed mailbox back in, with what it saw.
pub async fn restore(tx: &mut WriteTx, id: &str, by: &str) -> Result<(), GridError> {
    let now = tx.now();
    let done = sqlx::query(
        "update mailboxes set deleted_at = null, updated_at = ?2, updated_by = ?3
         where id = ?1 and deleted_at is not null
           and not exists (select 1 from mailboxes o where o.address = mailboxes.address and o.deleted_at is null)",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(GridError::Missing {
            what: "removed mailbox",
            id: id.to_owned(),
        });
    }
    privacy::follow(tx, id).await?;
    jobs::begin(tx, id, by).await?;
    Ok(())
}
