//! One task: added, edited, done, snoozed, reopened, deleted and brought back.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::{check, repeat::Repeat, today};
use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
};

/// Characters of a title at most.
const MAX_TITLE_CHARS: usize = 300;
/// Characters of a note at most.
const MAX_NOTE_CHARS: usize = 4_000;

/// What is to be done, for whom, about whom and when.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// Time-ordered id.
    pub id: String,
    /// The investor it is about.
    pub row_id: Option<String>,
    /// The person it is about.
    pub contact_id: Option<String>,
    /// The name of that person.
    pub contact_name: Option<String>,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub note: String,
    /// `2026-03-31`.
    pub due_on: Option<String>,
    /// The day it asks for somebody: `due_on`, or the day it was snoozed to if
    /// that is later.
    pub day: Option<String>,
    /// Whose it is; the team's if nobody's.
    pub assignee: Option<String>,
    /// `open`, `snoozed` (until its day), `done` or `cancelled`.
    pub status: String,
    /// Hidden until this day.
    pub snoozed_until: Option<String>,
    /// How it comes back: `FREQ=WEEKLY;INTERVAL=2`.
    pub repeat: Option<String>,
    /// The first task of a repeating one.
    pub series_id: Option<String>,
    /// UTC milliseconds.
    pub created_at: i64,
    /// Who: `user:ID`, `job:ID` or `system`.
    pub created_by: String,
    /// Last change; send it back to change only what you saw.
    pub updated_at: i64,
    /// Who.
    pub updated_by: String,
    /// When it was done.
    pub done_at: Option<i64>,
    /// By whom.
    pub done_by: Option<String>,
}

impl Task {
    /// Whether somebody still has to do it.
    pub fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "open" | "snoozed")
    }
}

/// A task to be added.
#[derive(Clone, Debug, Default)]
pub struct TaskDraft {
    /// The investor it is about.
    pub row: Option<String>,
    /// The person it is about.
    pub contact: Option<String>,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub note: String,
    /// When.
    pub due_on: Option<Date>,
    /// Whose; the team's if nobody's.
    pub assignee: Option<String>,
    /// How it comes back.
    pub repeat: Option<Repeat>,
}

/// What to change; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct TaskChange {
    /// See [`TaskDraft`].
    pub row: Option<Option<String>>,
    /// See [`TaskDraft`].
    pub contact: Option<Option<String>>,
    /// See [`TaskDraft`].
    pub title: Option<String>,
    /// See [`TaskDraft`].
    pub note: Option<String>,
    /// See [`TaskDraft`]; another day ends a snooze.
    pub due_on: Option<Option<Date>>,
    /// See [`TaskDraft`].
    pub assignee: Option<Option<String>>,
    /// See [`TaskDraft`].
    pub repeat: Option<Option<Repeat>>,
}

/// How an edit went.
#[derive(Clone, Debug)]
pub enum Edited {
    /// It is saved; this is the task now.
    Saved(Box<Task>),
    /// Somebody changed it meanwhile; this is what there is.
    Newer(Box<Task>),
}

/// What finishing a task did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Finished {
    /// The task, done.
    pub task: Task,
    /// The one that follows it, if it repeats.
    pub next: Option<Task>,
}

/// One task that is not deleted. A snooze that is over reads as open.
pub async fn find(
    conn: &mut SqliteConnection,
    id: &str,
    today: Date,
) -> Result<Option<Task>, DbError> {
    sqlx::query_as(
        "select t.id, t.row_id, t.contact_id, c.name as contact_name, t.title, t.note, t.due_on, t.day, t.assignee,
                iif(t.status = 'snoozed' and t.snoozed_until <= ?2, 'open', t.status) as status,
                t.snoozed_until, t.repeat, t.series_id, t.created_at, t.created_by, t.updated_at, t.updated_by,
                t.done_at, t.done_by
         from tasks t left join contacts c on c.id = t.contact_id left join grid_rows r on r.id = t.row_id
         where t.id = ?1 and t.deleted_at is null and (t.row_id is null or r.deleted_at is null)",
    )
    .bind(id)
    .bind(today.to_string())
    .fetch_optional(conn)
    .await
}

/// The task, or the error that says there is none.
async fn known(tx: &mut WriteTx, id: &str) -> Result<Task, GridError> {
    let now = tx.now();
    let today = today(tx, now).await?;
    find(tx, id, today)
        .await?
        .ok_or_else(|| GridError::Missing {
            what: "task",
            id: id.to_owned(),
        })
}

