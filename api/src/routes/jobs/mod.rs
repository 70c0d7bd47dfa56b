//! The worker's dashboard, one job's story, and the same as JSON.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    queue::{
        self, EnqueueOptions, JobId, UnknownKind,
        control::{self, ControlError, Failures},
        inspect::{self, FailureGroup, JobFilter, JobRow, JobStory, KindRow, WorkerRow},
        schedules::{self, Schedule, ScheduleEdit, ScheduleError},
        stats::{self, HourStats},
    },
    settings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::{Json, Path, Query},
    route::{Route, get, patch, post},
    session::SignedIn,
    state::App,
};

mod dashboard;
mod forms;
pub mod page;
mod story;
mod words;

pub use words::progress;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/jobs", Access::Admin, dashboard::show),
        get("/jobs/{id}", Access::Member, story::show),
        post("/jobs/{id}/retry", Access::Admin, forms::retry),
        post("/jobs/{id}/cancel", Access::Admin, forms::cancel),
        post("/jobs/{id}/replay", Access::Admin, forms::replay),
        post("/jobs/failures/retry", Access::Admin, forms::retry_all),
        post("/jobs/failures/discard", Access::Admin, forms::dismiss_all),
        post(
            "/jobs/schedules/{name}",
            Access::Admin,
            forms::edit_schedule,
        ),
        post(
            "/jobs/schedules/{name}/run",
            Access::Admin,
            forms::run_schedule,
        ),
        post("/jobs/kinds/{kind}/pause", Access::Admin, forms::pause),
        post("/jobs/kinds/{kind}/resume", Access::Admin, forms::resume),
        get("/api/jobs", Access::Admin, list)
            .json("jobs", "Jobs, newest first")
            .query::<JobFilter>()
            .answers::<Vec<JobRow>>(200),
        get("/api/jobs/summary", Access::Admin, summary)
            .json("jobs", "Counts, workers, failures and the last day")
            .answers::<Summary>(200),
        get("/api/jobs/{id}", Access::Member, one)
            .json("jobs", "One job's whole story; members see their own")
            .answers::<JobStory>(200)
            .problems(&[404]),
        post("/api/jobs", Access::Admin, enqueue)
            .json("jobs", "Enqueue a job by kind and payload")
            .body::<Enqueue>()
            .answers::<Accepted>(202),
        post("/api/jobs/{id}/retry", Access::Admin, retry)
            .json("jobs", "Run a discarded, cancelled or waiting job again")
            .answers::<Accepted>(202)
            .problems(&[404, 409]),
        post("/api/jobs/{id}/cancel", Access::Admin, cancel)
            .json(
                "jobs",
                "Cancel a job: at once if it waits, on request if it runs",
            )
            .answers::<Cancelled>(200)
            .problems(&[404, 409]),
        post("/api/jobs/{id}/replay", Access::Admin, replay)
            .json("jobs", "Enqueue a copy of a job")
            .answers::<Accepted>(202)
            .problems(&[404]),
        post("/api/jobs/failures/retry", Access::Admin, retry_failures)
            .json(
                "jobs",
                "Run all discarded jobs of a kind (and message) again",
            )
            .body::<FailureQuery>()
            .answers::<Count>(200),
        post(
            "/api/jobs/failures/dismiss",
            Access::Admin,
            dismiss_failures,
        )
        .json(
            "jobs",
            "Mark all discarded jobs of a kind (and message) as dealt with",
        )
        .body::<FailureQuery>()
        .answers::<Count>(200),
        get("/api/schedules", Access::Admin, list_schedules)
            .json("jobs", "What recurs")
            .answers::<Vec<Schedule>>(200),
        patch("/api/schedules/{name}", Access::Admin, edit_schedule)
            .json("jobs", "Change a schedule; it takes effect at once")
            .body::<ScheduleEdit>()
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/schedules/{name}/run", Access::Admin, run_schedule)
            .json("jobs", "Enqueue a schedule's job now")
            .answers::<Accepted>(202)
            .problems(&[404]),
        post("/api/jobs/kinds/{kind}/pause", Access::Admin, pause)
            .json("jobs", "Stop starting jobs of a kind; running ones go on")
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/jobs/kinds/{kind}/resume", Access::Admin, resume)
            .json("jobs", "Start jobs of a kind again")
            .answers_nothing(204)
            .problems(&[404]),
    ]
}

