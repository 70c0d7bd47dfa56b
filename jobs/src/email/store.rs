//! Keeping one message: once, however many mailboxes it is in.

use serde_json::Value;
use sqlx::FromRow;

use super::{Mailbox, Parsed, Privacy, Team, book, near};
use crate::db::{DbError, WriteTx};

/// What became of a message that Gmail listed.
#[derive(Clone, Debug)]
pub enum Taken {
    /// Read.
    Parsed(Box<Parsed>),
    /// No message: why, its key and its size.
    Broken(String, String, usize),
    /// A draft, spam, the bin or chat; or gone before it could be had.
    LeftOut,
}

/// A message as a mailbox has it.
#[derive(Clone, Debug)]
pub struct Message {
    /// In this mailbox.
    pub gmail_id: String,
    /// In this mailbox.
    pub gmail_thread_id: String,
    /// Where it lies there.
    pub labels: Vec<String>,
    /// When Gmail took it, UTC milliseconds.
    pub internal_date: Option<i64>,
    /// What is in it.
    pub taken: Taken,
}

/// What was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The email; none for what was left out.
    pub email: Option<String>,
    /// It was not known from another mailbox.
    pub is_new: bool,
    /// It concerns an investor, and did not before.
    pub is_newly_matched: bool,
}

#[derive(FromRow)]
struct Known {
    id: String,
    from_address: String,
    privacy: Privacy,
    is_matched: bool,
    needs_text: bool,
}

/// Keeps a message that a mailbox has. Safe to repeat.
pub async fn store(
    tx: &mut WriteTx,
    mailbox: &Mailbox,
    team: &Team,
    message: &Message,
) -> Result<Stored, DbError> {
    let seen: Option<Option<String>> = sqlx::query_scalar(
        "select email_id from email_sightings where mailbox_id = ?1 and gmail_id = ?2 and deleted_at is null",
    )
    .bind(&mailbox.id)
    .bind(&message.gmail_id)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(Some(email)) = seen {
        return Ok(Stored {
            email: Some(email),
            ..Stored::default()
        });
    }
    let stored = match &message.taken {
        Taken::LeftOut => Stored::default(),
        Taken::Broken(error, key, size) => {
            broken(tx, mailbox, message, (error, key, *size)).await?
        }
        Taken::Parsed(parsed) => keep(tx, mailbox, team, message, parsed).await?,
    };
    let now = tx.now();
    sqlx::query(
        "insert into email_sightings (mailbox_id, gmail_id, gmail_thread_id, email_id, labels, seen_at)
         values (?1, ?2, ?3, ?4, ?5, ?6)
         on conflict (mailbox_id, gmail_id) do update
         set email_id = excluded.email_id, labels = excluded.labels, deleted_at = null",
    )
    .bind(&mailbox.id)
    .bind(&message.gmail_id)
    .bind(&message.gmail_thread_id)
    .bind(&stored.email)
    .bind(Value::from(message.labels.clone()).to_string())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(stored)
}

async fn known(tx: &mut WriteTx, key: &str) -> Result<Option<Known>, DbError> {
    sqlx::query_as(
        "select id, from_address, privacy, is_matched, needs_text from emails where message_key = ?1",
    )
    .bind(key)
    .fetch_optional(&mut **tx)
    .await
}

async fn keep(
    tx: &mut WriteTx,
    mailbox: &Mailbox,
    team: &Team,
    message: &Message,
    parsed: &Parsed,
) -> Result<Stored, DbError> {
    let from = parsed.from.as_ref().map_or("", |p| p.address.as_str());
    let mut key = parsed.key.clone();
    let mut found = known(tx, &key).await?;
    if found.as_ref().is_some_and(|k| k.from_address != from) {
        // Somebody else used the key of another's message: it must not hide theirs.
        key = format!("{key} from {from}");
        found = known(tx, &key).await?;
    }
    let Some(before) = found else {
        let id = insert(tx, mailbox, team, message, parsed, &key).await?;
        let is_newly_matched = book::match_new(tx, team, &id).await?;
        if is_newly_matched {
            fill(tx, &id, parsed).await?;
        } else {
            near::look(tx, team, parsed).await?;
        }
        return Ok(Stored {
            email: Some(id),
            is_new: true,
            is_newly_matched,
        });
    };
    let privacy = before.privacy.max(mailbox.privacy);
    sqlx::query("update emails set privacy = ?2, deleted_at = null where id = ?1")
        .bind(&before.id)
        .bind(privacy.as_str())
        .execute(&mut **tx)
        .await?;
    if before.is_matched && (before.needs_text || privacy > before.privacy) {
        fill(tx, &before.id, parsed).await?;
    }
    Ok(Stored {
        email: Some(before.id),
        ..Stored::default()
    })
}

