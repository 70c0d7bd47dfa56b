//! Doing what a rule says, for one row.

use super::look_for_firings::is_final;
use crate::{
    automations::{self, RunAutomation},
    queue::{Context, Job, JobError, OrFail, reached},
};

/// Safe to repeat: all that a run does, its state and the job's end are written in
/// one transaction.
impl Job for RunAutomation {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let table = automations::table_of(cx.db());
        let mut tx = cx.write().await?;
        match automations::carry_out(&mut tx, &table, self.run, Some(cx.id())).await {
            Ok(ran) => {
                cx.output(&serde_json::json!({"run": self.run, "outcome": ran.text()}));
                reached("before_run_commits");
                cx.complete_tx(tx).await?;
                reached("after_run_commits");
                Ok(())
            }
            Err(error) if is_final(&error) => {
                // Nothing of it stays but the reason.
                tx.rollback().await.or_retry()?;
                let mut tx = cx.write().await?;
                automations::mark_failed(&mut tx, self.run, &error.to_string())
                    .await
                    .or_retry()?;
                tx.commit().await.or_retry()?;
                Err(JobError::give_up(error))
            }
            Err(error) => Err(JobError::retry(error)),
        }
    }
}
