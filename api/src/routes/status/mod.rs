//! Whether all is well, for everybody who is signed in.

pub mod page;

use axum::{extract::State, response::Response};
use crm_jobs::health::{self, Part, Tone};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    access::Access,
    error::AppError,
    extract::Json,
    frame::{frame, html},
    route::{Route, get},
    session::SignedIn,
    state::App,
};

use self::page::StatusPage;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/status", Access::Member, status),
        get("/api/status", Access::Member, status_json)
            .json("operations", "Whether all is well, part by part")
            .answers::<Status>(200),
    ]
}

/// How everything is.
#[derive(Serialize, JsonSchema)]
struct Status {
    /// The worst of all parts.
    tone: Tone,
    /// That in one line.
    says: String,
    /// Part by part.
    parts: Vec<Part>,
}

async fn status(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let parts = health::parts(&app.db).await?;
    let frame = frame(&app, &who, "Status").await;
    Ok(html(&StatusPage::new(frame, &parts)))
}

async fn status_json(State(app): State<App>) -> Result<Json<Status>, AppError> {
    let parts = health::parts(&app.db).await?;
    let (tone, says) = health::line(&parts);
    Ok(Json(Status { tone, says, parts }))
}
