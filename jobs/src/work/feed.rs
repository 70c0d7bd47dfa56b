//! The calendar feed: a member's open tasks and the team's, at a secret address.
//!
//! Tasks are all-day events, because the calendars people have show no others.
//! Written by hand to RFC 5545: the crate for it counts characters where lines
//! are folded by bytes, and brings two more crates of dates.

use std::fmt::Write;

use jiff::civil::Date;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::{FromRow, SqliteConnection};

use super::{Repeat, Task, open_for};
use crate::{
    audit::{self, Actor},
    clock::{HOUR, random_bytes},
    db::{Db, DbError, WriteTx},
    grid,
};

/// Events of one feed at most.
const MOST: i64 = 1_000;
/// Bytes of a line at most, its break apart.
const LINE: usize = 75;

/// A member's feed.
#[derive(Clone, Debug, FromRow)]
pub struct Feed {
    /// Its id.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// UTC milliseconds.
    pub created_at: i64,
    /// When a calendar last read it, to the hour.
    pub last_read_at: Option<i64>,
}

fn digest(secret: &str) -> String {
    crate::hex(&Sha256::digest(secret))
}

/// Makes a feed and revokes the one before. Returns its secret, known nowhere
/// else: 32 random bytes.
pub async fn create(
    tx: &mut WriteTx,
    user: &str,
    actor: &Actor,
    ip: &str,
) -> Result<String, DbError> {
    revoke(tx, user).await?;
    let secret = crate::hex(&random_bytes::<32>());
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into calendar_feeds (id, user_id, token_hash, created_at) values (?1, ?2, ?3, ?4)",
    )
    .bind(&id)
    .bind(user)
    .bind(digest(&secret))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let target = format!("user:{user}");
    audit::record(tx, actor, "calendar.created", &target, json!({}), ip).await?;
    Ok(secret)
}

/// Revokes a member's feed. False if there was none.
pub async fn end(tx: &mut WriteTx, user: &str, actor: &Actor, ip: &str) -> Result<bool, DbError> {
    let ended = revoke(tx, user).await?;
    if ended {
        let target = format!("user:{user}");
        audit::record(tx, actor, "calendar.revoked", &target, json!({}), ip).await?;
    }
    Ok(ended)
}

async fn revoke(tx: &mut WriteTx, user: &str) -> Result<bool, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update calendar_feeds set revoked_at = ?2 where user_id = ?1 and revoked_at is null",
    )
    .bind(user)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A member's feed, if they have one.
pub async fn of_user(conn: &mut SqliteConnection, user: &str) -> Result<Option<Feed>, DbError> {
    sqlx::query_as(
        "select id, user_id, created_at, last_read_at from calendar_feeds
         where user_id = ?1 and revoked_at is null order by created_at desc limit 1",
    )
    .bind(user)
    .fetch_optional(conn)
    .await
}

/// The feed of a secret, while it works and its owner may sign in.
pub async fn open(db: &Db, secret: &str) -> Result<Option<Feed>, DbError> {
    let feed: Option<Feed> = sqlx::query_as(
        "select f.id, f.user_id, f.created_at, f.last_read_at
         from calendar_feeds f join users u on u.id = f.user_id
         where f.token_hash = ?1 and f.revoked_at is null and u.disabled_at is null",
    )
    .bind(digest(secret))
    .fetch_optional(db.read())
    .await?;
    let now = db.now();
    if let Some(feed) = &feed
        && feed.last_read_at.is_none_or(|at| at <= now - HOUR)
    {
        touch(db, &feed.id, now).await;
    }
    Ok(feed)
}

