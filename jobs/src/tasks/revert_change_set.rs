//! Taking a large change set back.

use crate::{
    grid::{self, ChangeBy, GridError, RevertChangeSet},
    queue::{Context, Job, JobError, OrFail},
};

/// Safe to repeat: the cells and the job's end are written in one transaction.
impl Job for RevertChangeSet {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        cx.progress(0, 1, format!("taking change {} back", self.change_set));
        let mut tx = cx.write().await?;
        let summary = format!("Undo of change {}", self.change_set);
        let set = grid::change_set(&mut tx, self.change_set)
            .await
            .or_retry()?;
        let is_undo = set.is_some_and(|set| set.origin == "undo");
        let by = ChangeBy {
            actor: &self.actor,
            origin: if is_undo { "redo" } else { "undo" },
            summary: &summary,
            job: Some(cx.id()),
        };
        let applied = match grid::revert(&mut tx, self.change_set, &by, usize::MAX).await {
            Ok(applied) => applied,
            Err(GridError::Db(error)) => return Err(error).or_retry(),
            Err(refused) => {
                // Otherwise this set would stand in the way of every undo after it.
                drop(tx);
                let mut tx = cx.write().await?;
                grid::pass_over(&mut tx, self.change_set).await.or_retry()?;
                tx.commit().await.or_retry()?;
                return Err(JobError::give_up(refused.to_string()));
            }
        };
        cx.output(&serde_json::json!({
            "version": applied.version,
            "changes": applied.changes,
            "conflicts": applied.conflicts.len(),
        }));
        cx.progress(1, 1, format!("{} changes taken back", applied.changes));
        cx.complete_tx(tx).await
    }
}
