//! Making an archive, and removing those that have had their day.

use serde_json::json;

use crate::{
    audit::{self, Actor},
    export::archive::{self, ArchiveError, KEPT_MS, MakeArchive, RemoveArchives, STEPS},
    queue::{self, Context, EnqueueOptions, Job, JobError, OrFail, Prepared},
};

/// Safe to repeat: the id is fixed by the first step, everything is written in a
/// scratch folder of the attempt's own, and only the rightful owner of the job puts
/// it in its place. What a killed attempt left goes with the next.
impl Job for MakeArchive {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let now = cx.db().now();
        let (id, made_at): (String, i64) = cx
            .step("name", async { Ok((cx.db().clock().new_id(), now)) })
            .await?;
        archive::sweep(cx.db(), true).await.or_retry()?;
        let watched = cx.clone();
        let step = move |done, what: &str| {
            watched.progress(done, STEPS, what);
            watched.check_cancelled().is_ok()
        };
        let made = archive::make(cx.db(), &id, made_at, cx.created_by(), step).await;
        let made = match made {
            Err(ArchiveError::Stopped) => return Err(JobError::Cancelled),
            made => made.or_retry()?,
        };
        let mut tx = cx.write().await?;
        let archive = made.publish().or_retry()?;
        let detail = json!({
            "file": archive.file, "size_bytes": archive.size_bytes,
            "investors": archive.investors, "files": archive.files, "asked_by": cx.created_by(),
        });
        let target = format!("archive:{id}");
        audit::record(
            &mut tx,
            &Actor::Job(cx.id()),
            "archive.made",
            &target,
            detail,
            "",
        )
        .await
        .or_retry()?;
        let removal = Prepared::new(&RemoveArchives {}).or_give_up()?;
        let options = EnqueueOptions {
            run_at: Some(tx.now() + KEPT_MS + 1_000),
            ..EnqueueOptions::default()
        };
        queue::enqueue_with(&mut tx, &removal, &options)
            .await
            .or_retry()?;
        cx.progress(STEPS, STEPS, "ready to download");
        cx.output(
            &json!({"archive_id": id, "file": archive.file, "size_bytes": archive.size_bytes}),
        );
        if !archive.missing_files.is_empty() {
            cx.log(format!(
                "{} attached files had lost their bytes: README.txt names them",
                archive.missing_files.len()
            ));
        }
        cx.complete_tx(tx).await
    }
}

/// Safe to repeat: what is gone stays gone.
impl Job for RemoveArchives {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let removed = archive::sweep(cx.db(), false).await.or_retry()?;
        cx.log(format!("removed {removed} archives past their time"));
        Ok(())
    }
}
