//! When the digest goes out and to whom: one setting, changed by admins; whether
//! somebody wants it is theirs to say.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SCHEDULE;
use crate::{
    db::{Db, DbError, WriteTx},
    queue::schedules::{self, CatchUp, ScheduleEdit, ScheduleError},
    settings,
};

/// The settings' key.
pub const DIGEST_POLICY: &str = "digest_policy";
/// Users who want no digest.
const OPT_OUTS: &str = "digest_opt_outs";

/// The policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Policy {
    /// It is sent by itself.
    pub enabled: bool,
    /// Time of day, `HH:MM`.
    #[schemars(length(max = 5))]
    pub time: String,
    /// IANA zone of that time; null: the fund's own.
    #[schemars(length(max = 64))]
    pub zone: Option<String>,
    /// From Monday to Friday only; a Monday's then tells of the weekend too.
    pub weekdays_only: bool,
    /// Nothing is sent on a day without anything to tell.
    pub skip_quiet: bool,
    /// Ids of the users who get it; null: all active admins.
    #[schemars(length(max = 200), inner(length(max = 64)))]
    pub recipients: Option<Vec<String>>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enabled: false,
            time: "07:30".to_owned(),
            zone: None,
            weekdays_only: false,
            skip_quiet: true,
            recipients: None,
        }
    }
}

/// Why a policy was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// One field is not right.
    #[error("{message}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn field(field: &'static str, message: impl Into<String>) -> PolicyError {
    PolicyError::Field {
        field,
        message: message.into(),
    }
}

/// The policy in force.
pub async fn policy(db: &Db) -> Result<Policy, DbError> {
    Ok(settings::get(db, DIGEST_POLICY).await?.unwrap_or_default())
}

/// Takes a policy and moves the schedule: it holds from now on.
pub async fn set_policy(
    tx: &mut WriteTx,
    mut policy: Policy,
    by: &str,
) -> Result<Policy, PolicyError> {
    policy.zone = policy
        .zone
        .take()
        .map(|zone| zone.trim().to_owned())
        .filter(|zone| !zone.is_empty());
    let (hour, minute) = time_of(&policy.time)?;
    policy.time = format!("{hour:02}:{minute:02}");
    if let Some(zone) = &policy.zone {
        TimeZone::get(zone).map_err(|_| {
            field(
                "zone",
                format!("{zone:?} is no time zone: use a name like Europe/Zurich"),
            )
        })?;
    }
    if let Some(chosen) = &mut policy.recipients {
        chosen.sort();
        chosen.dedup();
        let json = serde_json::json!(chosen).to_string();
        let active: i64 = sqlx::query_scalar(
            "select count(*) from users where disabled_at is null and id in (select value from json_each(?1))",
        )
        .bind(json)
        .fetch_one(&mut **tx)
        .await?;
        if chosen.is_empty() || usize::try_from(active).ok() != Some(chosen.len()) {
            return Err(field(
                "recipients",
                "choose at least one person, and only people who are active",
            ));
        }
    }
    let fund_zone = settings::fund_zone_in(tx).await?;
    let days = if policy.weekdays_only { "1-5" } else { "*" };
    let edit = ScheduleEdit {
        expression: format!("{minute} {hour} * * {days}"),
        zone: policy.zone.clone(),
        catch_up: CatchUp::Once,
        enabled: policy.enabled,
    };
    // Before the worker's first start there is no schedule yet.
    let moved = async {
        schedules::install(tx, &[SCHEDULE], &fund_zone).await?;
        schedules::edit(tx, SCHEDULE.name, &edit, &fund_zone).await
    };
    match moved.await {
        Ok(()) => {}
        Err(ScheduleError::Db(error)) => return Err(error.into()),
        Err(other) => return Err(field("time", other.to_string())),
    }
    settings::set(tx, DIGEST_POLICY, &policy, by).await?;
    Ok(policy)
}

fn time_of(text: &str) -> Result<(u8, u8), PolicyError> {
    let parsed = text.trim().split_once(':').and_then(|(h, m)| {
        let (hour, minute): (u8, u8) = (h.parse().ok()?, m.parse().ok()?);
        (hour < 24 && minute < 60 && m.len() == 2).then_some((hour, minute))
    });
    parsed.ok_or_else(|| field("time", "write the time as HH:MM, such as 07:30"))
}

/// Whether somebody said that they want no digest.
pub async fn is_opted_out(db: &Db, user: &str) -> Result<bool, DbError> {
    let all: Option<Vec<String>> = settings::get(db, OPT_OUTS).await?;
    Ok(all.is_some_and(|ids| ids.iter().any(|id| id == user)))
}

/// Somebody wants no digest, or wants it again.
pub async fn opt_out(tx: &mut WriteTx, user: &str, out: bool, by: &str) -> Result<(), DbError> {
    let stored: Option<String> =
        sqlx::query_scalar("select value from settings where key = 'digest_opt_outs'")
            .fetch_optional(&mut **tx)
            .await?;
    let mut all: Vec<String> = stored
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default();
    all.retain(|id| id != user);
    if out {
        all.push(user.to_owned());
    }
    settings::set(tx, OPT_OUTS, &all, by).await
}
