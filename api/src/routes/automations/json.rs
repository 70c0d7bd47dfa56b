//! Rules for programs.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::automations::{self as rules, DRY_DAYS, Definition, Dry, RuleChange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RuleView;
use crate::{
    error::AppError,
    extract::{Json, Path},
    session::SignedIn,
    state::App,
};

/// All rules.
#[derive(Serialize, JsonSchema)]
pub struct Rules {
    /// In their order.
    rules: Vec<RuleView>,
}

/// A rule to be added.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// What people call it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// What it says.
    definition: Definition,
    /// Whether it fires from now on; not if absent.
    #[serde(default)]
    enabled: bool,
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What people call it.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    /// What it says. The rule begins anew then.
    definition: Option<Definition>,
    /// On or off. A rule that is switched on begins with what happens from now on.
    enabled: Option<bool>,
    /// Place among the others.
    #[schemars(range(min = 0, max = 1_000_000))]
    position: Option<i64>,
}

/// How far to look back.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// Days; 90 if absent.
    #[schemars(range(min = 1, max = 366))]
    days: Option<i64>,
    /// Try this instead of what the rule says now.
    definition: Option<Definition>,
}

/// For which rows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunNow {
    /// Row ids; all rows that satisfy the conditions if absent.
    #[schemars(length(max = 10_000))]
    rows: Option<Vec<String>>,
}

/// Runs that were started.
#[derive(Serialize, JsonSchema)]
pub struct Started {
    /// How many.
    runs: usize,
}

pub async fn list(State(app): State<App>) -> Result<Json<Rules>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = rules::list(&mut conn).await?;
    drop(conn);
    Ok(Json(Rules {
        rules: super::seen(&app, found).await?,
    }))
}

pub async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<RuleView>, AppError> {
    Ok(Json(super::seen_one(&app, &id).await?))
}

pub async fn add(
    State(app): State<App>,
    who: SignedIn,
    Json(new): Json<NewRule>,
) -> Result<Response, AppError> {
    let id = super::add(&app, &who, &new.name, &new.definition, new.enabled).await?;
    let rule = super::seen_one(&app, &id).await?;
    Ok((StatusCode::CREATED, Json(rule)).into_response())
}

pub async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Result<Json<RuleView>, AppError> {
    let wanted = RuleChange {
        name: change.name,
        enabled: change.enabled,
        definition: change.definition,
        position: change.position,
    };
    super::change(&app, &who, &id, wanted).await?;
    Ok(Json(super::seen_one(&app, &id).await?))
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
) -> Result<Json<RuleView>, AppError> {
    super::restore(&app, &who, &id).await?;
    Ok(Json(super::seen_one(&app, &id).await?))
}

pub async fn dry_run(
    State(app): State<App>,
    Path(id): Path<String>,
    Json(asked): Json<DryRun>,
) -> Result<Json<Dry>, AppError> {
    let rule = super::found(&app, &id).await?;
    let definition = asked.definition.unwrap_or(rule.definition);
    let days = asked.days.unwrap_or(DRY_DAYS);
    Ok(Json(
        rules::dry_run(&app.db, &app.grid, &definition, days).await?,
    ))
}

pub async fn run(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(asked): Json<RunNow>,
) -> Result<Response, AppError> {
    let runs = super::start(&app, &who, &id, asked.rows.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { runs })).into_response())
}
