//! How attempts end. Every statement is fenced: it touches the job only while
//! it still runs under the fence this attempt was claimed with.

use std::collections::HashMap;

use serde_json::json;
use sqlx::SqliteConnection;

use super::{JobId, RetryPolicy, claim::Claimed, stats};
use crate::db::DbError;

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With the job's output, if it gave one.
    Done(Option<String>),
    /// The job marked itself done in its own transaction.
    DoneInTx,
    Failed {
        error: String,
        after_ms: Option<i64>,
    },
    Panicked(String),
    TimedOut(String),
    GaveUp(String),
    Snoozed(i64),
    /// No handler in this program: kept, and looked at again later.
    Unknown,
    Cancelled,
    /// The job lost its fence; there is nothing left to write.
    Fenced,
}

impl Outcome {
    /// A word for the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Done(_) | Self::DoneInTx => "done",
            Self::Failed { .. } => "failed",
            Self::Panicked(_) => "panicked",
            Self::TimedOut(_) => "timed_out",
            Self::GaveUp(_) => "gave_up",
            Self::Snoozed(_) => "snoozed",
            Self::Unknown => "unknown_kind",
            Self::Cancelled => "cancelled",
            Self::Fenced => "taken_over",
        }
    }
}

/// An attempt that has ended and waits to be written down.
#[derive(Clone, Debug)]
pub(super) struct Finished {
    pub job: Claimed,
    pub started_at: i64,
    pub outcome: Outcome,
    pub retry: RetryPolicy,
}

/// What becomes of the job.
struct Next {
    state: &'static str,
    /// For jobs that come back.
    run_at: Option<i64>,
    /// Whether the attempt is given back.
    free: bool,
    /// In `job_attempts`.
    outcome: &'static str,
    error: String,
}

/// How often a kind nobody knows is looked at again, milliseconds.
const UNKNOWN_KIND_WAIT: i64 = 60_000;

/// Writes down all ended attempts and the hour's statistics.
pub(super) async fn acknowledge(
    conn: &mut SqliteConnection,
    now: i64,
    finished: &[Finished],
) -> Result<(), DbError> {
    let done: Vec<_> = finished
        .iter()
        .filter_map(|f| match &f.outcome {
            Outcome::Done(output) => Some(json!([f.job.id, f.job.fence, output])),
            _ => None,
        })
        .collect();
    if !done.is_empty() {
        let written = write_done(conn, now, &done).await?;
        if written < done.len() as u64 {
            tracing::warn!(
                count = done.len() as u64 - written,
                "finished jobs had been taken over; their result is ignored"
            );
        }
    }
    for end in finished {
        if let Some(next) = next(end, now) {
            write_end(conn, now, end, &next).await?;
        }
    }
    stats::record(conn, now, finished).await
}

async fn write_done(
    conn: &mut SqliteConnection,
    now: i64,
    done: &[serde_json::Value],
) -> Result<u64, DbError> {
    let result = sqlx::query(
        "update jobs set state = 'done', finished_at = ?1, output = coalesce(d.output, jobs.output), last_error = null
         from (select value ->> 0 as id, value ->> 1 as fence, value ->> 2 as output from json_each(?2)) d
         where jobs.id = d.id and jobs.fence = d.fence and jobs.state = 'running'",
    )
    .bind(now)
    .bind(serde_json::Value::from(done).to_string())
    .execute(conn)
    .await?;
    Ok(result.rows_affected())
}

