//! Reading mailboxes: the past by pages, what is new by history. Nothing is
//! fetched while a transaction is open; each batch is kept with its place, so a
//! crash loses and doubles nothing.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Again, Mailbox, Message, Stored, Taken, Team, Trouble, catch_up,
    gmail::{Gmail, Got, Step},
    mailboxes::find,
    parse,
    store::{forget, store},
    text::wait,
};
use crate::{
    audit::{self, Actor},
    clock::DAY,
    queue::{Context, JobError, OrFail, reached},
};

/// Messages fetched before they are kept.
const BATCH: usize = 20;
/// How long one run reads before it lets others have its place.
const TURN: Duration = Duration::from_mins(8);
/// How far back mail is compared when Gmail's history is gone.
const RESYNC_DAYS: i64 = 45;
/// Pages of one history; more is a resync.
const MOST_PAGES: usize = 200;
/// Labels of what is not mail that somebody sent or got.
const NOT_MAIL: [&str; 4] = ["SPAM", "TRASH", "DRAFT", "CHAT"];

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is read.
    Done,
    /// There is more: come again.
    More,
    /// Nobody wants it read any more.
    Unwanted,
}

/// A mailbox being read.
struct Reading<'a> {
    cx: &'a Context,
    mailbox: Mailbox,
    team: Team,
    gmail: Gmail,
    until: Instant,
    news: usize,
    matched: usize,
}

enum Stop {
    Gmail(Trouble),
    Job(JobError),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Gmail(trouble)
    }
}

impl From<JobError> for Stop {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

/// Reads the past, from where it stands.
pub async fn backfill(cx: &Context, mailbox: &str) -> Result<Ended, JobError> {
    run(cx, mailbox, true).await
}

/// Reads what is new.
pub async fn capture(cx: &Context, mailbox: &str) -> Result<Ended, JobError> {
    run(cx, mailbox, false).await
}

async fn run(cx: &Context, id: &str, past: bool) -> Result<Ended, JobError> {
    let mut conn = cx.db().read().acquire().await.or_retry()?;
    let mailbox = find(&mut conn, id).await.or_retry()?;
    let Some(mailbox) = mailbox.filter(|m| m.state == "active") else {
        return Ok(Ended::Unwanted);
    };
    drop(conn);
    catch_up(cx.db()).await.or_retry()?;
    match read(cx, mailbox, past).await {
        Ok(ended) => Ok(ended),
        Err(Stop::Job(error)) => Err(error),
        Err(Stop::Gmail(trouble)) => {
            fail(cx, id, &trouble).await?;
            Err(wait(&trouble))
        }
    }
}

async fn read(cx: &Context, mailbox: Mailbox, past: bool) -> Result<Ended, Stop> {
    let gmail = Gmail::of(cx.db(), &mailbox.address).await?;
    let mut conn = cx.db().read().acquire().await.or_retry()?;
    let team = Team::load(&mut conn).await.or_retry()?;
    drop(conn);
    let is_backfilled = mailbox.backfilled_at.is_some();
    let mut reading = Reading {
        cx,
        mailbox,
        team,
        gmail,
        until: Instant::now() + TURN,
        news: 0,
        matched: 0,
    };
    let ended = if past && !is_backfilled {
        reading.past().await?
    } else {
        reading.news().await?
    };
    cx.log(format!(
        "{} new emails, {} of them concern an investor",
        reading.news, reading.matched
    ));
    Ok(ended)
}

impl Reading<'_> {
    async fn past(&mut self) -> Result<Ended, Stop> {
        if self.mailbox.history_id.is_none() {
            // Before the first page: what comes meanwhile is found by history.
            let profile = self.gmail.profile().await?;
            let mut tx = self.cx.write().await?;
            sqlx::query(
                "update mailboxes set history_id = ?2 where id = ?1 and history_id is null",
            )
            .bind(&self.mailbox.id)
            .bind(&profile.history_id)
            .execute(&mut *tx)
            .await
            .or_retry()?;
            tx.commit().await.or_retry()?;
            self.mailbox.history_id = Some(profile.history_id);
        }
        let mut cursor = self.mailbox.backfill_cursor.clone();
        loop {
            let page = self
                .gmail
                .list(self.mailbox.starts_at, cursor.as_deref())
                .await;
            let page = match page {
                // A page token does not last for ever; what is known is skipped quickly.
                Err(trouble) if cursor.is_some() && trouble.code == "refused" => {
                    cursor = None;
                    continue;
                }
                other => other?,
            };
            let ids: Vec<String> = page.messages.into_iter().map(|m| m.id).collect();
            self.estimate(page.result_size_estimate).await?;
            self.fetch(&ids, true).await?;
            reached("before_backfill_page");
            let mut tx = self.cx.write().await?;
            let now = tx.now();
            sqlx::query(
                "update mailboxes set backfill_cursor = ?2,
                        backfilled_at = iif(?2 is null, ?3, null), synced_at = iif(?2 is null, ?3, synced_at),
                        backfill_total = iif(?2 is null, backfill_done, backfill_total),
                        error_code = null, error = null, failed_at = null, failures = 0
                 where id = ?1",
            )
            .bind(&self.mailbox.id)
            .bind(&page.next_page_token)
            .bind(now)
            .execute(&mut *tx)
            .await
            .or_retry()?;
            tx.commit().await.or_retry()?;
            reached("after_backfill_page");
            let Some(next) = page.next_page_token else {
                return Ok(Ended::Done);
            };
            cursor = Some(next);
            if Instant::now() > self.until {
                return Ok(Ended::More);
            }
        }
    }

