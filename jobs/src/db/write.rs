//! One write transaction.

use std::ops::{Deref, DerefMut};

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::DbError;
use crate::{
    clock::Clock,
    queue::{Bell, Enqueued},
};

/// A write transaction that began with `begin immediate`. Dropping it rolls
/// back. After [`WriteTx::commit`] the workers are woken if it enqueued jobs.
pub struct WriteTx {
    tx: Transaction<'static, Sqlite>,
    clock: Clock,
    bell: Bell,
    ring: bool,
    enqueued: Vec<(&'static str, Enqueued)>,
}

impl WriteTx {
    pub(super) fn new(tx: Transaction<'static, Sqlite>, clock: Clock, bell: Bell) -> Self {
        Self {
            tx,
            clock,
            bell,
            ring: false,
            enqueued: Vec::new(),
        }
    }

    /// Makes all of it durable.
    pub async fn commit(self) -> Result<(), DbError> {
        self.tx.commit().await?;
        if self.ring {
            self.bell.ring();
        }
        // Within the span of a request or a job: so each job's cause is on the log.
        for (kind, Enqueued { id, is_new }) in self.enqueued {
            let what = if is_new {
                "enqueued"
            } else {
                "waiting already"
            };
            tracing::info!(job.id = id, job.kind = kind, "job {id} {kind}: {what}");
        }
        Ok(())
    }

    /// Undoes all of it.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.tx.rollback().await
    }

    /// UTC milliseconds.
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// A new time-ordered id.
    pub fn new_id(&self) -> String {
        self.clock.new_id()
    }

    /// Asks for a wake-up of the workers once this is committed.
    pub(crate) fn ring_on_commit(&mut self) {
        self.ring = true;
    }

    /// Says on the log, once this is committed, which job it made.
    pub(crate) fn tell_of(&mut self, kind: &'static str, enqueued: Enqueued) {
        self.enqueued.push((kind, enqueued));
    }
}

impl Deref for WriteTx {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.tx
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.tx
    }
}
