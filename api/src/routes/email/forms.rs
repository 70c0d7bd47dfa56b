//! What the pages of mail post, and files handed out.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use crm_jobs::email;
use serde::Deserialize;

use super::{nothing, record, troubled};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    routes::{files::disposition, page::FlashKind},
    session::SignedIn,
    state::App,
};

/// What a form says of a near match; nothing takes it back.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct DecideForm {
    state: String,
}

/// An investor by name.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AttachForm {
    investor: String,
}

/// A file of an email, only ever to be saved.
pub async fn download(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let found = email::fetch_attachment(&app.db, &id)
        .await?
        .ok_or_else(nothing)?;
    let (file, bytes) = found.map_err(|trouble| troubled(&trouble))?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    // What it says it is, it may not be: nothing opens it by itself.
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    let disposition = HeaderValue::from_str(&disposition(false, &file.name));
    headers.insert(
        header::CONTENT_DISPOSITION,
        disposition.unwrap_or(HeaderValue::from_static("attachment")),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    Ok(response)
}

pub async fn decide(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<DecideForm>,
) -> Result<Done, AppError> {
    const HERE: &str = "/emails/near-matches";
    let mut tx = app.db.write().await?;
    let state = if form.state.is_empty() {
        "open"
    } else {
        &form.state
    };
    let decided = email::decide_near_match(&mut tx, &id, state, &who.actor().to_string()).await;
    let decided = match decided.map_err(AppError::from) {
        Ok(decided) => decided,
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            return Ok(Done::to(HERE).saying(FlashKind::Bad, refused.detail()));
        }
        Err(other) => return Err(other),
    };
    record(
        &mut tx,
        &who,
        "near_match.decided",
        &format!("near_match:{id}"),
    )
    .await?;
    tx.commit().await?;
    let says = match decided.state.as_str() {
        "accepted" => format!(
            "Mail of {} belongs to {} now.",
            decided.address, decided.investor
        ),
        "dismissed" => format!(
            "{} is not proposed for {} again.",
            decided.address, decided.investor
        ),
        _ => return Ok(Done::to(HERE).saying(FlashKind::Ok, "It is open again.")),
    };
    Ok(Done::to(HERE)
        .saying(FlashKind::Ok, says)
        .offering("Undo", &format!("{HERE}/{id}")))
}

pub async fn attach(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<AttachForm>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    let found = email::email(&mut tx, &id).await?.ok_or_else(nothing)?;
    let here = format!("/emails/threads/{}", found.line.thread_id);
    let rows = email::rows_named(&mut tx, &form.investor).await?;
    let [row] = rows.as_slice() else {
        let says = if rows.is_empty() {
            "There is no investor with that name: choose one from the list."
        } else {
            "Several investors have that name: open the investor and attach it there by its full name."
        };
        return Ok(Done::to(here).saying(FlashKind::Bad, says));
    };
    email::attach(&mut tx, &id, row, &who.actor().to_string()).await?;
    record(&mut tx, &who, "email.attached", &format!("email:{id}")).await?;
    tx.commit().await?;
    Ok(Done::to(here)
        .saying(
            FlashKind::Ok,
            format!("The email is with {} too now.", form.investor.trim()),
        )
        .offering("Undo", &format!("/emails/{id}/detach/{row}")))
}

pub async fn attach_again(
    State(app): State<App>,
    who: SignedIn,
    Path((id, row)): Path<(String, String)>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    email::attach(&mut tx, &id, &row, &who.actor().to_string()).await?;
    record(&mut tx, &who, "email.attached", &format!("email:{id}")).await?;
    let found = email::email(&mut tx, &id).await?.ok_or_else(nothing)?;
    tx.commit().await?;
    Ok(
        Done::to(format!("/emails/threads/{}", found.line.thread_id))
            .saying(FlashKind::Ok, "The email is back."),
    )
}

pub async fn detach(
    State(app): State<App>,
    who: SignedIn,
    Path((id, row)): Path<(String, String)>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    let found = email::email(&mut tx, &id).await?.ok_or_else(nothing)?;
    email::detach(&mut tx, &id, &row, &who.actor().to_string()).await?;
    record(&mut tx, &who, "email.detached", &format!("email:{id}")).await?;
    let is_left = !email::thread(&mut tx, &found.line.thread_id)
        .await?
        .is_empty();
    tx.commit().await?;
    let here = if is_left {
        format!("/emails/threads/{}", found.line.thread_id)
    } else {
        "/emails".to_owned()
    };
    Ok(Done::to(here)
        .saying(
            FlashKind::Ok,
            "The email is not with this investor any more, and no rule puts it back.",
        )
        .offering("Undo", &format!("/emails/{id}/attach/{row}")))
}
