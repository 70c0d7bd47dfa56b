//! What captured mail suggests: as JSON under `/api/activity/proposals`, as a page
//! under `/proposals`.

use crm_jobs::{
    audit,
    db::WriteTx,
    grid::GridError,
    proposals::{self, Approval, Proposal, ProposalState},
    work,
};
use jiff::civil::Date;
use serde_json::json;

use crate::{
    access::Access::Member,
    error::AppError,
    route::{Route, get, post},
    session::SignedIn,
    state::App,
};

mod json;
pub mod page;
mod pages;
#[cfg(any(test, debug_assertions))]
mod sample;

use self::json::{
    Answered, ApproveBody, Bulk, BulkDone, Proposals, ProposalsQuery, Reopened, UndoBulk,
    UndoneBody,
};

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/proposals", Member, pages::list),
        post("/proposals/bulk", Member, pages::bulk),
        post(
            "/proposals/bulk/{from}/{until}/undo",
            Member,
            pages::undo_bulk,
        ),
        post("/proposals/{id}", Member, pages::decide),
        post("/proposals/{id}/undo", Member, pages::undo),
        get("/api/activity/proposals", Member, json::list)
            .json(
                "proposals",
                "What captured mail suggests, the newest first, with the mail it rests on",
            )
            .query::<ProposalsQuery>()
            .answers::<Proposals>(200),
        post("/api/activity/proposals/decide", Member, json::bulk)
            .json(
                "proposals",
                "Approve as they are, or dismiss, up to 100 at once",
            )
            .body::<Bulk>()
            .answers::<BulkDone>(200),
        post("/api/activity/proposals/undo", Member, json::undo_bulk)
            .json(
                "proposals",
                "Take back all that you decided in one go, as `decide` named it",
            )
            .body::<UndoBulk>()
            .answers::<Reopened>(200)
            .problems(&[404, 409]),
        post(
            "/api/activity/proposals/{id}/approve",
            Member,
            json::approve,
        )
        .json(
            "proposals",
            "Take it, with edits: note, contact, follow-up and stage in one go",
        )
        .body::<ApproveBody>()
        .answers::<Answered>(200)
        .problems(&[404, 409]),
        post(
            "/api/activity/proposals/{id}/dismiss",
            Member,
            json::dismiss,
        )
        .json("proposals", "Let it go; nothing changes")
        .answers::<Answered>(200)
        .problems(&[404, 409]),
        post("/api/activity/proposals/{id}/undo", Member, json::undo)
            .json(
                "proposals",
                "Take a decision back, with all it made that nobody changed since",
            )
            .answers::<UndoneBody>(200)
            .problems(&[404, 409]),
    ]
}

/// Deciding twice, or taking back what cannot be, is a conflict, not a bad request.
fn refused(error: GridError) -> AppError {
    match error {
        GridError::Invalid {
            code: code @ ("already_decided" | "not_decided" | "newer_proposal"),
            ..
        } => AppError::conflict(code, crate::error::sentence(&error.to_string())),
        other => other.into(),
    }
}

async fn record(tx: &mut WriteTx, who: &SignedIn, action: &str, id: &str) -> Result<(), AppError> {
    audit::record(
        tx,
        &who.actor(),
        action,
        &format!("proposal:{id}"),
        json!({}),
        &who.ip(),
    )
    .await?;
    Ok(())
}

async fn one(app: &App, id: &str) -> Result<Proposal, AppError> {
    let mut conn = app.db.read().acquire().await?;
    proposals::find(&mut conn, id)
        .await?
        .ok_or_else(|| AppError::not_found("There is no such proposal."))
}

/// The day a text means today; none for a blank.
async fn day(app: &App, text: &str) -> Result<Option<Date>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let today = work::today(&mut conn, app.db.now()).await?;
    let understood = work::due::understand(text, today);
    understood.map_err(|e| AppError::from(e).at("follow_up_on"))
}

async fn approve(app: &App, who: &SignedIn, id: &str, approval: &Approval) -> Result<(), AppError> {
    let mut tx = app.db.write().await?;
    let by = who.actor().to_string();
    let made = proposals::approve(&mut tx, id, approval, &by).await;
    made.map_err(refused)?;
    record(&mut tx, who, "proposal.approved", id).await?;
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    Ok(())
}

async fn dismiss(app: &App, who: &SignedIn, id: &str) -> Result<(), AppError> {
    let mut tx = app.db.write().await?;
    let by = who.actor().to_string();
    let done = proposals::dismiss(&mut tx, id, &by).await;
    done.map_err(refused)?;
    record(&mut tx, who, "proposal.dismissed", id).await?;
    tx.commit().await?;
    Ok(())
}

/// Returns what stays because somebody went on with it.
async fn undo(app: &App, who: &SignedIn, id: &str) -> Result<Vec<&'static str>, AppError> {
    let mut tx = app.db.write().await?;
    let by = who.actor().to_string();
    let undone = proposals::undo(&mut tx, id, &by).await;
    let undone = undone.map_err(refused)?;
    record(&mut tx, who, "proposal.reopened", id).await?;
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    Ok(undone.stays)
}

/// Several decided in one go: how many, and from when until when, UTC milliseconds.
struct Decided {
    decided: usize,
    span: (i64, i64),
}

/// Decides all of them or, where one cannot be, none; those that somebody else
/// decided meanwhile are left out.
async fn several(
    app: &App,
    who: &SignedIn,
    ids: &[String],
    to: ProposalState,
) -> Result<Decided, AppError> {
    let mut tx = app.db.write().await?;
    let (by, from) = (who.actor().to_string(), tx.now());
    let mut decided = 0;
    for id in ids {
        let found = proposals::find(&mut tx, id).await?;
        let Some(proposal) = found.filter(|p| p.state == ProposalState::Pending) else {
            continue;
        };
        let action = if to == ProposalState::Approved {
            let approval = Approval::of(&proposal);
            let made = proposals::approve(&mut tx, id, &approval, &by).await;
            made.map_err(refused)?;
            "proposal.approved"
        } else {
            let done = proposals::dismiss(&mut tx, id, &by).await;
            done.map_err(refused)?;
            "proposal.dismissed"
        };
        record(&mut tx, who, action, id).await?;
        decided += 1;
    }
    let span = (from, tx.now());
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    Ok(Decided { decided, span })
}

/// Opens again what was decided in one go. Returns how many, and what stays because
/// somebody went on with it.
async fn undo_several(
    app: &App,
    who: &SignedIn,
    span: (i64, i64),
) -> Result<(usize, Vec<&'static str>), AppError> {
    let mut tx = app.db.write().await?;
    let by = who.actor().to_string();
    let ids = proposals::decided_together(&mut tx, span, &by).await?;
    if ids.is_empty() {
        return Err(AppError::not_found(
            "You decided nothing then, or it was taken back already.",
        ));
    }
    let mut stays = Vec::new();
    // The newest first: what the grid changed twice goes back step by step.
    for id in ids.iter().rev() {
        let undone = proposals::undo(&mut tx, id, &by).await;
        stays.extend(undone.map_err(refused)?.stays);
        record(&mut tx, who, "proposal.reopened", id).await?;
    }
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    stays.sort_unstable();
    stays.dedup();
    Ok((ids.len(), stays))
}
