//! Digests, their summaries and their deliveries, as rows.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::{Facts, Narrative, Rendered, policy};
use crate::{
    clock::{DAY, MINUTE},
    db::{Db, DbError, WriteTx},
    mail,
    queue::JobId,
    spark::SparkError,
};

/// The longest time one digest tells of.
const MOST_DAYS: i64 = 31;

/// Why a digest could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DigestError {
    /// Not there.
    #[error("there is no such digest")]
    Missing,
    /// Nothing to try again.
    #[error("no delivery of this digest has failed")]
    NothingFailed,
    /// A template.
    #[error("the digest cannot be written: {0}")]
    Render(#[from] askama::Error),
    /// Mail cannot leave.
    #[error(transparent)]
    Mail(#[from] mail::MailError),
    /// The model.
    #[error(transparent)]
    Spark(#[from] SparkError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A digest, without its text.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Digest {
    /// Its id.
    pub id: String,
    /// Told from here, UTC milliseconds.
    pub window_from: i64,
    /// Up to here.
    pub window_to: i64,
    /// `building`, `delivering`, `delivered`, `quiet`, `held` or `failed`.
    pub state: String,
    /// Its subject.
    pub subject: String,
    /// `model`, `rule` or `both`; empty: there was nothing to summarize.
    pub narrated_by: String,
    /// Which model.
    pub model: String,
    /// Why a rule had to do.
    pub note: String,
    /// Why it failed.
    pub error: String,
    /// The job that makes it.
    pub job_id: Option<JobId>,
    /// When it was begun.
    pub created_at: i64,
    /// Who asked for it.
    pub created_by: String,
    /// When every delivery was final.
    pub finished_at: Option<i64>,
}

/// One person's copy.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Delivery {
    /// Whose.
    pub user_id: String,
    /// Their name.
    pub name: String,
    /// Where it went.
    pub address: String,
    /// The same each time it is tried.
    pub message_id: String,
    /// `queued`, `sending`, `sent`, `failed`, `unknown` or `skipped`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What the server said.
    pub error: String,
    /// When its state last changed.
    pub at: i64,
}

/// The window of the next digest: from the last delivered one, or from the first
/// that ever failed, up to now; the last day where neither can be.
pub async fn next_window(tx: &mut WriteTx) -> Result<(i64, i64), DbError> {
    let now = tx.now();
    let last: Option<i64> = sqlx::query_scalar(
        "select coalesce((select max(window_to) from digests where state = 'delivered'), (select min(window_from) from digests))",
    )
    .fetch_one(&mut **tx)
    .await?;
    // One that ends in the future was made by a clock that has been put back since.
    let last = last.filter(|last| *last <= now + MINUTE);
    let from = last.unwrap_or(now - DAY).clamp(now - MOST_DAYS * DAY, now);
    Ok((from, now))
}

/// What an earlier job left open, ended for good: what may have gone out counts as
/// told, so that it is not told again.
pub async fn settle_unfinished(tx: &mut WriteTx) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "update digest_deliveries set state = iif(state = 'sending', 'unknown', 'failed'),
           error = iif(error = '', 'the job ended before it was sent', error), at = ?1
         where state in ('queued', 'sending') and digest_id in (select id from digests where state in ('building', 'delivering'))",
    )
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let open: Vec<String> =
        sqlx::query_scalar("select id from digests where state in ('building', 'delivering')")
            .fetch_all(&mut **tx)
            .await?;
    for id in open {
        finish(tx, &id).await?;
    }
    Ok(())
}

/// Begins a digest over the next window.
pub async fn begin(tx: &mut WriteTx, job: JobId, by: &str) -> Result<(String, i64, i64), DbError> {
    settle_unfinished(tx).await?;
    let (from, to) = next_window(tx).await?;
    let id = tx.new_id();
    sqlx::query(
        "insert into digests (id, window_from, window_to, job_id, created_at, created_by) values (?1, ?2, ?3, ?4, ?3, ?5)",
    )
    .bind(&id)
    .bind(from)
    .bind(to)
    .bind(job)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok((id, from, to))
}

