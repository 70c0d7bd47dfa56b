//! Texts that may be kept but were not: fetched again from where they were seen.

use sqlx::FromRow;

use super::{Again, Trouble, gmail::Gmail, parse, store::fill};
use crate::{
    db::{Db, DbError},
    queue::{Context, JobError, OrFail},
};

#[derive(FromRow)]
struct Wanted {
    id: String,
    message_key: String,
    gmail_id: String,
    address: String,
}

/// Where an email can be fetched from: the first mailbox that still has it.
pub(super) async fn place(db: &Db, email: &str) -> Result<Option<(String, String)>, DbError> {
    sqlx::query_as(
        "select m.address, s.gmail_id from email_sightings s join mailboxes m on m.id = s.mailbox_id
         where s.email_id = ?1 and s.deleted_at is null and m.deleted_at is null and m.state = 'active' and m.privacy = 'body'
         order by m.id limit 1",
    )
    .bind(email)
    .fetch_optional(db.read())
    .await
}

/// Fetches what is wanted, message by message, so that a stop loses nothing.
/// Returns how many were filled.
pub async fn fetch_texts(cx: &Context) -> Result<usize, JobError> {
    let mut filled = 0;
    let mut after = String::new();
    let mut open: Option<Gmail> = None;
    let mut opened = String::new();
    loop {
        cx.check_cancelled()?;
        let next: Option<Wanted> = sqlx::query_as(
            "select e.id, e.message_key, s.gmail_id, m.address
             from emails e join email_sightings s on s.email_id = e.id and s.deleted_at is null
             join mailboxes m on m.id = s.mailbox_id and m.deleted_at is null and m.state = 'active' and m.privacy = e.privacy
             where e.needs_text = 1 and e.deleted_at is null and e.id > ?1 order by e.id limit 1",
        )
        .bind(&after)
        .fetch_optional(cx.db().read())
        .await
        .or_retry()?;
        let Some(wanted) = next else {
            return Ok(filled);
        };
        after.clone_from(&wanted.id);
        if opened != wanted.address {
            open = Some(
                Gmail::of(cx.db(), &wanted.address)
                    .await
                    .map_err(|t| wait(&t))?,
            );
            opened.clone_from(&wanted.address);
        }
        let Some(gmail) = open.as_mut() else { continue };
        let got = gmail
            .message(&wanted.gmail_id)
            .await
            .map_err(|t| wait(&t))?;
        let parsed = match got {
            Some(got) => parse(got.raw).await.ok(),
            None => None,
        };
        let mut tx = cx.write().await?;
        match parsed {
            // Another message under the same id would be somebody else's text.
            Some(parsed) if wanted.message_key.starts_with(&parsed.key) => {
                fill(&mut tx, &wanted.id, &parsed).await.or_retry()?;
                filled += 1;
            }
            _ => {
                sqlx::query("update emails set needs_text = 0 where id = ?1")
                    .bind(&wanted.id)
                    .execute(&mut *tx)
                    .await
                    .or_retry()?;
            }
        }
        tx.commit().await.or_retry()?;
    }
}

/// How a job waits for Gmail.
pub(super) fn wait(trouble: &Trouble) -> JobError {
    match trouble.again {
        Again::Soon(Some(ms)) => {
            JobError::retry_after(i64::try_from(ms).unwrap_or(60_000), &trouble.message)
        }
        _ => JobError::retry(&trouble.message),
    }
}
