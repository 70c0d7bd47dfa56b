//! Mailing an invitation.

use crate::{
    accounts::invite_mail::{self, SendInvite},
    mail::{self, MailError, Outcome},
    queue::{Context, Job, JobError, OrFail, Payload},
};

/// Safe to repeat: a letter that is out is not sent again. A crash between the mail
/// server's answer and that mark can send it twice; both hold the same link.
impl Job for SendInvite {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let db = cx.db();
        // As it is in this moment: it may be used, withdrawn or no longer ours.
        let Some(to) = mail::invitee(db, &self.link).await.or_retry()? else {
            cx.log("the invitation is not open any more, or its domain is not ours");
            return end(cx, &self.link, "failed", "it was no longer open").await;
        };
        let is_last = cx.attempt() >= Self::RETRY.max_attempts;
        match mail::send_invitation(db, to, mail::PATIENCE).await {
            Ok(Outcome::Delivered) => end(cx, &self.link, "sent", "").await,
            Ok(Outcome::Transient(why)) if !is_last => Err(JobError::retry(why)),
            Ok(Outcome::Transient(why) | Outcome::Permanent(why) | Outcome::Unknown(why)) => {
                end(cx, &self.link, "failed", &why).await?;
                Err(JobError::give_up(why))
            }
            Err(MailError::Db(error)) => Err(JobError::retry(error)),
            Err(error) => {
                end(cx, &self.link, "failed", &error.to_string()).await?;
                Err(JobError::give_up(error))
            }
        }
    }
}

async fn end(cx: &Context, link: &str, state: &str, why: &str) -> Result<(), JobError> {
    let mut tx = cx.write().await?;
    invite_mail::end(&mut tx, link, state, why)
        .await
        .or_retry()?;
    tx.commit().await.or_retry()
}
