//! The jobs that read mail, as they are stored.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::mailboxes::find;
use crate::{
    clock::{HOUR, MINUTE},
    db::{DbError, WriteTx},
    grid::GridError,
    queue::{
        EnqueueOptions, Enqueued, Payload, Prepared, RetryPolicy, Unique,
        control::{self, ControlError},
        enqueue, enqueue_with,
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
}

/// Reads what is new in one mailbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaptureMailbox {
    /// Which.
    pub mailbox: String,
}

/// Asks for every active mailbox to be read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CaptureMail {}

/// Finds whom mail concerns, after the grid or the near matches changed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MatchEmails {}

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
        Some(Unique::while_queued(&self.mailbox))
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
        Some(Unique::while_queued(&self.mailbox))
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
    enqueue_for(tx, id, by).await
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
    enqueue_for(tx, id, by).await
}

async fn enqueue_for(tx: &mut WriteTx, id: &str, by: &str) -> Result<Enqueued, GridError> {
    let backfilled: Option<i64> =
        sqlx::query_scalar("select backfilled_at from mailboxes where id = ?1")
            .bind(id)
            .fetch_one(&mut **tx)
            .await?;
    let mailbox = id.to_owned();
    let job = if backfilled.is_some() {
        Prepared::new(&CaptureMailbox { mailbox })?
    } else {
        Prepared::new(&BackfillMailbox { mailbox })?
    };
    let enqueued = enqueue_with(tx, &job, &EnqueueOptions::by(by)).await?;
    if !enqueued.is_new {
        // One that waits after a failure: whoever asked mended something.
        match control::retry(tx, enqueued.id).await {
            Ok(()) | Err(ControlError::State { .. } | ControlError::Missing(_)) => {}
            Err(ControlError::Db(error)) => return Err(error.into()),
        }
    }
    Ok(enqueued)
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
            enqueue(tx, &CaptureMailbox { mailbox }).await?;
        } else {
            enqueue(tx, &BackfillMailbox { mailbox }).await?;
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
