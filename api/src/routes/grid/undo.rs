//! Undo: the change set that a message offers to take back.

use axum::extract::State;
use crm_jobs::{
    audit,
    grid::{self, ChangeBy},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    routes::page::FlashKind,
    session::{SignedIn, safe_next},
    state::App,
};

/// Where a change set is undone.
pub fn href(change_set: i64) -> String {
    format!("/grid/undo/{change_set}")
}

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Back {
    #[serde(default)]
    next: String,
}

/// Takes a change set back. People undo what they did themselves. Undoing an undo does it again.
pub async fn undo(
    State(app): State<App>,
    who: SignedIn,
    Path(change_set): Path<i64>,
    Form(back): Form<Back>,
) -> Result<Done, AppError> {
    let actor = who.actor();
    let mut tx = app.db.write().await?;
    let set = grid::change_set(&mut tx, change_set)
        .await?
        .filter(|set| set.actor == actor.to_string())
        .ok_or_else(|| AppError::not_found("There is no such change of yours."))?;
    let summary = format!("Undo of change {change_set}");
    let by = ChangeBy {
        actor: &set.actor,
        origin: if set.origin == "undo" { "redo" } else { "undo" },
        summary: &summary,
        job: None,
    };
    let done = Done::to(safe_next(&back.next));
    let applied = match grid::revert(&mut tx, change_set, &by, grid::REVERTED_AT_ONCE).await {
        Ok(applied) => applied,
        Err(grid::GridError::Invalid { code, .. }) if code == grid::TOO_MANY => {
            let job = grid::hand_over(&mut tx, &set.actor, change_set).await?;
            let detail = json!({ "change_set": change_set, "job": job });
            audit::record(&mut tx, &actor, "grid.undone", "", detail, &who.ip()).await?;
            tx.commit().await?;
            return Ok(done.saying(
                FlashKind::Info,
                "This change is large: it is being undone in the background.",
            ));
        }
        Err(grid::GridError::Invalid { detail, .. }) => {
            return Ok(done.saying(FlashKind::Warn, crate::error::sentence(&detail)));
        }
        Err(other) => return Err(other.into()),
    };
    let detail = json!({ "change_set": change_set, "version": applied.version });
    audit::record(&mut tx, &actor, "grid.undone", "", detail, &who.ip()).await?;
    tx.commit().await?;
    Ok(if !applied.conflicts.is_empty() {
        let text = "Not everything was undone: somebody changed it again since.";
        done.saying(FlashKind::Warn, text)
    } else if applied.changes == 0 {
        done.saying(FlashKind::Info, "There was nothing left to undo.")
    } else {
        done.saying(FlashKind::Ok, "Undone.")
            .offering("Redo", &href(applied.version))
    })
}
