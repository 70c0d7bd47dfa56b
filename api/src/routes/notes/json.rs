//! Notes for programs.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::notes::{self, Note, NoteChange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write;
use crate::{
    error::AppError,
    extract::{Json, Path, Query},
    routes::state::live_row,
    session::SignedIn,
    state::App,
};

/// Notes of one answer at most, and unless told otherwise.
const MOST: i64 = 200;
const USUAL: i64 = 50;

/// Whose notes.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NotesQuery {
    /// The investor.
    #[schemars(length(min = 1, max = 64))]
    row: String,
    /// Where the last answer ended.
    cursor: Option<String>,
    /// Notes at most, up to 200.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
}

/// Some notes, and where to go on.
#[derive(Serialize, JsonSchema)]
pub struct NotesPage {
    /// The newest first.
    notes: Vec<Note>,
    /// Send it back as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

pub async fn list(
    State(app): State<App>,
    Query(query): Query<NotesQuery>,
) -> Result<Json<NotesPage>, AppError> {
    let row = live_row(&app, &query.row).await?;
    let wrong = || AppError::invalid("cursor", "Send back the cursor of the last answer.");
    let before = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            let (at, id) = cursor.split_once('.').ok_or_else(wrong)?;
            Some((at.parse().map_err(|_| wrong())?, id))
        }
    };
    let limit = query.limit.unwrap_or(USUAL).clamp(1, MOST);
    let mut conn = app.db.read().acquire().await?;
    let mut notes = notes::of_row(&mut conn, &row.id, before, limit + 1).await?;
    let most = usize::try_from(limit).unwrap_or(0);
    let has_more = notes.len() > most;
    notes.truncate(most);
    let last = notes.last().filter(|_| has_more);
    Ok(Json(NotesPage {
        next_cursor: last.map(|note| format!("{}.{}", note.created_at, note.id)),
        notes,
    }))
}

/// A note to be added.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct New {
    /// The investor.
    #[schemars(length(min = 1, max = 64))]
    row: String,
    /// The person it is about.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    contact: Option<String>,
    /// Markdown.
    #[schemars(length(min = 1, max = 20_000))]
    body: String,
}

pub async fn add(
    State(app): State<App>,
    who: SignedIn,
    Json(new): Json<New>,
) -> Result<Response, AppError> {
    let note = write::add(&app, &who, &new.row, new.contact.as_deref(), &new.body).await?;
    Ok((StatusCode::CREATED, Json(note)).into_response())
}

/// What to change: what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Change {
    /// The `updated_at` you saw; refused if the note changed since.
    #[serde(default)]
    updated_at: Option<i64>,
    /// Markdown.
    #[serde(default)]
    #[schemars(length(min = 1, max = 20_000))]
    body: Option<String>,
    /// Whether it stays on top.
    #[serde(default)]
    pinned: Option<bool>,
}

pub async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(wanted): Json<Change>,
) -> Result<Json<Note>, AppError> {
    let change = NoteChange {
        body: wanted.body,
        pinned: wanted.pinned,
    };
    let edited = write::edit(&app, &who, &id, &change, wanted.updated_at).await?;
    edited.map(Json).map_err(|now| {
        AppError::conflict(
            "changed_meanwhile",
            "Somebody changed this note meanwhile: look at it again.",
        )
        .with("current", serde_json::to_value(now).unwrap_or_default())
    })
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    write::remove(&app, &who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Note>, AppError> {
    Ok(Json(write::restore(&app, &who, &id).await?))
}
