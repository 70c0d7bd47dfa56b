//! The jobs that read mail, as they are stored.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::mailboxes::find;
use crate::{
    clock::{HOUR, MINUTE},
    db::{DbError, WriteTx},
    grid::GridError,
    queue::{
        EnqueueOptions, Enqueued, Payload, Prepared, RetryPolicy, Unique, enqueue, enqueue_with,
    },
};

/// Never given up: after a while, once an hour until somebody mends it.
const FOR_EVER: RetryPolicy = RetryPolicy {
    max_attempts: 1_000_000_000,
    initial_ms: MINUTE,
    factor: 2.0,
    max_ms: HOUR,
};

/// Reads the past of one mailbox, from where it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BackfillMailbox {
    /// Which.
    pub mailbox: String,
    /// A person asked for it: it does not wait behind one that failed.
    #[serde(default)]
    pub asked: bool,
}

/// Reads what is new in one mailbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaptureMailbox {
    /// Which.
    pub mailbox: String,
    /// A person asked for it: it does not wait behind one that failed.
    #[serde(default)]
    pub asked: bool,
}

/// Asks for every active mailbox to be read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CaptureMail {}

/// Finds whom mail concerns, after the grid or the near matches changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MatchEmails {}

fn unique(mailbox: &str, asked: bool) -> Unique {
    Unique::while_unfinished(if asked {
        format!("{mailbox}:asked")
    } else {
        mailbox.to_owned()
    })
}

impl Payload for BackfillMailbox {
    const KIND: &'static str = "backfill_mailbox";
    const PRIORITY: i64 = 10;
    const RETRY: RetryPolicy = FOR_EVER;
    const TIMEOUT: Duration = Duration::from_mins(20);
    const MAX_RUNNING: Option<i64> = Some(2);

    fn group(&self) -> Option<String> {
        Some(format!("mailbox:{}", self.mailbox))
    }

    fn unique(&self) -> Option<Unique> {
        Some(unique(&self.mailbox, self.asked))
    }
}

impl Payload for CaptureMailbox {
    const KIND: &'static str = "capture_mailbox";
    const RETRY: RetryPolicy = FOR_EVER;
    const TIMEOUT: Duration = Duration::from_mins(20);
    const MAX_RUNNING: Option<i64> = Some(2);

    fn group(&self) -> Option<String> {
        Some(format!("mailbox:{}", self.mailbox))
    }

    fn unique(&self) -> Option<Unique> {
        Some(unique(&self.mailbox, self.asked))
    }
}

impl Payload for CaptureMail {
    const KIND: &'static str = "capture_mail";

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_queued("all"))
    }
}

impl Payload for MatchEmails {
    const KIND: &'static str = "match_emails";
    const PRIORITY: i64 = 5;
    const RETRY: RetryPolicy = FOR_EVER;
    const MAX_RUNNING: Option<i64> = Some(1);

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_queued("all"))
    }
}

/// Reads a mailbox from where it stands.
pub(super) async fn begin(tx: &mut WriteTx, id: &str, by: &str) -> Result<Enqueued, GridError> {
    enqueue_for(tx, id, true, by).await
}

/// Reads a mailbox now, also while a failed attempt waits.
pub async fn sync_now(tx: &mut WriteTx, id: &str, by: &str) -> Result<Enqueued, GridError> {
    let mailbox = find(tx, id).await?.ok_or_else(|| GridError::Missing {
        what: "mailbox",
        id: id.to_owned(),
    })?;
    if mailbox.state == "paused" {
        return Err(GridError::invalid(
            "paused",
            "state",
            "this mailbox is paused: resume it first",
        ));
    }
    enqueue_for(tx, id, true, by).await
}

async fn enqueue_for(
    tx: &mut WriteTx,
    id: &str,
    asked: bool,
    by: &str,
) -> Result<Enqueued, GridError> {
    let backfilled: Option<i64> =
        sqlx::query_scalar("select backfilled_at from mailboxes where id = ?1")
            .bind(id)
            .fetch_one(&mut **tx)
            .await?;
    let mailbox = id.to_owned();
    let job = if backfilled.is_some() {
        Prepared::new(&CaptureMailbox { mailbox, asked })?
    } else {
        Prepared::new(&BackfillMailbox { mailbox, asked })?
    };
    Ok(enqueue_with(tx, &job, &EnqueueOptions::by(by)).await?)
}

/// Asks for every active mailbox to be read. Returns how many there are.
pub(crate) async fn enqueue_all(tx: &mut WriteTx) -> Result<usize, DbError> {
    let active: Vec<(String, bool)> = sqlx::query_as(
        "select id, backfilled_at is not null from mailboxes where deleted_at is null and state = 'active' order by id",
    )
    .fetch_all(&mut **tx)
    .await?;
    for (mailbox, is_backfilled) in &active {
        let mailbox = mailbox.clone();
        if *is_backfilled {
            enqueue(
                tx,
                &CaptureMailbox {
                    mailbox,
                    asked: false,
                },
            )
            .await?;
        } else {
            enqueue(
                tx,
                &BackfillMailbox {
                    mailbox,
                    asked: false,
                },
            )
            .await?;
        }
    }
    Ok(active.len())
}

/// Asks for mail to be matched again, if there is any.
pub(crate) async fn ask_to_match(tx: &mut WriteTx) -> Result<(), DbError> {
    let any: i64 =
        sqlx::query_scalar("select exists (select 1 from mailboxes where deleted_at is null)")
            .fetch_one(&mut **tx)
            .await?;
    if any == 1 {
        enqueue(tx, &MatchEmails {}).await?;
    }
    Ok(())
}
