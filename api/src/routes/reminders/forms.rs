//! What the pages of tasks show and post. A refused form comes back as the
//! page of one task, with everything typed still in it.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    contacts, notes,
    work::{Task, TaskChange, TaskDraft, due::understand},
};
use serde::Deserialize;

use super::{
    item::{Known, assignees, repeats},
    json::find,
    page::TaskPage,
    write::{self, Plain},
};
use crate::{
    error::AppError,
    extract::{Form, Path, Query},
    flash::Done,
    frame::{frame, html, html_with},
    routes::page::{Choice, FlashKind},
    session::{SignedIn, safe_next},
    show,
    state::App,
};

/// A task as a form has it.
#[derive(Debug, Default, Deserialize)]
pub struct TaskForm {
    #[serde(default)]
    title: String,
    #[serde(default)]
    due: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    assignee: String,
    #[serde(default)]
    repeat: String,
    #[serde(default)]
    row: String,
    #[serde(default)]
    contact: String,
    #[serde(default)]
    updated_at: i64,
    #[serde(default)]
    next: String,
}

/// Where a small form wants to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Then {
    #[serde(default)]
    next: String,
    #[serde(default)]
    until: String,
}

fn blank(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn back(next: &str) -> &str {
    match safe_next(next) {
        "/" => "/day",
        next => next,
    }
}

pub async fn new(
    State(app): State<App>,
    who: SignedIn,
    Query(form): Query<TaskForm>,
) -> Result<Response, AppError> {
    Ok(html(&page(&app, &who, None, form).await?))
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(then): Query<Then>,
) -> Result<Response, AppError> {
    let task = find(&app, &id).await?;
    let form = form_of(&task, &then.next);
    Ok(html(&page(&app, &who, Some(&task), form).await?))
}

fn form_of(task: &Task, next: &str) -> TaskForm {
    TaskForm {
        title: task.title.clone(),
        due: task.due_on.clone().unwrap_or_default(),
        note: task.note.clone(),
        assignee: task.assignee.clone().unwrap_or_default(),
        repeat: task.repeat.clone().unwrap_or_default(),
        row: task.row_id.clone().unwrap_or_default(),
        contact: task.contact_id.clone().unwrap_or_default(),
        updated_at: task.updated_at,
        next: next.to_owned(),
    }
}

async fn page(
    app: &App,
    who: &SignedIn,
    task: Option<&Task>,
    form: TaskForm,
) -> Result<TaskPage, AppError> {
    let row = Some(form.row.as_str()).filter(|row| !row.is_empty());
    let known = Known::load(app, row.into_iter()).await?;
    let understood = understand(&form.due, known.today).ok().flatten();
    let id = task.map_or_else(String::new, |task| task.id.clone());
    let title = if task.is_some() { "Task" } else { "New task" };
    let mut frame = frame(app, who, title).await;
    if task.is_some() {
        frame.path = format!("/tasks/{id}");
    }
    Ok(TaskPage {
        frame,
        action: if id.is_empty() {
            "/tasks".to_owned()
        } else {
            format!("/tasks/{id}")
        },
        id,
        next: back(&form.next).to_owned(),
        due_words: understood
            .map_or_else(String::new, |day| day.strftime("%A, %-d %B %Y").to_string()),
        investor: row.and_then(|row| known.investor(row)),
        assignees: assignees(&known.names, who, &form.assignee),
        repeats: repeats(&form.repeat),
        updated_at: form.updated_at,
        done: task.is_some_and(|task| !task.is_open()),
        story: task.map_or_else(String::new, |task| story(task, &known)),
        title: form.title,
        due: form.due,
        note: form.note,
        contacts: contacts(app, &form.row, &form.contact).await?,
        row: form.row,
        title_error: None,
        due_error: None,
        error: None,
    })
}

/// Whom a task at this investor may be about, and whom it is about.
async fn contacts(app: &App, row: &str, chosen: &str) -> Result<Vec<Choice>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let mut people = contacts::of_investor(&mut conn, row).await?;
    if !chosen.is_empty()
        && people.iter().all(|(id, _)| id != chosen)
        && let Some(contact) = contacts::contact(&mut conn, chosen).await?
    {
        people.push((contact.id, contact.name));
    }
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let nobody = Choice::new("", "Nobody in particular", chosen.is_empty());
    let people = people
        .iter()
        .map(|(id, name)| Choice::new(id, name, id == chosen));
    Ok(std::iter::once(nobody).chain(people).collect())
}

fn story(task: &Task, known: &Known) -> String {
    let names = &known.names;
    let by = show::actor(&task.created_by, &names.users);
    let added = format!(
        "Added on {} by {by}",
        show::day(&names.zone, task.created_at)
    );
    match (task.done_at, &task.done_by) {
        (Some(at), Some(by)) => format!(
            "{added}. Done on {} by {}",
            show::day(&names.zone, at),
            show::actor(by, &names.users)
        ),
        _ => added,
    }
}

/// The page again, with what is wrong at its field.
async fn refused(
    app: &App,
    who: &SignedIn,
    task: Option<&Task>,
    form: TaskForm,
    error: &AppError,
) -> Result<Response, AppError> {
    let mut page = page(app, who, task, form).await?;
    let says = Some(error.detail().to_owned());
    match error.field() {
        Some("title") => page.title_error = says,
        Some("due") => page.due_error = says,
        _ => page.error = says,
    }
    Ok(html_with(error.status(), &page))
}

