//! Takes, verifies and records one backup, then removes those past their time.

use serde_json::json;

use crate::{
    backup::{self, TakeBackup, Taken},
    queue::{Context, Job, JobError, OrFail},
};

/// Safe to repeat: the id is fixed by the first step, a second run writes the
/// same file names, and the record exists once.
impl Job for TakeBackup {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let now = cx.db().now();
        let (id, created_at): (String, i64) = cx
            .step("name", async { Ok((cx.db().clock().new_id(), now)) })
            .await?;
        let progress = |done, what: &str| cx.progress(done, 5, what);
        let taken: Taken = cx
            .step("take", async {
                backup::take(cx.db(), &id, created_at, self.why, progress)
                    .await
                    .or_retry()
            })
            .await?;
        let mut tx = cx.write().await?;
        backup::record(&mut tx, &taken, Some(cx.id()))
            .await
            .or_retry()?;
        tx.commit().await.or_retry()?;
        cx.progress(5, 5, "removing backups past their time");
        let removed = backup::rotate(cx.db()).await.or_retry()?;
        cx.progress(5, 5, "copying to the second directory");
        if let Some(second) = backup::copy_all(cx.db()).await.or_retry()? {
            cx.log(second);
        }
        cx.log(format!(
            "{} holds {} rows in {} bytes and was read back well; {removed} old backups removed",
            taken.manifest.file,
            taken.manifest.facts.rows(),
            taken.manifest.size_bytes
        ));
        cx.output(&json!({"backup_id": id, "file": taken.manifest.file, "size_bytes": taken.manifest.size_bytes}));
        Ok(())
    }
}
