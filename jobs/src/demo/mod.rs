//! A synthetic fund to look around in: 400 investors, three funds, contacts,
//! tasks and a year of history. Every name says that it is a sample, every
//! address ends in `example.org`, and the same seed gives the same fund.

mod rules;
mod samples;
mod year;

use std::path::Path;

use crate::{
    clock::{Clock, DAY},
    db::{Db, DbError, OpenError},
    grid::{self, GridError},
    settings,
};

/// Why the demo could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// There is something in the grid already.
    #[error("the grid is not empty: the demo fund is only for a fresh database")]
    NotEmpty,
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A write was refused.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Investors in the demo fund.
pub const INVESTORS: usize = 400;

/// Fills an empty, migrated database in `dir` with the demo fund; its history
/// ends at `now` (UTC milliseconds).
pub async fn fill(dir: &Path, now: i64) -> Result<(), DemoError> {
    // A clock of its own: the year is lived through, not dated back.
    let db = Db::open(dir, Clock::test(now - 365 * DAY)).await?;
    let filled = live(&db, now).await;
    db.close().await;
    filled
}

async fn live(db: &Db, now: i64) -> Result<(), DemoError> {
    let mut conn = db.read().acquire().await?;
    if grid::state(&mut conn).await?.version > 0 {
        return Err(DemoError::NotEmpty);
    }
    drop(conn);
    year::live_through(db, now).await?;
    rules::let_them_run(db).await?;
    let mut tx = db.write().await?;
    settings::set(&mut tx, settings::DEMO, &true, "demo").await?;
    // The one sync that waits was asked for a year ago; it is due now.
    sqlx::query("update jobs set run_at = ?1, created_at = ?1 where state = 'available'")
        .bind(now)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
