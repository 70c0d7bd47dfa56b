//! What the team wishes for: as JSON under `/api/feature-requests`, as a page.

use crm_jobs::{
    audit,
    db::WriteTx,
    feature_requests::{self as requests, FeatureRequest},
};
use serde_json::json;

use crate::{
    access::Access,
    error::AppError,
    route::{Route, delete, get, patch, post},
    session::SignedIn,
    state::App,
};

mod forms;
mod json;
pub mod page;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    use Access::{Admin, Member};
    vec![
        get("/feature-requests", Member, forms::list),
        post("/feature-requests", Member, forms::add),
        get("/feature-requests/{id}", Member, forms::edit),
        post("/feature-requests/{id}", Member, forms::save),
        post("/feature-requests/{id}/vote", Member, forms::vote),
        post("/feature-requests/{id}/unvote", Member, forms::unvote),
        post("/feature-requests/{id}/answer", Admin, forms::answer),
        post("/feature-requests/{id}/delete", Member, forms::delete),
        post("/feature-requests/{id}/restore", Member, forms::restore),
        get("/api/feature-requests", Member, json::list)
            .json(
                "feature requests",
                "What the team wishes for, the most wished for first",
            )
            .query::<json::RequestsQuery>()
            .answers::<json::Requests>(200),
        post("/api/feature-requests", Member, json::add)
            .json(
                "feature requests",
                "Wish for something; you vote for it too",
            )
            .body::<json::New>()
            .answers::<FeatureRequest>(201),
        patch("/api/feature-requests/{id}", Member, json::change)
            .json(
                "feature requests",
                "Change your own request; or, as an admin, say what becomes of it",
            )
            .body::<json::Change>()
            .answers::<FeatureRequest>(200)
            .problems(&[404]),
        delete("/api/feature-requests/{id}", Member, json::remove)
            .json(
                "feature requests",
                "Delete your own request; you can bring it back",
            )
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/feature-requests/{id}/restore", Member, json::restore)
            .json("feature requests", "Bring your own deleted request back")
            .answers::<FeatureRequest>(200)
            .problems(&[404]),
        post("/api/feature-requests/{id}/vote", Member, json::vote)
            .json("feature requests", "Vote for a request")
            .answers::<FeatureRequest>(200)
            .problems(&[404]),
        delete("/api/feature-requests/{id}/vote", Member, json::unvote)
            .json("feature requests", "Take your vote back")
            .answers::<FeatureRequest>(200)
            .problems(&[404]),
    ]
}

fn nothing() -> AppError {
    AppError::not_found("There is no such request.")
}

async fn record(tx: &mut WriteTx, who: &SignedIn, action: &str, id: &str) -> Result<(), AppError> {
    let target = format!("request:{id}");
    audit::record(tx, &who.actor(), action, &target, json!({}), &who.ip()).await?;
    Ok(())
}

/// The request as this person sees it.
async fn seen(tx: &mut WriteTx, who: &SignedIn, id: &str) -> Result<FeatureRequest, AppError> {
    let found = requests::find(tx, id, &who.user.id).await?;
    found.ok_or_else(nothing)
}

/// The same, if it is theirs.
async fn own(tx: &mut WriteTx, who: &SignedIn, id: &str) -> Result<FeatureRequest, AppError> {
    let request = seen(tx, who, id).await?;
    if request.created_by == who.user.id {
        return Ok(request);
    }
    Err(AppError::forbidden(
        "not_yours",
        "Only whoever made a request changes or deletes it.",
    ))
}

async fn add(
    app: &App,
    who: &SignedIn,
    title: &str,
    body: &str,
) -> Result<FeatureRequest, AppError> {
    let mut tx = app.db.write().await?;
    let id = requests::add(&mut tx, title, body, &who.user.id).await?;
    record(&mut tx, who, "request.added", &id).await?;
    let request = seen(&mut tx, who, &id).await?;
    tx.commit().await?;
    Ok(request)
}

async fn reword(
    tx: &mut WriteTx,
    who: &SignedIn,
    id: &str,
    title: Option<&str>,
    body: Option<&str>,
) -> Result<(), AppError> {
    own(tx, who, id).await?;
    requests::reword(tx, id, title, body).await?;
    record(tx, who, "request.changed", id).await
}

async fn answer(
    tx: &mut WriteTx,
    who: &SignedIn,
    id: &str,
    status: &str,
    word: &str,
) -> Result<(), AppError> {
    if !who.user.is_admin() {
        return Err(AppError::forbidden(
            "admins_only",
            "Only admins say what becomes of a request.",
        ));
    }
    requests::answer(tx, id, status, word, &who.user.id).await?;
    record(tx, who, "request.answered", id).await
}

/// Votes, or takes the vote back. Not audited: it is shown where it counts.
async fn set_vote(
    app: &App,
    who: &SignedIn,
    id: &str,
    votes: bool,
) -> Result<FeatureRequest, AppError> {
    let mut tx = app.db.write().await?;
    if votes {
        requests::vote(&mut tx, id, &who.user.id).await?;
    } else {
        requests::unvote(&mut tx, id, &who.user.id).await?;
    }
    let request = seen(&mut tx, who, id).await?;
    tx.commit().await?;
    Ok(request)
}

async fn remove(app: &App, who: &SignedIn, id: &str) -> Result<FeatureRequest, AppError> {
    let mut tx = app.db.write().await?;
    let request = own(&mut tx, who, id).await?;
    requests::remove(&mut tx, id).await?;
    record(&mut tx, who, "request.deleted", id).await?;
    tx.commit().await?;
    Ok(request)
}

async fn restore(app: &App, who: &SignedIn, id: &str) -> Result<FeatureRequest, AppError> {
    let mut tx = app.db.write().await?;
    requests::restore(&mut tx, id, &who.user.id).await?;
    let request = own(&mut tx, who, id).await?;
    record(&mut tx, who, "request.restored", id).await?;
    tx.commit().await?;
    Ok(request)
}
