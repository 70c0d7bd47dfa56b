//! The durable queue on `SQLite`. It knows nothing of investors.
//!
//! The vocabulary is underway's (typed payloads, durable steps, retry policy,
//! concurrency keys, zoned schedules, enqueue inside the caller's transaction);
//! `docs/jobs.md` states what is guaranteed and what is not, and
//! `docs/decisions/0002-queue-on-sqlite.md` why the engine is ours.
//!
//! - A [`Payload`] is a serde struct with a kind; [`enqueue`] stores it in the
//!   caller's transaction.
//! - A [`Job`] is a payload that can run; a [`Registry`] holds all of them.
//! - [`Engine`] claims, runs and finishes jobs in the worker process.

mod claim;
mod clock_back;
mod context;
pub mod control;
mod engine;
mod enqueue;
mod finish;
pub mod inspect;
mod job;
mod registry;
mod running;
pub mod schedules;
pub mod stats;
mod test_point;
mod turn;
mod wake;
mod workers;

pub use context::{Context, OpenStep, Step};
pub use engine::{Engine, EngineConfig, drain};
pub use enqueue::{EnqueueOptions, Enqueued, enqueue, enqueue_many, enqueue_with};
pub use job::{Job, JobError, JobId, OrFail, Payload, RetryPolicy, Unique, UniqueWhile};
pub use registry::{Prepared, Registry, UnknownKind};
pub(crate) use test_point::reached;
pub use test_point::{AUTOMATION_TEST_POINTS, DIGEST_TEST_POINTS, TEST_POINTS, crash_at};
pub use wake::Bell;
