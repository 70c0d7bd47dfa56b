//! Putting the table back to how it was.

use crate::{
    grid::{self, ChangeBy, GridError, PutBackTable},
    queue::{Context, Job, JobError, OrFail},
};

/// Safe to repeat: the cells and the job's end are written in one transaction.
impl Job for PutBackTable {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        cx.progress(
            0,
            1,
            format!("taking back all changes since version {}", self.version),
        );
        let mut tx = cx.write().await?;
        let summary = format!("The table as of version {}, put back", self.version);
        let by = ChangeBy {
            actor: &self.actor,
            origin: "put_back",
            summary: &summary,
            job: Some(cx.id()),
        };
        let applied = match grid::put_back(&mut tx, self.version, self.until, &by).await {
            Ok(applied) => applied,
            Err(GridError::Db(error)) => return Err(error).or_retry(),
            Err(refused) => return Err(JobError::give_up(refused.to_string())),
        };
        cx.output(&serde_json::json!({
            "change_set": (applied.changes > 0).then_some(applied.version),
            "changes": applied.changes,
            "conflicts": applied.conflicts.len(),
        }));
        cx.progress(1, 1, format!("{} changes taken back", applied.changes));
        cx.complete_tx(tx).await
    }
}
