//! What every start does first: a restore that a crash cut off is given up or
//! carried to its end, before anybody opens the database.

use std::{path::Path, time::Duration};

use super::{
    Mover, Phase, RestoreError, Status,
    perform::{finish, give_up},
    refused, status,
};
use crate::{
    clock::{Clock, MINUTE},
    db::{DataDir, gate},
};

/// Who starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// It carries out what was asked for.
    Worker,
    /// The api and short commands.
    Other,
}

/// Asked for, and no worker came.
const NOBODY_CAME: i64 = 2 * MINUTE;
const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_mins(10);

/// Returns once the database may be opened. A worker gets the restore it is to
/// carry out, with the right to do so.
pub async fn settle(
    dir: &Path,
    clock: &Clock,
    who: Who,
) -> Result<Option<(Mover, Status)>, RestoreError> {
    let dir = DataDir::create(dir).map_err(RestoreError::file("make the data directory"))?;
    let start = tokio::time::Instant::now();
    loop {
        let Some(seen) = status(&dir).map_err(RestoreError::file("read run/restore.json"))? else {
            return Ok(None);
        };
        if seen.phase.is_final() {
            return Ok(None);
        }
        if let Some(mover) = Mover::try_take(&dir)? {
            // It may have gone on between the look and the lock.
            let Some(mut now) = status(&dir)? else {
                return Ok(None);
            };
            match now.phase {
                Phase::Finished | Phase::Failed => return Ok(None),
                Phase::Asked if who == Who::Worker => return Ok(Some((mover, now))),
                Phase::Asked if clock.now() - now.asked_at < NOBODY_CAME => return Ok(None),
                Phase::Asked => give_up(&dir, clock, &mut now, "no worker came to do it")?,
                Phase::Securing | Phase::Maintenance => give_up(
                    &dir,
                    clock,
                    &mut now,
                    "it was cut off before anything was moved",
                )?,
                Phase::Swapping | Phase::Swapped => {
                    let Some(alone) = gate::try_alone(&dir)? else {
                        return Err(refused(
                            "still_open",
                            "a half-done restore cannot go on: some program has the database open",
                        ));
                    };
                    tracing::warn!(restore = now.id, "carrying a cut-off restore to its end");
                    finish(&dir, clock, &mover, &alone, now).await?;
                }
            }
            return Ok(None);
        }
        // Somebody is at it. While the old database is backed up nobody could write.
        if who == Who::Other && seen.phase == Phase::Asked {
            return Ok(None);
        }
        if start.elapsed() > PATIENCE {
            return Err(refused(
                "busy",
                "a restore has been under way for ten minutes: look at its process",
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
