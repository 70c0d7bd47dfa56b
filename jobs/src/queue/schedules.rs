//! Jobs that recur: cron expressions in an IANA zone, stored and editable.
//!
//! A slot fires in the same transaction that moves `next_at` on, so it never
//! fires twice, whichever worker is first. Slots missed while no worker lived
//! follow the schedule's policy.

use std::str::FromStr;

use croner::Cron;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::{
    EnqueueOptions, Enqueued, JobId, Registry,
    enqueue::{enqueue_with, insert},
};
use crate::{
    clock::MINUTE,
    db::{DbError, WriteTx},
};

/// A slot this late counts as missed, milliseconds.
const GRACE: i64 = 5 * MINUTE;
/// Most slots that `all` makes up for at once.
const MOST_MISSED: usize = 100;

/// What happens to slots that passed while no worker lived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// They are left out.
    Skip,
    /// One job makes up for all of them.
    Once,
    /// Each gets its job (at most 100).
    All,
}

impl CatchUp {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

impl FromStr for CatchUp {
    type Err = ScheduleError;
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        match text {
            "skip" => Ok(Self::Skip),
            "once" => Ok(Self::Once),
            "all" => Ok(Self::All),
            _ => Err(ScheduleError::CatchUp),
        }
    }
}

/// Why a schedule cannot be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields of cron.
    #[error(
        "{0:?} is not a cron expression: five fields, minute hour day month weekday, for example `30 2 * * *`"
    )]
    Expression(String),
    /// The expression never comes round.
    #[error("{0:?} never happens")]
    Never(String),
    /// Not an IANA zone.
    #[error("{0:?} is not a time zone: use a name like Europe/Zurich")]
    Zone(String),
    /// Not a policy.
    #[error("the missed-run policy is one of: skip, once, all")]
    CatchUp,
    /// No such schedule.
    #[error("no schedule named {0:?}")]
    Missing(String),
    /// Its kind or payload is unknown here.
    #[error(transparent)]
    Kind(#[from] super::UnknownKind),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A schedule that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct DefaultSchedule {
    /// Unique.
    pub name: &'static str,
    /// What it enqueues.
    pub kind: &'static str,
    /// With this payload (JSON).
    pub payload: &'static str,
    /// Five cron fields.
    pub expression: &'static str,
    /// For missed slots.
    pub catch_up: CatchUp,
}

/// A schedule as stored.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Schedule {
    /// Unique.
    pub name: String,
    /// What it enqueues.
    pub kind: String,
    /// With this payload (JSON text).
    pub payload: String,
    /// Five cron fields.
    pub expression: String,
    /// IANA zone; null is the fund's own.
    pub zone: Option<String>,
    /// `skip`, `once` or `all`.
    pub catch_up: String,
    /// Switched on.
    pub enabled: bool,
    /// Next slot, UTC milliseconds.
    pub next_at: i64,
    /// Last slot that fired.
    pub last_at: Option<i64>,
    /// The job it made.
    pub last_job_id: Option<JobId>,
}

/// The first slot after `after` (UTC milliseconds). Local times that a DST
/// change skips fire at the change; times it repeats fire once.
pub fn next_slot(expression: &str, zone: &str, after: i64) -> Result<i64, ScheduleError> {
    let cron =
        Cron::from_str(expression).map_err(|_| ScheduleError::Expression(expression.to_owned()))?;
    let zone = TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))?;
    let never = |_| ScheduleError::Never(expression.to_owned());
    let start = Timestamp::from_millisecond(after)
        .map_err(|_| ScheduleError::Never(expression.to_owned()))?;
    let next = cron
        .find_next_occurrence(&start.to_zoned(zone), false)
        .map_err(never)?;
    Ok(next.timestamp().as_millisecond())
}

/// A cron expression as people say it; itself if it is none.
pub fn in_words(expression: &str) -> String {
    Cron::from_str(expression).map_or_else(|_| expression.to_owned(), |cron| cron.describe())
}

