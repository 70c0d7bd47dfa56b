//! Requests for programs.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::feature_requests::{self as requests, FeatureRequest, STATUSES};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    extract::{Json, Path, Query},
    session::SignedIn,
    state::App,
};

/// Which requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct RequestsQuery {
    /// Only `open`, `planned`, `done` or `declined`.
    #[schemars(regex(pattern = "^(open|planned|done|declined)$"))]
    status: Option<String>,
    /// At most so many, 200 at the most; 50 if absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// Leave out so many first.
    #[schemars(range(min = 0, max = 100_000))]
    offset: Option<i64>,
}

/// A page of requests.
#[derive(Serialize, JsonSchema)]
pub struct Requests {
    /// The most wished for first.
    requests: Vec<FeatureRequest>,
}

/// A wish.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct New {
    /// In a few words.
    #[schemars(length(min = 1, max = 120))]
    title: String,
    /// In more words.
    #[serde(default)]
    #[schemars(length(max = 4_000))]
    body: String,
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Change {
    /// Of your own request.
    #[schemars(length(min = 1, max = 120))]
    title: Option<String>,
    /// Of your own request.
    #[schemars(length(max = 4_000))]
    body: Option<String>,
    /// `open`, `planned`, `done` or `declined`; admins only.
    #[schemars(regex(pattern = "^(open|planned|done|declined)$"))]
    status: Option<String>,
    /// A word that goes with the status; admins only.
    #[schemars(length(max = 300))]
    answer: Option<String>,
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<RequestsQuery>,
) -> Result<Json<Requests>, AppError> {
    let status = query.status.as_deref();
    if status.is_some_and(|status| STATUSES.iter().all(|(known, _)| *known != status)) {
        let says = "Use open, planned, done or declined, or leave it out.";
        return Err(AppError::invalid("status", says));
    }
    let (limit, offset) = (query.limit.unwrap_or(50), query.offset.unwrap_or(0));
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(Requests {
        requests: requests::list(&mut conn, status, &who.user.id, limit, offset).await?,
    }))
}

pub async fn add(
    State(app): State<App>,
    who: SignedIn,
    Json(new): Json<New>,
) -> Result<Response, AppError> {
    let request = super::add(&app, &who, &new.title, &new.body).await?;
    Ok((StatusCode::CREATED, Json(request)).into_response())
}

pub async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Result<Json<FeatureRequest>, AppError> {
    let mut tx = app.db.write().await?;
    let before = super::seen(&mut tx, &who, &id).await?;
    if change.title.is_some() || change.body.is_some() {
        let (title, body) = (change.title.as_deref(), change.body.as_deref());
        super::reword(&mut tx, &who, &id, title, body).await?;
    }
    if change.status.is_some() || change.answer.is_some() {
        let status = change.status.as_ref().unwrap_or(&before.status);
        let word = change.answer.as_ref().unwrap_or(&before.answer);
        super::answer(&mut tx, &who, &id, status, word).await?;
    }
    let request = super::seen(&mut tx, &who, &id).await?;
    tx.commit().await?;
    Ok(Json(request))
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    super::remove(&app, &who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<FeatureRequest>, AppError> {
    Ok(Json(super::restore(&app, &who, &id).await?))
}

pub async fn vote(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<FeatureRequest>, AppError> {
    Ok(Json(super::set_vote(&app, &who, &id, true).await?))
}

pub async fn unvote(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<FeatureRequest>, AppError> {
    Ok(Json(super::set_vote(&app, &who, &id, false).await?))
}