/// Adds a task.
pub async fn add(tx: &mut WriteTx, draft: &TaskDraft, by: &str) -> Result<Task, GridError> {
    let title = title(&draft.title)?;
    let note = check::text("note", &draft.note, MAX_NOTE_CHARS, true)?;
    check_links(
        tx,
        draft.row.as_deref(),
        draft.contact.as_deref(),
        draft.assignee.as_deref(),
    )
    .await?;
    check_repeat(draft.repeat.is_some(), draft.due_on.is_some())?;
    let (id, now) = (tx.new_id(), tx.now());
    let new = Insert {
        id: &id,
        series: draft.repeat.as_ref().map(|_| id.as_str()),
        title: &title,
        note: &note,
        draft,
        now,
        by,
    };
    new.write(tx).await?;
    known(tx, &id).await
}

struct Insert<'a> {
    id: &'a str,
    series: Option<&'a str>,
    title: &'a str,
    note: &'a str,
    draft: &'a TaskDraft,
    now: i64,
    by: &'a str,
}

impl Insert<'_> {
    async fn write(&self, tx: &mut WriteTx) -> Result<(), DbError> {
        sqlx::query(
            "insert into tasks (id, row_id, contact_id, title, note, due_on, assignee, repeat, series_id,
                                created_by, created_at, updated_at, updated_by)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?10)",
        )
        .bind(self.id)
        .bind(&self.draft.row)
        .bind(&self.draft.contact)
        .bind(self.title)
        .bind(self.note)
        .bind(self.draft.due_on.map(|day| day.to_string()))
        .bind(&self.draft.assignee)
        .bind(self.draft.repeat.as_ref().map(Repeat::rule))
        .bind(self.series)
        .bind(self.by)
        .bind(self.now)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

fn title(text: &str) -> Result<String, GridError> {
    let title = check::text("title", text, MAX_TITLE_CHARS, false)?;
    if title.is_empty() {
        return Err(GridError::invalid(
            "no_title",
            "title",
            "write what is to be done",
        ));
    }
    Ok(title)
}

async fn check_links(
    tx: &mut WriteTx,
    row: Option<&str>,
    contact: Option<&str>,
    assignee: Option<&str>,
) -> Result<(), GridError> {
    if let Some(row) = row {
        check::row_is_live(tx, row).await?;
    }
    if let Some(contact) = contact {
        check::contact_exists(tx, contact).await?;
    }
    if let Some(assignee) = assignee {
        check::member_is_active(tx, assignee).await?;
    }
    Ok(())
}

fn check_repeat(repeats: bool, has_day: bool) -> Result<(), GridError> {
    if repeats && !has_day {
        return Err(GridError::invalid(
            "repeat_without_day",
            "due",
            "a task that repeats needs the day it is due first",
        ));
    }
    Ok(())
}

