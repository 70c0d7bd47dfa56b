//! Reading proposals.

use sqlx::{FromRow, SqliteConnection};

use super::{NewPerson, Proposal, ProposalState, Source};
use crate::db::DbError;

#[derive(FromRow)]
struct Record {
    id: String,
    row_id: String,
    row_title: String,
    thread_id: String,
    day: String,
    contact_id: Option<String>,
    note: String,
    new_contact: Option<String>,
    follow_up_on: Option<String>,
    stage_hint: Option<String>,
    drafted_by: String,
    model: String,
    state: String,
    created_at: i64,
    decided_at: Option<i64>,
    decided_by: Option<String>,
}

impl Record {
    fn proposal(self) -> Result<Proposal, DbError> {
        let decoded = |e: serde_json::Error| sqlx::Error::Decode(Box::new(e));
        let new_contact: Option<NewPerson> = self
            .new_contact
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(decoded)?;
        Ok(Proposal {
            id: self.id,
            row_id: self.row_id,
            row_title: self.row_title,
            thread_id: self.thread_id,
            day: self.day,
            contact_id: self.contact_id,
            note: self.note,
            new_contact,
            follow_up_on: self.follow_up_on,
            stage_hint: self.stage_hint,
            drafted_by: self.drafted_by,
            model: self.model,
            state: match self.state.as_str() {
                "approved" => ProposalState::Approved,
                "dismissed" => ProposalState::Dismissed,
                _ => ProposalState::Pending,
            },
            created_at: self.created_at,
            decided_at: self.decided_at,
            decided_by: self.decided_by,
        })
    }
}

/// Proposals of live investors in a state, of the newest day first: after `before`, an id.
pub async fn list(
    conn: &mut SqliteConnection,
    state: ProposalState,
    row: Option<&str>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Proposal>, DbError> {
    let records: Vec<Record> = sqlx::query_as(
        "select p.id, p.row_id, coalesce(f.name, 'An investor') as row_title, p.thread_id, p.day, p.contact_id, p.note,
                p.new_contact, p.follow_up_on, p.stage_hint, p.drafted_by, p.model, p.state, p.created_at, p.decided_at, p.decided_by
         from email_proposals p join grid_rows r on r.id = p.row_id left join fundraising_investors f on f.id = p.row_id
         where p.state = ?1 and r.deleted_at is null and (?2 is null or p.row_id = ?2)
           and (?3 is null or (p.day, p.id) < (select day, id from email_proposals where id = ?3))
         order by p.day desc, p.id desc limit ?4",
    )
    .bind(state.word())
    .bind(row)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    records.into_iter().map(Record::proposal).collect()
}

/// One proposal.
pub async fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<Proposal>, DbError> {
    let record: Option<Record> = sqlx::query_as(
        "select p.id, p.row_id, coalesce(f.name, 'An investor') as row_title, p.thread_id, p.day, p.contact_id, p.note,
                p.new_contact, p.follow_up_on, p.stage_hint, p.drafted_by, p.model, p.state, p.created_at, p.decided_at, p.decided_by
         from email_proposals p join grid_rows r on r.id = p.row_id left join fundraising_investors f on f.id = p.row_id
         where p.id = ?1 and r.deleted_at is null",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    record.map(Record::proposal).transpose()
}

/// How many wait for somebody.
pub async fn pending(conn: &mut SqliteConnection) -> Result<i64, DbError> {
    sqlx::query_scalar(
        "select count(*) from email_proposals p join grid_rows r on r.id = p.row_id
         where p.state = 'pending' and r.deleted_at is null",
    )
    .fetch_one(conn)
    .await
}

/// What somebody decided from one moment to another, UTC milliseconds: within one
/// transaction nobody else decides.
pub async fn decided_together(
    conn: &mut SqliteConnection,
    (from, until): (i64, i64),
    by: &str,
) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar(
        "select p.id from email_proposals p join grid_rows r on r.id = p.row_id
         where p.decided_at between ?1 and ?2 and p.decided_by = ?3 and r.deleted_at is null order by p.id",
    )
    .bind(from)
    .bind(until)
    .bind(by)
    .fetch_all(conn)
    .await
}

/// The mail a proposal rests on, the oldest first.
pub async fn sources(conn: &mut SqliteConnection, id: &str) -> Result<Vec<Source>, DbError> {
    #[derive(FromRow)]
    struct Found {
        id: String,
        sent_at: i64,
        direction: String,
        from_name: String,
        from_address: String,
        subject: String,
        said: String,
    }
    let found: Vec<Found> = sqlx::query_as(
        "select e.id, e.sent_at, e.direction, e.from_name, e.from_address, e.subject, e.said
         from email_proposal_sources s join emails e on e.id = s.email_id
         where s.proposal_id = ?1 and e.deleted_at is null order by e.sent_at, e.id limit 100",
    )
    .bind(id)
    .fetch_all(conn)
    .await?;
    let source = |f: Found| Source {
        id: f.id,
        sent_at: f.sent_at,
        direction: f.direction,
        from_name: f.from_name,
        from_address: f.from_address,
        subject: f.subject,
        said: f.said,
    };
    Ok(found.into_iter().map(source).collect())
}
