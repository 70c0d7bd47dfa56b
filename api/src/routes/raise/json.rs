//! The raise for programs.

use axum::{extract::State, http::StatusCode};
use crm_jobs::{
    funds::{self, FundTerms, Terms},
    raise::{
        self, Event, EventFilter, Opportunity, OpportunityFilter, Pipeline, Position, Recorded,
        Totals, Transfer, Wanted,
    },
    settings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{audit, commit, no_fund};
use crate::{
    error::AppError,
    extract::{Json, Path, Query},
    session::SignedIn,
    show,
    state::App,
};

pub async fn funds(State(app): State<App>) -> Result<Json<Vec<FundTerms>>, AppError> {
    Ok(Json(
        funds::all(&mut *app.db.read().acquire().await?).await?,
    ))
}

pub async fn create(
    State(app): State<App>,
    who: SignedIn,
    Json(terms): Json<Terms>,
) -> Result<(StatusCode, Json<FundTerms>), AppError> {
    let mut tx = app.db.write().await?;
    let id = funds::create(&mut tx, &terms).await?;
    audit(&mut tx, &who, "fund.created", format!("fund:{id}")).await?;
    let fund = funds::get(&mut tx, &id).await?.ok_or_else(no_fund)?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(fund)))
}

pub async fn fund(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<FundTerms>, AppError> {
    Ok(Json(found(&app, &id).await?))
}

/// The fund of this id.
pub async fn found(app: &App, id: &str) -> Result<FundTerms, AppError> {
    let mut conn = app.db.read().acquire().await?;
    funds::get(&mut conn, id).await?.ok_or_else(no_fund)
}

pub async fn update(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(terms): Json<Terms>,
) -> Result<Json<FundTerms>, AppError> {
    let mut tx = app.db.write().await?;
    let fund = funds::update(&mut tx, &id, &terms)
        .await?
        .ok_or_else(no_fund)?;
    audit(&mut tx, &who, "fund.changed", format!("fund:{id}")).await?;
    tx.commit().await?;
    Ok(Json(fund))
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    let mut tx = app.db.write().await?;
    if !funds::delete(&mut tx, &id).await? {
        return Err(no_fund());
    }
    audit(&mut tx, &who, "fund.deleted", format!("fund:{id}")).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, JsonSchema)]
pub struct AsOfQuery {
    /// The day, `2026-03-31`; today if absent.
    #[schemars(length(max = 10))]
    as_of: Option<String>,
}

/// The day it is for the fund.
pub async fn today(app: &App) -> Result<String, AppError> {
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    Ok(show::today(&zone, app.db.now()))
}

/// The day that is meant, or today for the fund.
pub async fn day(app: &App, text: Option<&str>) -> Result<String, AppError> {
    let Some(text) = text.map(str::trim).filter(|t| !t.is_empty()) else {
        return today(app).await;
    };
    let day: jiff::civil::Date = text
        .parse()
        .map_err(|_| AppError::invalid("as_of", "Write the day like 2026-03-31."))?;
    Ok(day.to_string())
}

pub async fn totals(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<AsOfQuery>,
) -> Result<Json<Totals>, AppError> {
    let fund = found(&app, &id).await?;
    let day = day(&app, query.as_of.as_deref()).await?;
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(raise::totals(&mut conn, &fund, &day).await?))
}

#[derive(Deserialize, JsonSchema)]
pub struct PositionsQuery {
    /// The day, `2026-03-31`; today if absent.
    #[schemars(length(max = 10))]
    as_of: Option<String>,
    /// Only who stands at this stage.
    #[schemars(length(max = 10))]
    stage: Option<String>,
    /// Skip so many.
    #[schemars(range(min = 0, max = 1_000_000))]
    offset: Option<usize>,
    /// At most so many, 500 at the most; 100 if absent.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<usize>,
}

pub async fn positions(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<PositionsQuery>,
) -> Result<Json<Vec<Position>>, AppError> {
    let fund = found(&app, &id).await?;
    let day = day(&app, query.as_of.as_deref()).await?;
    let mut conn = app.db.read().acquire().await?;
    let all = raise::positions(&mut conn, &fund.id, &day, query.stage.as_deref()).await?;
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    let page = all.into_iter().skip(query.offset.unwrap_or(0)).take(limit);
    Ok(Json(page.collect()))
}

/// A fund's sums at the end of a day.
#[derive(Serialize, JsonSchema)]
pub struct DaySums {
    /// The day.
    on: String,
    /// Hard, signed and wired, decimal text.
    committed: String,
    /// Soft, decimal text.
    soft: String,
    /// Wired, decimal text.
    wired: String,
}

