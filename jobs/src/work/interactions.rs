//! When somebody of ours was in touch with an investor. Captured mail will be
//! counted beside these; calls and meetings are told by hand.

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

/// Notes a contact. Returns its id.
pub async fn add_interaction(
    tx: &mut WriteTx,
    new: &NewInteraction<'_>,
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
        "insert into interactions (id, row_id, kind, at, note, created_by, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(&id)
    .bind(new.row)
    .bind(new.kind)
    .bind(new.at)
    .bind(new.note.trim())
    .bind(new.by)
    .bind(now)
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
    Ok(done.rows_affected() == 1)
}