fn next(end: &Finished, now: i64) -> Option<Next> {
    let retry = |error: &str, after_ms: Option<i64>, outcome| {
        if end.job.attempt >= end.job.max_attempts {
            return Next {
                state: "discarded",
                run_at: None,
                free: false,
                outcome,
                error: error.to_owned(),
            };
        }
        let wait = after_ms.unwrap_or_else(|| end.retry.backoff_ms(end.job.attempt));
        Next {
            state: "scheduled",
            run_at: Some(now + wait),
            free: false,
            outcome,
            error: error.to_owned(),
        }
    };
    let finally = |state, outcome, error: &str| Next {
        state,
        run_at: None,
        free: false,
        outcome,
        error: error.to_owned(),
    };
    let wait_free = |until, error: &str| Next {
        state: "scheduled",
        run_at: Some(until),
        free: true,
        outcome: "snoozed",
        error: error.to_owned(),
    };
    Some(match &end.outcome {
        Outcome::Done(_) | Outcome::DoneInTx | Outcome::Fenced => return None,
        Outcome::Failed { error, after_ms } => retry(error, *after_ms, "failed"),
        Outcome::Panicked(error) => retry(error, None, "panicked"),
        Outcome::TimedOut(error) => retry(error, None, "timed_out"),
        Outcome::GaveUp(error) => finally("discarded", "gave_up", error),
        Outcome::Cancelled => finally("cancelled", "cancelled", "cancelled while it ran"),
        Outcome::Snoozed(until) => wait_free(*until, "waits"),
        Outcome::Unknown => wait_free(
            now + UNKNOWN_KIND_WAIT,
            "this release knows no such kind; kept until one does",
        ),
    })
}

async fn write_end(
    conn: &mut SqliteConnection,
    now: i64,
    end: &Finished,
    next: &Next,
) -> Result<(), DbError> {
    let updated = sqlx::query(
        "update jobs
         set state = ?3, run_at = coalesce(?4, run_at), attempt = attempt - ?5,
             finished_at = case when ?4 is null then ?6 end,
             last_error = case when ?5 = 1 then last_error else ?7 end
         where id = ?1 and fence = ?2 and state = 'running'",
    )
    .bind(end.job.id)
    .bind(end.job.fence)
    .bind(next.state)
    .bind(next.run_at)
    .bind(i64::from(next.free))
    .bind(now)
    .bind(&next.error)
    .execute(&mut *conn)
    .await?;
    if updated.rows_affected() == 0 {
        tracing::warn!(
            job.id = end.job.id,
            "job {} had been taken over; its end is ignored",
            end.job.id
        );
        return Ok(());
    }
    sqlx::query(
        "insert into job_attempts (job_id, fence, attempt, outcome, worker_id, started_at, finished_at, error)
         select id, ?2, ?3, ?4, worker_id, ?5, ?6, ?7 from jobs where id = ?1",
    )
    .bind(end.job.id)
    .bind(end.job.fence)
    .bind(end.job.attempt)
    .bind(next.outcome)
    .bind(end.started_at)
    .bind(now)
    .bind(&next.error)
    .execute(conn)
    .await?;
    Ok(())
}

/// Progress and log lines of running jobs, in the order they came.
#[derive(Debug, Default)]
pub(super) struct Reports {
    progress: HashMap<JobId, (i64, serde_json::Value)>,
    lines: Vec<serde_json::Value>,
}

/// What a running job tells, besides its end.
#[derive(Debug)]
pub(super) enum Report {
    Progress {
        id: JobId,
        fence: i64,
        done: i64,
        total: i64,
        message: String,
    },
    Line {
        id: JobId,
        fence: i64,
        at: i64,
        line: String,
    },
}

impl Reports {
    pub(super) fn add(&mut self, report: Report) {
        match report {
            Report::Progress {
                id,
                fence,
                done,
                total,
                message,
            } => {
                self.progress
                    .insert(id, (fence, json!([done, total, message])));
            }
            Report::Line {
                id,
                fence,
                at,
                line,
            } => self.lines.push(json!([id, fence, at, line])),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.progress.is_empty() && self.lines.is_empty()
    }

    pub(super) async fn write(&self, conn: &mut SqliteConnection) -> Result<(), DbError> {
        for (id, (fence, values)) in &self.progress {
            sqlx::query(
                "update jobs
                 set progress_done = ?3 ->> 0, progress_total = ?3 ->> 1, progress_message = ?3 ->> 2
                 where id = ?1 and fence = ?2 and state in ('running', 'done')",
            )
            .bind(id)
            .bind(fence)
            .bind(values.to_string())
            .execute(&mut *conn)
            .await?;
        }
        if !self.lines.is_empty() {
            sqlx::query(
                "insert into job_log (job_id, fence, at, line)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(?1)
                 where exists (select 1 from jobs where id = value ->> 0)",
            )
            .bind(serde_json::Value::from(self.lines.as_slice()).to_string())
            .execute(conn)
            .await?;
        }
        Ok(())
    }
}