/// Changes a task, unless it is no longer as the caller saw it.
pub async fn edit(
    tx: &mut WriteTx,
    id: &str,
    change: &TaskChange,
    seen: Option<i64>,
    by: &str,
) -> Result<Edited, GridError> {
    let task = known(tx, id).await?;
    if seen.is_some_and(|seen| seen != task.updated_at) {
        return Ok(Edited::Newer(Box::new(task)));
    }
    check_links(
        tx,
        change.row.as_ref().and_then(Option::as_deref),
        change.contact.as_ref().and_then(Option::as_deref),
        change.assignee.as_ref().and_then(Option::as_deref),
    )
    .await?;
    let title = match &change.title {
        Some(text) => title(text)?,
        None => task.title.clone(),
    };
    let note = match &change.note {
        Some(text) => check::text("note", text, MAX_NOTE_CHARS, true)?,
        None => task.note.clone(),
    };
    let due_on = match change.due_on {
        Some(day) => day.map(|day| day.to_string()),
        None => task.due_on.clone(),
    };
    let repeat = match &change.repeat {
        Some(repeat) => repeat.as_ref().map(Repeat::rule),
        None => task.repeat.clone(),
    };
    check_repeat(repeat.is_some(), due_on.is_some())?;
    let is_woken = change.due_on.is_some() && due_on != task.due_on && task.is_open();
    let series = task
        .series_id
        .clone()
        .or_else(|| repeat.as_ref().map(|_| task.id.clone()));
    sqlx::query(
        "update tasks
         set title = ?2, note = ?3, due_on = ?4, repeat = ?5, series_id = ?6, row_id = ?7, contact_id = ?8, assignee = ?9,
             status = iif(?10, 'open', status), snoozed_until = iif(?10, null, snoozed_until),
             updated_at = max(?11, updated_at + 1), updated_by = ?12
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(title)
    .bind(note)
    .bind(due_on)
    .bind(repeat)
    .bind(series)
    .bind(change.row.as_ref().unwrap_or(&task.row_id))
    .bind(change.contact.as_ref().unwrap_or(&task.contact_id))
    .bind(change.assignee.as_ref().unwrap_or(&task.assignee))
    .bind(is_woken)
    .bind(tx.now())
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(Edited::Saved(Box::new(known(tx, id).await?)))
}

/// Marks a task as done; a repeating one is followed by the next. Doing it
/// twice does it once.
pub async fn finish(tx: &mut WriteTx, id: &str, by: &str) -> Result<Finished, GridError> {
    let task = known(tx, id).await?;
    if !task.is_open() {
        return Ok(Finished { task, next: None });
    }
    let now = tx.now();
    sqlx::query(
        "update tasks set status = 'done', done_at = ?2, done_by = ?3, updated_at = max(?2, updated_at + 1), updated_by = ?3
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    let next = follow(tx, &task, by).await?;
    Ok(Finished {
        task: known(tx, id).await?,
        next,
    })
}

/// The task that comes after a repeating one.
async fn follow(tx: &mut WriteTx, task: &Task, by: &str) -> Result<Option<Task>, GridError> {
    let rule = task.repeat.as_deref().unwrap_or_default();
    let (Some(repeat), Some(due)) = (Repeat::parse(rule)?, &task.due_on) else {
        return Ok(None);
    };
    let Some(day) = due.parse().ok().and_then(|due| repeat.next_after(due)) else {
        return Ok(None);
    };
    // Who left the team meanwhile gets no new tasks: they are the team's then.
    let assignee = match &task.assignee {
        None => None,
        Some(user) => match check::member_is_active(tx, user).await {
            Ok(()) => Some(user.clone()),
            Err(GridError::Invalid { .. }) => None,
            // Never swallowed: the transaction may be over by now.
            Err(other) => return Err(other),
        },
    };
    let draft = TaskDraft {
        row: task.row_id.clone(),
        contact: task.contact_id.clone(),
        title: task.title.clone(),
        note: task.note.clone(),
        due_on: Some(day),
        assignee,
        repeat: Some(repeat),
    };
    let (id, now) = (tx.new_id(), tx.now());
    let new = Insert {
        id: &id,
        series: Some(task.series_id.as_deref().unwrap_or(&task.id)),
        title: &draft.title,
        note: &draft.note,
        draft: &draft,
        now,
        by,
    };
    new.write(tx).await?;
    Ok(Some(known(tx, &id).await?))
}

/// Hides a task until a day to come.
pub async fn snooze(tx: &mut WriteTx, id: &str, until: Date, by: &str) -> Result<Task, GridError> {
    let task = known(tx, id).await?;
    let now = tx.now();
    if until <= today(tx, now).await? {
        return Err(GridError::invalid(
            "not_to_come",
            "until",
            "snooze it to a day after today",
        ));
    }
    if !task.is_open() {
        return Err(GridError::invalid(
            "not_open",
            "id",
            "only an open task can be snoozed: reopen it first",
        ));
    }
    sqlx::query(
        "update tasks set status = 'snoozed', snoozed_until = ?2, updated_at = max(?3, updated_at + 1), updated_by = ?4
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(until.to_string())
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    known(tx, id).await
}

/// Opens a task again. The one that followed it, if nobody touched it since,
/// goes: it would be there twice.
pub async fn reopen(tx: &mut WriteTx, id: &str, by: &str) -> Result<Task, GridError> {
    let task = known(tx, id).await?;
    let now = tx.now();
    if let (Some(series), Some(done_at)) = (&task.series_id, task.done_at) {
        sqlx::query(
            "update tasks set deleted_at = ?4
             where row_id is ?5 and series_id = ?1 and id <> ?2 and created_at = ?3 and updated_at = created_at
               and status = 'open' and deleted_at is null",
        )
        .bind(series)
        .bind(id)
        .bind(done_at)
        .bind(now)
        .bind(&task.row_id)
        .execute(&mut **tx)
        .await?;
    }
    sqlx::query(
        "update tasks set status = 'open', snoozed_until = null, done_at = null, done_by = null,
                updated_at = max(?2, updated_at + 1), updated_by = ?3
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    known(tx, id).await
}

/// Deletes a task (softly). Returns it as it was.
pub async fn remove(tx: &mut WriteTx, id: &str, by: &str) -> Result<Task, GridError> {
    let task = known(tx, id).await?;
    let now = tx.now();
    sqlx::query(
        "update tasks set deleted_at = ?2, updated_at = max(?2, updated_at + 1), updated_by = ?3
         where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(task)
}

/// Brings a deleted task back.
pub async fn restore(tx: &mut WriteTx, id: &str, by: &str) -> Result<Task, GridError> {
    let now = tx.now();
    sqlx::query(
        "update tasks set deleted_at = null, updated_at = max(?2, updated_at + 1), updated_by = ?3
         where id = ?1 and deleted_at is not null",
    )
    .bind(id)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    known(tx, id).await
}
