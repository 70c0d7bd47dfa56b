//! Reading captured mail: only what concerns an investor there is.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::{Privacy, Trouble, gmail::Gmail, parse, text::place};
use crate::db::{Db, DbError};

/// Bytes of an attachment that is handed out.
pub const MAX_ATTACHMENT: usize = 25_000_000;

/// Which emails.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Of this investor.
    pub row: Option<&'a str>,
    /// With this contact.
    pub contact: Option<&'a str>,
    /// `in` or `out`.
    pub direction: Option<&'a str>,
    /// With these words.
    pub search: Option<&'a str>,
    /// Behind this time and id, the newest first.
    pub before: Option<(i64, &'a str)>,
}

/// An email in a list.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct EmailLine {
    /// Its id.
    pub id: String,
    /// Its thread.
    pub thread_id: String,
    /// UTC milliseconds.
    pub sent_at: i64,
    /// As written.
    pub from_name: String,
    /// Lower case.
    pub from_address: String,
    /// `in`, `out` or `internal`, as the team sees it.
    pub direction: String,
    /// Empty where it may not be kept.
    pub subject: String,
    /// The beginning of what its writer said; empty where it may not be kept.
    pub said: String,
    /// What may be kept of it.
    pub privacy: Privacy,
    /// How many files are attached.
    pub attachments: i64,
    /// One of the investors it concerns.
    pub row_id: String,
    /// Its name.
    pub investor: String,
}

/// Somebody an email names.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct EmailPerson {
    /// `from`, `to`, `cc`, `bcc` or `reply_to`.
    pub role: String,
    /// Lower case.
    pub address: String,
    /// As written.
    pub name: String,
}

/// An investor an email concerns, and why.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Investor {
    /// The row.
    pub row_id: String,
    /// Its name.
    pub name: String,
    /// `contact`, `domain`, `address` or `person`.
    pub rule: String,
    /// The contact, if one was recognised.
    pub contact_id: Option<String>,
}

/// A file of an email. Its bytes stay with Gmail until they are asked for.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// A file name.
    pub name: String,
    /// By its own account.
    pub media_type: String,
    /// Its size.
    pub size_bytes: i64,
    #[serde(skip)]
    pub(super) part: i64,
    #[serde(skip)]
    pub(super) email_id: String,
}

/// An email with all that is kept of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EmailFull {
    /// As in lists.
    #[serde(flatten)]
    pub line: EmailLine,
    /// The whole text, quotations too.
    pub body: String,
    /// Everybody it names.
    pub people: Vec<EmailPerson>,
    /// Whom it concerns.
    pub investors: Vec<Investor>,
    /// Its files.
    pub files: Vec<Attachment>,
}

