//! The dashboard's buttons.

use axum::{extract::State, response::IntoResponse, response::Response};
use crm_jobs::queue::{
    JobId,
    control::{self, Failures},
    schedules::{CatchUp, ScheduleEdit},
};
use serde::Deserialize;

use super::{fire, in_bulk, record, save_schedule, set_paused};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    routes::page::FlashKind,
    session::SignedIn,
    state::App,
};

pub async fn retry(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    control::retry(&mut tx, id).await?;
    record(&mut tx, &who, "job.retried", id).await?;
    tx.commit().await?;
    Ok(Done::to(format!("/jobs/{id}")).saying(FlashKind::Ok, format!("Job {id} runs again.")))
}

pub async fn cancel(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    let state = control::cancel(&mut tx, id).await?;
    record(&mut tx, &who, "job.cancelled", id).await?;
    tx.commit().await?;
    let text = if state == "running" {
        format!("Job {id} was asked to stop.")
    } else {
        format!("Job {id} is cancelled.")
    };
    Ok(Done::to(format!("/jobs/{id}"))
        .saying(FlashKind::Ok, text)
        .offering("Undo", &format!("/jobs/{id}/retry")))
}

pub async fn replay(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    let copy = control::replay(&mut tx, id, &who.actor().to_string())
        .await?
        .id;
    record(&mut tx, &who, "job.replayed", copy).await?;
    tx.commit().await?;
    Ok(Done::to(format!("/jobs/{copy}"))
        .saying(FlashKind::Ok, format!("Job {copy} repeats job {id}.")))
}

/// Kind and message as [`group_key`] joined them.
#[derive(Deserialize)]
pub struct Group {
    group: String,
}

/// What the buttons of a failure group post.
pub fn group_key(kind: &str, error: &str) -> String {
    format!("{kind}\n{error}")
}

impl From<Group> for Failures {
    fn from(group: Group) -> Self {
        // Browsers send a line break as two characters.
        let text = group.group.replace("\r\n", "\n");
        let (kind, error) = text.split_once('\n').unwrap_or((&text, ""));
        Self {
            kind: kind.to_owned(),
            error: Some(error.to_owned()),
        }
    }
}

pub async fn retry_all(
    State(app): State<App>,
    who: SignedIn,
    Form(group): Form<Group>,
) -> Result<Done, AppError> {
    let jobs = in_bulk(&app, &who, group.into(), true).await?;
    Ok(Done::to("/jobs").saying(FlashKind::Ok, format!("{jobs} jobs run again.")))
}

pub async fn dismiss_all(
    State(app): State<App>,
    who: SignedIn,
    Form(group): Form<Group>,
) -> Result<Done, AppError> {
    let jobs = in_bulk(&app, &who, group.into(), false).await?;
    let text = format!(
        "{jobs} failures dealt with. They stay in the list of cancelled jobs and can be retried there."
    );
    Ok(Done::to("/jobs").saying(FlashKind::Ok, text))
}

#[derive(Deserialize)]
pub struct ScheduleForm {
    expression: String,
    #[serde(default)]
    zone: String,
    policy: CatchUp,
    enabled: Option<String>,
}

/// A refused edit shows the dashboard again, with the reason at the field.
pub async fn edit_schedule(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
    Form(form): Form<ScheduleForm>,
) -> Result<Response, AppError> {
    let change = ScheduleEdit {
        expression: form.expression,
        zone: Some(form.zone),
        catch_up: form.policy,
        enabled: form.enabled.is_some(),
    };
    match save_schedule(&app, &who, &name, &change).await {
        Ok(()) => Ok(Done::to("/jobs#schedules")
            .saying(FlashKind::Ok, format!("{name} is changed."))
            .into_response()),
        Err(refused) if refused.field().is_some() => {
            super::dashboard::with_schedule_error(&app, &who, &name, &change, &refused).await
        }
        Err(other) => Err(other),
    }
}

pub async fn run_schedule(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
) -> Result<Done, AppError> {
    let id = fire(&app, &who, &name).await?.id;
    Ok(Done::to(format!("/jobs/{id}"))
        .saying(FlashKind::Ok, format!("{name} runs now, as job {id}.")))
}

pub async fn pause(
    State(app): State<App>,
    who: SignedIn,
    Path(kind): Path<String>,
) -> Result<Done, AppError> {
    set_paused(&app, &who, &kind, true).await?;
    Ok(Done::to("/jobs")
        .saying(FlashKind::Warn, format!("{kind} is paused: its jobs wait."))
        .offering("Undo", &format!("/jobs/kinds/{kind}/resume")))
}

pub async fn resume(
    State(app): State<App>,
    who: SignedIn,
    Path(kind): Path<String>,
) -> Result<Done, AppError> {
    set_paused(&app, &who, &kind, false).await?;
    Ok(Done::to("/jobs").saying(FlashKind::Ok, format!("{kind} runs again.")))
}
