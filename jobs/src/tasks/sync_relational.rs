//! Keeps the relational projection equal to the grid.

use std::time::Duration;

use crate::{
    clock::Clock,
    email,
    grid::SyncRelational,
    investors,
    queue::{Context, Job, JobError, OrFail},
};

/// How long a sync lets edits gather. Edits come in bursts, and a sync for each
/// would compete with them for the write lock, and waiting for that doubles up to
/// tens of milliseconds.
const GATHER: Duration = Duration::from_millis(100);

/// Safe to repeat: rows are projected from their present state.
impl Job for SyncRelational {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        if matches!(cx.db().clock(), Clock::System) && !self.rebuild {
            tokio::time::sleep(GATHER).await;
            cx.check_cancelled()?;
        }
        let progress = |done, total| {
            cx.progress(as_i64(done), as_i64(total), "projecting rows");
        };
        let synced = investors::sync(cx.db(), self.rebuild, progress)
            .await
            .or_retry()?;
        cx.log(format!(
            "projected {} rows; the tables are at version {}",
            synced.rows, synced.version
        ));
        if synced.rows > 0 {
            // A contact or a website more may be whose mail was waiting for it.
            let mut tx = cx.write().await?;
            email::ask_to_match(&mut tx).await.or_retry()?;
            tx.commit().await.or_retry()?;
        }
        cx.output(&synced);
        Ok(())
    }
}

fn as_i64(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
