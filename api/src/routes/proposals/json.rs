//! Proposals as JSON.

use axum::extract::State;
use crm_jobs::proposals::{self, Approval, NewPerson, Proposal, ProposalState, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    extract::{Json, Path, Query, Told},
    session::SignedIn,
    state::App,
};

/// Most in one answer.
const MOST: i64 = 100;

/// Which proposals.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalsQuery {
    /// `pending` if absent.
    state: Option<ProposalState>,
    /// Only of this investor.
    #[schemars(length(max = 64))]
    row: Option<String>,
    /// Those after this one: `next` of the page before.
    #[schemars(length(max = 64))]
    before: Option<String>,
    /// At most; 50 if absent.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<i64>,
}

/// A page of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Proposals {
    /// The newest first.
    proposals: Vec<Shown>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// One with what it rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    #[serde(flatten)]
    proposal: Proposal,
    /// The mail, the oldest first.
    sources: Vec<Source>,
}

/// One, as it is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answered {
    proposal: Proposal,
}

/// What to make of it; what is absent is as proposed, but for the stage, which is
/// only a hint.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveBody {
    /// The note.
    #[schemars(length(min = 1, max = 2000))]
    note: Option<String>,
    /// Who becomes a contact; null for nobody.
    #[serde(default, deserialize_with = "Told::read")]
    #[schemars(with = "Option<NewPerson>")]
    new_contact: Option<Told<NewPerson>>,
    /// A day, also as people write it (`in two weeks`); null for no follow-up.
    #[serde(default, deserialize_with = "Told::read")]
    #[schemars(with = "Option<String>", length(max = 60))]
    follow_up_on: Option<Told<String>>,
    /// The stage to move to, by id or standard name.
    #[schemars(length(max = 100))]
    stage: Option<String>,
}

/// Several at once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// Which.
    #[schemars(length(min = 1, max = 100), inner(length(max = 64)))]
    ids: Vec<String>,
    /// `approve` or `dismiss`.
    decision: Decision,
}

/// What to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// As they are.
    Approve,
    /// Let them go.
    Dismiss,
}

impl Decision {
    pub(super) fn state(self) -> ProposalState {
        match self {
            Self::Approve => ProposalState::Approved,
            Self::Dismiss => ProposalState::Dismissed,
        }
    }
}

/// How that went.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BulkDone {
    /// How many were decided; the others had been before.
    decided: usize,
    /// What names this decision for taking it back: from when, UTC milliseconds,
    from: i64,
    /// until when.
    until: i64,
}

/// Which decision of several to take back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoBulk {
    /// Its `from`.
    #[schemars(range(min = 0))]
    from: i64,
    /// Its `until`.
    #[schemars(range(min = 0))]
    until: i64,
}

/// How many are open again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reopened {
    /// Proposals.
    reopened: usize,
}

/// What taking back left.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UndoneBody {
    proposal: Proposal,
    /// What stays because somebody changed it since.
    stays: Vec<&'static str>,
}

pub async fn list(
    State(app): State<App>,
    Query(query): Query<ProposalsQuery>,
) -> Result<Json<Proposals>, AppError> {
    let limit = query.limit.unwrap_or(50).clamp(1, MOST);
    let mut conn = app.db.read().acquire().await?;
    let mut found = proposals::list(
        &mut conn,
        query.state.unwrap_or_default(),
        query.row.as_deref(),
        query.before.as_deref(),
        limit + 1,
    )
    .await?;
    let kept = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > kept;
    found.truncate(kept);
    let next = found.last().filter(|_| more).map(|p| p.id.clone());
    let mut shown = Vec::with_capacity(found.len());
    for proposal in found {
        let sources = proposals::sources(&mut conn, &proposal.id).await?;
        shown.push(Shown { proposal, sources });
    }
    Ok(Json(Proposals {
        proposals: shown,
        next,
    }))
}

pub async fn approve(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(body): Json<ApproveBody>,
) -> Result<Json<Answered>, AppError> {
    let mut approval = Approval::of(&super::one(&app, &id).await?);
    if let Some(note) = body.note {
        approval.note = note;
    }
    if let Some(person) = body.new_contact {
        approval.new_contact = person.0;
    }
    if let Some(day) = body.follow_up_on {
        approval.follow_up_on = super::day(&app, day.text()).await?;
    }
    approval.stage = body.stage;
    super::approve(&app, &who, &id, &approval).await?;
    answered(&app, &id).await
}

pub async fn dismiss(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Answered>, AppError> {
    super::dismiss(&app, &who, &id).await?;
    answered(&app, &id).await
}

pub async fn undo(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<UndoneBody>, AppError> {
    let stays = super::undo(&app, &who, &id).await?;
    let proposal = super::one(&app, &id).await?;
    Ok(Json(UndoneBody { proposal, stays }))
}

pub async fn bulk(
    State(app): State<App>,
    who: SignedIn,
    Json(bulk): Json<Bulk>,
) -> Result<Json<BulkDone>, AppError> {
    if bulk.ids.is_empty() || bulk.ids.len() > 100 {
        return Err(AppError::invalid("ids", "Name 1 to 100 proposals."));
    }
    let done = super::several(&app, &who, &bulk.ids, bulk.decision.state()).await?;
    Ok(Json(BulkDone {
        decided: done.decided,
        from: done.span.0,
        until: done.span.1,
    }))
}

pub async fn undo_bulk(
    State(app): State<App>,
    who: SignedIn,
    Json(which): Json<UndoBulk>,
) -> Result<Json<Reopened>, AppError> {
    let (reopened, _) = super::undo_several(&app, &who, (which.from, which.until)).await?;
    Ok(Json(Reopened { reopened }))
}

async fn answered(app: &App, id: &str) -> Result<Json<Answered>, AppError> {
    let proposal = super::one(app, id).await?;
    Ok(Json(Answered { proposal }))
}
