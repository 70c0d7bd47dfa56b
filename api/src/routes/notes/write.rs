//! Changing notes on behalf of somebody: the verb, and the audit entry that
//! belongs to it. What a note says never goes into the log.

use crm_jobs::{
    audit,
    db::WriteTx,
    notes::{self, Edited, NewNote, Note, NoteChange},
};
use serde_json::json;

use crate::{error::AppError, session::SignedIn, state::App};

async fn record(
    tx: &mut WriteTx,
    who: &SignedIn,
    action: &str,
    note: &Note,
) -> Result<(), AppError> {
    let target = format!("row:{}", note.row_id);
    let detail = json!({ "note": note.id, "mentions": note.mentions.len() });
    audit::record(tx, &who.actor(), action, &target, detail, &who.ip()).await?;
    Ok(())
}

/// Adds a note.
pub async fn add(
    app: &App,
    who: &SignedIn,
    row: &str,
    contact: Option<&str>,
    body: &str,
) -> Result<Note, AppError> {
    let mut tx = app.db.write().await?;
    let new = NewNote {
        row,
        contact,
        interaction: None,
        body,
        by: &who.actor().to_string(),
    };
    let note = notes::add(&mut tx, &new).await?;
    record(&mut tx, who, "note.added", &note).await?;
    tx.commit().await?;
    Ok(note)
}

/// Changes a note. The inner error is the note as somebody else left it.
pub async fn edit(
    app: &App,
    who: &SignedIn,
    id: &str,
    change: &NoteChange,
    seen: Option<i64>,
) -> Result<Result<Note, Note>, AppError> {
    let mut tx = app.db.write().await?;
    match notes::edit(&mut tx, id, change, seen, &who.actor().to_string()).await? {
        Edited::Saved(note) => {
            record(&mut tx, who, "note.changed", &note).await?;
            tx.commit().await?;
            Ok(Ok(*note))
        }
        Edited::Newer(note) => Ok(Err(*note)),
    }
}

/// Deletes a note.
pub async fn remove(app: &App, who: &SignedIn, id: &str) -> Result<Note, AppError> {
    let mut tx = app.db.write().await?;
    let note = notes::remove(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "note.deleted", &note).await?;
    tx.commit().await?;
    Ok(note)
}

/// Brings a note back.
pub async fn restore(app: &App, who: &SignedIn, id: &str) -> Result<Note, AppError> {
    let mut tx = app.db.write().await?;
    let note = notes::restore(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "note.restored", &note).await?;
    tx.commit().await?;
    Ok(note)
}
