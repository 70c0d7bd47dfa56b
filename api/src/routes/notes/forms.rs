//! What the pages of notes show and post.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::notes::{self, Note, NoteChange};
use serde::Deserialize;

use super::{
    page::{EarlierNote, NotePage},
    write,
};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    frame::{frame, html, html_with},
    routes::{
        page::{FlashKind, LinkTo},
        reminders::item::Known,
    },
    session::{SignedIn, safe_next},
    show,
    state::App,
};

#[derive(Debug, Default, Deserialize)]
pub struct NoteForm {
    #[serde(default)]
    row: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    updated_at: i64,
}

#[derive(Debug, Default, Deserialize)]
pub struct Small {
    #[serde(default)]
    next: String,
    #[serde(default)]
    pinned: String,
}

fn of_row(row: &str) -> String {
    format!("/investors/{row}#timeline")
}

async fn find(app: &App, id: &str) -> Result<Note, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = notes::find(&mut conn, id).await?;
    found.ok_or_else(|| AppError::not_found("There is no such note."))
}

async fn page(
    app: &App,
    who: &SignedIn,
    note: Option<&Note>,
    form: NoteForm,
) -> Result<NotePage, AppError> {
    let known = Known::load(app, std::iter::once(form.row.as_str())).await?;
    let id = note.map_or_else(String::new, |note| note.id.clone());
    let mut frame = frame(app, who, "Note").await;
    frame.path = if id.is_empty() {
        format!("/investors/{}", form.row)
    } else {
        format!("/notes/{id}")
    };
    let story = note.map_or_else(String::new, |note| {
        let by = show::actor(&note.created_by, &known.names.users);
        let day = show::day(&known.names.zone, note.created_at);
        match note.edits {
            0 => format!("Written on {day} by {by}"),
            n => format!(
                "Written on {day} by {by}, edited {}",
                show::count(n, "time", "times")
            ),
        }
    });
    let mut earlier = Vec::new();
    if let Some(note) = note {
        let mut conn = app.db.read().acquire().await?;
        for version in notes::versions(&mut conn, &note.id).await? {
            earlier.push(EarlierNote {
                body: version.body,
                at: show::moment(&known.names.zone, version.at),
                by: show::actor(&version.by, &known.names.users),
            });
        }
    }
    Ok(NotePage {
        frame,
        earlier,
        action: if id.is_empty() {
            "/notes".to_owned()
        } else {
            format!("/notes/{id}")
        },
        id,
        investor: known
            .investor(&form.row)
            .unwrap_or_else(|| LinkTo::new("Investors", "/grid")),
        row: form.row,
        body: form.body,
        updated_at: form.updated_at,
        story,
        error: None,
    })
}

async fn refused(
    app: &App,
    who: &SignedIn,
    note: Option<&Note>,
    form: NoteForm,
    error: &AppError,
) -> Result<Response, AppError> {
    let mut page = page(app, who, note, form).await?;
    page.error = Some(error.detail().to_owned());
    Ok(html_with(error.status(), &page))
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let note = find(&app, &id).await?;
    let form = NoteForm {
        row: note.row_id.clone(),
        body: note.body.clone(),
        updated_at: note.updated_at,
    };
    Ok(html(&page(&app, &who, Some(&note), form).await?))
}

pub async fn add(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<NoteForm>,
) -> Result<Response, AppError> {
    match write::add(&app, &who, &form.row, None, &form.body).await {
        Ok(note) => Ok(Done::to(of_row(&note.row_id))
            .saying(FlashKind::Ok, told(&note))
            .offering("Undo", &format!("/notes/{}/delete", note.id))
            .into_response()),
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            refused(&app, &who, None, form, &error).await
        }
        Err(other) => Err(other),
    }
}

fn told(note: &Note) -> String {
    let mut names: Vec<&str> = note.mentions.iter().map(|m| m.name.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        "The note is saved.".to_owned()
    } else {
        format!(
            "The note is saved. {} will see it on their day.",
            names.join(", ")
        )
    }
}

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<NoteForm>,
) -> Result<Response, AppError> {
    let before = find(&app, &id).await?;
    let form = NoteForm {
        row: before.row_id.clone(),
        ..form
    };
    let change = NoteChange {
        body: Some(form.body.clone()),
        pinned: None,
    };
    match write::edit(&app, &who, &id, &change, Some(form.updated_at)).await {
        Ok(Ok(note)) => Ok(Done::to(of_row(&note.row_id))
            .saying(FlashKind::Ok, "The note is saved.")
            .into_response()),
        Ok(Err(now)) => {
            let error = AppError::conflict(
                "changed_meanwhile",
                "Somebody changed this note while you were editing. This is what you typed: save again to keep it, or go back to see theirs.",
            );
            let form = NoteForm {
                updated_at: now.updated_at,
                ..form
            };
            refused(&app, &who, Some(&now), form, &error).await
        }
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            refused(&app, &who, Some(&before), form, &error).await
        }
        Err(other) => Err(other),
    }
}

pub async fn pin(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Small>,
) -> Result<Done, AppError> {
    let pinned = form.pinned == "true";
    let change = NoteChange {
        body: None,
        pinned: Some(pinned),
    };
    let note = write::edit(&app, &who, &id, &change, None).await?;
    let row = note.map_or_else(|now| now.row_id, |note| note.row_id);
    let says = if pinned {
        "Pinned to the top."
    } else {
        "Unpinned."
    };
    Ok(Done::to(of_row(&row)).saying(FlashKind::Ok, says))
}

pub async fn delete(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let note = write::remove(&app, &who, &id).await?;
    Ok(Done::to(of_row(&note.row_id))
        .saying(FlashKind::Ok, "The note is deleted.")
        .offering("Undo", &format!("/notes/{id}/restore")))
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Small>,
) -> Result<Done, AppError> {
    let note = write::restore(&app, &who, &id).await?;
    let next = match safe_next(&form.next) {
        "/" => of_row(&note.row_id),
        next => next.to_owned(),
    };
    Ok(Done::to(next).saying(FlashKind::Ok, "The note is back."))
}
