//! Tasks for programs.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::work::{
    self, Due, Finished, Task, TaskChange, TaskDraft, TaskFilter, TaskPage, Whose,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write::{self, Plain};
use crate::{
    error::AppError,
    extract::{Json, Path, Query, Told},
    session::SignedIn,
    state::App,
};

/// Tasks of one answer unless told otherwise.
const USUAL: i64 = 50;

/// Which tasks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct TaskQuery {
    /// `me`, `team` (nobody's in particular) or a member's id; anybody's if absent.
    #[schemars(length(max = 64))]
    assignee: Option<String>,
    /// `open` (as if absent), `snoozed`, `all` (of both), `done` or `cancelled`.
    #[schemars(regex(pattern = "^(open|snoozed|all|done|cancelled)$"))]
    status: Option<String>,
    /// About this investor; hidden ones too.
    #[schemars(length(max = 64))]
    row: Option<String>,
    /// About this person; hidden ones too.
    #[schemars(length(max = 64))]
    contact: Option<String>,
    /// `overdue`, `today` (what is overdue included), `week` (until Sunday) or
    /// `none` (without a day).
    #[schemars(regex(pattern = "^(overdue|today|week|none)$"))]
    due: Option<String>,
    /// Where the last answer ended.
    cursor: Option<String>,
    /// Tasks at most, up to 200.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
}

/// One task, with what it says in words.
#[derive(Serialize, JsonSchema)]
pub struct Answered {
    /// The task.
    #[serde(flatten)]
    task: Task,
    /// How it comes back, in words.
    repeats: Option<String>,
}

impl From<Task> for Answered {
    fn from(task: Task) -> Self {
        let rule = task.repeat.as_deref().unwrap_or_default();
        let repeats = work::Repeat::parse(rule).ok().flatten();
        Self {
            repeats: repeats.map(|rule| rule.words()),
            task,
        }
    }
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<TaskQuery>,
) -> Result<Json<TaskPage>, AppError> {
    let due: Option<Due> = query
        .due
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|why: String| AppError::invalid("due", crate::error::sentence(&why)))?;
    let status = query.status.as_deref();
    if status.is_some_and(|s| !["open", "snoozed", "all", "done", "cancelled"].contains(&s)) {
        return Err(AppError::invalid(
            "status",
            "Write open, snoozed, all, done or cancelled.",
        ));
    }
    let offset = match query.cursor.as_deref() {
        None => Some(0),
        Some(cursor) => cursor.parse().ok().filter(|at: &i64| *at >= 0),
    };
    let filter = TaskFilter {
        whose: Whose::read(query.assignee.as_deref().unwrap_or_default(), &who.user.id),
        status: query.status,
        row: query.row,
        contact: query.contact,
        due,
        offset: offset.ok_or_else(|| {
            AppError::invalid("cursor", "Send back the cursor of the last answer.")
        })?,
        limit: query.limit.unwrap_or(USUAL),
    };
    let mut conn = app.db.read().acquire().await?;
    let today = work::today(&mut conn, app.db.now()).await?;
    Ok(Json(work::list(&mut conn, &filter, today).await?))
}

/// A task to be added.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct New {
    /// What is to be done.
    #[schemars(length(min = 1, max = 300))]
    title: String,
    /// The investor it is about.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    row: Option<String>,
    /// The person it is about.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    contact: Option<String>,
    /// More about it.
    #[serde(default)]
    #[schemars(length(max = 4_000))]
    note: String,
    /// When: `2026-03-31`, `in two weeks`, `friday`.
    #[serde(default)]
    #[schemars(length(max = 100))]
    due: Option<String>,
    /// `me` or a member's id; the team's if absent.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    assignee: Option<String>,
    /// How it comes back: `FREQ=WEEKLY;INTERVAL=2;UNTIL=20261231`.
    #[serde(default)]
    #[schemars(length(max = 100))]
    repeat: Option<String>,
}

pub async fn add(
    State(app): State<App>,
    who: SignedIn,
    Json(new): Json<New>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let draft = TaskDraft {
        row: new.row,
        contact: new.contact,
        title: new.title,
        note: new.note,
        due_on: write::day(&mut tx, new.due.as_deref().unwrap_or_default()).await?,
        assignee: write::assignee(new.assignee.as_deref().unwrap_or_default(), &who),
        repeat: write::repeat(new.repeat.as_deref().unwrap_or_default())?,
    };
    let task = write::add(&mut tx, &who, &draft).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Answered::from(task))).into_response())
}

