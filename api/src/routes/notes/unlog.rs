//! Undo of the quick log: all that it made goes, unless somebody went on with it.

use axum::extract::State;
use crm_jobs::{
    audit,
    db::WriteTx,
    grid::{self, ChangeBy, GridError},
    work,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    error::AppError,
    extract::{Path, Query},
    flash::Done,
    routes::page::FlashKind,
    session::SignedIn,
    state::App,
};

/// What was made besides the contact and its note.
#[derive(Debug, Deserialize)]
pub struct Made {
    /// The follow-up.
    #[serde(default)]
    task: String,
    /// The grid's change: a new investor, a new person.
    #[serde(default)]
    version: i64,
}

/// Where it is undone.
pub fn href(logged: &work::Logged) -> String {
    let task = logged.task.as_ref().map_or("", |task| task.id.as_str());
    format!(
        "/log/{}/undo?task={task}&version={}",
        logged.interaction,
        logged.version.unwrap_or_default()
    )
}

/// Takes all of it back, with a word on what had to stay.
pub async fn undo(
    State(app): State<App>,
    who: SignedIn,
    Path(interaction): Path<String>,
    Query(made): Query<Made>,
) -> Result<Done, AppError> {
    let actor = who.actor();
    let mut tx = app.db.write().await?;
    if !work::remove_interaction(&mut tx, &interaction).await? {
        return Err(AppError::not_found("There is no such contact."));
    }
    // Whoever went on with the follow-up needs its investor too.
    let left = if !take_task(&mut tx, &made.task, &actor.to_string()).await? {
        Some("the follow-up and its investor stay: the task was changed since")
    } else if !take_change(&mut tx, made.version, &actor.to_string()).await? {
        Some("the investor stays: it was changed since")
    } else {
        None
    };
    let detail = json!({"interaction": interaction, "task": made.task, "version": made.version});
    audit::record(&mut tx, &actor, "contact.removed", "", detail, &who.ip()).await?;
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    let done = Done::to("/day");
    Ok(match left {
        None => done.saying(FlashKind::Ok, "All of it is taken back."),
        Some(left) => done.saying(
            FlashKind::Warn,
            format!("The contact is taken back, but {left}."),
        ),
    })
}

/// Removes the follow-up if it is as it was made. True if none is left.
async fn take_task(tx: &mut WriteTx, id: &str, actor: &str) -> Result<bool, AppError> {
    if id.is_empty() {
        return Ok(true);
    }
    let now = tx.now();
    let today = work::today(tx, now).await?;
    let Some(task) = work::find(tx, id, today).await? else {
        return Ok(true);
    };
    let is_as_made =
        task.is_open() && task.created_by == actor && task.updated_at == task.created_at;
    if is_as_made {
        work::remove(tx, id, actor).await?;
    }
    Ok(is_as_made)
}

/// Takes the grid's change back, if it is theirs. False if it has to stay.
async fn take_change(tx: &mut WriteTx, version: i64, actor: &str) -> Result<bool, AppError> {
    if version == 0 {
        return Ok(true);
    }
    let own = grid::change_set(tx, version).await?;
    let Some(set) = own.filter(|set| set.actor == actor) else {
        return Ok(false);
    };
    let summary = format!("Undo of change {version}");
    let by = ChangeBy {
        actor: &set.actor,
        origin: "undo",
        summary: &summary,
        job: None,
    };
    match grid::revert(tx, version, &by, grid::REVERTED_AT_ONCE).await {
        Ok(applied) => Ok(applied.conflicts.is_empty()),
        Err(GridError::Invalid { .. }) => Ok(false),
        Err(other) => Err(other.into()),
    }
}