async fn insert(
    tx: &mut WriteTx,
    mailbox: &Mailbox,
    team: &Team,
    message: &Message,
    parsed: &Parsed,
    key: &str,
) -> Result<String, DbError> {
    let (id, now) = (tx.new_id(), tx.now());
    // Gmail says when it came; what a message says of itself may be anything.
    let sent_at = message
        .internal_date
        .or(parsed.date.filter(|d| (0..=now).contains(d)))
        .unwrap_or(now);
    let thread = thread_of(tx, mailbox, message, parsed, sent_at).await?;
    let from = parsed.from.as_ref();
    sqlx::query(
        "insert into emails (id, message_key, thread_id, sent_at, from_name, from_address, direction, privacy, size_bytes, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .bind(&id)
    .bind(key)
    .bind(&thread)
    .bind(sent_at)
    .bind(from.map_or("", |p| &p.name))
    .bind(from.map_or("", |p| &p.address))
    .bind(direction(team, parsed))
    .bind(mailbox.privacy.as_str())
    .bind(i64::try_from(parsed.size).unwrap_or(i64::MAX))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let people: Vec<Value> = parsed
        .people
        .iter()
        .map(|p| serde_json::json!([p.role, p.address, p.name]))
        .collect();
    sqlx::query(
        "insert into email_people (email_id, role, address, name)
         select ?1, value ->> 0, value ->> 1, value ->> 2 from json_each(?2) where true on conflict do nothing",
    )
    .bind(&id)
    .bind(Value::from(people).to_string())
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into email_references (email_id, message_key) select ?1, value from json_each(?2) where true on conflict do nothing",
    )
    .bind(&id)
    .bind(Value::from(parsed.references.clone()).to_string())
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

fn direction(team: &Team, parsed: &Parsed) -> &'static str {
    let is_own = parsed
        .from
        .as_ref()
        .is_some_and(|p| team.is_ours(&p.address));
    let mut others = parsed
        .people
        .iter()
        .filter(|p| p.role != "from" && p.role != "reply_to");
    match (is_own, others.any(|p| !team.is_ours(&p.address))) {
        (false, _) => "in",
        (true, true) => "out",
        (true, false) => "internal",
    }
}

/// The thread a message belongs to: Gmail's own, or that of a message it answers
/// or that answers it. Threads that turn out to be one become one.
async fn thread_of(
    tx: &mut WriteTx,
    mailbox: &Mailbox,
    message: &Message,
    parsed: &Parsed,
    sent_at: i64,
) -> Result<String, DbError> {
    let found: Vec<String> = sqlx::query_scalar(
        "select thread_id from (
           select e.thread_id from email_sightings s join emails e on e.id = s.email_id
           where s.mailbox_id = ?1 and s.gmail_thread_id = ?2
           union select thread_id from emails where message_key in (select value from json_each(?3))
           union select e.thread_id from email_references r join emails e on e.id = r.email_id where r.message_key = ?4)
         order by thread_id limit 20",
    )
    .bind(&mailbox.id)
    .bind(&message.gmail_thread_id)
    .bind(Value::from(parsed.references.clone()).to_string())
    .bind(&parsed.key)
    .fetch_all(&mut **tx)
    .await?;
    let Some((kept, merged)) = found.split_first() else {
        let id = tx.new_id();
        sqlx::query("insert into email_threads (id, first_at, last_at) values (?1, ?2, ?2)")
            .bind(&id)
            .bind(sent_at)
            .execute(&mut **tx)
            .await?;
        return Ok(id);
    };
    for other in merged {
        for sql in [
            "update emails set thread_id = ?1 where thread_id = ?2",
            "update or ignore email_proposals set thread_id = ?1 where thread_id = ?2",
            "update email_threads set first_at = min(email_threads.first_at, o.first_at), last_at = max(email_threads.last_at, o.last_at)
             from (select first_at, last_at from email_threads where id = ?2) o where email_threads.id = ?1",
            "delete from email_threads where id = ?2 and ?1 <> ?2
               and not exists (select 1 from email_proposals where thread_id = ?2)",
        ] {
            sqlx::query(sql).bind(kept).bind(other).execute(&mut **tx).await?;
        }
    }
    sqlx::query("update email_threads set first_at = min(first_at, ?2), last_at = max(last_at, ?2) where id = ?1")
        .bind(kept)
        .bind(sent_at)
        .execute(&mut **tx)
        .await?;
    Ok(kept.clone())
}

