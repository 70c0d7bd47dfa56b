//! How much one person may change in a while. Not against a flood from outside,
//! which gets nowhere without signing in, but against a script that runs away with
//! somebody's token: history keeps every change for good, and the writer is one.
//!
//! Two buckets a person, in memory; all their sessions and tokens draw on them.
//! People never meet them, nor does a queue of edits made offline, an import (one
//! request), or a measurement.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{Method, StatusCode};
use crm_jobs::clock::SECOND;

use crate::error::AppError;

/// What a request that changes something costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cost {
    /// An edit, a note, a task: what people do all day.
    Edit,
    /// It makes accounts, links or tokens, stores a file, starts long work, or
    /// calls another service.
    Dear,
}

/// Requests of [`Cost::Dear`]. A test holds each to the route table.
const DEAR: &[(Method, &str)] = &[
    // Accounts, links, tokens.
    (Method::POST, "/api/admin/invites"),
    (Method::POST, "/api/admin/users"),
    (Method::POST, "/api/tokens"),
    (Method::POST, "/settings/calendar"),
    (Method::POST, "/settings/password"),
    (Method::POST, "/settings/second-factor"),
    (Method::POST, "/settings/second-factor/codes"),
    (Method::POST, "/settings/second-factor/confirm"),
    (Method::POST, "/settings/second-factor/off"),
    (Method::POST, "/settings/team/invites"),
    (Method::POST, "/settings/team/{id}/reset"),
    (Method::POST, "/settings/tokens"),
    // Files, and everything at once.
    (Method::POST, "/api/fundraising/investors/{id}/files"),
    (Method::POST, "/investors/{id}/files"),
    (Method::POST, "/api/imports"),
    (Method::POST, "/imports"),
    (Method::PUT, "/api/fundraising/state"),
    (Method::POST, "/api/fundraising/put-back"),
    (Method::POST, "/grid/put-back"),
    // Long work.
    (Method::POST, "/api/fundraising/archive"),
    (Method::POST, "/export/archive"),
    (Method::POST, "/api/fundraising/backup"),
    (Method::POST, "/backups"),
    (Method::POST, "/api/fundraising/backups/drill"),
    (Method::POST, "/backups/drill"),
    (Method::POST, "/api/fundraising/backups/{id}/verify"),
    (Method::POST, "/backups/{id}/verify"),
    (Method::POST, "/api/fundraising/restore"),
    (Method::POST, "/backups/restore"),
    (Method::POST, "/api/fundraising/restore-preview"),
    (Method::POST, "/api/fundraising/restore-preview/upload"),
    (Method::POST, "/backups/restore/preview"),
    (Method::POST, "/api/fundraising/relational-sync"),
    (Method::POST, "/api/automations/rules/{id}/dry-run"),
    (Method::POST, "/api/jobs"),
    (Method::POST, "/api/schedules/{name}/run"),
    (Method::POST, "/jobs/schedules/{name}/run"),
    // Other services.
    (Method::POST, "/api/admin/digest/preview"),
    (Method::POST, "/api/admin/digest/send-now"),
    (Method::POST, "/digest/send"),
    (Method::POST, "/api/admin/digest/test-email"),
    (Method::POST, "/digest/test"),
    (Method::POST, "/api/admin/digest/history/{id}/resend"),
    (Method::POST, "/digest/sent/{id}/resend"),
    (Method::POST, "/api/admin/spark/test"),
    (Method::POST, "/digest/model/test"),
    (Method::POST, "/api/email/mailboxes"),
    (Method::POST, "/mailboxes"),
    (Method::POST, "/api/email/mailboxes/{id}/sync"),
    (Method::POST, "/mailboxes/{id}/sync"),
    (Method::POST, "/api/email/threads/{id}/drafts"),
    (Method::POST, "/emails/threads/{id}/draft"),
];

impl Cost {
    /// Of a route.
    pub fn of(method: &Method, path: &str) -> Self {
        let is_dear = DEAR.iter().any(|(m, p)| m == method && *p == path);
        if is_dear { Self::Dear } else { Self::Edit }
    }

    /// So many at once.
    fn burst(self) -> i64 {
        match self {
            Self::Edit => 100_000,
            Self::Dear => 120,
        }
    }

    /// Then one more every so many milliseconds.
    fn refill_ms(self) -> i64 {
        match self {
            Self::Edit => 20,
            Self::Dear => 5 * SECOND,
        }
    }
}

/// What everybody has left. Cheap to clone.
#[derive(Clone, Default)]
pub struct Limits(Arc<Mutex<HashMap<(String, Cost), Bucket>>>);

struct Bucket {
    left: i64,
    /// When the last whole one came back.
    at: i64,
}

impl Limits {
    /// Takes one, or says in how many seconds there will be one.
    pub fn take(&self, user: &str, cost: Cost, now: i64) -> Result<(), AppError> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry((user.to_owned(), cost)).or_insert(Bucket {
            left: cost.burst(),
            at: now,
        });
        let back = (now - bucket.at).max(0) / cost.refill_ms();
        bucket.left = (bucket.left + back).min(cost.burst());
        bucket.at += back * cost.refill_ms();
        if bucket.left > 0 {
            bucket.left -= 1;
            return Ok(());
        }
        let wait = bucket.at + cost.refill_ms() - now;
        let words = "You changed more in the last minutes than a person can. If it is a script of yours, let it do many changes in one request, and wait as Retry-After says.";
        Err(
            AppError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_writes", words)
                .retry_after((wait + SECOND - 1).max(SECOND) / SECOND),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dear_route_is_in_the_table() {
        let routes = crate::route_table();
        for (method, path) in DEAR {
            assert!(
                routes.iter().any(|r| r.method == method && r.path == *path),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn a_person_has_a_burst_then_a_trickle_and_nobody_elses() {
        let limits = Limits::default();
        for _ in 0..120 {
            limits.take("jo", Cost::Dear, 0).unwrap();
        }
        let refused = limits.take("jo", Cost::Dear, 1_000).unwrap_err();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        limits.take("jo", Cost::Edit, 1_000).unwrap();
        limits.take("kim", Cost::Dear, 1_000).unwrap();
        limits.take("jo", Cost::Dear, 5_000).unwrap();
        assert!(limits.take("jo", Cost::Dear, 9_999).is_err());
        limits.take("jo", Cost::Dear, 10_000).unwrap();
        // A long pause gives no more than a burst.
        for _ in 0..120 {
            limits.take("jo", Cost::Dear, 100_000_000).unwrap();
        }
        assert!(limits.take("jo", Cost::Dear, 100_000_000).is_err());
    }
}
