//! Looking at the queue: everything the dashboard, the API and the shell show.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqlitePool};

use super::JobId;
use crate::db::DbError;

/// One job, as lists show it.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// `scheduled`, `available`, `running`, `done`, `discarded` or `cancelled`.
    pub state: String,
    /// Lower runs first.
    pub priority: i64,
    /// Due, UTC milliseconds.
    pub run_at: i64,
    /// Attempts so far.
    pub attempt: i64,
    /// Attempts at most.
    pub max_attempts: i64,
    /// Who runs it, or ran it last.
    pub worker_id: Option<String>,
    /// Start of the last attempt.
    pub started_at: Option<i64>,
    /// The end.
    pub finished_at: Option<i64>,
    /// When a person asked it to stop.
    pub cancel_requested_at: Option<i64>,
    /// Pieces of work done.
    pub progress_done: Option<i64>,
    /// Pieces of work in all.
    pub progress_total: Option<i64>,
    /// What it is doing.
    pub progress_message: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// The job that spawned it, or that it replays.
    pub parent_id: Option<JobId>,
    /// The actor that caused it.
    pub created_by: String,
    /// When.
    pub created_at: i64,
}

/// One job's whole story.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct JobStory {
    /// The job.
    pub job: JobRow,
    /// Its payload, secrets masked.
    pub payload: serde_json::Value,
    /// Its result, secrets masked.
    pub output: Option<serde_json::Value>,
    /// Unique key, if any.
    pub unique_key: Option<String>,
    /// Concurrency key, if any.
    pub group_key: Option<String>,
    /// Attempts that did not succeed.
    pub attempts: Vec<Attempt>,
    /// Durable steps done.
    pub steps: Vec<StepRow>,
    /// The newest 500 log lines, oldest first.
    pub log: Vec<LogLine>,
    /// Jobs it spawned (newest 50).
    pub children: Vec<JobRow>,
}

/// An attempt that did not succeed.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Attempt {
    /// Counts from 1.
    pub attempt: i64,
    /// How it ended.
    pub outcome: String,
    /// Where.
    pub worker_id: Option<String>,
    /// Start, UTC milliseconds.
    pub started_at: Option<i64>,
    /// End.
    pub finished_at: i64,
    /// Why.
    pub error: String,
}

/// A durable step that is done.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct StepRow {
    /// Its name within the job.
    pub name: String,
    /// What it returned, JSON text.
    pub output: String,
    /// When.
    pub at: i64,
}

/// A line the job wrote.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct LogLine {
    /// When.
    pub at: i64,
    /// What.
    pub line: String,
}

/// A living worker.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct WorkerRow {
    /// Its id.
    pub id: String,
    /// Its process.
    pub pid: i64,
    /// Its release.
    pub version: String,
    /// Jobs it runs at a time.
    pub slots: i64,
    /// Jobs it runs now.
    pub running: i64,
    /// When it started.
    pub started_at: i64,
    /// Its last sign of life.
    pub heartbeat_at: i64,
    /// Dead to its peers from then on.
    pub lease_until: i64,
}

/// One kind at a glance.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct KindRow {
    /// The kind.
    pub kind: String,
    /// Jobs by state.
    pub counts: BTreeMap<String, i64>,
    /// Not claimed at the moment.
    pub paused: bool,
    /// At most this many at once.
    pub max_running: Option<i64>,
}

/// Discarded jobs that failed in the same way.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct FailureGroup {
    /// Their kind.
    pub kind: String,
    /// Their last error.
    pub error: String,
    /// How many.
    pub count: i64,
    /// The newest of them.
    pub newest_id: JobId,
    /// When it was discarded.
    pub newest_at: i64,
}

/// Which jobs a list shows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct JobFilter {
    /// In this state.
    pub state: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Older than this job: the next page.
    pub before: Option<JobId>,
    /// At most this many, 1 to 200; 50 unless told.
    pub limit: Option<i64>,
}

/// Jobs, newest first.
pub async fn list(db: &SqlitePool, filter: &JobFilter) -> Result<Vec<JobRow>, DbError> {
    sqlx::query_as(
        "select id, kind, state, priority, run_at, attempt, max_attempts, worker_id, started_at, finished_at,
                cancel_requested_at, progress_done, progress_total, progress_message, last_error, parent_id,
                created_by, created_at
         from jobs
         where (?1 is null or state = ?1) and (?2 is null or kind = ?2) and id < coalesce(?3, 9223372036854775807)
         order by id desc limit ?4",
    )
    .bind(&filter.state)
    .bind(&filter.kind)
    .bind(filter.before)
    .bind(filter.limit.unwrap_or(50).clamp(1, 200))
    .fetch_all(db)
    .await
}

/// One job as a list shows it.
pub async fn row(db: &SqlitePool, id: JobId) -> Result<Option<JobRow>, DbError> {
    sqlx::query_as(
        "select id, kind, state, priority, run_at, attempt, max_attempts, worker_id, started_at, finished_at,
                cancel_requested_at, progress_done, progress_total, progress_message, last_error, parent_id,
                created_by, created_at
         from jobs where id = ?1",
    )
    .bind(id)
    .fetch_optional(db)
    .await
}

#[derive(FromRow)]
struct Inside {
    payload: String,
    output: Option<String>,
    unique_key: Option<String>,
    group_key: Option<String>,
}