/// Emails that concern an investor, the newest first, at most `limit`.
pub async fn list(
    conn: &mut SqliteConnection,
    filter: &Filter<'_>,
    limit: i64,
) -> Result<Vec<EmailLine>, DbError> {
    let (at, id) = filter.before.unwrap_or((i64::MAX, ""));
    let words = filter
        .search
        .map(crate::search::expression_of)
        .filter(|w| !w.is_empty());
    if let Some(row) = filter.row {
        return sqlx::query_as(
            "select e.id, e.thread_id, e.sent_at, e.from_name, e.from_address, e.direction, e.subject, substr(e.said, 1, 400) as said,
                    e.privacy, (select count(*) from email_attachments a where a.email_id = e.id) as attachments,
                    l.row_id, coalesce(f.name, '') as investor
             from email_links l join emails e on e.id = l.email_id
             join grid_rows r on r.id = l.row_id and r.deleted_at is null
             left join fundraising_investors f on f.id = l.row_id
             where l.row_id = ?1 and l.deleted_at is null and e.is_matched = 1 and e.deleted_at is null
               and (l.sent_at, l.email_id) < (?2, ?3)
               and (?4 is null or e.direction = ?4)
               and (?5 is null or exists (select 1 from email_people p join email_book b on b.key = p.address where p.email_id = e.id and b.contact_id = ?5))
               and (?6 is null or e.id in (select s.thing_id from search_index x join search_entries s on s.id = x.rowid where s.kind = 'email' and search_index match ?6))
             order by l.sent_at desc, l.email_id desc limit ?7",
        )
        .bind(row)
        .bind(at)
        .bind(id)
        .bind(filter.direction)
        .bind(filter.contact)
        .bind(words)
        .bind(limit.clamp(1, 200))
        .fetch_all(conn)
        .await;
    }
    sqlx::query_as(
        "select e.id, e.thread_id, e.sent_at, e.from_name, e.from_address, e.direction, e.subject, substr(e.said, 1, 400) as said,
                e.privacy, (select count(*) from email_attachments a where a.email_id = e.id) as attachments,
                l.row_id, coalesce(f.name, '') as investor
         from emails e
         join email_links l on l.email_id = e.id and l.deleted_at is null
           and l.row_id = (select min(k.row_id) from email_links k join grid_rows r on r.id = k.row_id and r.deleted_at is null
                           where k.email_id = e.id and k.deleted_at is null)
         left join fundraising_investors f on f.id = l.row_id
         where e.is_matched = 1 and e.deleted_at is null and (e.sent_at, e.id) < (?1, ?2)
           and (?3 is null or e.direction = ?3)
           and (?4 is null or exists (select 1 from email_people p join email_book b on b.key = p.address where p.email_id = e.id and b.contact_id = ?4))
           and (?5 is null or e.id in (select s.thing_id from search_index x join search_entries s on s.id = x.rowid where s.kind = 'email' and search_index match ?5))
         order by e.sent_at desc, e.id desc limit ?6",
    )
    .bind(at)
    .bind(id)
    .bind(filter.direction)
    .bind(filter.contact)
    .bind(words)
    .bind(limit.clamp(1, 200))
    .fetch_all(conn)
    .await
}

/// How many emails concern an investor.
pub async fn count(conn: &mut SqliteConnection) -> Result<i64, DbError> {
    sqlx::query_scalar("select count(*) from emails where is_matched = 1 and deleted_at is null")
        .fetch_one(conn)
        .await
}

/// One email with all that is kept; none if it concerns nobody.
pub async fn email(conn: &mut SqliteConnection, id: &str) -> Result<Option<EmailFull>, DbError> {
    let line: Option<EmailLine> = sqlx::query_as(
        "select e.id, e.thread_id, e.sent_at, e.from_name, e.from_address, e.direction, e.subject, e.said,
                e.privacy, (select count(*) from email_attachments a where a.email_id = e.id) as attachments,
                l.row_id, coalesce(f.name, '') as investor
         from emails e
         join email_links l on l.email_id = e.id and l.deleted_at is null
           and l.row_id = (select min(k.row_id) from email_links k join grid_rows r on r.id = k.row_id and r.deleted_at is null
                           where k.email_id = e.id and k.deleted_at is null)
         left join fundraising_investors f on f.id = l.row_id
         where e.id = ?1 and e.is_matched = 1 and e.deleted_at is null",
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await?;
    match line {
        Some(line) => Ok(Some(full(conn, line).await?)),
        None => Ok(None),
    }
}

async fn full(conn: &mut SqliteConnection, line: EmailLine) -> Result<EmailFull, DbError> {
    let body: String = sqlx::query_scalar("select body from emails where id = ?1")
        .bind(&line.id)
        .fetch_one(&mut *conn)
        .await?;
    let people = sqlx::query_as("select role, address, name from email_people where email_id = ?1 order by role, address limit 200")
        .bind(&line.id)
        .fetch_all(&mut *conn)
        .await?;
    let investors = sqlx::query_as(
        "select l.row_id, coalesce(f.name, '') as name, l.rule, l.contact_id
         from email_links l join grid_rows r on r.id = l.row_id and r.deleted_at is null
         left join fundraising_investors f on f.id = l.row_id
         where l.email_id = ?1 and l.deleted_at is null order by name, l.row_id limit 50",
    )
    .bind(&line.id)
    .fetch_all(&mut *conn)
    .await?;
    let files = sqlx::query_as(
        "select id, name, media_type, size_bytes, part, email_id from email_attachments where email_id = ?1 order by part limit 100",
    )
    .bind(&line.id)
    .fetch_all(conn)
    .await?;
    Ok(EmailFull {
        line,
        body,
        people,
        investors,
        files,
    })
}

/// The emails of a thread that concern an investor, the oldest first; at most 200.
pub async fn thread(conn: &mut SqliteConnection, id: &str) -> Result<Vec<EmailFull>, DbError> {
    let lines: Vec<EmailLine> = sqlx::query_as(
        "select e.id, e.thread_id, e.sent_at, e.from_name, e.from_address, e.direction, e.subject, e.said,
                e.privacy, (select count(*) from email_attachments a where a.email_id = e.id) as attachments,
                l.row_id, coalesce(f.name, '') as investor
         from emails e
         join email_links l on l.email_id = e.id and l.deleted_at is null
           and l.row_id = (select min(k.row_id) from email_links k join grid_rows r on r.id = k.row_id and r.deleted_at is null
                           where k.email_id = e.id and k.deleted_at is null)
         left join fundraising_investors f on f.id = l.row_id
         where e.thread_id = ?1 and e.is_matched = 1 and e.deleted_at is null order by e.sent_at, e.id limit 200",
    )
    .bind(id)
    .fetch_all(&mut *conn)
    .await?;
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        all.push(full(conn, line).await?);
    }
    Ok(all)
}

