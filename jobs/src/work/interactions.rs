//! When somebody of ours was in touch with an investor: calls and meetings are
//! told by hand, captured mail is counted beside them.

use sqlx::SqliteConnection;

use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
};

/// Kinds of contact, with their names for people.
pub const CONTACT_KINDS: [(&str, &str); 4] = [
    ("call", "Call"),
    ("meeting", "Meeting"),
    ("email", "Email"),
    ("message", "Message"),
];
/// Characters of a note at most.
const MAX_NOTE_CHARS: usize = 2_000;

/// A contact to be noted.
#[derive(Clone, Debug)]
pub struct NewInteraction<'a> {
    /// The investor, a live row.
    pub row: &'a str,
    /// One of [`CONTACT_KINDS`].
    pub kind: &'a str,
    /// UTC milliseconds, not in the future.
    pub at: i64,
    /// What it was about.
    pub note: &'a str,
    /// The actor.
    pub by: &'a str,
}

/// Notes a contact with nobody in particular. Returns its id.
pub async fn add_interaction(
    tx: &mut WriteTx,
    new: &NewInteraction<'_>,
) -> Result<String, GridError> {
    add_interaction_with(tx, new, None).await
}

/// Notes a contact with a person. Returns its id.
pub async fn add_interaction_with(
    tx: &mut WriteTx,
    new: &NewInteraction<'_>,
    contact: Option<&str>,
) -> Result<String, GridError> {
    if !CONTACT_KINDS.iter().any(|(kind, _)| *kind == new.kind) {
        return Err(GridError::invalid(
            "invalid_kind",
            "kind",
            format!(
                "{:?} is no kind of contact: use call, meeting, email or message",
                new.kind
            ),
        ));
    }
    if new.note.chars().count() > MAX_NOTE_CHARS {
        return Err(GridError::invalid(
            "note_too_long",
            "note",
            "a note has at most 2,000 characters",
        ));
    }
    let (id, now) = (tx.new_id(), tx.now());
    if new.at > now {
        return Err(GridError::invalid(
            "in_the_future",
            "on",
            "a contact is noted once it was: for what is to come, add a task",
        ));
    }
    sqlx::query(
        "insert into interactions (id, row_id, kind, at, note, created_by, created_at, contact_id)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(&id)
    .bind(new.row)
    .bind(new.kind)
    .bind(new.at)
    .bind(new.note.trim())
    .bind(new.by)
    .bind(now)
    .bind(contact)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}

/// Takes a noted contact back (softly). False if there is none such.
pub async fn remove_interaction(tx: &mut WriteTx, id: &str) -> Result<bool, DbError> {
    let now = tx.now();
    let done =
        sqlx::query("update interactions set deleted_at = ?2 where id = ?1 and deleted_at is null")
            .bind(id)
            .bind(now)
            .execute(&mut **tx)
            .await?;
    if done.rows_affected() == 1 {
        // What was written of it goes with it.
        sqlx::query(
            "update notes set deleted_at = ?2, updated_at = ?2 where interaction_id = ?1 and deleted_at is null",
        )
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    Ok(done.rows_affected() == 1)
}

/// When we were, and will be, in touch with an investor.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Contacts {
    /// The first contact noted, UTC milliseconds.
    pub first_at: Option<i64>,
    /// The last one.
    pub last_at: Option<i64>,
    /// The day of the next thing to do.
    pub next_on: Option<String>,
    /// What that is.
    pub next: Option<String>,
}

/// First, last and next contact of an investor.
pub async fn contacts_of_row(conn: &mut SqliteConnection, row: &str) -> Result<Contacts, DbError> {
    sqlx::query_as(
        "select (select min(at) from (select at from interactions where row_id = ?1 and deleted_at is null
                   union all select l.sent_at from email_links l join emails e on e.id = l.email_id
                   where l.row_id = ?1 and l.deleted_at is null and e.deleted_at is null and e.is_matched = 1)) as first_at,
                (select max(at) from (select at from interactions where row_id = ?1 and deleted_at is null
                   union all select l.sent_at from email_links l join emails e on e.id = l.email_id
                   where l.row_id = ?1 and l.deleted_at is null and e.deleted_at is null and e.is_matched = 1)) as last_at,
                n.day as next_on, n.title as next
         from (select 1) left join
           (select day, title from tasks where row_id = ?1 and status in ('open', 'snoozed') and deleted_at is null
              and day is not null order by day, id limit 1) n",
    )
    .bind(row)
    .fetch_one(conn)
    .await
}
