//! Mail that nobody has weighed yet, by investor, thread and day.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use sqlx::{FromRow, SqliteConnection};

use super::{Drafted, Source};
use crate::db::{DbError, WriteTx};

/// Links looked at in one go.
const AT_ONCE: i64 = 200;

/// One mail that concerns one investor.
#[derive(Clone, Debug, FromRow)]
pub struct Mail {
    /// Its id.
    pub email_id: String,
    /// The investor.
    pub row_id: String,
    /// Its thread.
    pub thread_id: String,
    /// Who wrote, if they are a contact.
    pub contact_id: Option<String>,
    /// UTC milliseconds.
    pub sent_at: i64,
    /// `in`, `out` or `internal`.
    pub direction: String,
    /// May be empty.
    pub from_name: String,
    /// Address.
    pub from_address: String,
    /// Empty where not shared.
    pub subject: String,
    /// Empty where not shared.
    pub said: String,
    /// Whether it is younger than the enrolment of a mailbox that saw it.
    pub proposes: bool,
    /// Whether its author is a contact of this investor.
    pub is_known: bool,
}

/// All mail of one investor in one thread on one day.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The investor.
    pub row_id: String,
    /// Its name.
    pub row_title: String,
    /// The thread.
    pub thread_id: String,
    /// In the fund's zone.
    pub day: String,
    /// The oldest first.
    pub mail: Vec<Mail>,
}

/// Reads the oldest mail that was not weighed. The second part is of links that
/// propose nothing: internal mail, and mail older than the enrolment. Mail whose text
/// has yet to be fetched waits.
pub async fn gather(
    conn: &mut SqliteConnection,
    zone: &TimeZone,
) -> Result<(Vec<Gathered>, Vec<(String, String)>), DbError> {
    // Mail is dated to the second.
    let found: Vec<Mail> = sqlx::query_as(
        "select e.id as email_id, l.row_id, e.thread_id, l.contact_id, e.sent_at, e.direction, e.from_name, e.from_address,
                e.subject, e.said,
                exists (select 1 from email_sightings s join mailboxes m on m.id = s.mailbox_id
                        where s.email_id = e.id and s.deleted_at is null and m.deleted_at is null and m.enrolled_at < e.sent_at + 1000) as proposes,
                exists (select 1 from fundraising_investor_contacts ic join contacts c on c.id = ic.contact_id
                        left join contact_addresses a on a.contact_id = c.id
                        where ic.investor_id = l.row_id and (c.email = e.from_address or a.email = e.from_address)) as is_known
         from email_links l join emails e on e.id = l.email_id join grid_rows r on r.id = l.row_id
         where l.weighed_at is null and l.deleted_at is null and e.deleted_at is null and e.needs_text = 0 and r.deleted_at is null
         order by l.sent_at, l.email_id limit ?1",
    )
    .bind(AT_ONCE)
    .fetch_all(&mut *conn)
    .await?;
    let (kept, silent): (Vec<Mail>, Vec<Mail>) = found
        .into_iter()
        .partition(|mail| mail.proposes && mail.direction != "internal");
    let mut groups: BTreeMap<(String, String, String), Vec<Mail>> = BTreeMap::new();
    for mail in kept {
        let key = (
            day_of(mail.sent_at, zone),
            mail.row_id.clone(),
            mail.thread_id.clone(),
        );
        groups.entry(key).or_default().push(mail);
    }
    let mut gathered = Vec::new();
    for ((day, row_id, thread_id), mut mail) in groups {
        mail.extend(drafted_before(conn, &row_id, &thread_id, &day).await?);
        mail.sort_by(|a, b| (a.sent_at, &a.email_id).cmp(&(b.sent_at, &b.email_id)));
        let row_title: Option<String> =
            sqlx::query_scalar("select name from fundraising_investors where id = ?1")
                .bind(&row_id)
                .fetch_optional(&mut *conn)
                .await?;
        gathered.push(Gathered {
            row_title: row_title.unwrap_or_else(|| "the investor".to_owned()),
            row_id,
            thread_id,
            day,
            mail,
        });
    }
    let silent = silent.into_iter().map(|m| (m.email_id, m.row_id)).collect();
    Ok((gathered, silent))
}

