//! The page of proposals, and what it posts.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    email,
    grid::{self, Column, table::pipeline_stage},
    proposals::{self, Approval, Proposal, ProposalState, Source},
};
use jiff::civil::Date;
use serde::Deserialize;

use super::page::{Card, ProposalsPage, SourceItem};
use crate::{
    error::AppError,
    extract::{Form, Path, Query},
    flash::Done,
    frame::{frame, html, html_with},
    routes::{
        grid::values::Names,
        page::{Badge, Choice, FlashKind, LinkTo},
    },
    session::SignedIn,
    show,
    state::App,
};

/// Proposals on one page.
const PAGE: i64 = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    state: ProposalState,
    before: String,
}

/// A decision as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DecideForm {
    decision: String,
    note: String,
    /// `yes` if the person becomes a contact.
    contact: String,
    follow_up_on: String,
    stage: String,
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    Ok(html(&page(&app, &who, &query, None).await?))
}

/// The page; `refused` is a card to stand first, as somebody filled it in.
async fn page(
    app: &App,
    who: &SignedIn,
    query: &ListQuery,
    refused: Option<(Proposal, &DecideForm, &AppError)>,
) -> Result<ProposalsPage, AppError> {
    let names = Names::load(app).await?;
    let mut conn = app.db.read().acquire().await?;
    let before = Some(query.before.as_str()).filter(|id| !id.is_empty());
    let mut found = proposals::list(&mut conn, query.state, None, before, PAGE + 1).await?;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let has_more = found.len() > most;
    found.truncate(most);
    let older = found
        .last()
        .filter(|_| has_more)
        .map(|last| format!("/proposals?state={}&before={}", query.state.word(), last.id));
    let columns = grid::columns(&mut conn).await?;
    let stages = stages(&columns);
    let mut cards = Vec::with_capacity(found.len() + 1);
    if let Some((proposal, form, error)) = refused {
        found.retain(|other| other.id != proposal.id);
        let sources = proposals::sources(&mut conn, &proposal.id).await?;
        cards.push(typed(
            card(&proposal, &sources, &stages, &names),
            form,
            error,
        ));
    }
    for proposal in &found {
        let sources = proposals::sources(&mut conn, &proposal.id).await?;
        cards.push(card(proposal, &sources, &stages, &names));
    }
    let waiting = proposals::pending(&mut conn).await?;
    let mailboxes = email::list_mailboxes(&mut conn).await?;
    drop(conn);
    let tab = |state: ProposalState, label: String| {
        Choice::new(state.word(), &label, state == query.state)
    };
    Ok(ProposalsPage {
        tabs: vec![
            tab(
                ProposalState::Pending,
                format!("Waiting {}", show::number(waiting)),
            ),
            tab(ProposalState::Approved, "Approved".to_owned()),
            tab(ProposalState::Dismissed, "Dismissed".to_owned()),
        ],
        cards,
        is_open: query.state == ProposalState::Pending,
        has_mailboxes: !mailboxes.is_empty(),
        is_admin: who.user.is_admin(),
        older,
        frame: frame(app, who, "Proposals").await,
    })
}

/// Stages of the pipeline: id, name, the standard one it stands for.
fn stages(columns: &[Column]) -> Vec<(String, String, Option<&'static str>)> {
    let choices = grid::pipeline_column(columns).map(|c| c.options.choices.as_slice());
    let choices = choices.unwrap_or_default().iter();
    choices
        .map(|c| (c.id.clone(), c.name.clone(), pipeline_stage(&c.name)))
        .collect()
}

