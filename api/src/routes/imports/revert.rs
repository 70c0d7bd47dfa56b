//! Taking an import back.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use crm_jobs::import::{self, Reverted, Taken};

use super::record;
use crate::{
    error::AppError,
    extract::{Json, Path},
    flash::Done,
    routes::{jobs::Accepted, page::FlashKind},
    session::SignedIn,
    show,
    state::App,
};

pub async fn json(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    Ok(match take_back(&app, &who, &id).await? {
        Taken::Back(done) => Json(done).into_response(),
        Taken::ByJob(job_id) => Accepted {
            job_id,
            is_new: true,
            href: format!("/api/jobs/{job_id}"),
        }
        .into_response(),
    })
}

pub async fn form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let back = Done::to(format!("/imports/{id}"));
    Ok(match take_back(&app, &who, &id).await? {
        Taken::ByJob(_) => back,
        Taken::Back(done) if done.kept_count > 0 => back.saying(FlashKind::Warn, words(&done)),
        Taken::Back(done) => back.saying(FlashKind::Ok, words(&done)),
    })
}

async fn take_back(app: &App, who: &SignedIn, id: &str) -> Result<Taken, AppError> {
    let (taken, mut tx) = import::revert(&app.db, id, &who.actor().to_string()).await?;
    record(&mut tx, who, "import.reverted", id).await?;
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    Ok(taken)
}

/// One sentence on what was taken back.
pub fn words(done: &Reverted) -> String {
    let count = |n: usize, one: &str, many: &str| {
        (n > 0).then(|| show::count(i64::try_from(n).unwrap_or(i64::MAX), one, many))
    };
    let parts: Vec<String> = [
        count(done.rows, "row", "rows"),
        count(done.cells, "cell", "cells"),
        count(done.columns.len(), "column", "columns"),
        count(done.funds.len(), "fund", "funds"),
        count(done.contacts, "contact", "contacts"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let taken = if parts.is_empty() {
        "Nothing could be taken back.".to_owned()
    } else {
        format!("Taken back: {}.", parts.join(", "))
    };
    match done.kept_count {
        0 => taken,
        1 => format!("{taken} One thing stays because it was changed since."),
        n => format!("{taken} {n} things stay because they were changed since."),
    }
}