/// The day of a moment.
pub(super) fn day_of(at: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).date().to_string()
}

/// What an open proposal of this thread and day already rests on: it is drafted
/// anew with what came since.
async fn drafted_before(
    conn: &mut SqliteConnection,
    row: &str,
    thread: &str,
    day: &str,
) -> Result<Vec<Mail>, DbError> {
    sqlx::query_as(
        "select e.id as email_id, p.row_id, e.thread_id, p.contact_id, e.sent_at, e.direction, e.from_name, e.from_address,
                e.subject, e.said, 1 as proposes, p.new_contact is null as is_known
         from email_proposals p join email_proposal_sources s on s.proposal_id = p.id join emails e on e.id = s.email_id
         where p.row_id = ?1 and p.thread_id = ?2 and p.day = ?3 and p.state = 'pending' and e.deleted_at is null",
    )
    .bind(row)
    .bind(thread)
    .bind(day)
    .fetch_all(conn)
    .await
}

/// Notes that these links propose nothing.
pub(crate) async fn pass_over(tx: &mut WriteTx, links: &[(String, String)]) -> Result<(), DbError> {
    let now = tx.now();
    for (email, row) in links {
        weigh(tx, email, row, now).await?;
    }
    Ok(())
}

async fn weigh(tx: &mut WriteTx, email: &str, row: &str, now: i64) -> Result<(), DbError> {
    sqlx::query("update email_links set weighed_at = ?3 where email_id = ?1 and row_id = ?2")
        .bind(email)
        .bind(row)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Keeps a draft, in the place of the open one of its thread and day. Returns its id.
pub async fn keep(tx: &mut WriteTx, from: &Gathered, drafted: &Drafted) -> Result<String, DbError> {
    let (fresh, now) = (tx.new_id(), tx.now());
    let new_contact = drafted.new_contact.as_ref().map(serde_json::to_string);
    let new_contact = new_contact
        .transpose()
        .map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let contact = from.mail.iter().rev().find_map(|m| m.contact_id.as_deref());
    let id: String = sqlx::query_scalar(
        "insert into email_proposals (id, row_id, thread_id, day, contact_id, note, new_contact, follow_up_on, stage_hint,
            drafted_by, model, prompt, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)
         on conflict (row_id, thread_id, day) where state = 'pending' do update set
            contact_id = ?5, note = ?6, new_contact = ?7, follow_up_on = ?8, stage_hint = ?9, drafted_by = ?10, model = ?11,
            prompt = ?12, updated_at = ?13
         returning id",
    )
    .bind(fresh)
    .bind(&from.row_id)
    .bind(&from.thread_id)
    .bind(&from.day)
    .bind(contact)
    .bind(&drafted.note)
    .bind(new_contact)
    .bind(&drafted.follow_up_on)
    .bind(&drafted.stage_hint)
    .bind(if drafted.model.is_empty() { "rule" } else { "model" })
    .bind(&drafted.model)
    .bind(&drafted.prompt)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    for mail in &from.mail {
        sqlx::query("insert into email_proposal_sources (proposal_id, email_id) values (?1, ?2) on conflict do nothing")
            .bind(&id)
            .bind(&mail.email_id)
            .execute(&mut **tx)
            .await?;
        weigh(tx, &mail.email_id, &from.row_id, now).await?;
    }
    Ok(id)
}

impl Gathered {
    /// The mail, as people look it up.
    pub fn sources(&self) -> Vec<Source> {
        let source = |mail: &Mail| Source {
            id: mail.email_id.clone(),
            sent_at: mail.sent_at,
            direction: mail.direction.clone(),
            from_name: mail.from_name.clone(),
            from_address: mail.from_address.clone(),
            subject: mail.subject.clone(),
            said: mail.said.clone(),
        };
        self.mail.iter().map(source).collect()
    }
}
