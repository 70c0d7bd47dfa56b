//! What a running job can do: durable steps, progress, log lines, children.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    EnqueueOptions, JobError, JobId, OrFail, Payload, Prepared, enqueue::enqueue_with,
    finish::Report, test_point::test_point,
};
use crate::db::{Db, WriteTx};

/// Handed to [`super::Job::run`]. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    db: Db,
    id: JobId,
    fence: i64,
    attempt: i64,
    created_by: Arc<str>,
    cancel: CancellationToken,
    reports: mpsc::UnboundedSender<Report>,
    end: Arc<End>,
}

/// What the engine reads off after `run` has returned.
#[derive(Default)]
pub(super) struct End {
    done_in_tx: AtomicBool,
    output: Mutex<Option<String>>,
}

impl End {
    pub(super) fn done_in_tx(&self) -> bool {
        self.done_in_tx.load(Ordering::Acquire)
    }

    pub(super) fn take_output(&self) -> Option<String> {
        self.output.lock().ok().and_then(|mut o| o.take())
    }
}

/// A durable step: already done, or open to be done now.
pub enum Step<T> {
    /// A former attempt did it; here is what it returned.
    Done(T),
    /// Do it inside this transaction, then [`OpenStep::finish`].
    Open(OpenStep),
}

/// A step's own transaction. Effects written through it exist if and only if
/// the step is recorded. Dropping it undoes them.
pub struct OpenStep {
    tx: WriteTx,
    id: JobId,
    name: String,
}

impl OpenStep {
    /// Records the step with its result and commits both.
    pub async fn finish<T: Serialize>(mut self, output: &T) -> Result<(), JobError> {
        let at = self.tx.now();
        save_step(&mut self.tx, self.id, &self.name, output, at).await?;
        test_point("before_step_commits");
        self.tx.commit().await.or_retry()?;
        test_point("after_step_commits");
        Ok(())
    }
}

impl Deref for OpenStep {
    type Target = WriteTx;
    fn deref(&self) -> &WriteTx {
        &self.tx
    }
}

impl DerefMut for OpenStep {
    fn deref_mut(&mut self) -> &mut WriteTx {
        &mut self.tx
    }
}