/// A file's bytes, from the mailbox that still has them. `None` where there is no
/// such file that may be read.
pub async fn fetch_attachment(
    db: &Db,
    id: &str,
) -> Result<Option<Result<(Attachment, Vec<u8>), Trouble>>, DbError> {
    let file: Option<Attachment> = sqlx::query_as(
        "select a.id, a.name, a.media_type, a.size_bytes, a.part, a.email_id
         from email_attachments a join emails e on e.id = a.email_id
         where a.id = ?1 and e.is_matched = 1 and e.deleted_at is null and e.privacy = 'body'
           and exists (select 1 from email_links l join grid_rows r on r.id = l.row_id and r.deleted_at is null
                       where l.email_id = e.id and l.deleted_at is null)",
    )
    .bind(id)
    .fetch_optional(db.read())
    .await?;
    let Some(file) = file else { return Ok(None) };
    if usize::try_from(file.size_bytes).unwrap_or(usize::MAX) > MAX_ATTACHMENT {
        return Ok(Some(Err(Trouble::later(
            "too_large",
            "this file is too large to be handed out here: open it in Gmail",
        ))));
    }
    let Some((address, gmail_id)) = place(db, &file.email_id).await? else {
        return Ok(Some(Err(Trouble::later(
            "no_mailbox",
            "no active mailbox has this email any more",
        ))));
    };
    Ok(Some(fetch(db, &address, &gmail_id, file).await))
}

async fn fetch(
    db: &Db,
    address: &str,
    gmail_id: &str,
    file: Attachment,
) -> Result<(Attachment, Vec<u8>), Trouble> {
    let gone = || Trouble::later("gone", "Gmail has this file no more");
    let mut gmail = Gmail::of(db, address).await?;
    let got = gmail.message(gmail_id).await?.ok_or_else(gone)?;
    let at = usize::try_from(file.part).unwrap_or(usize::MAX);
    let bytes = parse::attachment(got.raw, at)
        .await
        .map_err(|e| Trouble::later("unreadable", e))?
        .ok_or_else(gone)?;
    Ok((file, bytes))
}

/// Live investors with exactly this name, two at most.
pub async fn rows_named(conn: &mut SqliteConnection, name: &str) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar(
        "select f.id from fundraising_investors f join grid_rows r on r.id = f.id and r.deleted_at is null
         where lower(f.name) = lower(trim(?1)) limit 2",
    )
    .bind(name)
    .fetch_all(conn)
    .await
}