    /// Gmail's guess grows while one reads.
    async fn estimate(&mut self, guess: i64) -> Result<(), Stop> {
        let mut tx = self.cx.write().await?;
        let (done, total): (i64, i64) = sqlx::query_as(
            "update mailboxes set backfill_total = max(coalesce(backfill_total, 0), ?2, backfill_done) where id = ?1
             returning backfill_done, backfill_total",
        )
        .bind(&self.mailbox.id)
        .bind(guess)
        .fetch_one(&mut *tx)
        .await
        .or_retry()?;
        tx.commit().await.or_retry()?;
        self.cx.progress(done, total, "reading the past");
        Ok(())
    }

    async fn news(&mut self) -> Result<Ended, Stop> {
        let Some(since) = self.mailbox.history_id.clone() else {
            return self.resync().await;
        };
        let (mut page, mut pages) = (None::<String>, 0);
        let latest = loop {
            let found = self.gmail.history(&since, page.as_deref()).await;
            let found = match found {
                Err(trouble) if trouble.again == Again::Gone => return self.resync().await,
                other => other?,
            };
            self.follow(&found.history).await?;
            pages += 1;
            if found.next_page_token.is_none() {
                break found.history_id;
            }
            if pages > MOST_PAGES {
                return self.resync().await;
            }
            page = found.next_page_token;
        };
        self.stands_at(&latest).await?;
        Ok(Ended::Done)
    }

    /// What a page of history tells: what came, what went.
    async fn follow(&mut self, steps: &[Step]) -> Result<(), Stop> {
        let (mut came, mut went) = (Vec::new(), Vec::new());
        let is_out = |labels: &[String]| {
            labels
                .iter()
                .any(|l| matches!(l.as_str(), "TRASH" | "SPAM"))
        };
        for step in steps {
            came.extend(step.messages_added.iter().map(|a| a.message.id.clone()));
            for about in &step.labels_removed {
                // Back from the bin, unless it went there again.
                if !is_out(&about.message.label_ids) {
                    went.retain(|id| *id != about.message.id);
                    came.push(about.message.id.clone());
                }
            }
            let gone = step.messages_deleted.iter();
            let binned = step
                .labels_added
                .iter()
                .filter(|a| is_out(&a.message.label_ids));
            for about in gone.chain(binned) {
                came.retain(|id| *id != about.message.id);
                went.push(about.message.id.clone());
            }
        }
        came.sort_unstable();
        came.dedup();
        if !went.is_empty() {
            let mut tx = self.cx.write().await?;
            forget(&mut tx, &self.mailbox.id, &went).await.or_retry()?;
            tx.commit().await.or_retry()?;
        }
        self.fetch(&came, false).await
    }

    /// Gmail's history does not reach back far enough: the last weeks are compared.
    async fn resync(&mut self) -> Result<Ended, Stop> {
        let profile = self.gmail.profile().await?;
        let now = self.cx.db().now();
        let last = self.mailbox.synced_at.map_or(0, |at| at - 2 * DAY);
        let since = last
            .max(now - RESYNC_DAYS * DAY)
            .max(self.mailbox.starts_at);
        self.cx
            .log("Gmail keeps no history that old: comparing the last weeks");
        let (mut page, mut listed) = (None::<String>, Vec::new());
        loop {
            let found = self.gmail.list(since, page.as_deref()).await?;
            let ids: Vec<String> = found.messages.into_iter().map(|m| m.id).collect();
            self.fetch(&ids, false).await?;
            listed.extend(ids);
            page = found.next_page_token;
            if page.is_none() {
                break;
            }
        }
        let vanished: Vec<String> = sqlx::query_scalar(
            "select s.gmail_id from email_sightings s join emails e on e.id = s.email_id
             where s.mailbox_id = ?1 and s.deleted_at is null and e.sent_at > ?2
               and s.gmail_id not in (select value from json_each(?3))",
        )
        .bind(&self.mailbox.id)
        // A message right at the edge may be listed or not.
        .bind(since + DAY)
        .bind(Value::from(listed).to_string())
        .fetch_all(self.cx.db().read())
        .await
        .or_retry()?;
        let mut tx = self.cx.write().await?;
        forget(&mut tx, &self.mailbox.id, &vanished)
            .await
            .or_retry()?;
        tx.commit().await.or_retry()?;
        self.stands_at(&profile.history_id).await?;
        Ok(Ended::Done)
    }

