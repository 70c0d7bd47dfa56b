//! Keeps the relational projection equal to the grid.

use crate::{
    grid::SyncRelational,
    investors,
    queue::{Context, Job, JobError, OrFail},
};

/// Safe to repeat: rows are projected from their present state.
impl Job for SyncRelational {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
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
        cx.output(&synced);
        Ok(())
    }
}

fn as_i64(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
