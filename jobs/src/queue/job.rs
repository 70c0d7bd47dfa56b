//! What a job is: its payload, its kind's policy, and how it can end.

use std::{fmt::Display, future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::Context;
use crate::clock::{HOUR, SECOND, random_fraction};

/// A job's number: short enough to type.
pub type JobId = i64;

/// What is stored of a job. Holds ids, never snapshots.
///
/// A payload whose shape changes incompatibly gets a new kind (`send_digest_2`)
/// while the old one stays registered until it has drained.
pub trait Payload: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name in the database, `snake_case`.
    const KIND: &'static str;
    /// Lower runs first; people waiting in front of a page are at -10.
    const PRIORITY: i64 = 0;
    /// How often and how fast a failed attempt is tried again.
    const RETRY: RetryPolicy = RetryPolicy::DEFAULT;
    /// Longest time one attempt may take.
    const TIMEOUT: Duration = Duration::from_mins(15);
    /// Most jobs of this kind that run at once, over all workers.
    const MAX_RUNNING: Option<i64> = None;

    /// Jobs that share a concurrency key never run at the same time.
    fn group(&self) -> Option<String> {
        None
    }

    /// When an equal job makes this one unnecessary.
    fn unique(&self) -> Option<Unique> {
        None
    }
}

/// A payload that can run.
pub trait Job: Payload {
    /// Does the work. May be called again after a crash half-way through, so
    /// every effect is idempotent by key or guarded by a [`super::Step`].
    fn run(&self, cx: &Context) -> impl Future<Output = Result<(), JobError>> + Send;
}

/// A key under which only one job is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    /// Compared among jobs of the same kind.
    pub key: String,
    /// For how long the key is taken.
    pub held: UniqueWhile,
}

impl Unique {
    /// One job under `key` while it waits; once it runs, another may queue up.
    pub fn while_queued(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            held: UniqueWhile::Queued,
        }
    }

    /// One job under `key` until it has finished.
    pub fn while_unfinished(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            held: UniqueWhile::Unfinished,
        }
    }

    /// One job under `key` in any `ms` milliseconds, finished or not.
    pub fn for_period(key: impl Into<String>, ms: i64) -> Self {
        Self {
            key: key.into(),
            held: UniqueWhile::Period(ms),
        }
    }
}

/// For how long a unique key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UniqueWhile {
    /// While the job is scheduled or available.
    Queued,
    /// While it is scheduled, available or running.
    Unfinished,
    /// For this many milliseconds after it was enqueued (and while unfinished).
    Period(i64),
}

/// Exponential backoff: `initial × factor^(attempt−1)`, at most `max`, ±10%.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Attempts in all before the job is discarded.
    pub max_attempts: i64,
    /// Wait before the second attempt, milliseconds.
    pub initial_ms: i64,
    /// Growth per attempt.
    pub factor: f64,
    /// Longest wait, milliseconds.
    pub max_ms: i64,
}

impl RetryPolicy {
    /// Eight attempts over about an hour and a half.
    pub const DEFAULT: Self = Self {
        max_attempts: 8,
        initial_ms: 2 * SECOND,
        factor: 4.0,
        max_ms: HOUR,
    };

    /// The wait after `attempt` (from 1) failed, milliseconds.
    pub(super) fn backoff_ms(&self, attempt: i64) -> i64 {
        let exponent = i32::try_from(attempt - 1).unwrap_or(i32::MAX).clamp(0, 60);
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "waits are far below 2^52 milliseconds"
        )]
        {
            let wait =
                (self.initial_ms as f64 * self.factor.powi(exponent)).min(self.max_ms as f64);
            (wait * (0.9 + 0.2 * random_fraction())) as i64
        }
    }
}

/// Why an attempt did not succeed, and what is to happen then. Every `?` in a
/// job chooses one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// Try again after the kind's backoff, or after the time the peer asked for.
    #[error("{message}")]
    Retry {
        /// What went wrong, for people.
        message: String,
        /// Milliseconds to wait instead of the backoff.
        after_ms: Option<i64>,
    },
    /// Trying again cannot help: discard at once.
    #[error("{0}")]
    GiveUp(String),
    /// Not now: run again at this time, without costing an attempt.
    #[error("waits until {0}")]
    Snooze(i64),
    /// A person asked for the end, and the job obeyed.
    #[error("cancelled")]
    Cancelled,
    /// Another worker has taken the job over; whatever this attempt did last was
    /// rolled back.
    #[error("the job was taken over by another worker")]
    Fenced,
}

impl JobError {
    /// See [`JobError::Retry`].
    pub fn retry(message: impl Display) -> Self {
        Self::Retry {
            message: message.to_string(),
            after_ms: None,
        }
    }

    /// See [`JobError::Retry`]; the peer said when to come back.
    pub fn retry_after(after_ms: i64, message: impl Display) -> Self {
        Self::Retry {
            message: message.to_string(),
            after_ms: Some(after_ms),
        }
    }

    /// See [`JobError::GiveUp`].
    pub fn give_up(message: impl Display) -> Self {
        Self::GiveUp(message.to_string())
    }
}

/// Turns any error into a [`JobError`], naming the outcome at the `?`.
pub trait OrFail<T> {
    /// The attempt failed; try again later.
    fn or_retry(self) -> Result<T, JobError>;
    /// The job can never succeed.
    fn or_give_up(self) -> Result<T, JobError>;
}

impl<T, E: Display> OrFail<T> for Result<T, E> {
    fn or_retry(self) -> Result<T, JobError> {
        self.map_err(JobError::retry)
    }

    fn or_give_up(self) -> Result<T, JobError> {
        self.map_err(JobError::give_up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_and_is_capped() {
        let policy = RetryPolicy::DEFAULT;
        let (first, second) = (policy.backoff_ms(1), policy.backoff_ms(2));
        assert!((1_800..=2_200).contains(&first), "{first}");
        assert!((7_200..=8_800).contains(&second), "{second}");
        assert!(policy.backoff_ms(1_000) <= HOUR * 11 / 10);
    }
}
