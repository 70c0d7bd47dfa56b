//! What a person can do to jobs: cancel, retry, replay, pause, prune.

use super::{Enqueued, JobId};
use crate::{
    clock::DAY,
    db::{DbError, WriteTx},
};

/// Why a job cannot be commanded.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No such job.
    #[error("no job {0}")]
    Missing(JobId),
    /// Its state does not allow that.
    #[error("job {id} is {state}: {fix}")]
    State {
        /// The job.
        id: JobId,
        /// What it is.
        state: String,
        /// What is possible instead.
        fix: &'static str,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Cancels a job: at once if it waits, cooperatively if it runs. Answers the
/// state it has now (`cancelled`, or `running` until it obeys).
pub async fn cancel(tx: &mut WriteTx, id: JobId) -> Result<&'static str, ControlError> {
    let now = tx.now();
    tx.ring_on_commit();
    match state(tx, id).await?.as_str() {
        "running" => {
            sqlx::query(
                "update jobs set cancel_requested_at = coalesce(cancel_requested_at, ?2) where id = ?1",
            )
            .bind(id)
            .bind(now)
            .execute(&mut **tx)
            .await?;
            Ok("running")
        }
        "scheduled" | "available" => {
            sqlx::query(
                "update jobs set state = 'cancelled', finished_at = ?2, cancel_requested_at = ?2 where id = ?1",
            )
            .bind(id)
            .bind(now)
            .execute(&mut **tx)
            .await?;
            Ok("cancelled")
        }
        other => Err(ControlError::State {
            id,
            state: other.to_owned(),
            fix: "only a waiting or running job can be cancelled",
        }),
    }
}

/// Runs a discarded, cancelled or waiting job again now, with all its attempts.
pub async fn retry(tx: &mut WriteTx, id: JobId) -> Result<(), ControlError> {
    let now = tx.now();
    let state = state(tx, id).await?;
    if matches!(state.as_str(), "running" | "done") {
        return Err(ControlError::State {
            id,
            state,
            fix: "only a discarded, cancelled or waiting job can be retried; replay a done one as new",
        });
    }
    sqlx::query(
        "update jobs set state = 'available', run_at = ?2, attempt = 0, finished_at = null, cancel_requested_at = null
         where id = ?1",
    )
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    tx.ring_on_commit();
    Ok(())
}

/// Enqueues a copy of a job. Uniqueness is not asked: a person asked.
pub async fn replay(tx: &mut WriteTx, id: JobId, by: &str) -> Result<Enqueued, ControlError> {
    state(tx, id).await?;
    let now = tx.now();
    let done = sqlx::query(
        "insert into jobs (kind, state, priority, run_at, payload, max_attempts, unique_key, group_key, parent_id, created_by, created_at)
         select kind, 'available', priority, ?2, payload, max_attempts, unique_key, group_key, id, ?3, ?2 from jobs where id = ?1",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    tx.ring_on_commit();
    Ok(Enqueued {
        id: done.last_insert_rowid(),
        is_new: true,
    })
}

/// Which dead letters a bulk command means.
#[derive(Clone, Debug)]
pub struct Failures {
    /// Of this kind.
    pub kind: String,
    /// With exactly this last error; `None` is any.
    pub error: Option<String>,
}

/// Runs all matching discarded jobs again. Returns how many.
pub async fn retry_all(tx: &mut WriteTx, which: &Failures) -> Result<u64, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update jobs set state = 'available', run_at = ?3, attempt = 0, finished_at = null, cancel_requested_at = null
         where state = 'discarded' and kind = ?1 and (?2 is null or last_error = ?2)",
    )
    .bind(&which.kind)
    .bind(&which.error)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    tx.ring_on_commit();
    Ok(done.rows_affected())
}

/// Marks all matching discarded jobs as dealt with (`cancelled`). Returns how many.
pub async fn dismiss_all(tx: &mut WriteTx, which: &Failures) -> Result<u64, DbError> {
    let done = sqlx::query(
        "update jobs set state = 'cancelled'
         where state = 'discarded' and kind = ?1 and (?2 is null or last_error = ?2)",
    )
    .bind(&which.kind)
    .bind(&which.error)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Stops or resumes claiming a kind. Running jobs go on.
pub async fn set_paused(tx: &mut WriteTx, kind: &str, paused: bool) -> Result<(), DbError> {
    sqlx::query(
        "insert into job_kinds (kind, paused) values (?1, ?2) on conflict (kind) do update set paused = ?2",
    )
    .bind(kind)
    .bind(paused)
    .execute(&mut **tx)
    .await?;
    tx.ring_on_commit();
    Ok(())
}

/// How long finished jobs are kept, milliseconds: done and cancelled ones, then
/// discarded ones, which somebody may still want to retry.
pub const KEEP: (i64, i64) = (30 * DAY, 90 * DAY);

/// Deletes up to `at_most` finished jobs past their time. Returns how many; call
/// again until 0, each in its own short transaction.
pub async fn prune(tx: &mut WriteTx, at_most: i64) -> Result<u64, DbError> {
    let now = tx.now();
    let mut pruned = 0;
    for (state, keep) in [
        ("done", KEEP.0),
        ("cancelled", KEEP.0),
        ("discarded", KEEP.1),
    ] {
        let done = sqlx::query(
            "delete from jobs where id in (
               select id from jobs where state = ?1 and finished_at is not null and finished_at < ?2 order by finished_at limit ?3)",
        )
        .bind(state)
        .bind(now - keep)
        .bind(at_most)
        .execute(&mut **tx)
        .await?;
        pruned += done.rows_affected();
    }
    Ok(pruned)
}

async fn state(tx: &mut WriteTx, id: JobId) -> Result<String, ControlError> {
    sqlx::query_scalar("select state from jobs where id = ?1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(ControlError::Missing(id))
}
