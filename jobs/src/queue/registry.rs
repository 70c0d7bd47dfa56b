//! All kinds a program can run, by name.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::{Context, Job, JobError, RetryPolicy, Unique};

type RunFn = dyn Fn(String, Context) -> Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>
    + Send
    + Sync;
type PrepareFn = dyn Fn(&str) -> Result<Prepared, serde_json::Error> + Send + Sync;

/// What the engine knows of one kind.
#[derive(Clone)]
pub(super) struct Kind {
    pub run: Arc<RunFn>,
    pub prepare: Arc<PrepareFn>,
    pub retry: RetryPolicy,
    pub timeout: Duration,
    pub max_running: Option<i64>,
}

/// A payload given as JSON, checked and completed by its kind.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) kind: &'static str,
    pub(super) payload: String,
    pub(super) priority: i64,
    pub(super) max_attempts: i64,
    pub(super) group: Option<String>,
    pub(super) unique: Option<Unique>,
}

impl Prepared {
    pub(super) fn of<P: super::Payload>(payload: &P) -> Result<Self, serde_json::Error> {
        Ok(Self {
            kind: P::KIND,
            payload: serde_json::to_string(payload)?,
            priority: P::PRIORITY,
            max_attempts: P::RETRY.max_attempts,
            group: payload.group(),
            unique: payload.unique(),
        })
    }
}

/// Why a payload given by name and JSON cannot become a job.
#[derive(Debug, thiserror::Error)]
pub enum UnknownKind {
    /// No such kind in this program.
    #[error("no job kind {name:?}; known kinds: {known}")]
    Kind {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The JSON does not fit the kind.
    #[error("the payload does not fit {kind}: {error}")]
    Payload {
        /// The kind.
        kind: String,
        /// What serde says.
        error: serde_json::Error,
    },
}

/// The kinds of one program. Built once at start.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Kind>,
}

impl Registry {
    /// Adds a kind.
    #[must_use]
    pub fn with<J: Job>(self) -> Self {
        self.with_name::<J>(J::KIND)
    }

    /// Adds a kind under a former name too, so that jobs enqueued before a
    /// rename still run.
    #[must_use]
    pub fn with_former<J: Job>(self, former: &'static str) -> Self {
        self.with_name::<J>(former)
    }

    fn with_name<J: Job>(mut self, name: &'static str) -> Self {
        let kind = Kind {
            run: Arc::new(|payload, cx| {
                Box::pin(async move {
                    let job: J = serde_json::from_str(&payload)
                        .map_err(|e| JobError::give_up(format!("payload does not fit: {e}")))?;
                    job.run(&cx).await
                })
            }),
            prepare: Arc::new(|json| Prepared::of(&serde_json::from_str::<J>(json)?)),
            retry: J::RETRY,
            timeout: J::TIMEOUT,
            max_running: J::MAX_RUNNING,
        };
        self.kinds.insert(name, kind);
        self
    }

    pub(super) fn get(&self, kind: &str) -> Option<&Kind> {
        self.kinds.get(kind)
    }

    pub(super) fn limits(&self) -> impl Iterator<Item = (&'static str, i64)> + '_ {
        self.kinds
            .iter()
            .filter_map(|(name, kind)| Some((*name, kind.max_running?)))
    }

    /// The names of all kinds.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.kinds.keys().copied()
    }

    /// Checks a payload that came from a shell, a form or a schedule.
    pub fn prepare(&self, kind: &str, json: &str) -> Result<Prepared, UnknownKind> {
        let known = self.get(kind).ok_or_else(|| UnknownKind::Kind {
            name: kind.to_owned(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })?;
        (known.prepare)(json).map_err(|error| UnknownKind::Payload {
            kind: kind.to_owned(),
            error,
        })
    }
}
