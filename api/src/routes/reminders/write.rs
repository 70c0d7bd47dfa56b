//! Changing tasks on behalf of somebody: the verb, and the audit entry that
//! belongs to it.

use crm_jobs::{
    audit,
    db::WriteTx,
    grid::GridError,
    work::{self, Finished, Repeat, Task, TaskChange, TaskDraft},
};
use jiff::civil::Date;
use serde_json::json;

use crate::{error::AppError, session::SignedIn, state::App};

/// The day a text means today.
pub async fn day(tx: &mut WriteTx, text: &str) -> Result<Option<Date>, AppError> {
    let now = tx.now();
    let today = work::today(tx, now).await?;
    Ok(work::due::understand(text, today)?)
}

/// The rule a text means.
pub fn repeat(text: &str) -> Result<Option<Repeat>, AppError> {
    Ok(Repeat::parse(text)?)
}

/// `me` or an id; blank is the team.
pub fn assignee(text: &str, who: &SignedIn) -> Option<String> {
    match text.trim() {
        "" | "team" => None,
        "me" => Some(who.user.id.clone()),
        id => Some(id.to_owned()),
    }
}

async fn record(
    tx: &mut WriteTx,
    who: &SignedIn,
    action: &str,
    task: &Task,
) -> Result<(), AppError> {
    let (target, detail) = match &task.row_id {
        Some(row) => (format!("row:{row}"), json!({ "task": task.id })),
        None => (format!("task:{}", task.id), json!({})),
    };
    audit::record(tx, &who.actor(), action, &target, detail, &who.ip()).await?;
    Ok(())
}

/// Adds a task.
pub async fn add(tx: &mut WriteTx, who: &SignedIn, draft: &TaskDraft) -> Result<Task, AppError> {
    let task = work::add(tx, draft, &who.actor().to_string()).await?;
    record(tx, who, "task.added", &task).await?;
    Ok(task)
}

/// Changes a task. The inner error is the task as somebody else left it.
pub async fn edit(
    tx: &mut WriteTx,
    who: &SignedIn,
    id: &str,
    change: &TaskChange,
    seen: Option<i64>,
) -> Result<Result<Task, Task>, AppError> {
    match work::edit(tx, id, change, seen, &who.actor().to_string()).await? {
        work::Edited::Saved(task) => {
            record(tx, who, "task.changed", &task).await?;
            Ok(Ok(*task))
        }
        work::Edited::Newer(task) => Ok(Err(*task)),
    }
}

/// Marks a task as done.
pub async fn finish(app: &App, who: &SignedIn, id: &str) -> Result<Finished, AppError> {
    let mut tx = app.db.write().await?;
    let finished = work::finish(&mut tx, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "task.done", &finished.task).await?;
    tx.commit().await?;
    Ok(finished)
}

/// Hides a task until the day a text means.
pub async fn snooze(app: &App, who: &SignedIn, id: &str, until: &str) -> Result<Task, AppError> {
    let mut tx = app.db.write().await?;
    let day = day(&mut tx, until)
        .await
        .map_err(|error| match error.field() {
            Some("due") => error.at("until"),
            _ => error,
        })?;
    let until = day.ok_or_else(|| {
        let examples = work::due::EXAMPLES;
        AppError::invalid("until", format!("Say until when: {examples}."))
    })?;
    let task = work::snooze(&mut tx, id, until, &who.actor().to_string()).await?;
    record(&mut tx, who, "task.snoozed", &task).await?;
    tx.commit().await?;
    Ok(task)
}

/// What is done to a task without saying more.
#[derive(Clone, Copy, Debug)]
pub enum Plain {
    /// Open it again.
    Reopen,
    /// Delete it.
    Remove,
    /// Bring it back.
    Restore,
}

/// Does one of these.
pub async fn plain(app: &App, who: &SignedIn, id: &str, what: Plain) -> Result<Task, AppError> {
    let mut tx = app.db.write().await?;
    let by = who.actor().to_string();
    let (done, action): (Result<Task, GridError>, _) = match what {
        Plain::Reopen => (work::reopen(&mut tx, id, &by).await, "task.reopened"),
        Plain::Remove => (work::remove(&mut tx, id, &by).await, "task.deleted"),
        Plain::Restore => (work::restore(&mut tx, id, &by).await, "task.restored"),
    };
    let task = done?;
    record(&mut tx, who, action, &task).await?;
    tx.commit().await?;
    Ok(task)
}
