//! Whether this installation may be shown to the world: what is set, what is not,
//! and how to fix it, for admins.

use axum::{extract::State, http::HeaderMap, response::Response};
use schemars::JsonSchema;
use serde::Serialize;

use self::page::SecurityPage;
use crate::{
    access::Access,
    error::AppError,
    extract::Json,
    frame::{frame, html},
    route::{Route, get},
    session::SignedIn,
    state::App,
};

mod box_checks;
mod data_checks;
pub mod page;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/settings/security", Access::Admin, show),
        get("/api/security/status", Access::Admin, status)
            .json(
                "operations",
                "The go-live checklist: what is set, what is not, how to fix it",
            )
            .answers::<SecurityStatus>(200),
    ]
}

/// How one thing on the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "CheckState")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and could be safer.
    Warn,
    /// Not fit for the open internet.
    Fail,
}

/// One thing on the list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Check {
    /// Stable, for programs.
    pub id: &'static str,
    /// How it is.
    pub state: Level,
    /// In one sentence.
    pub says: String,
    /// What to do about it; empty if nothing.
    pub fix: String,
}

impl Check {
    fn ok(id: &'static str, says: impl Into<String>) -> Self {
        Self {
            id,
            state: Level::Ok,
            says: says.into(),
            fix: String::new(),
        }
    }

    fn warn(id: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            id,
            state: Level::Warn,
            says: says.into(),
            fix: fix.into(),
        }
    }

    fn fail(id: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: Level::Fail,
            ..Self::warn(id, says, fix)
        }
    }
}

/// The go-live checklist.
#[derive(Serialize, JsonSchema)]
struct SecurityStatus {
    /// The worst state there is.
    state: Level,
    /// Things on the list, always the same ones in the same order.
    checks: Vec<Check>,
}

async fn status(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Json<SecurityStatus>, AppError> {
    let checks = checks(&app, &headers).await?;
    Ok(Json(SecurityStatus {
        state: worst(&checks),
        checks,
    }))
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let checks = checks(&app, &headers).await?;
    Ok(html(&SecurityPage::new(
        frame(&app, &who, "Security").await,
        worst(&checks),
        checks,
    )))
}

async fn checks(app: &App, headers: &HeaderMap) -> Result<Vec<Check>, AppError> {
    let mut all = box_checks::all(&app.config, app.db.dir(), headers);
    all.extend(data_checks::all(app).await?);
    Ok(all)
}

fn worst(checks: &[Check]) -> Level {
    checks.iter().map(|it| it.state).max().unwrap_or(Level::Ok)
}
