//! Notes on investors: Markdown, with the members they call on.
//!
//! An edit keeps what the note said before; a deletion is soft.

mod markdown;
mod mentions;
mod store;

pub use markdown::{html, plain};
pub use mentions::Mention;
pub(crate) use store::with_mentions;
pub use store::{Mentioned, Note, NoteVersion, find, mentioning, of_row, pinned, versions};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{db::WriteTx, grid::GridError, work};

/// Characters of a note at most.
pub const MAX_CHARS: usize = 20_000;
/// Earlier texts of a note that are kept.
const MAX_VERSIONS: i64 = 50;

/// A note to be added.
#[derive(Clone, Debug, Default)]
pub struct NewNote<'a> {
    /// The investor, a live row.
    pub row: &'a str,
    /// The person it is about.
    pub contact: Option<&'a str>,
    /// The call or meeting it tells of.
    pub interaction: Option<&'a str>,
    /// Markdown.
    pub body: &'a str,
    /// The actor.
    pub by: &'a str,
}

/// What to change; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct NoteChange {
    /// Markdown.
    pub body: Option<String>,
    /// Whether it stays on top.
    pub pinned: Option<bool>,
}

/// How an edit went.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub enum Edited {
    /// It is saved; this is the note now.
    Saved(Box<Note>),
    /// Somebody changed it meanwhile; this is what there is.
    Newer(Box<Note>),
}

/// Adds a note, and remembers whom it mentions.
pub async fn add(tx: &mut WriteTx, new: &NewNote<'_>) -> Result<Note, GridError> {
    let body = body(new.body)?;
    work::row_is_live(tx, new.row).await?;
    if let Some(contact) = new.contact {
        work::contact_exists(tx, contact).await?;
    }
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into notes (id, row_id, contact_id, interaction_id, body, created_at, created_by, updated_at, updated_by)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?7)",
    )
    .bind(&id)
    .bind(new.row)
    .bind(new.contact)
    .bind(new.interaction)
    .bind(&body)
    .bind(now)
    .bind(new.by)
    .execute(&mut **tx)
    .await?;
    mentions::remember(tx, &id, &body).await?;
    known(tx, &id).await
}

/// Changes a note, unless it is no longer as the caller saw it.
pub async fn edit(
    tx: &mut WriteTx,
    id: &str,
    change: &NoteChange,
    seen: Option<i64>,
    by: &str,
) -> Result<Edited, GridError> {
    let note = known(tx, id).await?;
    if seen.is_some_and(|seen| seen != note.updated_at) {
        return Ok(Edited::Newer(Box::new(note)));
    }
    let after = match &change.body {
        Some(text) => body(text)?,
        None => note.body.clone(),
    };
    let pinned = change.pinned.unwrap_or(note.pinned);
    if after == note.body && pinned == note.pinned {
        return Ok(Edited::Saved(Box::new(note)));
    }
    if after != note.body {
        keep_version(tx, &note).await?;
        mentions::remember(tx, id, &after).await?;
    }
    let now = tx.now();
    sqlx::query(
        "update notes set body = ?2, pinned = ?3, updated_at = max(?4, updated_at + 1), updated_by = ?5
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(after)
    .bind(pinned)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(Edited::Saved(Box::new(known(tx, id).await?)))
}

async fn keep_version(tx: &mut WriteTx, note: &Note) -> Result<(), GridError> {
    sqlx::query("insert into note_versions (note_id, body, at, by) values (?1, ?2, ?3, ?4)")
        .bind(&note.id)
        .bind(&note.body)
        .bind(note.updated_at)
        .bind(&note.updated_by)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "delete from note_versions where note_id = ?1 and id not in
           (select id from note_versions where note_id = ?1 order by id desc limit ?2)",
    )
    .bind(&note.id)
    .bind(MAX_VERSIONS)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Deletes a note (softly). Returns it as it was.
pub async fn remove(tx: &mut WriteTx, id: &str, by: &str) -> Result<Note, GridError> {
    let note = known(tx, id).await?;
    let now = tx.now();
    sqlx::query(
        "update notes set deleted_at = ?2, updated_at = max(?2, updated_at + 1), updated_by = ?3
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(note)
}

/// Brings a deleted note back.
pub async fn restore(tx: &mut WriteTx, id: &str, by: &str) -> Result<Note, GridError> {
    let now = tx.now();
    sqlx::query(
        "update notes set deleted_at = null, updated_at = max(?2, updated_at + 1), updated_by = ?3
         where id = ?1 and deleted_at is not null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    known(tx, id).await
}

async fn known(tx: &mut WriteTx, id: &str) -> Result<Note, GridError> {
    find(tx, id).await?.ok_or_else(|| GridError::Missing {
        what: "note",
        id: id.to_owned(),
    })
}

fn body(text: &str) -> Result<String, GridError> {
    let body = work::checked_text("body", text, MAX_CHARS)?;
    if body.is_empty() {
        return Err(GridError::invalid(
            "no_body",
            "body",
            "write something first: a note cannot be empty",
        ));
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
