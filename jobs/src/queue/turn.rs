//! The engine's one transaction: acknowledge, report, promote, fire, claim.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};

use super::{
    Registry,
    claim::{self, Claimed},
    clock_back,
    finish::{self, Finished, Reports},
    schedules,
    test_point::test_point,
    workers,
};
use crate::db::DbError;

/// What one turn is to do.
pub(super) struct Turn<'a> {
    pub registry: &'a Registry,
    pub worker: &'a str,
    pub run_dir: &'a Path,
    pub fund_zone: &'a str,
    pub now: i64,
    /// Extend the lease by this much, and look after dead peers.
    pub beat: Option<i64>,
    pub finished: &'a [Finished],
    pub reports: &'a Reports,
    /// Promote due jobs and fire schedules.
    pub due: bool,
    /// Plan again what a wrong clock planned.
    pub clock_went_back: bool,
    /// Jobs wanted.
    pub slots: usize,
}

/// What it did.
pub(super) struct Turned {
    pub claimed: Vec<Claimed>,
    /// False: a peer declared this worker dead.
    pub alive: bool,
    /// Next time something becomes due, if known.
    pub next_due: Option<i64>,
}

/// Most jobs promoted in one turn; the rest follow in the next.
const PROMOTE_AT_MOST: i64 = 1_000;

impl Turn<'_> {
    pub(super) async fn take(&self, conn: &mut SqliteConnection) -> Result<Turned, DbError> {
        // Take the write lock at once: a deferred transaction that starts by
        // reading fails with SQLITE_BUSY when it upgrades.
        let mut tx = conn.begin_with("begin immediate").await?;
        let mut alive = true;
        if let Some(lease_ms) = self.beat {
            alive = workers::heartbeat(&mut tx, self.worker, self.now, lease_ms).await?;
            workers::rescue(&mut tx, self.worker, self.run_dir, self.now).await?;
        }
        if !self.reports.is_empty() {
            self.reports.write(&mut tx).await?;
        }
        if !self.finished.is_empty() {
            finish::acknowledge(&mut tx, self.now, self.finished).await?;
        }
        if self.clock_went_back {
            clock_back::plan_again(&mut tx, self.fund_zone, self.now).await?;
        }
        if self.due {
            promote(&mut tx, self.now).await?;
            schedules::fire_due(&mut tx, self.registry, self.fund_zone, self.now).await?;
        }
        let claimed = if alive {
            claim::claim(&mut tx, self.now, self.worker, self.slots).await?
        } else {
            Vec::new()
        };
        let next_due = next_due(&mut tx).await?;
        if !self.finished.is_empty() {
            test_point("before_acknowledgement_commits");
        }
        if !claimed.is_empty() {
            test_point("before_claim_commits");
        }
        tx.commit().await?;
        if !claimed.is_empty() {
            test_point("after_claim_commits");
        }
        Ok(Turned {
            claimed,
            alive,
            next_due,
        })
    }
}

async fn promote(conn: &mut SqliteConnection, now: i64) -> Result<(), DbError> {
    sqlx::query(
        "update jobs set state = 'available'
         where id in (select id from jobs where state = 'scheduled' and run_at <= ?1 order by run_at limit ?2)",
    )
    .bind(now)
    .bind(PROMOTE_AT_MOST)
    .execute(conn)
    .await?;
    Ok(())
}

/// When the next scheduled job or slot is due.
pub(super) async fn next_due(conn: &mut SqliteConnection) -> Result<Option<i64>, DbError> {
    let job: Option<i64> =
        sqlx::query_scalar("select min(run_at) from jobs where state = 'scheduled'")
            .fetch_one(&mut *conn)
            .await?;
    let slot: Option<i64> = sqlx::query_scalar(schedules::NEXT_DUE)
        .fetch_one(conn)
        .await?;
    Ok(job.into_iter().chain(slot).min())
}