impl Context {
    #[allow(
        clippy::too_many_arguments,
        reason = "built in one place, from the claim"
    )]
    pub(super) fn new(
        db: Db,
        job: &super::claim::Claimed,
        cancel: CancellationToken,
        reports: mpsc::UnboundedSender<Report>,
        end: Arc<End>,
    ) -> Self {
        Self {
            db,
            id: job.id,
            fence: job.fence,
            attempt: job.attempt,
            created_by: job.created_by.as_str().into(),
            cancel,
            reports,
            end,
        }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// This job's number.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Counts from 1.
    pub fn attempt(&self) -> i64 {
        self.attempt
    }

    /// The actor on whose behalf the job was enqueued.
    pub fn created_by(&self) -> &str {
        &self.created_by
    }

    /// Shows how far the job is. Costs no transaction of its own.
    pub fn progress(&self, done: i64, total: i64, message: impl Into<String>) {
        let _ = self.reports.send(Report::Progress {
            id: self.id,
            fence: self.fence,
            done,
            total,
            message: message.into(),
        });
    }

    /// Keeps a line with the job, for people. Never a secret, an address or a body.
    pub fn log(&self, line: impl Into<String>) {
        let line = line.into();
        tracing::info!(job.id = self.id, "job {}: {line}", self.id);
        let _ = self.reports.send(Report::Line {
            id: self.id,
            fence: self.fence,
            at: self.db.now(),
            line,
        });
    }

    /// Keeps a result (JSON) with the job once it is done.
    pub fn output<T: Serialize>(&self, value: &T) {
        if let (Ok(json), Ok(mut output)) = (serde_json::to_string(value), self.end.output.lock()) {
            *output = Some(json);
        }
    }

    /// `Err(Cancelled)` once a person asked for the end. Call it between pieces
    /// of work.
    pub fn check_cancelled(&self) -> Result<(), JobError> {
        if self.cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        Ok(())
    }

    /// Resolves once a person asked for the end.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// A write that only the rightful owner of the job gets: `Err(Fenced)` if
    /// another worker has taken over.
    pub async fn write(&self) -> Result<WriteTx, JobError> {
        let mut tx = self.db.write().await.or_retry()?;
        let mine: Option<i64> = sqlx::query_scalar(
            "select 1 from jobs where id = ?1 and fence = ?2 and state = 'running'",
        )
        .bind(self.id)
        .bind(self.fence)
        .fetch_optional(&mut *tx)
        .await
        .or_retry()?;
        if mine.is_none() {
            return Err(JobError::Fenced);
        }
        Ok(tx)
    }

    /// Does `work` once: a rerun after a crash gets the stored result. The work
    /// itself may run twice if the crash falls between it and its record; for
    /// effects in this database use [`Context::begin_step`].
    pub async fn step<T, F>(&self, name: &str, work: F) -> Result<T, JobError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, JobError>>,
    {
        if let Some(done) = self.load_step(name).await? {
            return Ok(done);
        }
        self.check_cancelled()?;
        let output = work.await?;
        let mut tx = self.write().await?;
        let at = tx.now();
        save_step(&mut tx, self.id, name, &output, at).await?;
        tx.commit().await.or_retry()?;
        Ok(output)
    }

    /// Opens a step whose effects and record commit together: exactly once.
    pub async fn begin_step<T: DeserializeOwned>(&self, name: &str) -> Result<Step<T>, JobError> {
        if let Some(done) = self.load_step(name).await? {
            return Ok(Step::Done(done));
        }
        self.check_cancelled()?;
        Ok(Step::Open(OpenStep {
            tx: self.write().await?,
            id: self.id,
            name: name.to_owned(),
        }))
    }

    /// Waits durably: the job leaves its slot and comes back after `duration`,
    /// also across restarts.
    pub async fn sleep(&self, name: &str, duration: Duration) -> Result<(), JobError> {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2);
        let now = self.db.now();
        let until: i64 = self.step(name, async { Ok(now + ms) }).await?;
        if self.db.now() < until {
            return Err(JobError::Snooze(until));
        }
        Ok(())
    }

    /// Enqueues a child, once for each step name.
    pub async fn spawn_child<P: Payload>(
        &self,
        name: &str,
        payload: &P,
    ) -> Result<JobId, JobError> {
        match self.begin_step(name).await? {
            Step::Done(id) => Ok(id),
            Step::Open(mut step) => {
                let options = EnqueueOptions {
                    parent: Some(self.id),
                    by: self.created_by.to_string(),
                    ..EnqueueOptions::default()
                };
                let job = Prepared::new(payload).or_give_up()?;
                let child = enqueue_with(&mut step, &job, &options).await.or_retry()?;
                step.finish(&child.id).await?;
                Ok(child.id)
            }
        }
    }

    /// Marks the job done in the transaction of its last effect and commits:
    /// the effect and the end are one.
    pub async fn complete_tx(&self, mut tx: WriteTx) -> Result<(), JobError> {
        let now = tx.now();
        let output = self.end.take_output();
        let done = sqlx::query(
            "update jobs set state = 'done', finished_at = ?3, output = coalesce(?4, output), last_error = null
             where id = ?1 and fence = ?2 and state = 'running'",
        )
        .bind(self.id)
        .bind(self.fence)
        .bind(now)
        .bind(output)
        .execute(&mut *tx)
        .await
        .or_retry()?;
        if done.rows_affected() == 0 {
            return Err(JobError::Fenced);
        }
        tx.commit().await.or_retry()?;
        self.end.done_in_tx.store(true, Ordering::Release);
        Ok(())
    }

    async fn load_step<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, JobError> {
        let stored: Option<String> =
            sqlx::query_scalar("select output from job_steps where job_id = ?1 and name = ?2")
                .bind(self.id)
                .bind(name)
                .fetch_optional(self.db.read())
                .await
                .or_retry()?;
        stored
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .or_give_up()
    }
}

async fn save_step<T: Serialize>(
    tx: &mut WriteTx,
    id: JobId,
    name: &str,
    output: &T,
    at: i64,
) -> Result<(), JobError> {
    let json = serde_json::to_string(output).or_give_up()?;
    sqlx::query("insert into job_steps (job_id, name, output, at) values (?1, ?2, ?3, ?4)")
        .bind(id)
        .bind(name)
        .bind(json)
        .bind(at)
        .execute(&mut **tx)
        .await
        .or_retry()?;
    Ok(())
}
