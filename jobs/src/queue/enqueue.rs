//! Storing jobs in the caller's transaction.

use sqlx::SqliteConnection;

use super::{JobId, Payload, Prepared, Unique, UniqueWhile, clock_back::TOLERANCE};
use crate::db::{DbError, WriteTx};

/// What [`enqueue`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The new job, or the equal one that was met.
    pub id: JobId,
    /// False when an equal job was already there.
    pub is_new: bool,
}

/// What a caller may say beyond the payload.
#[derive(Clone, Debug)]
pub struct EnqueueOptions {
    /// Not before this time (UTC milliseconds); `None` is now.
    pub run_at: Option<i64>,
    /// Instead of the kind's own.
    pub priority: Option<i64>,
    /// Who caused it: an actor, or `system`.
    pub by: String,
    /// The job that spawned it.
    pub parent: Option<JobId>,
}

impl Default for EnqueueOptions {
    fn default() -> Self {
        Self {
            run_at: None,
            priority: None,
            by: "system".to_owned(),
            parent: None,
        }
    }
}

impl EnqueueOptions {
    /// On behalf of this actor.
    pub fn by(actor: impl Into<String>) -> Self {
        Self {
            by: actor.into(),
            ..Self::default()
        }
    }
}

/// Stores a job that exists if and only if `tx` commits.
pub async fn enqueue<P: Payload>(tx: &mut WriteTx, payload: &P) -> Result<Enqueued, DbError> {
    enqueue_with(tx, &prepare(payload)?, &EnqueueOptions::default()).await
}

/// As [`enqueue`], for a prepared payload and with options.
pub async fn enqueue_with(
    tx: &mut WriteTx,
    job: &Prepared,
    options: &EnqueueOptions,
) -> Result<Enqueued, DbError> {
    let now = tx.now();
    tx.ring_on_commit();
    let enqueued = insert(tx, now, job, options).await?;
    tx.tell_of(job.kind, enqueued);
    Ok(enqueued)
}

/// Checks and completes a payload of a kind known at compile time.
pub(super) fn prepare<P: Payload>(payload: &P) -> Result<Prepared, DbError> {
    Prepared::of(payload).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}

impl Prepared {
    /// A payload of a kind known at compile time.
    pub fn new<P: Payload>(payload: &P) -> Result<Self, DbError> {
        prepare(payload)
    }
}

/// Stores many jobs of one kind; they ignore uniqueness. About thirty times the
/// rate of single calls.
pub async fn enqueue_many<P: Payload>(tx: &mut WriteTx, payloads: &[P]) -> Result<(), DbError> {
    let rows = payloads
        .iter()
        .map(|p| {
            let job = prepare(p)?;
            Ok(serde_json::json!([job.payload, job.group]))
        })
        .collect::<Result<Vec<_>, DbError>>()?;
    let now = tx.now();
    tx.ring_on_commit();
    sqlx::query(
        "insert into jobs (kind, state, priority, run_at, payload, max_attempts, group_key, created_by, created_at)
         select ?1, 'available', ?2, ?3, value ->> 0, ?4, value ->> 1, 'system', ?3 from json_each(?5)",
    )
    .bind(P::KIND)
    .bind(P::PRIORITY)
    .bind(now)
    .bind(P::RETRY.max_attempts)
    .bind(serde_json::Value::Array(rows).to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The insert itself, also for schedules, which fire inside the engine's turn.
pub(super) async fn insert(
    conn: &mut SqliteConnection,
    now: i64,
    job: &Prepared,
    options: &EnqueueOptions,
) -> Result<Enqueued, DbError> {
    if let Some(unique) = &job.unique
        && let Some(id) = find_equal(conn, now, job.kind, unique).await?
    {
        return Ok(Enqueued { id, is_new: false });
    }
    let run_at = options.run_at.unwrap_or(now);
    let state = if run_at > now {
        "scheduled"
    } else {
        "available"
    };
    let done = sqlx::query(
        "insert into jobs (kind, state, priority, run_at, payload, max_attempts, unique_key, group_key, parent_id, created_by, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )
    .bind(job.kind)
    .bind(state)
    .bind(options.priority.unwrap_or(job.priority))
    .bind(run_at)
    .bind(&job.payload)
    .bind(job.max_attempts)
    .bind(job.unique.as_ref().map(|u| u.key.as_str()))
    .bind(&job.group)
    .bind(options.parent)
    .bind(&options.by)
    .bind(now)
    .execute(conn)
    .await?;
    Ok(Enqueued {
        id: done.last_insert_rowid(),
        is_new: true,
    })
}

/// Look, then insert, is race-free: all writers hold the write lock from their
/// first statement on.
async fn find_equal(
    conn: &mut SqliteConnection,
    now: i64,
    kind: &str,
    unique: &Unique,
) -> Result<Option<JobId>, DbError> {
    let (running_counts, since) = match unique.held {
        UniqueWhile::Queued => (false, i64::MAX),
        UniqueWhile::Unfinished => (true, i64::MAX),
        UniqueWhile::Period(ms) => (true, now - ms),
    };
    sqlx::query_scalar(
        "select id from jobs
         where kind = ?1 and unique_key = ?2 and unique_key is not null
           and (state in ('scheduled', 'available') or (?3 and state = 'running') or created_at > ?4 and created_at <= ?5)
         order by id desc limit 1",
    )
    .bind(kind)
    .bind(&unique.key)
    .bind(running_counts)
    .bind(since)
    // One from a clock that has been put back since holds nothing up.
    .bind(now + TOLERANCE)
    .fetch_optional(conn)
    .await
}
