//! Counts per kind and hour, kept when the jobs themselves are pruned.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::finish::{Finished, Outcome};
use crate::{clock::HOUR, db::DbError};

/// One kind in one hour.
#[derive(Clone, Debug, Default, FromRow, Serialize, JsonSchema)]
pub struct HourStats {
    /// Start of the hour, UTC milliseconds.
    pub hour_at: i64,
    /// The kind, or `*` for all kinds together.
    pub kind: String,
    /// Jobs done.
    pub done: i64,
    /// Attempts that failed and will be tried again.
    pub failed: i64,
    /// Jobs discarded.
    pub discarded: i64,
    /// Jobs cancelled while they ran.
    pub cancelled: i64,
    /// Attempts counted in the times below.
    pub started: i64,
    /// Sum of waits from due to start, milliseconds.
    pub wait_ms: i64,
    /// Longest wait, milliseconds.
    pub wait_max_ms: i64,
    /// Sum of run times, milliseconds.
    pub run_ms: i64,
    /// Longest run, milliseconds.
    pub run_max_ms: i64,
}

impl HourStats {
    fn add(&mut self, end: &Finished, now: i64) {
        match &end.outcome {
            Outcome::Done(_) | Outcome::DoneInTx => self.done += 1,
            Outcome::GaveUp(_) => self.discarded += 1,
            Outcome::Cancelled => self.cancelled += 1,
            Outcome::Failed { .. } | Outcome::Panicked(_) | Outcome::TimedOut(_)
                if end.job.attempt >= end.job.max_attempts =>
            {
                self.discarded += 1;
            }
            Outcome::Failed { .. } | Outcome::Panicked(_) | Outcome::TimedOut(_) => {
                self.failed += 1;
            }
            Outcome::Snoozed(_) | Outcome::Unknown | Outcome::Fenced => return,
        }
        let wait = (end.started_at - end.job.run_at).max(0);
        let run = (now - end.started_at).max(0);
        self.started += 1;
        self.wait_ms += wait;
        self.wait_max_ms = self.wait_max_ms.max(wait);
        self.run_ms += run;
        self.run_max_ms = self.run_max_ms.max(run);
    }
}

pub(super) async fn record(
    conn: &mut SqliteConnection,
    now: i64,
    finished: &[Finished],
) -> Result<(), DbError> {
    let mut kinds: BTreeMap<&str, HourStats> = BTreeMap::new();
    for end in finished {
        kinds.entry(&end.job.kind).or_default().add(end, now);
    }
    for (kind, stats) in kinds.into_iter().filter(|(_, s)| s.started > 0) {
        sqlx::query(
            "insert into job_stats (hour_at, kind, done, failed, discarded, cancelled, started, wait_ms, wait_max_ms, run_ms, run_max_ms)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             on conflict (hour_at, kind) do update set
               done = done + ?3, failed = failed + ?4, discarded = discarded + ?5, cancelled = cancelled + ?6,
               started = started + ?7, wait_ms = wait_ms + ?8, wait_max_ms = max(wait_max_ms, ?9),
               run_ms = run_ms + ?10, run_max_ms = max(run_max_ms, ?11)",
        )
        .bind(now - now.rem_euclid(HOUR))
        .bind(kind)
        .bind(stats.done)
        .bind(stats.failed)
        .bind(stats.discarded)
        .bind(stats.cancelled)
        .bind(stats.started)
        .bind(stats.wait_ms)
        .bind(stats.wait_max_ms)
        .bind(stats.run_ms)
        .bind(stats.run_max_ms)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Jobs done per kind since the hour of `since`.
pub async fn done_by_kind(db: &SqlitePool, since: i64) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select kind, sum(done) from job_stats where hour_at >= ?1 group by kind")
            .bind(since)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().collect())
}

/// All kinds together, hour by hour since `since`; hours without jobs are absent.
pub async fn by_hour(db: &SqlitePool, since: i64) -> Result<Vec<HourStats>, DbError> {
    sqlx::query_as(
        "select hour_at, '*' as kind, sum(done) as done, sum(failed) as failed, sum(discarded) as discarded,
                sum(cancelled) as cancelled, sum(started) as started, sum(wait_ms) as wait_ms,
                max(wait_max_ms) as wait_max_ms, sum(run_ms) as run_ms, max(run_max_ms) as run_max_ms
         from job_stats where hour_at >= ?1 group by hour_at order by hour_at",
    )
    .bind(since)
    .fetch_all(db)
    .await
}

/// Kind by kind, all hours since `since` together.
pub async fn by_kind(db: &SqlitePool, since: i64) -> Result<Vec<HourStats>, DbError> {
    sqlx::query_as(
        "select min(hour_at) as hour_at, kind, sum(done) as done, sum(failed) as failed, sum(discarded) as discarded,
                sum(cancelled) as cancelled, sum(started) as started, sum(wait_ms) as wait_ms,
                max(wait_max_ms) as wait_max_ms, sum(run_ms) as run_ms, max(run_max_ms) as run_max_ms
         from job_stats where hour_at >= ?1 group by kind order by kind",
    )
    .bind(since)
    .fetch_all(db)
    .await
}