fn card(
    proposal: &Proposal,
    sources: &[Source],
    stages: &[(String, String, Option<&'static str>)],
    names: &Names,
) -> Card {
    let mut choices = vec![Choice::new("", "Leave as it is", true)];
    choices.extend(
        stages
            .iter()
            .map(|(id, name, _)| Choice::new(id, name, false)),
    );
    let hint = proposal.stage_hint.as_deref();
    let hint = stages
        .iter()
        .find(|(_, _, standard)| hint.is_some() && *standard == hint);
    let day: Option<Date> = proposal.day.parse().ok();
    Card {
        id: proposal.id.clone(),
        investor: LinkTo::new(
            &proposal.row_title,
            &format!("/investors/{}", proposal.row_id),
        ),
        day: day.map_or_else(String::new, |day| day.strftime("%A, %-d %B").to_string()),
        drafted: if proposal.drafted_by == "model" {
            Badge::new("Local model", "info")
        } else {
            Badge::new("By rule", "muted")
        },
        note: proposal.note.clone(),
        contact: proposal.new_contact.as_ref().map(|person| {
            let who = match person.name.as_str() {
                "" => person.email.clone(),
                name => format!("{name} <{}>", person.email),
            };
            (who, true)
        }),
        follow_up: proposal.follow_up_on.clone().unwrap_or_default(),
        hint: hint.map(|(_, name, _)| name.clone()),
        stages: if stages.is_empty() {
            Vec::new()
        } else {
            choices
        },
        sources: sources
            .iter()
            .map(|s| source(&proposal.thread_id, s, names.now))
            .collect(),
        thread: format!("/emails/threads/{}", proposal.thread_id),
        decided: proposal.decided_at.map(|at| {
            let badge = match proposal.state {
                ProposalState::Approved => Badge::new("Approved", "ok"),
                _ => Badge::new("Dismissed", "muted"),
            };
            let by = proposal.decided_by.as_deref().unwrap_or_default();
            (
                badge,
                show::actor(by, &names.users),
                show::ago(names.now, at),
            )
        }),
        refused: None,
    }
}

fn source(thread: &str, mail: &Source, now: i64) -> SourceItem {
    let has_name = !mail.from_name.is_empty();
    SourceItem {
        href: format!("/emails/threads/{thread}#email-{}", mail.id),
        from: if has_name {
            mail.from_name.clone()
        } else {
            mail.from_address.clone()
        },
        address: if has_name {
            mail.from_address.clone()
        } else {
            String::new()
        },
        is_sent: mail.direction == "out",
        subject: mail.subject.clone(),
        said: mail.said.trim().to_owned(),
        at: show::ago(now, mail.sent_at),
    }
}

/// The card with what somebody typed and why it was refused.
fn typed(card: Card, form: &DecideForm, error: &AppError) -> Card {
    let field = error.field().unwrap_or("note").to_owned();
    let stages = card.stages.iter();
    Card {
        note: form.note.clone(),
        follow_up: form.follow_up_on.clone(),
        contact: card.contact.map(|(who, _)| (who, form.contact == "yes")),
        stages: stages
            .map(|c| Choice::new(&c.value, &c.label, c.value == form.stage))
            .collect(),
        refused: Some((field, error.detail().to_owned())),
        ..card
    }
}

pub async fn decide(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<DecideForm>,
) -> Result<Response, AppError> {
    let proposal = super::one(&app, &id).await?;
    let decided = match form.decision.as_str() {
        "approve" => approve(&app, &who, &proposal, &form).await,
        "dismiss" => super::dismiss(&app, &who, &id).await,
        _ => Err(AppError::invalid("decision", "Choose approve or dismiss.")),
    };
    match decided {
        Ok(()) => {
            let says = if form.decision == "approve" {
                format!("Noted on {}.", proposal.row_title)
            } else {
                "Dismissed. Nothing was changed.".to_owned()
            };
            Ok(Done::to("/proposals")
                .saying(FlashKind::Ok, says)
                .offering("Undo", &format!("/proposals/{id}/undo"))
                .into_response())
        }
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let query = ListQuery::default();
            let page = page(&app, &who, &query, Some((proposal, &form, &error))).await?;
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) if error.status() == StatusCode::CONFLICT => Ok(Done::to("/proposals")
            .saying(FlashKind::Warn, error.detail())
            .into_response()),
        Err(other) => Err(other),
    }
}

async fn approve(
    app: &App,
    who: &SignedIn,
    proposal: &Proposal,
    form: &DecideForm,
) -> Result<(), AppError> {
    let wanted = proposal.new_contact.clone();
    let approval = Approval {
        note: form.note.clone(),
        new_contact: wanted.filter(|_| form.contact == "yes"),
        follow_up_on: super::day(app, &form.follow_up_on).await?,
        stage: Some(form.stage.clone()).filter(|stage| !stage.is_empty()),
    };
    super::approve(app, who, &proposal.id, &approval).await
}

/// `decision`, and `pick-ID` for each that is chosen.
pub async fn bulk(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Done, AppError> {
    let picked = form.keys().filter_map(|name| name.strip_prefix("pick-"));
    let ids: Vec<String> = picked.map(str::to_owned).collect();
    if ids.is_empty() || ids.len() > 100 {
        return Ok(Done::to("/proposals").saying(
            FlashKind::Warn,
            "Choose some proposals first: tick the boxes beside their names.",
        ));
    }
    let to = match form.get("decision").map(String::as_str) {
        Some("approve") => ProposalState::Approved,
        Some("dismiss") => ProposalState::Dismissed,
        _ => return Err(AppError::invalid("decision", "Choose approve or dismiss.")),
    };
    let done = super::several(&app, &who, &ids, to).await?;
    let many = i64::try_from(done.decided).unwrap_or(i64::MAX);
    if many == 0 {
        return Ok(Done::to("/proposals").saying(
            FlashKind::Info,
            "Somebody else decided these meanwhile; nothing was changed.",
        ));
    }
    let what = show::count(many, "proposal", "proposals");
    Ok(Done::to("/proposals")
        .saying(FlashKind::Ok, format!("{what} {}.", to.word()))
        .offering(
            "Undo",
            &format!("/proposals/bulk/{}/{}/undo", done.span.0, done.span.1),
        ))
}

pub async fn undo_bulk(
    State(app): State<App>,
    who: SignedIn,
    Path(span): Path<(i64, i64)>,
) -> Result<Done, AppError> {
    let (many, stays) = super::undo_several(&app, &who, span).await?;
    let many = i64::try_from(many).unwrap_or(i64::MAX);
    let what = show::count(many, "proposal waits", "proposals wait");
    Ok(reopened(&what, &stays))
}

pub async fn undo(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    match super::undo(&app, &who, &id).await {
        Ok(stays) => Ok(reopened("The proposal waits", &stays)),
        Err(error) if error.status() == StatusCode::CONFLICT => {
            Ok(Done::to("/proposals").saying(FlashKind::Warn, error.detail()))
        }
        Err(other) => Err(other),
    }
}

fn reopened(what: &str, stays: &[&str]) -> Done {
    if stays.is_empty() {
        return Done::to("/proposals").saying(
            FlashKind::Ok,
            format!("{what} again; what approving made is gone."),
        );
    }
    let message = format!(
        "{what} again; {} stays, because somebody went on with it.",
        stays.join(" and ")
    );
    Done::to("/proposals").saying(FlashKind::Warn, message)
}