/// A feed that cannot be touched still serves.
async fn touch(db: &Db, id: &str, now: i64) {
    let touched = async {
        let mut tx = db.write().await?;
        sqlx::query("update calendar_feeds set last_read_at = ?2 where id = ?1")
            .bind(id)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    if let Err(error) = touched.await {
        tracing::warn!(%error, feed.id = id, "calendar feed {id} not touched");
    }
}

/// The feed as a calendar reads it. `base` is where our pages are.
pub async fn calendar(
    conn: &mut SqliteConnection,
    feed: &Feed,
    today: Date,
    base: &str,
) -> Result<String, DbError> {
    let tasks = open_for(conn, &feed.user_id, today, MOST).await?;
    let rows: Vec<String> = tasks.iter().filter_map(|t| t.row_id.clone()).collect();
    let columns = grid::columns(conn).await?;
    let first = columns.iter().find(|c| !c.hidden);
    let rows = grid::rows_by_id(conn, &rows).await?;
    let title = |task: &Task| {
        let row = rows.iter().find(|r| Some(&r.id) == task.row_id.as_ref())?;
        Some(row.title(first.map_or(&[], std::slice::from_ref)))
    };
    let mut out = Lines::default();
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Venture CRM//Tasks//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Venture CRM tasks",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ] {
        out.line(line);
    }
    for task in &tasks {
        event(&mut out, task, title(task).as_deref(), base);
    }
    out.line("END:VCALENDAR");
    Ok(out.0)
}

fn event(out: &mut Lines, task: &Task, investor: Option<&str>, base: &str) {
    let Some(day) = task.day.as_deref().and_then(|day| day.parse::<Date>().ok()) else {
        return;
    };
    let Ok(end) = day.tomorrow() else {
        return;
    };
    let changed = jiff::Timestamp::from_millisecond(task.updated_at).unwrap_or_default();
    let changed = changed.strftime("%Y%m%dT%H%M%SZ").to_string();
    let link = task.row_id.as_ref().map_or_else(
        || format!("{base}/day"),
        |row| format!("{base}/investors/{row}"),
    );
    out.line("BEGIN:VEVENT");
    // A repeating task goes on under one name, so that it moves and does not multiply.
    let uid = task.series_id.as_deref().unwrap_or(&task.id);
    out.line(&format!("UID:{uid}@tasks.venture-crm"));
    out.line(&format!("DTSTAMP:{changed}"));
    out.line(&format!("LAST-MODIFIED:{changed}"));
    out.line(&day.strftime("DTSTART;VALUE=DATE:%Y%m%d").to_string());
    out.line(&end.strftime("DTEND;VALUE=DATE:%Y%m%d").to_string());
    // Put off, this one is not on the days of its rule.
    if let Some(rule) = &task.repeat
        && task.day == task.due_on
        && let Ok(Some(rule)) = Repeat::parse(rule)
    {
        out.line(&format!("RRULE:{}", rule.rule()));
    }
    let summary = match investor {
        Some(investor) => format!("{} · {investor}", task.title),
        None => task.title.clone(),
    };
    out.text("SUMMARY", &summary);
    let about = [task.note.as_str(), link.as_str()];
    let about: Vec<&str> = about.into_iter().filter(|part| !part.is_empty()).collect();
    out.text("DESCRIPTION", &about.join("\n\n"));
    out.line(&format!("URL:{link}"));
    // A task does not make its day busy.
    out.line("TRANSP:TRANSPARENT");
    out.line("END:VEVENT");
}

/// Lines that end in CRLF and are folded between characters.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn text(&mut self, name: &str, value: &str) {
        let mut line = format!("{name}:");
        for c in value.replace("\r\n", "\n").chars() {
            match c {
                '\\' | ';' | ',' => {
                    line.push('\\');
                    line.push(c);
                }
                '\n' => line.push_str("\\n"),
                c if c.is_control() && c != '\t' => {}
                c => line.push(c),
            }
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        let mut length = 0;
        for c in line.chars() {
            if length + c.len_utf8() > LINE {
                self.0.push_str("\r\n ");
                length = 1;
            }
            let _ = write!(self.0, "{c}");
            length += c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_by_bytes_between_characters() {
        let mut out = Lines::default();
        out.text("SUMMARY", &"老虎, \\ ; \n é\r\n".repeat(20));
        assert!(out.0.ends_with("\r\n"));
        for line in out.0.split("\r\n") {
            assert!(line.len() <= LINE, "{} bytes: {line}", line.len());
            assert!(!line.contains(['\r', '\n']));
        }
        let unfolded = out.0.replace("\r\n ", "");
        assert_eq!(unfolded.matches("\\n").count(), 40);
        assert_eq!(unfolded.matches("\\,").count(), 20);
        assert_eq!(unfolded.matches("老虎").count(), 20);
    }
}
