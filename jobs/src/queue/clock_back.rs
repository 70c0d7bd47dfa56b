//! What to do when the clock was put back.
//!
//! A machine that woke up with a wrong date runs its schedules, then somebody, or
//! NTP, sets it right. What was planned by the wrong clock would now wait until that
//! date comes: no backup and no digest for as long as it was ahead.

use sqlx::SqliteConnection;

use super::schedules::next_slot;
use crate::{clock::MINUTE, db::DbError};

/// A clock that is corrected by less than this was not wrong.
pub(super) const TOLERANCE: i64 = MINUTE;

/// Plans again what was planned later than now allows. Cheap when there is nothing.
pub(super) async fn plan_again(
    conn: &mut SqliteConnection,
    fund_zone: &str,
    now: i64,
) -> Result<(), DbError> {
    let schedules = schedules(conn, fund_zone, now).await?;
    let jobs = jobs(conn, now).await?;
    if schedules + jobs > 0 {
        tracing::warn!(
            schedules,
            jobs,
            "the clock was put back: {schedules} schedules and {jobs} jobs are planned again"
        );
    }
    Ok(())
}

/// Schedules that skip a slot on the way to their next one go on from now.
async fn schedules(conn: &mut SqliteConnection, fund_zone: &str, now: i64) -> Result<u64, DbError> {
    let all: Vec<(String, String, Option<String>, i64)> =
        sqlx::query_as("select name, expression, zone, next_at from schedules where enabled = 1")
            .fetch_all(&mut *conn)
            .await?;
    let mut changed = 0;
    for (name, expression, zone, planned) in all {
        let zone = zone.as_deref().unwrap_or(fund_zone);
        // One that has no next slot is switched off when it fires.
        let Ok(next) = next_slot(&expression, zone, now) else {
            continue;
        };
        // Put back by less than the tolerance, the next slot may have fired a moment
        // ago: then the one after it is planned.
        let fired = next <= now + TOLERANCE
            && next_slot(&expression, zone, next).is_ok_and(|after| after == planned);
        if planned <= next || fired {
            continue;
        }
        sqlx::query(
            "update schedules set next_at = ?2, last_at = min(last_at, ?3) where name = ?1",
        )
        .bind(name)
        .bind(next)
        .bind(now)
        .execute(&mut *conn)
        .await?;
        changed += 1;
    }
    Ok(changed)
}

/// Jobs that wait for another try since a time that has not come are tried now;
/// those put off then wait as long from now.
async fn jobs(conn: &mut SqliteConnection, now: i64) -> Result<u64, DbError> {
    let done = sqlx::query(
        "update jobs set run_at = iif(started_at is null, max(?1, run_at - (created_at - ?1)), ?1),
           created_at = min(created_at, ?1)
         where state = 'scheduled' and run_at > ?1
           and coalesce(started_at, created_at) > ?1 + ?2",
    )
    .bind(now)
    .bind(TOLERANCE)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
