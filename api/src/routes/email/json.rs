//! Mail for programs.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::email::{self, EmailFull, EmailLine, Facts, Filter, Mailbox, NearMatch, credentials};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{nothing, record};
use crate::{
    error::AppError,
    extract::{Json, Path, Query},
    routes::state::live_row,
    session::SignedIn,
    state::App,
};

/// All mailboxes.
#[derive(Serialize, JsonSchema)]
pub struct Mailboxes {
    /// By address.
    mailboxes: Vec<Mailbox>,
}

/// A job that reads.
#[derive(Serialize, JsonSchema)]
pub struct Started {
    /// The job.
    job_id: i64,
    /// False: one was under way already.
    is_new: bool,
}

/// A key file.
#[derive(Deserialize, JsonSchema)]
pub struct NewCredentials {
    /// The whole JSON file of the service account's key.
    #[schemars(length(min = 1, max = 16_000))]
    credentials: String,
}

/// Which emails.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct MessagesQuery {
    /// Of this investor.
    #[schemars(length(max = 64))]
    investor: Option<String>,
    /// With this contact.
    #[schemars(length(max = 64))]
    contact: Option<String>,
    /// `in` or `out`.
    #[schemars(regex(pattern = "^(in|out)$"))]
    direction: Option<String>,
    /// With these words.
    #[schemars(length(max = 200))]
    q: Option<String>,
    /// Where the last answer ended.
    #[schemars(length(max = 200))]
    cursor: Option<String>,
    /// At most so many, 200 at the most; 50 if absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
}

/// A page of emails.
#[derive(Serialize, JsonSchema)]
pub struct Messages {
    /// The newest first.
    messages: Vec<EmailLine>,
    /// Send it back as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// A conversation.
#[derive(Serialize, JsonSchema)]
pub struct Thread {
    /// The oldest first.
    messages: Vec<EmailFull>,
}

/// Near matches.
#[derive(Serialize, JsonSchema)]
pub struct NearMatches {
    /// The newest first.
    near_matches: Vec<NearMatch>,
}

/// What becomes of a near match.
#[derive(Deserialize, JsonSchema)]
pub struct Decision {
    /// `accepted`, `dismissed` or `open`.
    #[schemars(regex(pattern = "^(accepted|dismissed|open)$"))]
    state: String,
}

pub async fn mailboxes(State(app): State<App>) -> Result<Json<Mailboxes>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(Mailboxes {
        mailboxes: email::list_mailboxes(&mut conn).await?,
    }))
}

pub async fn enrol(
    State(app): State<App>,
    who: SignedIn,
    Json(new): Json<email::New>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let id = email::enrol(&mut tx, &new, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.enrolled", &format!("mailbox:{id}")).await?;
    let mailbox = super::mailbox(&mut tx, &id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(mailbox)).into_response())
}