/// Stores the program's schedules; those a person edited stay as they are.
pub async fn install(
    tx: &mut WriteTx,
    defaults: &[DefaultSchedule],
    fund_zone: &str,
) -> Result<(), ScheduleError> {
    let now = tx.now();
    for d in defaults {
        let next_at = next_slot(d.expression, fund_zone, now)?;
        sqlx::query(
            "insert into schedules (name, kind, payload, expression, catch_up, next_at) values (?1, ?2, ?3, ?4, ?5, ?6)
             on conflict (name) do update set
               kind = ?2, payload = ?3,
               next_at = case when edited_at is null and expression <> ?4 then ?6 else next_at end,
               expression = case when edited_at is null then ?4 else expression end,
               catch_up = case when edited_at is null then ?5 else catch_up end",
        )
        .bind(d.name)
        .bind(d.kind)
        .bind(d.payload)
        .bind(d.expression)
        .bind(d.catch_up.as_str())
        .bind(next_at)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// All schedules by name.
pub async fn list(db: &SqlitePool) -> Result<Vec<Schedule>, DbError> {
    sqlx::query_as(
        "select name, kind, payload, expression, zone, catch_up, enabled, next_at, last_at, last_job_id
         from schedules order by name",
    )
    .fetch_all(db)
    .await
}

/// What an admin may change of a schedule.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ScheduleEdit {
    /// Five cron fields.
    pub expression: String,
    /// IANA zone; null or empty is the fund's own.
    pub zone: Option<String>,
    /// For missed slots.
    pub catch_up: CatchUp,
    /// Switched on.
    pub enabled: bool,
}

/// Changes a schedule; it takes effect at once.
pub async fn edit(
    tx: &mut WriteTx,
    name: &str,
    change: &ScheduleEdit,
    fund_zone: &str,
) -> Result<(), ScheduleError> {
    let zone = change.zone.as_deref().filter(|z| !z.is_empty());
    let now = tx.now();
    let next_at = next_slot(&change.expression, zone.unwrap_or(fund_zone), now)?;
    let done = sqlx::query(
        "update schedules
         set expression = ?2, zone = ?3, catch_up = ?4, enabled = ?5, next_at = ?6, edited_at = ?7
         where name = ?1",
    )
    .bind(name)
    .bind(&change.expression)
    .bind(zone)
    .bind(change.catch_up.as_str())
    .bind(change.enabled)
    .bind(next_at)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(ScheduleError::Missing(name.to_owned()));
    }
    tx.ring_on_commit();
    Ok(())
}

/// Enqueues a schedule's job now, beside its slots.
pub async fn run_now(
    tx: &mut WriteTx,
    registry: &Registry,
    name: &str,
    by: &str,
) -> Result<Enqueued, ScheduleError> {
    let found: Option<(String, String)> =
        sqlx::query_as("select kind, payload from schedules where name = ?1")
            .bind(name)
            .fetch_optional(&mut **tx)
            .await?;
    let (kind, payload) = found.ok_or_else(|| ScheduleError::Missing(name.to_owned()))?;
    let job = registry.prepare(&kind, &payload)?;
    Ok(enqueue_with(tx, &job, &EnqueueOptions::by(by)).await?)
}

/// The time of the next slot of any schedule.
pub(super) const NEXT_DUE: &str = "select min(next_at) from schedules where enabled = 1";

/// Fires all due slots. Part of the engine's turn. A schedule that cannot fire
/// (a broken zone, a kind this release lacks) is logged and moved on, so that it
/// holds up nothing else.
pub(super) async fn fire_due(
    conn: &mut SqliteConnection,
    registry: &Registry,
    fund_zone: &str,
    now: i64,
) -> Result<(), DbError> {
    let due: Vec<Schedule> = sqlx::query_as(
        "select name, kind, payload, expression, zone, catch_up, enabled, next_at, last_at, last_job_id
         from schedules where enabled = 1 and next_at <= ?1",
    )
    .bind(now)
    .fetch_all(&mut *conn)
    .await?;
    for schedule in due {
        let zone = schedule.zone.as_deref().unwrap_or(fund_zone);
        let (slots, next_at) = match plan(&schedule, zone, now) {
            Ok(plan) => plan,
            Err(error) => {
                tracing::error!(schedule = schedule.name, %error, "schedule {} is switched off: {error}", schedule.name);
                sqlx::query("update schedules set enabled = 0 where name = ?1")
                    .bind(&schedule.name)
                    .execute(&mut *conn)
                    .await?;
                continue;
            }
        };
        let mut last = schedule.last_job_id;
        match registry.prepare(&schedule.kind, &schedule.payload) {
            Ok(job) => {
                let options = EnqueueOptions::by(format!("schedule:{}", schedule.name));
                for _ in &slots {
                    last = Some(insert(conn, now, &job, &options).await?.id);
                }
            }
            Err(error) => {
                tracing::error!(schedule = schedule.name, %error, "schedule {} fired nothing: {error}", schedule.name);
            }
        }
        sqlx::query(
            "update schedules set next_at = ?2, last_at = ?3, last_job_id = ?4 where name = ?1",
        )
        .bind(&schedule.name)
        .bind(next_at)
        .bind(slots.last().copied().or(schedule.last_at))
        .bind(last)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Which of the passed slots get a job, and the next slot after now.
fn plan(schedule: &Schedule, zone: &str, now: i64) -> Result<(Vec<i64>, i64), ScheduleError> {
    let mut passed = vec![schedule.next_at];
    let mut next = next_slot(&schedule.expression, zone, schedule.next_at)?;
    while next <= now && passed.len() < MOST_MISSED {
        passed.push(next);
        next = next_slot(&schedule.expression, zone, next)?;
    }
    if next <= now {
        next = next_slot(&schedule.expression, zone, now)?;
    }
    let slots = match CatchUp::from_str(&schedule.catch_up)? {
        CatchUp::All => passed,
        CatchUp::Once => passed.last().copied().into_iter().collect(),
        CatchUp::Skip => passed
            .last()
            .copied()
            .filter(|slot| now - slot <= GRACE)
            .into_iter()
            .collect(),
    };
    Ok((slots, next))
}