    async fn stands_at(&mut self, history_id: &str) -> Result<(), Stop> {
        let mut tx = self.cx.write().await?;
        let now = tx.now();
        sqlx::query(
            "update mailboxes set history_id = iif(?2 = '', history_id, ?2), synced_at = ?3,
                    error_code = null, error = null, failed_at = null, failures = 0 where id = ?1",
        )
        .bind(&self.mailbox.id)
        .bind(history_id)
        .bind(now)
        .execute(&mut *tx)
        .await
        .or_retry()?;
        tx.commit().await.or_retry()?;
        Ok(())
    }

    /// Fetches and keeps those that are not known, a batch at a time.
    async fn fetch(&mut self, ids: &[String], counts: bool) -> Result<(), Stop> {
        let unknown: Vec<String> = sqlx::query_scalar(
            "select a.value from json_each(?2) a left join email_sightings s on s.mailbox_id = ?1 and s.gmail_id = a.value
             where s.gmail_id is null or s.deleted_at is not null order by a.key",
        )
        .bind(&self.mailbox.id)
        .bind(Value::from(ids.to_vec()).to_string())
        .fetch_all(self.cx.db().read())
        .await
        .or_retry()?;
        for batch in unknown.chunks(BATCH) {
            self.cx.check_cancelled()?;
            let mut messages = Vec::with_capacity(batch.len());
            for id in batch {
                messages.push(self.one(id).await?);
            }
            let mut tx = self.cx.write().await?;
            for message in &messages {
                let stored: Stored = store(&mut tx, &self.mailbox, &self.team, message)
                    .await
                    .or_retry()?;
                self.news += usize::from(stored.is_new);
                self.matched += usize::from(stored.is_newly_matched);
            }
            if counts {
                sqlx::query(
                    "update mailboxes set backfill_done = backfill_done + ?2 where id = ?1",
                )
                .bind(&self.mailbox.id)
                .bind(i64::try_from(messages.len()).unwrap_or(0))
                .execute(&mut *tx)
                .await
                .or_retry()?;
            }
            reached("before_emails_commit");
            tx.commit().await.or_retry()?;
            reached("after_emails_commit");
        }
        Ok(())
    }

    async fn one(&mut self, id: &str) -> Result<Message, Stop> {
        let left_out = |thread: String, labels| Message {
            gmail_id: id.to_owned(),
            gmail_thread_id: thread,
            labels,
            internal_date: None,
            taken: Taken::LeftOut,
        };
        let got = match self.gmail.message(id).await {
            // One that is too large stops nothing.
            Err(trouble) if trouble.code == "too_large" => {
                return Ok(Message {
                    taken: Taken::Broken(trouble.message, format!("too large: {id}"), 0),
                    ..left_out(String::new(), Vec::new())
                });
            }
            other => other?,
        };
        let Some(Got {
            id: about,
            internal_date,
            raw,
        }) = got
        else {
            return Ok(left_out(String::new(), Vec::new()));
        };
        let is_early = internal_date.is_some_and(|at| at < self.mailbox.starts_at);
        if is_early
            || about
                .label_ids
                .iter()
                .any(|l| NOT_MAIL.contains(&l.as_str()))
        {
            return Ok(left_out(about.thread_id, about.label_ids));
        }
        let (size, key) = (raw.len(), super::parse::raw_key(&raw));
        let taken = match parse(raw).await {
            Ok(parsed) => Taken::Parsed(Box::new(parsed)),
            Err(error) => Taken::Broken(error, key, size),
        };
        Ok(Message {
            gmail_id: id.to_owned(),
            gmail_thread_id: about.thread_id,
            labels: about.label_ids,
            internal_date,
            taken,
        })
    }
}

/// Says on the mailbox's page what went wrong and what to do.
async fn fail(cx: &Context, id: &str, trouble: &Trouble) -> Result<(), JobError> {
    let mut tx = cx.write().await?;
    let now = tx.now();
    let before: Option<String> =
        sqlx::query_scalar("select error_code from mailboxes where id = ?1")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await
            .or_retry()?
            .flatten();
    if before.as_deref() != Some(trouble.code) {
        // Told once, not with every try.
        let what = json!({ "code": trouble.code, "why": trouble.message });
        audit::record(
            &mut tx,
            &Actor::System,
            "mailbox.failed",
            &format!("mailbox:{id}"),
            what,
            "",
        )
        .await
        .or_retry()?;
    }
    sqlx::query(
        "update mailboxes set error_code = ?2, error = ?3, failed_at = ?4, failures = failures + 1 where id = ?1",
    )
    .bind(id)
    .bind(trouble.code)
    .bind(&trouble.message)
    .bind(now)
    .execute(&mut *tx)
    .await
    .or_retry()?;
    tx.commit().await.or_retry()
}
