//! Reading and matching mail.

use crate::{
    email::{self, BackfillMailbox, CaptureMail, CaptureMailbox, Ended, MatchEmails},
    proposals::DraftProposals,
    queue::{Context, Job, JobError, OrFail, enqueue},
};

/// Safe to repeat: a message that is known is not fetched, let alone kept, again.
impl Job for BackfillMailbox {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        match email::backfill(cx, &self.mailbox).await? {
            // Others want their turn; the place is kept.
            Ended::More => Err(JobError::Snooze(cx.db().now() + 1)),
            Ended::Done | Ended::Unwanted => Ok(()),
        }
    }
}

/// Safe to repeat: history is read again from the place that was kept last.
impl Job for CaptureMailbox {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        email::capture(cx, &self.mailbox).await?;
        Ok(())
    }
}

/// Safe to repeat: one unfinished job for each mailbox.
impl Job for CaptureMail {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let mut tx = cx.write().await?;
        let mailboxes = email::enqueue_all(&mut tx).await.or_retry()?;
        tx.commit().await.or_retry()?;
        cx.output(&serde_json::json!({ "mailboxes": mailboxes }));
        Ok(())
    }
}

/// Safe to repeat: what is matched is matched, and texts are wanted until they are
/// there.
impl Job for MatchEmails {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let matched = email::catch_up(cx.db()).await.or_retry()?.len();
        let fetched = email::fetch_texts(cx).await?;
        if matched + fetched > 0 {
            cx.log(format!(
                "{matched} emails concern an investor now; {fetched} texts fetched"
            ));
            // What waited for its text can be weighed.
            let mut tx = cx.write().await?;
            enqueue(&mut tx, &DraftProposals {}).await.or_retry()?;
            tx.commit().await.or_retry()?;
        }
        cx.output(&serde_json::json!({ "matched": matched, "fetched": fetched }));
        Ok(())
    }
}