/// What to change: what is absent stays, a null is taken out.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Change {
    /// The `updated_at` you saw; refused if the task changed since.
    #[serde(default)]
    updated_at: Option<i64>,
    /// See adding.
    #[serde(default)]
    #[schemars(length(min = 1, max = 300))]
    title: Option<String>,
    /// See adding.
    #[serde(default)]
    #[schemars(length(max = 4_000))]
    note: Option<String>,
    /// See adding; another day ends a snooze.
    #[serde(default, deserialize_with = "Told::read")]
    #[schemars(with = "Option<String>", length(max = 100))]
    due: Option<Told<String>>,
    /// See adding; null is the team.
    #[serde(default, deserialize_with = "Told::read")]
    #[schemars(with = "Option<String>", length(max = 64))]
    assignee: Option<Told<String>>,
    /// See adding.
    #[serde(default, deserialize_with = "Told::read")]
    #[schemars(with = "Option<String>", length(max = 100))]
    repeat: Option<Told<String>>,
    /// See adding.
    #[serde(default, deserialize_with = "Told::read")]
    #[schemars(with = "Option<String>", length(max = 64))]
    row: Option<Told<String>>,
    /// See adding.
    #[serde(default, deserialize_with = "Told::read")]
    #[schemars(with = "Option<String>", length(max = 64))]
    contact: Option<Told<String>>,
}

pub async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(wanted): Json<Change>,
) -> Result<Json<Answered>, AppError> {
    let mut tx = app.db.write().await?;
    let due_on = match &wanted.due {
        None => None,
        Some(said) => Some(write::day(&mut tx, said.text()).await?),
    };
    let repeat = match &wanted.repeat {
        None => None,
        Some(said) => Some(write::repeat(said.text())?),
    };
    let change = TaskChange {
        row: wanted.row.map(|said| said.0),
        contact: wanted.contact.map(|said| said.0),
        title: wanted.title,
        note: wanted.note,
        due_on,
        assignee: wanted
            .assignee
            .map(|said| write::assignee(said.text(), &who)),
        repeat,
    };
    match write::edit(&mut tx, &who, &id, &change, wanted.updated_at).await? {
        Ok(task) => {
            tx.commit().await?;
            Ok(Json(task.into()))
        }
        Err(now) => Err(AppError::conflict(
            "changed_meanwhile",
            "Somebody changed this task meanwhile: look at it again.",
        )
        .with("current", serde_json::to_value(now).unwrap_or_default())),
    }
}

pub async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Answered>, AppError> {
    Ok(Json(find(&app, &id).await?.into()))
}

/// A task that is there.
pub async fn find(app: &App, id: &str) -> Result<Task, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let today = work::today(&mut conn, app.db.now()).await?;
    let found = work::find(&mut conn, id, today).await?;
    found.ok_or_else(|| AppError::not_found("There is no such task."))
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    write::plain(&app, &who, &id, Plain::Remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn done(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Finished>, AppError> {
    Ok(Json(write::finish(&app, &who, &id).await?))
}

/// Until when.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Snooze {
    /// A day to come: `tomorrow`, `in two weeks`, `2026-03-31`.
    #[schemars(length(min = 1, max = 100))]
    until: String,
}

pub async fn snooze(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(wanted): Json<Snooze>,
) -> Result<Json<Answered>, AppError> {
    let task = write::snooze(&app, &who, &id, &wanted.until).await?;
    Ok(Json(task.into()))
}

pub async fn reopen(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Answered>, AppError> {
    Ok(Json(
        write::plain(&app, &who, &id, Plain::Reopen).await?.into(),
    ))
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Answered>, AppError> {
    Ok(Json(
        write::plain(&app, &who, &id, Plain::Restore).await?.into(),
    ))
}

/// A text that should mean a day.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Understand {
    /// As people write it.
    #[schemars(length(max = 100))]
    text: String,
}

/// The day a text means.
#[derive(Serialize, JsonSchema)]
pub struct Understood {
    /// `2026-03-31`; null for a blank.
    day: Option<String>,
    /// `Tuesday, 31 March 2026`.
    words: Option<String>,
}

pub async fn understand(
    State(app): State<App>,
    Query(query): Query<Understand>,
) -> Result<Json<Understood>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let today = work::today(&mut conn, app.db.now()).await?;
    let day = work::due::understand(&query.text, today)?;
    Ok(Json(Understood {
        day: day.map(|day| day.to_string()),
        words: day.map(|day| day.strftime("%A, %-d %B %Y").to_string()),
    }))
}
