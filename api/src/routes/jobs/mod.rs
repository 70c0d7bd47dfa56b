//! The worker's dashboard, one job's story, and the same as JSON.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    queue::{
        self, JobId, UnknownKind,
        control::{self, ControlError, Failures},
        inspect::{self, JobFilter, JobRow, JobStory},
        schedules::{self, Schedule, ScheduleEdit, ScheduleError},
    },
    settings,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::Json,
    route::{Route, get, patch, post},
    session::SignedIn,
    state::App,
};

mod dashboard;
mod forms;
mod json;
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
        get("/api/jobs", Access::Admin, json::list)
            .json("jobs", "Jobs, newest first")
            .query::<JobFilter>()
            .answers::<Vec<JobRow>>(200),
        get("/api/jobs/summary", Access::Admin, json::summary)
            .json("jobs", "Counts, workers, failures and the last day")
            .answers::<json::Summary>(200),
        get("/api/jobs/{id}", Access::Member, json::one)
            .json("jobs", "One job's whole story; members see their own")
            .answers::<JobStory>(200)
            .problems(&[404]),
        post("/api/jobs", Access::Admin, json::enqueue)
            .json("jobs", "Enqueue a job by kind and payload")
            .body::<json::Enqueue>()
            .answers::<Accepted>(202),
        post("/api/jobs/{id}/retry", Access::Admin, json::retry)
            .json("jobs", "Run a discarded, cancelled or waiting job again")
            .answers::<Accepted>(202)
            .problems(&[404, 409]),
        post("/api/jobs/{id}/cancel", Access::Admin, json::cancel)
            .json(
                "jobs",
                "Cancel a job: at once if it waits, on request if it runs",
            )
            .answers::<json::Cancelled>(200)
            .problems(&[404, 409]),
        post("/api/jobs/{id}/replay", Access::Admin, json::replay)
            .json("jobs", "Enqueue a copy of a job")
            .answers::<Accepted>(202)
            .problems(&[404]),
        post(
            "/api/jobs/failures/retry",
            Access::Admin,
            json::retry_failures,
        )
        .json(
            "jobs",
            "Run all discarded jobs of a kind (and message) again",
        )
        .body::<json::FailureQuery>()
        .answers::<json::Count>(200),
        post(
            "/api/jobs/failures/dismiss",
            Access::Admin,
            json::dismiss_failures,
        )
        .json(
            "jobs",
            "Mark all discarded jobs of a kind (and message) as dealt with",
        )
        .body::<json::FailureQuery>()
        .answers::<json::Count>(200),
        get("/api/schedules", Access::Admin, json::list_schedules)
            .json("jobs", "What recurs")
            .answers::<Vec<Schedule>>(200),
        patch("/api/schedules/{name}", Access::Admin, json::edit_schedule)
            .json("jobs", "Change a schedule; it takes effect at once")
            .body::<ScheduleEdit>()
            .answers_nothing(204)
            .problems(&[404]),
        post(
            "/api/schedules/{name}/run",
            Access::Admin,
            json::run_schedule,
        )
        .json("jobs", "Enqueue a schedule's job now")
        .answers::<Accepted>(202)
        .problems(&[404]),
        post("/api/jobs/kinds/{kind}/pause", Access::Admin, json::pause)
            .json("jobs", "Stop starting jobs of a kind; running ones go on")
            .answers_nothing(204)
            .problems(&[404]),
        post("/api/jobs/kinds/{kind}/resume", Access::Admin, json::resume)
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

/// The job, if this person may see it: admins all, members their own.
async fn visible(app: &App, who: &SignedIn, id: JobId) -> Result<JobStory, AppError> {
    inspect::story(app.db.read(), id)
        .await?
        .filter(|story| who.user.is_admin() || story.job.created_by == who.actor().to_string())
        .ok_or_else(|| AppError::not_found(format!("There is no job {id}.")))
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

async fn fire(app: &App, who: &SignedIn, name: &str) -> Result<queue::Enqueued, AppError> {
    let mut tx = app.db.write().await?;
    let enqueued =
        schedules::run_now(&mut tx, &app.registry, name, &who.actor().to_string()).await?;
    record(&mut tx, who, "job.enqueued", enqueued.id).await?;
    tx.commit().await?;
    Ok(enqueued)
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
