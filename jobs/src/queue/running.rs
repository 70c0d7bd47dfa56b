//! Attempts in flight: each in a task of its own, watched for its end.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::mpsc, task::AbortHandle};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Context, JobError, JobId, Registry, RetryPolicy,
    claim::Claimed,
    context::End,
    finish::{Finished, Outcome, Report},
};
use crate::db::Db;

/// What jobs in flight send to the engine.
#[derive(Debug)]
pub(super) struct Inbox {
    pub finished: mpsc::UnboundedReceiver<Finished>,
    pub reports: mpsc::UnboundedReceiver<Report>,
}

/// The attempts this worker runs now.
pub(super) struct Running {
    db: Db,
    registry: Registry,
    finished: mpsc::UnboundedSender<Finished>,
    reports: mpsc::UnboundedSender<Report>,
    cancel_deadline: Duration,
    jobs: HashMap<JobId, Handle>,
}

struct Handle {
    fence: i64,
    abort: AbortHandle,
    cancel: CancellationToken,
}

impl Running {
    pub(super) fn new(db: Db, registry: Registry, cancel_deadline: Duration) -> (Self, Inbox) {
        let (finished, finished_rx) = mpsc::unbounded_channel();
        let (reports, reports_rx) = mpsc::unbounded_channel();
        let running = Self {
            db,
            registry,
            finished,
            reports,
            cancel_deadline,
            jobs: HashMap::new(),
        };
        let inbox = Inbox {
            finished: finished_rx,
            reports: reports_rx,
        };
        (running, inbox)
    }

    pub(super) fn count(&self) -> usize {
        self.jobs.len()
    }

    /// Starts a claimed job.
    pub(super) fn start(&mut self, job: Claimed) {
        let started_at = self.db.now();
        let Some(kind) = self.registry.get(&job.kind).cloned() else {
            let _ = self.finished.send(Finished {
                job,
                started_at,
                outcome: Outcome::Unknown,
                retry: RetryPolicy::DEFAULT,
            });
            return;
        };
        let cancel = CancellationToken::new();
        let end = Arc::new(End::default());
        let cx = Context::new(
            self.db.clone(),
            &job,
            cancel.clone(),
            self.reports.clone(),
            end.clone(),
        );
        let (id, fence) = (job.id, job.fence);
        let work = (kind.run)(job.payload.clone(), cx);
        // Whatever it logs carries its number.
        let span = tracing::info_span!(
            "job",
            job.id = id,
            job.kind = job.kind,
            job.attempt = job.attempt
        );
        let began = tokio::time::Instant::now();
        let attempt = tokio::spawn(tokio::time::timeout(kind.timeout, work).instrument(span));
        let abort = attempt.abort_handle();
        let finished = self.finished.clone();
        let cancelled = cancel.clone();
        tokio::spawn(async move {
            let outcome = match attempt.await {
                Ok(Ok(result)) => of_result(result, &end),
                Ok(Err(_)) => {
                    Outcome::TimedOut(format!("took longer than {} s", kind.timeout.as_secs()))
                }
                Err(e) if e.is_panic() => Outcome::Panicked(panic_message(e.into_panic().as_ref())),
                Err(_) if cancelled.is_cancelled() => Outcome::Cancelled,
                Err(_) => Outcome::Fenced,
            };
            tracing::info!(
                job.id = job.id,
                job.kind = job.kind,
                job.attempt = job.attempt,
                job.outcome = outcome.name(),
                "job {} {}: {} after {} ms",
                job.id,
                job.kind,
                outcome.name(),
                began.elapsed().as_millis()
            );
            let _ = finished.send(Finished {
                job,
                started_at,
                outcome,
                retry: kind.retry,
            });
        });
        self.jobs.insert(
            id,
            Handle {
                fence,
                abort,
                cancel,
            },
        );
    }

    /// Whether this very attempt takes a slot.
    pub(super) fn holds(&self, end: &Finished) -> bool {
        self.jobs
            .get(&end.job.id)
            .is_some_and(|handle| handle.fence == end.job.fence)
    }

    /// Forgets an attempt whose end has been written down.
    pub(super) fn remove(&mut self, end: &Finished) {
        if self.holds(end) {
            self.jobs.remove(&end.job.id);
        }
    }

    /// Asks a job to stop; aborts it if it has not by the deadline.
    pub(super) fn cancel(&self, id: JobId) {
        let Some(handle) = self.jobs.get(&id) else {
            return;
        };
        if handle.cancel.is_cancelled() {
            return;
        }
        handle.cancel.cancel();
        let (abort, deadline) = (handle.abort.clone(), self.cancel_deadline);
        tokio::spawn(async move {
            tokio::time::sleep(deadline).await;
            abort.abort();
        });
    }

    /// Stops everything at once: the jobs belong to another worker now, or are
    /// given back.
    pub(super) fn abort_all(&mut self) {
        for handle in self.jobs.values() {
            handle.abort.abort();
        }
        self.jobs.clear();
    }
}

fn of_result(result: Result<(), JobError>, end: &End) -> Outcome {
    match result {
        _ if end.done_in_tx() => Outcome::DoneInTx,
        Ok(()) => Outcome::Done(end.take_output()),
        Err(JobError::Retry { message, after_ms }) => Outcome::Failed {
            error: message,
            after_ms,
        },
        Err(JobError::GiveUp(error)) => Outcome::GaveUp(error),
        Err(JobError::Snooze(until)) => Outcome::Snoozed(until),
        Err(JobError::Cancelled) => Outcome::Cancelled,
        Err(JobError::Fenced) => Outcome::Fenced,
    }
}

fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    format!(
        "panicked: {}",
        text.unwrap_or_else(|| "no message".to_owned())
    )
}