/// A job was enqueued, or met.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Accepted {
    /// Its number.
    pub job_id: JobId,
    /// False when an equal job was waiting already.
    pub is_new: bool,
    /// Where it can be watched.
    pub href: String,
}

impl Accepted {
    /// The answer to an enqueue.
    pub fn of(enqueued: queue::Enqueued) -> Self {
        Self {
            job_id: enqueued.id,
            is_new: enqueued.is_new,
            href: format!("/api/jobs/{}", enqueued.id),
        }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self)).into_response()
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Enqueue {
    /// The kind.
    kind: String,
    /// Its payload; `{}` if absent.
    #[serde(default)]
    payload: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize, JsonSchema)]
struct Cancelled {
    /// `cancelled`, or `running` until it obeys.
    state: &'static str,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct FailureQuery {
    /// The kind.
    kind: String,
    /// Exactly this last error; any if absent.
    error: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Count {
    /// Jobs concerned.
    jobs: u64,
}

/// The queue at a glance.
#[derive(Serialize, JsonSchema)]
struct Summary {
    /// Jobs by state.
    counts: std::collections::BTreeMap<String, i64>,
    /// Due time of the oldest job that could run now but does not.
    oldest_waiting_at: Option<i64>,
    /// Living workers.
    workers: Vec<WorkerRow>,
    /// Kinds.
    kinds: Vec<KindRow>,
    /// Dead letters that failed alike.
    failures: Vec<FailureGroup>,
    /// The last 24 hours.
    hours: Vec<HourStats>,
}

async fn list(
    State(app): State<App>,
    Query(filter): Query<JobFilter>,
) -> Result<Json<Vec<JobRow>>, AppError> {
    Ok(Json(inspect::list(app.db.read(), &filter).await?))
}

async fn summary(State(app): State<App>) -> Result<Json<Summary>, AppError> {
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

async fn one(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Json<JobStory>, AppError> {
    Ok(Json(visible(&app, &who, id).await?))
}

/// The job, if this person may see it: admins all, members their own.
async fn visible(app: &App, who: &SignedIn, id: JobId) -> Result<JobStory, AppError> {
    inspect::story(app.db.read(), id)
        .await?
        .filter(|story| who.user.is_admin() || story.job.created_by == who.actor().to_string())
        .ok_or_else(|| AppError::not_found(format!("There is no job {id}.")))
}

async fn enqueue(
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

async fn retry(
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

async fn cancel(
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

async fn replay(
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

async fn retry_failures(
    State(app): State<App>,
    who: SignedIn,
    Json(which): Json<FailureQuery>,
) -> Result<Json<Count>, AppError> {
    let jobs = in_bulk(&app, &who, which.into(), true).await?;
    Ok(Json(Count { jobs }))
}

async fn dismiss_failures(
    State(app): State<App>,
    who: SignedIn,
    Json(which): Json<FailureQuery>,
) -> Result<Json<Count>, AppError> {
    let jobs = in_bulk(&app, &who, which.into(), false).await?;
    Ok(Json(Count { jobs }))
}

impl From<FailureQuery> for Failures {
    fn from(query: FailureQuery) -> Self {
        Self {
            kind: query.kind,
            error: query.error,
        }
    }
}

/// Retries or dismisses all jobs that failed alike.
async fn in_bulk(app: &App, who: &SignedIn, which: Failures, again: bool) -> Result<u64, AppError> {
    let mut tx = app.db.write().await?;
    let (jobs, action) = if again {
        (control::retry_all(&mut tx, &which).await?, "jobs.retried")
    } else {
        (
            control::dismiss_all(&mut tx, &which).await?,
            "jobs.dismissed",
        )
    };
    let detail = serde_json::json!({"kind": which.kind, "jobs": jobs});
    audit::record(&mut tx, &who.actor(), action, "", detail, &who.ip()).await?;
    tx.commit().await?;
    Ok(jobs)
}

async fn list_schedules(State(app): State<App>) -> Result<Json<Vec<Schedule>>, AppError> {
    Ok(Json(schedules::list(app.db.read()).await?))
}

async fn edit_schedule(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
    Json(change): Json<ScheduleEdit>,
) -> Result<StatusCode, AppError> {
    save_schedule(&app, &who, &name, &change).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn save_schedule(
    app: &App,
    who: &SignedIn,
    name: &str,
    change: &ScheduleEdit,
) -> Result<(), AppError> {
    let zone = settings::fund_zone(&app.db).await?;
    let mut tx = app.db.write().await?;
    schedules::edit(&mut tx, name, change, &zone).await?;
    let detail = serde_json::json!({"expression": change.expression, "zone": change.zone, "enabled": change.enabled});
    audit::record(
        &mut tx,
        &who.actor(),
        "schedule.edited",
        &format!("schedule:{name}"),
        detail,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

async fn run_schedule(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
) -> Result<Accepted, AppError> {
    fire(&app, &who, &name).await.map(Accepted::of)
}

async fn fire(app: &App, who: &SignedIn, name: &str) -> Result<queue::Enqueued, AppError> {
    let mut tx = app.db.write().await?;
    let enqueued =
        schedules::run_now(&mut tx, &app.registry, name, &who.actor().to_string()).await?;
    record(&mut tx, who, "job.enqueued", enqueued.id).await?;
    tx.commit().await?;
    Ok(enqueued)
}

async fn pause(
    State(app): State<App>,
    who: SignedIn,
    Path(kind): Path<String>,
) -> Result<StatusCode, AppError> {
    set_paused(&app, &who, &kind, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn resume(
    State(app): State<App>,
    who: SignedIn,
    Path(kind): Path<String>,
) -> Result<StatusCode, AppError> {
    set_paused(&app, &who, &kind, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A kind that this release has, or that jobs of an older one still bear.
async fn set_paused(app: &App, who: &SignedIn, kind: &str, paused: bool) -> Result<(), AppError> {
    let known = app.registry.names().any(|n| n == kind)
        || inspect::kinds(app.db.read())
            .await?
            .iter()
            .any(|k| k.kind == kind);
    if !known {
        return Err(AppError::not_found("There is no such kind of job."));
    }
    let mut tx = app.db.write().await?;
    control::set_paused(&mut tx, kind, paused).await?;
    let action = if paused {
        "kind.paused"
    } else {
        "kind.resumed"
    };
    audit::record(
        &mut tx,
        &who.actor(),
        action,
        &format!("kind:{kind}"),
        serde_json::json!({}),
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Notes in the audit log what a person did to a job.
pub async fn record(
    tx: &mut crm_jobs::db::WriteTx,
    who: &SignedIn,
    action: &str,
    id: JobId,
) -> Result<(), AppError> {
    audit::record(
        tx,
        &who.actor(),
        action,
        &format!("job:{id}"),
        serde_json::json!({}),
        &who.ip(),
    )
    .await?;
    Ok(())
}

impl From<ControlError> for AppError {
    fn from(error: ControlError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            ControlError::Missing(_) => Self::not_found(says),
            ControlError::State { .. } => Self::conflict("wrong_state", says),
            ControlError::Db(error) => error.into(),
        }
    }
}

impl From<ScheduleError> for AppError {
    fn from(error: ScheduleError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            ScheduleError::Expression(_) | ScheduleError::Never(_) => {
                Self::invalid("expression", says)
            }
            ScheduleError::Zone(_) => Self::invalid("zone", says),
            ScheduleError::CatchUp => Self::invalid("catch_up", says),
            ScheduleError::Missing(_) => Self::not_found(says),
            ScheduleError::Kind(error) => error.into(),
            ScheduleError::Db(error) => error.into(),
        }
    }
}

impl From<UnknownKind> for AppError {
    fn from(error: UnknownKind) -> Self {
        let field = match error {
            UnknownKind::Kind { .. } => "kind",
            UnknownKind::Payload { .. } => "payload",
        };
        Self::invalid(field, sentence(&error.to_string()))
    }
}
