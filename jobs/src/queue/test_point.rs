//! Named places where a test can make the process die, as kill -9 would, but
//! exactly there. Release builds have none.

use std::sync::OnceLock;

static CRASH_AT: OnceLock<String> = OnceLock::new();

/// Every name there is, in the order a job passes them.
pub const TEST_POINTS: [&str; 5] = [
    "before_claim_commits",
    "after_claim_commits",
    "before_step_commits",
    "after_step_commits",
    "before_acknowledgement_commits",
];

/// Those that automations pass, in their order.
pub const AUTOMATION_TEST_POINTS: [&str; 4] = [
    "before_firings_commit",
    "after_firings_commit",
    "before_run_commits",
    "after_run_commits",
];

/// Those that a digest passes, in their order.
pub const DIGEST_TEST_POINTS: [&str; 5] = [
    "after_narrative",
    "after_narratives",
    "before_letter_leaves",
    "after_letter_left",
    "after_delivery",
];

/// Makes this process abort when it reaches `name`. Only the first call counts.
pub fn crash_at(name: String) {
    let _ = CRASH_AT.set(name);
}

/// Aborts here if a test asked for it.
pub(super) fn test_point(name: &str) {
    debug_assert!(TEST_POINTS.contains(&name), "{name} is no test point");
    reached(name);
}

/// The same for places outside the queue, which keep a list of their own.
pub(crate) fn reached(name: &str) {
    if cfg!(debug_assertions) && CRASH_AT.get().is_some_and(|at| at == name) {
        std::process::abort();
    }
}
