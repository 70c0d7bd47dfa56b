//! A histogram of durations that many threads add to without a lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds of the buckets, in seconds: from a cached page to a request that
/// is given up.
pub const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

/// How long things took.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    beyond: AtomicU64,
    sum_us: AtomicU64,
}

/// What a histogram says at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Upper bound in seconds, and how many took at most that long.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// Seconds they took together.
    pub sum_s: f64,
}

impl Histogram {
    /// Adds one.
    pub fn add(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS
            .iter()
            .position(|bound| seconds <= *bound)
            .map_or(&self.beyond, |n| &self.buckets[n]);
        bucket.fetch_add(1, Ordering::Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// All of it so far. The buckets count up, as Prometheus wants them.
    pub fn observed(&self) -> Observed {
        let mut count = 0;
        let buckets = BOUNDS
            .iter()
            .zip(&self.buckets)
            .map(|(bound, bucket)| {
                count += bucket.load(Ordering::Relaxed);
                (*bound, count)
            })
            .collect();
        count += self.beyond.load(Ordering::Relaxed);
        let sum = Duration::from_micros(self.sum_us.load(Ordering::Relaxed));
        Observed {
            buckets,
            count,
            sum_s: sum.as_secs_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_count_up_and_none_is_lost() {
        let histogram = Histogram::default();
        for ms in [1, 2, 30, 60_000] {
            histogram.add(Duration::from_millis(ms));
        }
        let seen = histogram.observed();
        assert_eq!(seen.buckets[0], (0.001, 1));
        assert_eq!(seen.buckets[5], (0.05, 3));
        assert_eq!(seen.buckets.last(), Some(&(30.0, 3)));
        assert_eq!((seen.count, seen.sum_s), (4, 60.033));
    }
}
