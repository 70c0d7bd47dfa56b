//! Reply drafts: written here, saved in Gmail by a job, sent from there by a person.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::email::{self, Draft, Drafting, Reply};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{nothing, page::DraftLine, record};
use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::{Form, Json, Path},
    flash::Done,
    route::{Route, get, post},
    routes::page::{Badge, FlashKind},
    session::SignedIn,
    show,
    state::App,
};

/// A reply.
#[derive(Deserialize, JsonSchema)]
pub struct NewDraft {
    /// What it says.
    #[schemars(length(min = 1, max = 20_000))]
    body: String,
}

/// A reply as the page posts it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct DraftForm {
    body: String,
}

pub fn routes() -> Vec<Route> {
    use Access::Member;
    vec![
        post("/emails/threads/{id}/draft", Member, write),
        get("/api/email/threads/{id}/drafts", Member, list)
            .json(
                "email",
                "Reply drafts of a conversation, and what the next one would be",
            )
            .answers::<Drafting>(200)
            .problems(&[404]),
        post("/api/email/threads/{id}/drafts", Member, create)
            .json(
                "email",
                "Save a reply as a draft in Gmail; a person sends it from there",
            )
            .body::<NewDraft>()
            .answers::<Drafting>(202)
            .problems(&[404]),
    ]
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Drafting>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = email::drafting(&mut conn, &id, &who.user.id).await?;
    found.map(Json).ok_or_else(nothing)
}

pub async fn create(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(new): Json<NewDraft>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let found = email::drafting(&mut tx, &id, &who.user.id).await?;
    found.ok_or_else(nothing)?;
    let by = who.actor().to_string();
    let draft = email::save_reply(&mut tx, &id, &new.body, &who.user.id, &by).await?;
    record(&mut tx, &who, "email.drafted", &format!("draft:{draft}")).await?;
    let found = email::drafting(&mut tx, &id, &who.user.id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(found)).into_response())
}

pub async fn write(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<DraftForm>,
) -> Result<Done, AppError> {
    let here = format!("/emails/threads/{id}");
    let mut tx = app.db.write().await?;
    let found = email::drafting(&mut tx, &id, &who.user.id).await?;
    found.ok_or_else(nothing)?;
    let by = who.actor().to_string();
    let saved = email::save_reply(&mut tx, &id, &form.body, &who.user.id, &by).await;
    let draft = match saved.map_err(AppError::from) {
        Ok(draft) => draft,
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            return Ok(Done::to(here).saying(FlashKind::Bad, refused.detail()));
        }
        Err(other) => return Err(other),
    };
    record(&mut tx, &who, "email.drafted", &format!("draft:{draft}")).await?;
    tx.commit().await?;
    Ok(Done::to(format!("{here}#drafts")).saying(
        FlashKind::Ok,
        "The draft is on its way to Gmail. Nothing is sent until somebody sends it there.",
    ))
}

/// A draft as the page shows it.
pub fn line(draft: &Draft, now: i64) -> DraftLine {
    DraftLine {
        id: draft.id.clone(),
        status: match (draft.state.as_str(), draft.error.is_some()) {
            ("saved", _) => Badge::new("In Gmail", "ok"),
            ("refused", _) => Badge::new("Not saved", "bad"),
            (_, true) => Badge::new("Waiting", "warn"),
            _ => Badge::new("On its way", "info"),
        },
        address: draft.address.clone(),
        body: draft.body.clone(),
        error: draft.error.as_deref().map(sentence),
        at: show::ago(now, draft.created_at),
    }
}

/// Names and addresses, those with a copy apart.
pub fn addressed(reply: &Reply) -> (String, String) {
    let of = |role: &str| {
        let people = reply.recipients.iter().filter(|p| p.role == role);
        people
            .map(|p| {
                if p.name.is_empty() {
                    p.address.clone()
                } else {
                    format!("{} <{}>", p.name, p.address)
                }
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    (of("to"), of("cc"))
}
