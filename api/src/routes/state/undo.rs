//! Undo, redo, revert, trash and purge as JSON.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use crm_jobs::{
    audit,
    grid::{self, Applied, ChangeBy, REVERTED_AT_ONCE, RevertChangeSet, Trash, Undone},
    queue::{self, EnqueueOptions, Prepared},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::write::{Patched, patched};
use crate::{
    error::AppError,
    extract::{Json, Path, Query},
    routes::jobs::Accepted,
    session::SignedIn,
    state::App,
};

/// What an undo or redo did.
#[derive(Serialize, JsonSchema)]
pub struct UndoAnswer {
    /// The change set that was taken back.
    change_set: i64,
    /// What it was about.
    summary: String,
    /// What taking it back did.
    applied: Patched,
    /// Why nothing could be taken back, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

pub async fn undo(State(app): State<App>, who: SignedIn) -> Result<Json<UndoAnswer>, AppError> {
    let mut tx = app.db.write().await?;
    let undone = grid::undo(&mut tx, &who.actor().to_string()).await?;
    let undone = undone.ok_or_else(|| {
        AppError::conflict("nothing_to_undo", "There is nothing of yours left to undo.")
    })?;
    finish(&app, tx, &who, undone, "grid.undone").await
}

pub async fn redo(State(app): State<App>, who: SignedIn) -> Result<Json<UndoAnswer>, AppError> {
    let mut tx = app.db.write().await?;
    let undone = grid::redo(&mut tx, &who.actor().to_string()).await?;
    let undone =
        undone.ok_or_else(|| AppError::conflict("nothing_to_redo", "There is nothing to redo."))?;
    finish(&app, tx, &who, undone, "grid.redone").await
}

async fn finish(
    app: &App,
    mut tx: crm_jobs::db::WriteTx,
    who: &SignedIn,
    undone: Undone,
    action: &'static str,
) -> Result<Json<UndoAnswer>, AppError> {
    let detail = json!({ "change_set": undone.change_set, "version": undone.applied.version });
    audit::record(&mut tx, &who.actor(), action, "", detail, &who.ip()).await?;
    tx.commit().await?;
    Ok(Json(UndoAnswer {
        change_set: undone.change_set,
        summary: undone.summary,
        applied: patched(app, undone.applied).await?,
        refused: undone.refused,
    }))
}

/// Takes any change set back: at once, or by a job where it is large.
pub async fn revert(
    State(app): State<App>,
    who: SignedIn,
    Path(set): Path<i64>,
) -> Result<Response, AppError> {
    let actor = who.actor();
    let mut tx = app.db.write().await?;
    let size = grid::size_of_set(&mut tx, set).await?;
    if usize::try_from(size).unwrap_or(usize::MAX) > REVERTED_AT_ONCE {
        let job = Prepared::new(&RevertChangeSet {
            change_set: set,
            actor: actor.to_string(),
        })?;
        let options = EnqueueOptions::by(actor.to_string());
        let enqueued = queue::enqueue_with(&mut tx, &job, &options).await?;
        crate::routes::jobs::record(&mut tx, &who, "job.enqueued", enqueued.id).await?;
        tx.commit().await?;
        return Ok(Accepted::of(enqueued).into_response());
    }
    let summary = format!("Undo of change {set}");
    let by = ChangeBy {
        actor: &actor.to_string(),
        origin: "undo",
        summary: &summary,
        job: None,
    };
    let applied = grid::revert(&mut tx, set, &by, REVERTED_AT_ONCE).await?;
    let detail = json!({ "change_set": set, "version": applied.version });
    audit::record(&mut tx, &actor, "grid.reverted", "", detail, &who.ip()).await?;
    tx.commit().await?;
    let answer = patched(&app, applied).await?;
    Ok((StatusCode::OK, Json(answer)).into_response())
}

#[derive(Deserialize, JsonSchema)]
pub struct TrashQuery {
    /// Only rows deleted before this time (UTC milliseconds): the next page.
    before: Option<i64>,
}

/// Rows on one page of the trash.
const PER_PAGE: i64 = 100;

pub async fn trash(
    State(app): State<App>,
    Query(query): Query<TrashQuery>,
) -> Result<Json<Trash>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(grid::trash(&mut conn, query.before, PER_PAGE).await?))
}

/// Whoever purges types the row's name.
#[derive(Deserialize, JsonSchema)]
pub struct Confirmation {
    /// The row's name.
    #[schemars(length(min = 1, max = 1_000))]
    confirm: String,
}

pub async fn purge(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(typed): Json<Confirmation>,
) -> Result<Json<Applied>, AppError> {
    purge_row(&app, &who, &id, &typed.confirm).await.map(Json)
}

/// Erases a deleted row for good.
pub async fn purge_row(
    app: &App,
    who: &SignedIn,
    id: &str,
    typed: &str,
) -> Result<Applied, AppError> {
    let actor = who.actor();
    let by = ChangeBy {
        actor: &actor.to_string(),
        origin: "purge",
        summary: "A deleted row was purged",
        job: None,
    };
    let mut tx = app.db.write().await?;
    let applied = grid::purge(&mut tx, id, typed, &by).await?;
    let target = format!("row:{id}");
    let detail = json!({ "version": applied.version });
    audit::record(&mut tx, &actor, "row.purged", &target, detail, &who.ip()).await?;
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    Ok(applied)
}
