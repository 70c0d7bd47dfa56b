//! How busy one process keeps its database: for `/metrics`.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::measure::{Histogram, Observed};

/// Waits for the write lock: first in this process's queue, then at the file.
#[derive(Debug, Default)]
pub(super) struct Waits {
    pub(super) histogram: Histogram,
    pub(super) failed: AtomicU64,
}

impl Waits {
    pub(super) fn add(&self, waited: Duration, got_it: bool) {
        self.histogram.add(waited);
        if !got_it {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What [`super::Db::load`] tells.
#[derive(Clone, Debug)]
pub struct Load {
    /// How long writes waited for the lock.
    pub write_waits: Observed,
    /// Writes that did not get it.
    pub write_failures: u64,
    /// The one connection that writes.
    pub writer: PoolLoad,
    /// Those that read.
    pub readers: PoolLoad,
}

/// The connections of one pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolLoad {
    /// How many are open.
    pub open: u32,
    /// How many of them have nothing to do.
    pub idle: u32,
}
