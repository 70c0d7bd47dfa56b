//! Proves that the newest verified backup restores, and writes down how it went.

use serde_json::json;

use crate::{
    backup::{DrillBackup, drill},
    queue::{Context, Job, JobError, OrFail},
};

/// Safe to repeat: it only reads, and a scratch folder left by a crash is swept.
impl Job for DrillBackup {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let progress = |done, what: &str| cx.progress(done, 5, what);
        let outcome = drill::run(cx.db(), progress)
            .await
            .or_retry()?
            .ok_or_else(|| JobError::give_up("there is no verified backup to drill with"))?;
        let mut tx = cx.write().await?;
        let id = drill::record(&mut tx, &outcome, cx.id()).await.or_retry()?;
        tx.commit().await.or_retry()?;
        for line in &outcome.compared {
            cx.log(format!(
                "{} {}: {}",
                if line.ok { "ok " } else { "BAD" },
                line.what,
                line.found
            ));
        }
        cx.output(&json!({"drill_id": id, "backup_id": outcome.backup.id}));
        match outcome.error {
            None => Ok(()),
            Some(error) => Err(JobError::give_up(error)),
        }
    }
}