/// Writes what may be kept of a message that concerns somebody.
pub(super) async fn fill(tx: &mut WriteTx, id: &str, parsed: &Parsed) -> Result<(), DbError> {
    sqlx::query(
        "update emails set needs_text = 0,
                subject = iif(privacy = 'metadata', '', ?2),
                body = iif(privacy = 'body', ?3, ''), said = iif(privacy = 'body', ?4, '')
         where id = ?1 and is_matched = 1",
    )
    .bind(id)
    .bind(&parsed.subject)
    .bind(&parsed.body)
    .bind(&parsed.said)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "update email_threads set subject = ?2
         where subject = '' and id = (select thread_id from emails where id = ?1 and privacy <> 'metadata' and is_matched = 1)",
    )
    .bind(id)
    .bind(&parsed.subject)
    .execute(&mut **tx)
    .await?;
    for part in &parsed.parts {
        let part_id = tx.new_id();
        sqlx::query(
            "insert into email_attachments (id, email_id, name, media_type, size_bytes, part)
             select ?1, id, ?3, ?4, ?5, ?6 from emails where id = ?2 and is_matched = 1 and privacy = 'body'
             on conflict do nothing",
        )
        .bind(&part_id)
        .bind(id)
        .bind(&part.name)
        .bind(&part.media_type)
        .bind(i64::try_from(part.size).unwrap_or(i64::MAX))
        .bind(i64::try_from(part.at).unwrap_or(i64::MAX))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// A message that cannot be read is on record with its reason, once.
async fn broken(
    tx: &mut WriteTx,
    mailbox: &Mailbox,
    message: &Message,
    (error, key, size): (&str, &str, usize),
) -> Result<Stored, DbError> {
    if let Some(before) = known(tx, key).await? {
        return Ok(Stored {
            email: Some(before.id),
            ..Stored::default()
        });
    }
    let (id, thread, now) = (tx.new_id(), tx.new_id(), tx.now());
    let at = message.internal_date.unwrap_or(now);
    sqlx::query("insert into email_threads (id, first_at, last_at) values (?1, ?2, ?2)")
        .bind(&thread)
        .bind(at)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "insert into emails (id, message_key, thread_id, sent_at, direction, privacy, size_bytes, parse_error, created_at)
         values (?1, ?2, ?3, ?4, 'in', ?5, ?6, ?7, ?8)",
    )
    .bind(&id)
    .bind(key)
    .bind(&thread)
    .bind(at)
    .bind(mailbox.privacy.as_str())
    .bind(i64::try_from(size).unwrap_or(i64::MAX))
    .bind(error)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(Stored {
        email: Some(id),
        is_new: true,
        is_newly_matched: false,
    })
}

/// What Gmail threw away is gone from here once no mailbox has it.
pub(super) async fn forget(
    tx: &mut WriteTx,
    mailbox: &str,
    gmail_ids: &[String],
) -> Result<(), DbError> {
    let now = tx.now();
    let ids = Value::from(gmail_ids.to_vec()).to_string();
    sqlx::query(
        "update email_sightings set deleted_at = ?3
         where mailbox_id = ?1 and gmail_id in (select value from json_each(?2)) and deleted_at is null",
    )
    .bind(mailbox)
    .bind(&ids)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "update emails set deleted_at = ?3 where deleted_at is null
           and id in (select email_id from email_sightings
                      where mailbox_id = ?1 and gmail_id in (select value from json_each(?2)) and email_id is not null)
           and not exists (select 1 from email_sightings s join mailboxes m on m.id = s.mailbox_id
                           where s.email_id = emails.id and s.deleted_at is null and m.deleted_at is null)",
    )
    .bind(mailbox)
    .bind(&ids)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
