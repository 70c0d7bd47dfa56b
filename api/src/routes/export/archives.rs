//! Archives with everything: made by a job, kept for a day, for admins.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use crm_jobs::{
    export::archive::{self, Archive, MakeArchive},
    queue::{self, EnqueueOptions, Enqueued, Prepared},
};
use serde_json::json;

use super::{file_body, record, recorded, saved};
use crate::{
    error::AppError,
    extract::{Json, Path},
    flash::Done,
    routes::{jobs::Accepted, page::FlashKind},
    session::SignedIn,
    state::App,
};

pub async fn make(State(app): State<App>, who: SignedIn) -> Result<Accepted, AppError> {
    Ok(Accepted::of(ask(&app, &who).await?))
}

pub async fn make_form(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let asked = ask(&app, &who).await?;
    let says = if asked.is_new {
        "The archive is being made. You can leave this page."
    } else {
        "An archive is being made already."
    };
    Ok(Done::to("/export#archive").saying(FlashKind::Ok, says))
}

async fn ask(app: &App, who: &SignedIn) -> Result<Enqueued, AppError> {
    let job = Prepared::new(&MakeArchive {})?;
    let mut tx = app.db.write().await?;
    let options = EnqueueOptions {
        priority: Some(-10),
        ..EnqueueOptions::by(who.actor().to_string())
    };
    let enqueued = queue::enqueue_with(&mut tx, &job, &options).await?;
    let target = format!("job:{}", enqueued.id);
    record(&mut tx, who, "archive.asked", &target, json!({})).await?;
    tx.commit().await?;
    Ok(enqueued)
}

pub async fn list(State(app): State<App>) -> Result<Json<Vec<Archive>>, AppError> {
    let archives = archive::list(&app.db).await;
    Ok(Json(archives.map_err(AppError::internal)?))
}

pub async fn download(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let archive = find(&app, &id).await?;
    let path = archive::path_of(app.db.dir(), &archive);
    let file = tokio::fs::File::open(path).await;
    let file = file.map_err(AppError::internal)?;
    let detail = json!({"file": archive.file, "size_bytes": archive.size_bytes, "investors": archive.investors});
    let target = format!("archive:{id}");
    recorded(&app, &who, "archive.downloaded", &target, detail).await?;
    let mut response = saved(file_body(file), "application/zip", &archive.file);
    let length = HeaderValue::from(archive.size_bytes);
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length);
    Ok(response)
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    take_away(&app, &who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn remove_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    take_away(&app, &who, &id).await?;
    Ok(Done::to("/export#archive").saying(FlashKind::Ok, "The archive is removed."))
}

async fn take_away(app: &App, who: &SignedIn, id: &str) -> Result<(), AppError> {
    let archive = find(app, id).await?;
    let detail = json!({"file": archive.file});
    let target = format!("archive:{id}");
    recorded(app, who, "archive.removed", &target, detail).await?;
    let removed = archive::remove(&app.db, &archive).await;
    removed.map_err(AppError::internal)
}

async fn find(app: &App, id: &str) -> Result<Archive, AppError> {
    let found = archive::find(&app.db, id).await;
    found
        .map_err(AppError::internal)?
        .ok_or_else(|| AppError::not_found("There is no such archive; each is kept for a day."))
}