/// Everything about one job.
pub async fn story(db: &SqlitePool, id: JobId) -> Result<Option<JobStory>, DbError> {
    let Some(job) = row(db, id).await? else {
        return Ok(None);
    };
    let inside: Option<Inside> =
        sqlx::query_as("select payload, output, unique_key, group_key from jobs where id = ?1")
            .bind(id)
            .fetch_optional(db)
            .await?;
    let Some(inside) = inside else {
        return Ok(None);
    };
    let attempts = sqlx::query_as(
        "select attempt, outcome, worker_id, started_at, finished_at, error from job_attempts where job_id = ?1 order by fence",
    )
    .bind(id)
    .fetch_all(db)
    .await?;
    let steps = sqlx::query_as(
        "select name, output, at from job_steps where job_id = ?1 order by at, name",
    )
    .bind(id)
    .fetch_all(db)
    .await?;
    let log = sqlx::query_as(
        "select at, line from (select id, at, line from job_log where job_id = ?1 order by id desc limit 500) order by id",
    )
    .bind(id)
    .fetch_all(db)
    .await?;
    let children = sqlx::query_as(
        "select id, kind, state, priority, run_at, attempt, max_attempts, worker_id, started_at, finished_at,
                cancel_requested_at, progress_done, progress_total, progress_message, last_error, parent_id,
                created_by, created_at
         from jobs where parent_id = ?1 order by id desc limit 50",
    )
    .bind(id)
    .fetch_all(db)
    .await?;
    Ok(Some(JobStory {
        job,
        payload: masked(&inside.payload),
        output: inside.output.as_deref().map(masked),
        unique_key: inside.unique_key,
        group_key: inside.group_key,
        attempts,
        steps,
        log,
        children,
    }))
}

/// Counts by kind and state, pauses and limits.
pub async fn kinds(db: &SqlitePool) -> Result<Vec<KindRow>, DbError> {
    let counts: Vec<(String, String, i64)> =
        sqlx::query_as("select kind, state, count from job_counts where count <> 0")
            .fetch_all(db)
            .await?;
    let limits: Vec<(String, bool, Option<i64>)> =
        sqlx::query_as("select kind, paused, max_running from job_kinds")
            .fetch_all(db)
            .await?;
    let mut kinds: BTreeMap<String, KindRow> = BTreeMap::new();
    for (kind, state, count) in counts {
        let row = kinds.entry(kind).or_default();
        row.counts.insert(state, count);
    }
    for (kind, paused, max_running) in limits {
        let row = kinds.entry(kind).or_default();
        row.paused = paused;
        row.max_running = max_running;
    }
    Ok(kinds
        .into_iter()
        .map(|(kind, row)| KindRow { kind, ..row })
        .collect())
}

/// Counts by state over all kinds.
pub async fn counts(db: &SqlitePool) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select state, sum(count) from job_counts group by state")
            .fetch_all(db)
            .await?;
    let mut counts: BTreeMap<String, i64> = [
        "scheduled",
        "available",
        "running",
        "done",
        "discarded",
        "cancelled",
    ]
    .map(|state| (state.to_owned(), 0))
    .into();
    counts.extend(rows);
    Ok(counts)
}

/// Due time of the oldest job that could run now but does not.
pub async fn oldest_waiting(db: &SqlitePool) -> Result<Option<i64>, DbError> {
    sqlx::query_scalar("select min(run_at) from jobs where state = 'available'")
        .fetch_one(db)
        .await
}

/// Workers that are registered, newest first.
pub async fn workers(db: &SqlitePool) -> Result<Vec<WorkerRow>, DbError> {
    sqlx::query_as(
        "select id, pid, version, slots, started_at, heartbeat_at, lease_until,
                (select count(*) from jobs where state = 'running' and worker_id = workers.id) as running
         from workers order by started_at desc",
    )
    .fetch_all(db)
    .await
}

/// Dead letters, grouped by kind and message; the newest group first.
pub async fn failures(db: &SqlitePool) -> Result<Vec<FailureGroup>, DbError> {
    sqlx::query_as(
        "select kind, coalesce(last_error, '') as error, count(*) as count, max(id) as newest_id, max(finished_at) as newest_at
         from jobs where state = 'discarded' and finished_at is not null
         group by 1, 2 order by newest_at desc limit 50",
    )
    .fetch_all(db)
    .await
}

/// True for a job that will not change any more.
pub fn is_final(state: &str) -> bool {
    matches!(state, "done" | "discarded" | "cancelled")
}

/// The JSON with values under secret-looking names replaced.
fn masked(json: &str) -> serde_json::Value {
    let mut value = serde_json::from_str(json).unwrap_or(serde_json::Value::Null);
    mask(&mut value);
    value
}

fn mask(value: &mut serde_json::Value) {
    const SECRET: [&str; 5] = ["password", "secret", "token", "credential", "private_key"];
    match value {
        serde_json::Value::Object(map) => {
            for (name, inner) in map {
                let name = name.to_lowercase();
                if SECRET.iter().any(|s| name.contains(s)) {
                    *inner = "•••".into();
                } else {
                    mask(inner);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_payloads_are_masked() {
        let shown = masked(r#"{"a":[{"smtp_password":"x","n":1}]}"#);
        assert_eq!(
            shown,
            serde_json::json!({"a":[{"smtp_password":"•••","n":1}]})
        );
    }
}
