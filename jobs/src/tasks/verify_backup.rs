//! Verifies a stored backup again, and writes down how it went.

use crate::{
    backup::{self, BackupError, Manifest, VerifyBackup},
    queue::{Context, Job, JobError, OrFail},
};

/// Safe to repeat: it only reads, and its verdict overwrites the last one.
impl Job for VerifyBackup {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let found = backup::find(cx.db().read(), &self.backup_id)
            .await
            .or_retry()?
            .ok_or_else(|| JobError::give_up("the backup no longer exists"))?;
        let manifest: Manifest = serde_json::from_str(&found.manifest).or_give_up()?;
        cx.progress(0, 1, "reading it back");
        let verdict = backup::verify_stored(&cx.db().dir().backups(), &manifest).await;
        let error = verdict.as_ref().err().map(ToString::to_string);
        let mut tx = cx.write().await?;
        backup::set_verified(&mut tx, &self.backup_id, error.as_deref())
            .await
            .or_retry()?;
        tx.commit().await.or_retry()?;
        match verdict {
            Ok(()) => Ok(()),
            // A damaged file stays damaged; anything else may pass.
            Err(damaged @ BackupError::Damaged(_)) => Err(JobError::give_up(damaged)),
            Err(other) => Err(JobError::retry(other)),
        }
    }
}
