//! Time and randomness, injected so that tests own both.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Where the time comes from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that moves only when a test moves it.
    Test(Arc<AtomicI64>),
}

impl Clock {
    /// A test clock standing at `now` (UTC milliseconds).
    pub fn test(now: i64) -> Self {
        Self::Test(Arc::new(AtomicI64::new(now)))
    }

    /// UTC milliseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        match self {
            Self::System => jiff::Timestamp::now().as_millisecond(),
            Self::Test(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Moves a test clock forward; the system clock ignores it.
    pub fn advance(&self, ms: i64) {
        if let Self::Test(at) = self {
            at.fetch_add(ms, Ordering::SeqCst);
        }
    }

    /// A new time-ordered id (`UUIDv7`, 36 characters).
    pub fn new_id(&self) -> String {
        let ms = u64::try_from(self.now()).unwrap_or(0);
        let random: [u8; 10] = random_bytes();
        uuid::Builder::from_unix_timestamp_millis(ms, &random)
            .into_uuid()
            .to_string()
    }
}

/// `N` bytes from the operating system.
///
/// # Panics
/// If the operating system has no randomness to give: nothing may go on then.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A number in `0.0..1.0`, for jitter.
pub fn random_fraction() -> f64 {
    f64::from(u32::from_le_bytes(random_bytes())) / (f64::from(u32::MAX) + 1.0)
}

/// `2026-03-03 10:00:00Z`, for logs and shells.
pub fn utc_text(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
        .unwrap_or_default()
}

/// Milliseconds in a second, minute, hour and day.
pub const SECOND: i64 = 1_000;
/// See [`SECOND`].
pub const MINUTE: i64 = 60 * SECOND;
/// See [`SECOND`].
pub const HOUR: i64 = 60 * MINUTE;
/// See [`SECOND`].
pub const DAY: i64 = 24 * HOUR;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let clock = Clock::test(1_700_000_000_000);
        let first = clock.new_id();
        clock.advance(1);
        assert!(first < clock.new_id());
    }
}