/// Keeps what a digest tells.
pub async fn save_facts(tx: &mut WriteTx, id: &str, facts: &Facts) -> Result<(), DbError> {
    let json = serde_json::to_string(facts).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    sqlx::query("update digests set facts = ?2 where id = ?1")
        .bind(id)
        .bind(json)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Keeps a summary. A second one for the same mail changes nothing.
pub async fn save_narrative(tx: &mut WriteTx, id: &str, it: &Narrative) -> Result<(), DbError> {
    let now = tx.now();
    let sentences =
        serde_json::to_string(&it.sentences).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    sqlx::query(
        "insert into digest_narratives (digest_id, user_id, row_id, sentences, told_by, reason, model, at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) on conflict do nothing",
    )
    .bind(id)
    .bind(&it.user_id)
    .bind(&it.row_id)
    .bind(sentences)
    .bind(if it.by_model { "model" } else { "rule" })
    .bind(&it.reason)
    .bind(&it.model)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The summaries there are.
pub async fn narratives(conn: &mut SqliteConnection, id: &str) -> Result<Vec<Narrative>, DbError> {
    let rows: Vec<(String, String, String, String, String, String)> = sqlx::query_as(
        "select user_id, row_id, sentences, told_by, reason, model from digest_narratives where digest_id = ?1",
    )
    .bind(id)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(user_id, row_id, sentences, told_by, reason, model)| {
            Ok(Narrative {
                user_id,
                row_id,
                sentences: serde_json::from_str(&sentences)
                    .map_err(|e| sqlx::Error::Decode(Box::new(e)))?,
                by_model: told_by == "model",
                reason,
                model,
            })
        })
        .collect()
}

/// Keeps the letter and queues one delivery for everybody who is to get it.
pub async fn save_rendered(
    tx: &mut WriteTx,
    db: &Db,
    id: &str,
    letter: &Rendered,
    from: &str,
) -> Result<usize, DbError> {
    let now = tx.now();
    sqlx::query(
        "update digests set subject = ?2, html = ?3, text = ?4, narrated_by = ?5, model = ?6, prompt = ?7, note = ?8, state = 'delivering'
         where id = ?1",
    )
    .bind(id)
    .bind(&letter.subject)
    .bind(&letter.html)
    .bind(&letter.text)
    .bind(letter.narrated_by)
    .bind(&letter.model)
    .bind(crate::spark::prompt::DIGEST.version)
    .bind(&letter.note)
    .execute(&mut **tx)
    .await?;
    let chosen = policy(db).await?.recipients;
    let people: Vec<(String, String)> = sqlx::query_as(
        "select u.id, u.email from users u
         where u.disabled_at is null and iif(?1 is null, u.role = 'admin', u.id in (select value from json_each(?1)))
           and u.id not in (select o.value from settings s, json_each(s.value) o where s.key = 'digest_opt_outs')
         order by u.id",
    )
    .bind(chosen.map(|ids| serde_json::json!(ids).to_string()))
    .fetch_all(&mut **tx)
    .await?;
    for (user, address) in &people {
        sqlx::query(
            "insert into digest_deliveries (digest_id, user_id, address, message_id, at) values (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(id)
        .bind(user)
        .bind(address)
        .bind(mail::message_id(from, id, user))
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    Ok(people.len())
}

/// Deliveries that are not final, those first that were tried least. What was being
/// sent when a worker died is unknown from now on.
pub async fn due_deliveries(tx: &mut WriteTx, id: &str) -> Result<Vec<Delivery>, DbError> {
    let now = tx.now();
    sqlx::query(
        "update digest_deliveries set state = 'unknown', at = ?2,
           error = 'the worker died while it was being sent: it may have arrived'
         where digest_id = ?1 and state = 'sending'",
    )
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    sqlx::query_as(
        "select d.user_id, u.name, d.address, d.message_id, d.state, d.attempts, d.error, d.at
         from digest_deliveries d join users u on u.id = d.user_id
         where d.digest_id = ?1 and d.state = 'queued' order by d.attempts, d.user_id",
    )
    .bind(id)
    .fetch_all(&mut **tx)
    .await
}

/// A letter is about to leave. False: it is not queued any more.
pub async fn mark_sending(
    tx: &mut WriteTx,
    id: &str,
    user: &str,
    address: &str,
) -> Result<bool, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update digest_deliveries set state = 'sending', address = ?3, attempts = attempts + 1, at = ?4
         where digest_id = ?1 and user_id = ?2 and state = 'queued'",
    )
    .bind(id)
    .bind(user)
    .bind(address)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How a delivery ended, or that it is to be tried again.
pub async fn mark(
    tx: &mut WriteTx,
    id: &str,
    user: &str,
    state: &str,
    error: &str,
) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "update digest_deliveries set state = ?3, error = ?4, at = ?5 where digest_id = ?1 and user_id = ?2",
    )
    .bind(id)
    .bind(user)
    .bind(state)
    .bind(error)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends a digest once every delivery is final. It counts as delivered, and the
/// window moves on, if anybody has it or may have it.
pub async fn finish(tx: &mut WriteTx, id: &str) -> Result<&'static str, DbError> {
    let now = tx.now();
    let (told, all): (i64, i64) = sqlx::query_as(
        "select coalesce(sum(state in ('sent', 'unknown')), 0), count(*) from digest_deliveries where digest_id = ?1",
    )
    .bind(id)
    .fetch_one(&mut **tx)
    .await?;
    let (state, error) = match (told, all) {
        (0, 0) => ("failed", "nobody is to get it"),
        (0, _) => ("failed", "it reached nobody; the next one tells it"),
        _ => ("delivered", ""),
    };
    sqlx::query(
        "update digests set state = ?2, finished_at = ?3, error = iif(error = '', ?4, error)
         where id = ?1",
    )
    .bind(id)
    .bind(state)
    .bind(now)
    .bind(error)
    .execute(&mut **tx)
    .await?;
    if state == "delivered" {
        sqlx::query(
            "update digest_notices set told_at = ?2
             where told_at is null and deleted_at is null and at < (select window_to from digests where id = ?1)",
        )
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    Ok(state)
}

/// Ends a digest that goes to nobody: `quiet`, `held` or `failed`.
pub async fn end_untold(
    tx: &mut WriteTx,
    id: &str,
    state: &str,
    error: &str,
) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query("update digests set state = ?2, error = ?3, finished_at = ?4 where id = ?1")
        .bind(id)
        .bind(state)
        .bind(error)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Queues again what failed; what is unknown only if a person says so.
pub async fn resend(tx: &mut WriteTx, id: &str, unknown_too: bool) -> Result<u64, DigestError> {
    let now = tx.now();
    let known: Option<String> = sqlx::query_scalar("select state from digests where id = ?1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?;
    known.ok_or(DigestError::Missing)?;
    let queued = sqlx::query(
        "update digest_deliveries set state = 'queued', error = '', at = ?2
         where digest_id = ?1 and (state = 'failed' or (?3 and state = 'unknown'))",
    )
    .bind(id)
    .bind(now)
    .bind(unknown_too)
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if queued == 0 {
        return Err(DigestError::NothingFailed);
    }
    Ok(queued)
}

/// Digests, the newest first.
pub async fn history(db: &Db, before: Option<i64>, limit: i64) -> Result<Vec<Digest>, DbError> {
    sqlx::query_as(
        "select id, window_from, window_to, state, subject, narrated_by, model, note, error, job_id, created_at, created_by, finished_at
         from digests where created_at < ?1 order by created_at desc, id desc limit ?2",
    )
    .bind(before.unwrap_or(i64::MAX))
    .bind(limit)
    .fetch_all(db.read())
    .await
}

/// One digest with its HTML and its text.
pub async fn by_id(db: &Db, id: &str) -> Result<Option<(Digest, String, String)>, DbError> {
    let found: Option<Digest> = sqlx::query_as(
        "select id, window_from, window_to, state, subject, narrated_by, model, note, error, job_id, created_at, created_by, finished_at
         from digests where id = ?1",
    )
    .bind(id)
    .fetch_optional(db.read())
    .await?;
    let Some(digest) = found else {
        return Ok(None);
    };
    let (html, text): (String, String) =
        sqlx::query_as("select html, text from digests where id = ?1")
            .bind(id)
            .fetch_one(db.read())
            .await?;
    Ok(Some((digest, html, text)))
}

/// Who got it, by name.
pub async fn deliveries(db: &Db, id: &str) -> Result<Vec<Delivery>, DbError> {
    sqlx::query_as(
        "select d.user_id, u.name, d.address, d.message_id, d.state, d.attempts, d.error, d.at
         from digest_deliveries d join users u on u.id = d.user_id where d.digest_id = ?1 order by u.name, u.id",
    )
    .bind(id)
    .fetch_all(db.read())
    .await
}
