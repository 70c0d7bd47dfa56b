//! The queue as JSON: what the dashboard shows and does, for programs.

use axum::{extract::State, http::StatusCode};
use crm_jobs::queue::{
    self, EnqueueOptions, JobId,
    control::{self, Failures},
    inspect::{self, FailureGroup, JobFilter, JobRow, JobStory, KindRow, WorkerRow},
    schedules::{self, Schedule, ScheduleEdit},
    stats::{self, HourStats},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Accepted, fire, in_bulk, record, save_schedule, set_paused, visible};
use crate::{
    error::AppError,
    extract::{Json, Path, Query},
    session::SignedIn,
    state::App,
};

#[derive(Debug, Deserialize, JsonSchema)]
pub struct Enqueue {
    /// The kind.
    pub kind: String,
    /// Its payload; `{}` if absent.
    #[serde(default)]
    pub payload: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, JsonSchema)]
pub struct Cancelled {
    /// `cancelled`, or `running` until it obeys.
    pub state: &'static str,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub struct FailureQuery {
    /// The kind.
    pub kind: String,
    /// Exactly this last error; any if absent.
    pub error: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Count {
    /// Jobs concerned.
    pub jobs: u64,
}

/// The queue at a glance.
#[derive(Serialize, JsonSchema)]
pub struct Summary {
    /// Jobs by state.
    pub counts: std::collections::BTreeMap<String, i64>,
    /// Due time of the oldest job that could run now but does not.
    pub oldest_waiting_at: Option<i64>,
    /// Living workers.
    pub workers: Vec<WorkerRow>,
    /// Kinds.
    pub kinds: Vec<KindRow>,
    /// Dead letters that failed alike.
    pub failures: Vec<FailureGroup>,
    /// The last 24 hours.
    pub hours: Vec<HourStats>,
}

impl From<FailureQuery> for Failures {
    fn from(query: FailureQuery) -> Self {
        Self {
            kind: query.kind,
            error: query.error,
        }
    }
}

pub async fn list(
    State(app): State<App>,
    Query(filter): Query<JobFilter>,
) -> Result<Json<Vec<JobRow>>, AppError> {
    Ok(Json(inspect::list(app.db.read(), &filter).await?))
}

pub async fn summary(State(app): State<App>) -> Result<Json<Summary>, AppError> {
    let db = app.db.read();
    Ok(Json(Summary {
        counts: inspect::counts(db).await?,
        oldest_waiting_at: inspect::oldest_waiting(db).await?,
        workers: inspect::workers(db).await?,
        kinds: inspect::kinds(db).await?,
        failures: inspect::failures(db).await?,
        hours: stats::by_hour(db, app.db.now() - crm_jobs::clock::DAY).await?,
    }))
}

pub async fn one(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Json<JobStory>, AppError> {
    Ok(Json(visible(&app, &who, id).await?))
}

pub async fn enqueue(
    State(app): State<App>,
    who: SignedIn,
    Json(wanted): Json<Enqueue>,
) -> Result<Accepted, AppError> {
    let payload = serde_json::Value::Object(wanted.payload).to_string();
    let job = app.registry.prepare(&wanted.kind, &payload)?;
    let mut tx = app.db.write().await?;
    let options = EnqueueOptions::by(who.actor().to_string());
    let enqueued = queue::enqueue_with(&mut tx, &job, &options).await?;
    record(&mut tx, &who, "job.enqueued", enqueued.id).await?;
    tx.commit().await?;
    Ok(Accepted::of(enqueued))
}

pub async fn retry(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Accepted, AppError> {
    let mut tx = app.db.write().await?;
    control::retry(&mut tx, id).await?;
    record(&mut tx, &who, "job.retried", id).await?;
    tx.commit().await?;
    Ok(Accepted::of(queue::Enqueued { id, is_new: false }))
}

pub async fn cancel(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Json<Cancelled>, AppError> {
    let mut tx = app.db.write().await?;
    let state = control::cancel(&mut tx, id).await?;
    record(&mut tx, &who, "job.cancelled", id).await?;
    tx.commit().await?;
    Ok(Json(Cancelled { state }))
}

pub async fn replay(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Accepted, AppError> {
    let mut tx = app.db.write().await?;
    let enqueued = control::replay(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "job.replayed", enqueued.id).await?;
    tx.commit().await?;
    Ok(Accepted::of(enqueued))
}

pub async fn retry_failures(
    State(app): State<App>,
    who: SignedIn,
    Json(which): Json<FailureQuery>,
) -> Result<Json<Count>, AppError> {
    let jobs = in_bulk(&app, &who, which.into(), true).await?;
    Ok(Json(Count { jobs }))
}

pub async fn dismiss_failures(
    State(app): State<App>,
    who: SignedIn,
    Json(which): Json<FailureQuery>,
) -> Result<Json<Count>, AppError> {
    let jobs = in_bulk(&app, &who, which.into(), false).await?;
    Ok(Json(Count { jobs }))
}

pub async fn list_schedules(State(app): State<App>) -> Result<Json<Vec<Schedule>>, AppError> {
    Ok(Json(schedules::list(app.db.read()).await?))
}

pub async fn edit_schedule(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
    Json(change): Json<ScheduleEdit>,
) -> Result<StatusCode, AppError> {
    save_schedule(&app, &who, &name, &change).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn run_schedule(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
) -> Result<Accepted, AppError> {
    fire(&app, &who, &name).await.map(Accepted::of)
}

pub async fn pause(
    State(app): State<App>,
    who: SignedIn,
    Path(kind): Path<String>,
) -> Result<StatusCode, AppError> {
    set_paused(&app, &who, &kind, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn resume(
    State(app): State<App>,
    who: SignedIn,
    Path(kind): Path<String>,
) -> Result<StatusCode, AppError> {
    set_paused(&app, &who, &kind, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
