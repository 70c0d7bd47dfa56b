//! The page of requests and what it posts.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::users,
    feature_requests::{self as requests, FeatureRequest, STATUSES},
};
use serde::Deserialize;

use super::page::{EditPage, RequestLine, RequestsPage};
use crate::{
    error::AppError,
    extract::{Form, Path, Query},
    flash::Done,
    frame::{frame, html, html_with},
    routes::page::{Badge, Choice, FlashKind},
    session::SignedIn,
    show,
    state::App,
};

/// Requests on one page.
const PAGE: i64 = 50;
const HERE: &str = "/feature-requests";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ListQuery {
    status: String,
    page: Option<i64>,
}

/// A request as a form has it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct RequestForm {
    title: String,
    body: String,
}

/// What an admin says to it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AnswerForm {
    status: String,
    answer: String,
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    Ok(html(&page(&app, &who, &query).await?))
}

async fn page(app: &App, who: &SignedIn, query: &ListQuery) -> Result<RequestsPage, AppError> {
    let status = STATUSES
        .iter()
        .map(|(word, _)| *word)
        .find(|word| *word == query.status);
    let at = query.page.unwrap_or(1).clamp(1, 1_000);
    let mut conn = app.db.read().acquire().await?;
    let mut found =
        requests::list(&mut conn, status, &who.user.id, PAGE + 1, (at - 1) * PAGE).await?;
    let totals = requests::totals(&mut conn).await?;
    drop(conn);
    let names = users::names(&app.db).await?;
    let has_more = found.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let all = Choice::new(
        "",
        &format!("All {}", show::number(totals.values().sum())),
        status.is_none(),
    );
    let tabs = STATUSES.iter().map(|(word, label)| {
        let count = totals.get(*word).copied().unwrap_or(0);
        Choice::new(
            word,
            &format!("{label} {}", show::number(count)),
            status == Some(word),
        )
    });
    let to = |page: i64| format!("{HERE}?status={}&page={page}", status.unwrap_or_default());
    let now = app.db.now();
    Ok(RequestsPage {
        tabs: std::iter::once(all).chain(tabs).collect(),
        is_empty: totals.is_empty(),
        requests: found
            .iter()
            .map(|request| line(request, who, &names, now))
            .collect(),
        prev: (at > 1).then(|| to(at - 1)),
        next: has_more.then(|| to(at + 1)),
        title: String::new(),
        body: String::new(),
        title_error: None,
        body_error: None,
        frame: frame(app, who, "Feature requests").await,
    })
}

fn line(
    request: &FeatureRequest,
    who: &SignedIn,
    names: &std::collections::BTreeMap<String, String>,
    now: i64,
) -> RequestLine {
    let name = |id: &str| {
        names
            .get(id)
            .cloned()
            .unwrap_or_else(|| "Somebody".to_owned())
    };
    RequestLine {
        id: request.id.clone(),
        title: request.title.clone(),
        body: request.body.clone(),
        status: badge(&request.status),
        answer: request.answer.clone(),
        answered_by: request.answered_by.as_deref().map(name).unwrap_or_default(),
        by: name(&request.created_by),
        at: show::ago(now, request.created_at),
        votes: show::number(request.votes),
        is_voted: request.is_voted,
        is_own: request.created_by == who.user.id,
        statuses: statuses(&request.status),
    }
}

fn badge(status: &str) -> Badge {
    match status {
        "planned" => Badge::new("Planned", "info"),
        "done" => Badge::new("Done", "ok"),
        "declined" => Badge::new("Declined", "muted"),
        _ => Badge::new("Open", "warn"),
    }
}

fn statuses(chosen: &str) -> Vec<Choice> {
    let each = STATUSES.iter();
    each.map(|(word, label)| Choice::new(word, label, *word == chosen))
        .collect()
}

pub async fn add(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<RequestForm>,
) -> Result<Response, AppError> {
    match super::add(&app, &who, &form.title, &form.body).await {
        Ok(request) => Ok(Done::to(HERE)
            .saying(FlashKind::Ok, "Your wish is on the list, with your vote.")
            .offering("Undo", &format!("{HERE}/{}/delete", request.id))
            .into_response()),
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let mut page = page(&app, &who, &ListQuery::default()).await?;
            page.put_back(form.title, form.body, &refused);
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

pub async fn edit(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let request = requests::find(&mut conn, &id, &who.user.id).await?;
    let request = request.ok_or_else(super::nothing)?;
    if request.created_by != who.user.id {
        return Ok(Done::to(format!("{HERE}#request-{id}")).into_response());
    }
    Ok(html(&EditPage {
        id,
        title: request.title,
        body: request.body,
        title_error: None,
        body_error: None,
        frame: frame(&app, &who, "Change the request").await,
    }))
}

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<RequestForm>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let saved = super::reword(&mut tx, &who, &id, Some(&form.title), Some(&form.body)).await;
    match saved {
        Ok(()) => {
            tx.commit().await?;
            Ok(Done::to(HERE)
                .saying(FlashKind::Ok, "The request is saved.")
                .into_response())
        }
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            tx.rollback().await?;
            let mut page = EditPage {
                id,
                title: form.title,
                body: form.body,
                title_error: None,
                body_error: None,
                frame: frame(&app, &who, "Change the request").await,
            };
            page.refuse(&refused);
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

pub async fn vote(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    super::set_vote(&app, &who, &id, true).await?;
    Ok(Done::to(format!("{HERE}#request-{id}")))
}

pub async fn unvote(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    super::set_vote(&app, &who, &id, false).await?;
    Ok(Done::to(format!("{HERE}#request-{id}")))
}

pub async fn answer(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<AnswerForm>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    match super::answer(&mut tx, &who, &id, &form.status, &form.answer).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Done::to(HERE).saying(FlashKind::Ok, "Everybody sees your answer now."))
        }
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(Done::to(HERE).saying(FlashKind::Bad, refused.detail()))
        }
        Err(other) => Err(other),
    }
}

pub async fn delete(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let request = super::remove(&app, &who, &id).await?;
    Ok(Done::to(HERE)
        .saying(FlashKind::Ok, format!("“{}” is deleted.", request.title))
        .offering("Undo", &format!("{HERE}/{id}/restore")))
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let request = super::restore(&app, &who, &id).await?;
    Ok(Done::to(HERE).saying(FlashKind::Ok, format!("“{}” is back.", request.title)))
}
