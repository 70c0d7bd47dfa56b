//! Mail that rules propose.

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    automations::{self as rules, Draft, DraftState},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{DraftLine, DraftsPage};
use crate::{
    error::AppError,
    extract::{Form, Json, Path, Query},
    flash::Done,
    frame::{frame, html},
    routes::page::{Choice, FlashKind},
    session::SignedIn,
    show,
    state::App,
};

/// Which drafts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct DraftsQuery {
    /// `proposed` if absent.
    state: Option<DraftState>,
    /// Only of this investor.
    #[schemars(length(max = 64))]
    row: Option<String>,
}

/// Drafts.
#[derive(Serialize, JsonSchema)]
pub struct Drafts {
    /// The newest first, at most 200.
    drafts: Vec<Draft>,
}

/// What became of a draft.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DraftChange {
    /// `proposed`, `used` or `dismissed`.
    state: DraftState,
}

/// The same, from a form.
#[derive(Debug, Deserialize)]
pub struct DraftForm {
    state: DraftState,
    #[serde(default)]
    next: String,
}

async fn read(app: &App, state: DraftState, row: Option<&str>) -> Result<Vec<Draft>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let mut drafts = rules::drafts(&mut conn, state, row, 200).await?;
    drop(conn);
    let table = app.grid.read().await?;
    for draft in &mut drafts {
        if let Some(slot) = table.slot(&draft.row_id) {
            draft.row_title = table.title(slot);
        }
    }
    Ok(drafts)
}

pub async fn list_json(
    State(app): State<App>,
    Query(query): Query<DraftsQuery>,
) -> Result<Json<Drafts>, AppError> {
    let state = query.state.unwrap_or(DraftState::Proposed);
    Ok(Json(Drafts {
        drafts: read(&app, state, query.row.as_deref()).await?,
    }))
}

async fn set(app: &App, who: &SignedIn, id: &str, state: DraftState) -> Result<Draft, AppError> {
    let mut tx = app.db.write().await?;
    let draft = rules::decide_draft(&mut tx, id, state, &who.actor().to_string()).await?;
    let action = match state {
        DraftState::Proposed => "draft.reopened",
        DraftState::Used => "draft.used",
        DraftState::Dismissed => "draft.dismissed",
    };
    super::record(&mut tx, who, action, &format!("row:{}", draft.row_id)).await?;
    tx.commit().await?;
    Ok(draft)
}

pub async fn decide_json(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(change): Json<DraftChange>,
) -> Result<Json<Draft>, AppError> {
    set(&app, &who, &id, change.state).await?;
    let mut conn = app.db.read().acquire().await?;
    let found = rules::find_draft(&mut conn, &id).await?;
    found
        .map(Json)
        .ok_or_else(|| AppError::not_found("There is no such draft."))
}

pub async fn decide(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<DraftForm>,
) -> Result<Done, AppError> {
    let draft = set(&app, &who, &id, form.state).await?;
    let back = if form.next.starts_with("/investors/") {
        form.next
    } else {
        "/drafts".to_owned()
    };
    let says = match form.state {
        DraftState::Proposed => format!("“{}” is proposed again.", draft.subject),
        DraftState::Used => format!("“{}” is marked as used.", draft.subject),
        DraftState::Dismissed => format!("“{}” is dismissed.", draft.subject),
    };
    let done = Done::to(back).saying(FlashKind::Ok, says);
    Ok(match form.state {
        DraftState::Proposed => done,
        _ => done.offering("Undo", &format!("/drafts/{id}/undo")),
    })
}

/// Takes a decision back, from the message it left.
pub async fn undo(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let draft = set(&app, &who, &id, DraftState::Proposed).await?;
    let says = format!("“{}” is proposed again.", draft.subject);
    Ok(Done::to("/drafts").saying(FlashKind::Ok, says))
}

/// Proposed drafts of one investor, ready to be drawn.
pub async fn of_row(app: &App, row: &str) -> Result<Vec<DraftLine>, AppError> {
    let names = users::names(&app.db).await?;
    let drafts = read(app, DraftState::Proposed, Some(row)).await?;
    Ok(drafts
        .iter()
        .map(|d| line(d, &names, app.db.now()))
        .collect())
}

fn line(draft: &Draft, names: &std::collections::BTreeMap<String, String>, now: i64) -> DraftLine {
    let to = match (draft.to_name.as_str(), draft.to_address.as_str()) {
        ("", "") => "Nobody yet: there is no address at this investor".to_owned(),
        (name, "") => format!("{name}, whose address is not known"),
        ("", address) => address.to_owned(),
        (name, address) => format!("{name} <{address}>"),
    };
    DraftLine {
        id: draft.id.clone(),
        investor: draft.row_title.clone(),
        href: format!("/investors/{}", draft.row_id),
        to,
        subject: draft.subject.clone(),
        body: draft.body.clone(),
        mailto: format!(
            "mailto:{}?subject={}&body={}",
            show::encoded(&draft.to_address),
            show::encoded(&draft.subject),
            show::encoded(&draft.body)
        ),
        by: show::actor(&draft.created_by, names),
        run: draft
            .run_id
            .map(|run| format!("/automations/runs/{run}"))
            .unwrap_or_default(),
        at: show::ago(now, draft.created_at),
        is_open: draft.state == "proposed",
    }
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<DraftsQuery>,
) -> Result<Response, AppError> {
    let state = query.state.unwrap_or(DraftState::Proposed);
    let names = users::names(&app.db).await?;
    let drafts = read(&app, state, None).await?;
    let tab = |value: &str, label: &str, is: DraftState| Choice::new(value, label, is == state);
    Ok(html(&DraftsPage {
        tabs: vec![
            tab("proposed", "Proposed", DraftState::Proposed),
            tab("used", "Used", DraftState::Used),
            tab("dismissed", "Dismissed", DraftState::Dismissed),
        ],
        drafts: drafts
            .iter()
            .map(|d| line(d, &names, app.db.now()))
            .collect(),
        frame: frame(&app, &who, "Email drafts").await,
    }))
}