pub async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(change): Json<email::Change>,
) -> Result<Json<Mailbox>, AppError> {
    let mut tx = app.db.write().await?;
    email::change(&mut tx, &id, &change, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.changed", &format!("mailbox:{id}")).await?;
    let mailbox = super::mailbox(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(Json(mailbox))
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    let mut tx = app.db.write().await?;
    email::remove(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.removed", &format!("mailbox:{id}")).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Mailbox>, AppError> {
    let mut tx = app.db.write().await?;
    email::restore(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.restored", &format!("mailbox:{id}")).await?;
    let mailbox = super::mailbox(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(Json(mailbox))
}

pub async fn pause(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Mailbox>, AppError> {
    let mut tx = app.db.write().await?;
    email::pause(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.paused", &format!("mailbox:{id}")).await?;
    let mailbox = super::mailbox(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(Json(mailbox))
}

pub async fn resume(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Mailbox>, AppError> {
    let mut tx = app.db.write().await?;
    email::resume(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.resumed", &format!("mailbox:{id}")).await?;
    let mailbox = super::mailbox(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(Json(mailbox))
}

pub async fn sync(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let job = email::sync_now(&mut tx, &id, &who.actor().to_string()).await?;
    record(&mut tx, &who, "mailbox.synced", &format!("mailbox:{id}")).await?;
    tx.commit().await?;
    let started = Started {
        job_id: job.id,
        is_new: job.is_new,
    };
    Ok((StatusCode::ACCEPTED, Json(started)).into_response())
}

pub async fn credentials(State(app): State<App>) -> Result<Json<credentials::Shown>, AppError> {
    Ok(Json(credentials::shown(&app.db).await?))
}

pub async fn keep_credentials(
    State(app): State<App>,
    who: SignedIn,
    Json(new): Json<NewCredentials>,
) -> Result<Json<credentials::Shown>, AppError> {
    let mut tx = app.db.write().await?;
    credentials::store(&app.db, &mut tx, &new.credentials, &who.actor().to_string()).await?;
    record(&mut tx, &who, "gmail.credentials_changed", "settings").await?;
    tx.commit().await?;
    Ok(Json(credentials::shown(&app.db).await?))
}

pub async fn forget_credentials(
    State(app): State<App>,
    who: SignedIn,
) -> Result<StatusCode, AppError> {
    let mut tx = app.db.write().await?;
    credentials::forget(&mut tx).await?;
    record(&mut tx, &who, "gmail.credentials_forgotten", "settings").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `time.id` of the last one.
pub fn read_cursor(text: Option<&str>) -> Result<Option<(i64, String)>, AppError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let parts = text
        .split_once('.')
        .and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    let wrong = || AppError::invalid("cursor", "Send back the cursor of the last answer.");
    parts
        .filter(|(_, id)| !id.is_empty())
        .map(Some)
        .ok_or_else(wrong)
}

pub async fn messages(
    State(app): State<App>,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Messages>, AppError> {
    let direction = query.direction.as_deref();
    if direction.is_some_and(|d| !matches!(d, "in" | "out")) {
        return Err(AppError::invalid(
            "direction",
            "Use in or out, or leave it out.",
        ));
    }
    let before = read_cursor(query.cursor.as_deref())?;
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let filter = Filter {
        row: query.investor.as_deref(),
        contact: query.contact.as_deref(),
        direction,
        search: query.q.as_deref(),
        before: before.as_ref().map(|(at, id)| (*at, id.as_str())),
    };
    let mut conn = app.db.read().acquire().await?;
    let messages = email::list(&mut conn, &filter, limit).await?;
    let is_full = i64::try_from(messages.len()).unwrap_or(0) == limit;
    let next_cursor = messages
        .last()
        .filter(|_| is_full)
        .map(|last| format!("{}.{}", last.sent_at, last.id));
    Ok(Json(Messages {
        messages,
        next_cursor,
    }))
}

pub async fn message(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<EmailFull>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    email::email(&mut conn, &id)
        .await?
        .map(Json)
        .ok_or_else(nothing)
}

pub async fn attach(
    State(app): State<App>,
    who: SignedIn,
    Path((id, row)): Path<(String, String)>,
) -> Result<Json<EmailFull>, AppError> {
    let mut tx = app.db.write().await?;
    email::attach(&mut tx, &id, &row, &who.actor().to_string()).await?;
    record(&mut tx, &who, "email.attached", &format!("email:{id}")).await?;
    let found = email::email(&mut tx, &id).await?.ok_or_else(nothing)?;
    tx.commit().await?;
    Ok(Json(found))
}

pub async fn detach(
    State(app): State<App>,
    who: SignedIn,
    Path((id, row)): Path<(String, String)>,
) -> Result<StatusCode, AppError> {
    let mut tx = app.db.write().await?;
    email::detach(&mut tx, &id, &row, &who.actor().to_string()).await?;
    record(&mut tx, &who, "email.detached", &format!("email:{id}")).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn thread(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Thread>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let messages = email::thread(&mut conn, &id).await?;
    if messages.is_empty() {
        return Err(nothing());
    }
    Ok(Json(Thread { messages }))
}

pub async fn facts(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Facts>, AppError> {
    let row = live_row(&app, &id).await?;
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(
        email::facts_of_row(&mut conn, &row.id, app.db.now()).await?,
    ))
}

pub async fn near_matches(State(app): State<App>) -> Result<Json<NearMatches>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(NearMatches {
        near_matches: email::near_matches(&mut conn, 200).await?,
    }))
}

pub async fn decide(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(decision): Json<Decision>,
) -> Result<Json<NearMatch>, AppError> {
    let mut tx = app.db.write().await?;
    let decided =
        email::decide_near_match(&mut tx, &id, &decision.state, &who.actor().to_string()).await?;
    record(
        &mut tx,
        &who,
        "near_match.decided",
        &format!("near_match:{id}"),
    )
    .await?;
    tx.commit().await?;
    Ok(Json(decided))
}
