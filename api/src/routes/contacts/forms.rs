//! People changed and merged by forms.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::contacts::{Details, MergeWanted};
use serde::Deserialize;

use super::{Pair, edit, keep_apart, make_one, one};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    frame::html_with,
    routes::{grid::undo, page::FlashKind},
    session::SignedIn,
    state::App,
};

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(details): Form<Details>,
) -> Result<Response, AppError> {
    let back = Done::to(format!("/contacts/{id}"));
    match edit(&app, &who, &id, &details).await {
        Ok(applied) if applied.changes == 0 => {
            let says = "Nothing was changed, so nothing was saved.";
            Ok(back.saying(FlashKind::Info, says).into_response())
        }
        Ok(applied) => Ok(back
            .saying(FlashKind::Ok, "Saved, wherever this person stands.")
            .offering("Undo", &undo::href(applied.version))
            .into_response()),
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let page = one::build(&app, &who, &id, Some((&details, &refused))).await?;
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

#[derive(Deserialize)]
pub struct Merging {
    keep: String,
    merge: String,
}

pub async fn merge(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<Merging>,
) -> Result<Done, AppError> {
    let back = Done::to("/contacts/duplicates");
    let wanted = MergeWanted {
        keep: form.keep,
        merge: form.merge,
    };
    match make_one(&app, &who, &wanted).await {
        Ok(applied) => Ok(back
            .saying(FlashKind::Ok, "They are one person now.")
            .offering("Undo", &undo::href(applied.version))),
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(back.saying(FlashKind::Bad, refused.detail()))
        }
        Err(other) => Err(other),
    }
}

#[derive(Deserialize)]
pub struct Parting {
    one: String,
    other: String,
}

pub async fn apart(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<Parting>,
) -> Result<Done, AppError> {
    let pair = Pair {
        one: form.one,
        other: form.other,
    };
    let back = Done::to("/contacts/duplicates");
    match keep_apart(&app, &who, &pair).await {
        Ok(()) => Ok(back.saying(FlashKind::Ok, "They stay two, and are not proposed again.")),
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(back.saying(FlashKind::Bad, refused.detail()))
        }
        Err(other) => Err(other),
    }
}