pub async fn add(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<TaskForm>,
) -> Result<Response, AppError> {
    match try_add(&app, &who, &form).await {
        Ok(task) => Ok(Done::to(back(&form.next))
            .saying(FlashKind::Ok, added(&task))
            .offering("Undo", &format!("/tasks/{}/delete", task.id))
            .into_response()),
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            refused(&app, &who, None, form, &error).await
        }
        Err(other) => Err(other),
    }
}

fn added(task: &Task) -> String {
    let title = notes::plain(&task.title, 60);
    let day = task.due_on.as_deref().and_then(|day| day.parse().ok());
    match day {
        Some(day) => {
            let day: jiff::civil::Date = day;
            format!("“{title}” is due on {}.", day.strftime("%A, %-d %B"))
        }
        None => format!("“{title}” is added."),
    }
}

async fn try_add(app: &App, who: &SignedIn, form: &TaskForm) -> Result<Task, AppError> {
    let mut tx = app.db.write().await?;
    let draft = TaskDraft {
        row: blank(&form.row),
        contact: blank(&form.contact),
        title: form.title.clone(),
        note: form.note.clone(),
        due_on: write::day(&mut tx, &form.due).await?,
        assignee: write::assignee(&form.assignee, who),
        repeat: write::repeat(&form.repeat)?,
    };
    let task = write::add(&mut tx, who, &draft).await?;
    tx.commit().await?;
    Ok(task)
}

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<TaskForm>,
) -> Result<Response, AppError> {
    let before = find(&app, &id).await?;
    match try_save(&app, &who, &id, &form).await {
        Ok(Ok(_)) => Ok(Done::to(back(&form.next))
            .saying(FlashKind::Ok, "The task is saved.")
            .into_response()),
        Ok(Err(now)) => {
            let seen = TaskForm {
                updated_at: now.updated_at,
                ..form
            };
            let error = AppError::conflict(
                "changed_meanwhile",
                "Somebody changed this task while you were editing. This is what you typed: save again to keep it, or go back to see theirs.",
            );
            refused(&app, &who, Some(&now), seen, &error).await
        }
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            refused(&app, &who, Some(&before), form, &error).await
        }
        Err(other) => Err(other),
    }
}

async fn try_save(
    app: &App,
    who: &SignedIn,
    id: &str,
    form: &TaskForm,
) -> Result<Result<Task, Task>, AppError> {
    let mut tx = app.db.write().await?;
    let change = TaskChange {
        contact: Some(blank(&form.contact)),
        title: Some(form.title.clone()),
        note: Some(form.note.clone()),
        due_on: Some(write::day(&mut tx, &form.due).await?),
        assignee: Some(write::assignee(&form.assignee, who)),
        repeat: Some(write::repeat(&form.repeat)?),
        ..TaskChange::default()
    };
    let saved = write::edit(&mut tx, who, id, &change, Some(form.updated_at)).await?;
    if saved.is_ok() {
        tx.commit().await?;
    }
    Ok(saved)
}

pub async fn done(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(then): Form<Then>,
) -> Result<Done, AppError> {
    let finished = write::finish(&app, &who, &id).await?;
    let title = notes::plain(&finished.task.title, 60);
    let day = finished.next.as_ref().and_then(|next| next.due_on.clone());
    let day: Option<jiff::civil::Date> = day.and_then(|day| day.parse().ok());
    let says = match day {
        Some(day) => format!(
            "“{title}” is done. It comes back on {}.",
            day.strftime("%-d %B %Y")
        ),
        None => format!("“{title}” is done."),
    };
    Ok(Done::to(back(&then.next))
        .saying(FlashKind::Ok, says)
        .offering("Undo", &format!("/tasks/{id}/reopen")))
}

pub async fn snooze(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(then): Form<Then>,
) -> Result<Done, AppError> {
    let done = Done::to(back(&then.next));
    match write::snooze(&app, &who, &id, &then.until).await {
        Ok(task) => {
            let day: Option<jiff::civil::Date> = task
                .snoozed_until
                .as_deref()
                .and_then(|day| day.parse().ok());
            let day = day.map_or_else(String::new, |day| day.strftime("%A, %-d %B").to_string());
            Ok(done
                .saying(FlashKind::Ok, format!("Snoozed until {day}."))
                .offering("Undo", &format!("/tasks/{id}/reopen")))
        }
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(done.saying(FlashKind::Bad, error.detail()))
        }
        Err(other) => Err(other),
    }
}

pub async fn reopen(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(then): Form<Then>,
) -> Result<Done, AppError> {
    write::plain(&app, &who, &id, Plain::Reopen).await?;
    Ok(Done::to(back(&then.next)).saying(FlashKind::Ok, "The task is open again."))
}

pub async fn delete(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(then): Form<Then>,
) -> Result<Done, AppError> {
    let task = write::plain(&app, &who, &id, Plain::Remove).await?;
    let title = notes::plain(&task.title, 60);
    Ok(Done::to(back(&then.next))
        .saying(FlashKind::Ok, format!("“{title}” is deleted."))
        .offering("Undo", &format!("/tasks/{id}/restore")))
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(then): Form<Then>,
) -> Result<Done, AppError> {
    write::plain(&app, &who, &id, Plain::Restore).await?;
    Ok(Done::to(back(&then.next)).saying(FlashKind::Ok, "The task is back."))
}