pub async fn progress(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Vec<DaySums>>, AppError> {
    let fund = found(&app, &id).await?;
    let mut conn = app.db.read().acquire().await?;
    let days = raise::progress(&mut conn, &fund.id).await?;
    let sums = days.into_iter().map(|day| DaySums {
        on: day.on,
        committed: day.committed.normalize().to_string(),
        soft: day.soft.normalize().to_string(),
        wired: day.wired.normalize().to_string(),
    });
    Ok(Json(sums.collect()))
}

#[derive(Deserialize, JsonSchema)]
pub struct EventsQuery {
    /// Only of this fund.
    #[schemars(length(max = 64))]
    fund: Option<String>,
    /// Only of this investor.
    #[schemars(length(max = 64))]
    row: Option<String>,
    /// Only of this stage.
    #[schemars(length(max = 10))]
    stage: Option<String>,
    /// Only what counts on this day or before.
    #[schemars(length(max = 10))]
    as_of: Option<String>,
    /// Only what was written before the event of this id: the next page.
    before: Option<i64>,
    /// At most so many, 500 at the most; 100 if absent.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<i64>,
}

/// A stretch of the ledger.
#[derive(Serialize, JsonSchema)]
pub struct Events {
    /// Newest written first.
    events: Vec<Event>,
    /// What to pass as `before` for older ones; absent at the end.
    before: Option<i64>,
}

pub async fn events(
    State(app): State<App>,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Events>, AppError> {
    let until = match &query.as_of {
        Some(text) => Some(day(&app, Some(text)).await?),
        None => None,
    };
    let filter = EventFilter {
        fund: query.fund.as_deref(),
        row: query.row.as_deref(),
        stage: query.stage.as_deref(),
        until: until.as_deref(),
        before: query.before,
    };
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    let mut conn = app.db.read().acquire().await?;
    let events = raise::events(&mut conn, &filter, limit).await?;
    let is_full = i64::try_from(events.len()).is_ok_and(|n| n == limit);
    let before = events.last().filter(|_| is_full).map(|e| e.id);
    Ok(Json(Events { events, before }))
}

pub async fn record(
    State(app): State<App>,
    who: SignedIn,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Recorded>, AppError> {
    Ok(Json(commit::write(&app, &who, &wanted).await?))
}

pub async fn transfer(
    State(app): State<App>,
    who: SignedIn,
    Json(wanted): Json<Transfer>,
) -> Result<Json<Recorded>, AppError> {
    Ok(Json(commit::write_transfer(&app, &who, &wanted).await?))
}

#[derive(Deserialize, JsonSchema)]
pub struct PipelineQuery {
    /// Days looked back, 90 if absent.
    #[schemars(range(min = 1, max = 3_650))]
    days: Option<i64>,
}

pub async fn pipeline(
    State(app): State<App>,
    Query(query): Query<PipelineQuery>,
) -> Result<Json<Pipeline>, AppError> {
    let days = query.days.unwrap_or(90).clamp(1, 3_650);
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(raise::pipeline(&mut conn, app.db.now(), days).await?))
}

#[derive(Deserialize, JsonSchema)]
pub struct OpportunitiesQuery {
    /// Only of this investor.
    #[schemars(length(max = 64))]
    row: Option<String>,
    /// `live`, `lost` or `withdrawn`.
    #[schemars(length(max = 10))]
    state: Option<String>,
    /// Only at this option of the pipeline column.
    #[schemars(length(max = 64))]
    choice: Option<String>,
    /// After the one of this id: the next page.
    #[schemars(length(max = 64))]
    after: Option<String>,
    /// At most so many, 500 at the most; 100 if absent.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<i64>,
}

pub async fn opportunities(
    State(app): State<App>,
    Query(query): Query<OpportunitiesQuery>,
) -> Result<Json<Vec<Opportunity>>, AppError> {
    let filter = OpportunityFilter {
        row: query.row.as_deref(),
        state: query.state.as_deref(),
        choice: query.choice.as_deref(),
        after: query.after.as_deref(),
    };
    let mut conn = app.db.read().acquire().await?;
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    Ok(Json(raise::opportunities(&mut conn, &filter, limit).await?))
}

/// Why an opportunity was lost.
#[derive(Deserialize, JsonSchema)]
pub struct Explanation {
    /// In words; empty takes it back.
    #[schemars(length(max = 500))]
    pub exit_reason: String,
}

pub async fn explain(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(said): Json<Explanation>,
) -> Result<Json<Opportunity>, AppError> {
    let mut tx = app.db.write().await?;
    let found = raise::set_exit_reason(&mut tx, &id, &said.exit_reason).await?;
    let found = found.ok_or_else(|| AppError::not_found("There is no such opportunity."))?;
    audit(
        &mut tx,
        &who,
        "opportunity.explained",
        format!("row:{}", found.row_id),
    )
    .await?;
    tx.commit().await?;
    Ok(Json(found))
}
