//! One's own second factor: switching it on and off, recovery codes.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::accounts::{
    AccountError,
    second_factor::{self, Enrolment, State as Factor},
};
use serde::Deserialize;

use super::factor_page::{FactorPage, FactorState, Shown};
use crate::{
    error::{AppError, sentence},
    extract::Form,
    flash::Done,
    frame::{frame, html, html_with},
    qr,
    routes::page::FlashKind,
    session::SignedIn,
    show,
    state::App,
};

const HERE: &str = "/settings/second-factor";

pub async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    Ok(html(&page(&app, &who).await?))
}

#[derive(Deserialize)]
pub struct BeginForm {
    password: String,
}

/// The secret is shown in the answer itself, like everything that is shown once.
pub async fn begin(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<BeginForm>,
) -> Result<Response, AppError> {
    match second_factor::begin(&app.db, &who.user, &form.password, &who.origin()).await {
        Ok(enrolment) => {
            let mut page = page(&app, &who).await?;
            page.enrol = Some(shown(enrolment));
            Ok(html(&page))
        }
        Err(error) => refused(&app, &who, "begin", error).await,
    }
}

#[derive(Deserialize)]
pub struct ConfirmForm {
    code: String,
}

pub async fn confirm(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<ConfirmForm>,
) -> Result<Response, AppError> {
    let keep = who.session_id();
    let (db, user) = (&app.db, &who.user);
    let done = second_factor::confirm(db, user, &form.code, keep.as_deref(), &who.origin()).await;
    match done {
        Ok(codes) => with_codes(&app, &who, codes).await,
        Err(error @ AccountError::EnrolmentOver) => Ok(Done::to(HERE)
            .saying(FlashKind::Warn, sentence(&error.to_string()))
            .into_response()),
        Err(error) => {
            let pending = second_factor::pending(db, user).await?;
            let mut page = page_with(&app, &who, "confirm", error).await?;
            page.enrol = pending.map(shown);
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// What both of the forms want that change a factor in use.
#[derive(Deserialize)]
pub struct ProveForm {
    password: String,
    code: String,
}

pub async fn remake_codes(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<ProveForm>,
) -> Result<Response, AppError> {
    let (db, user) = (&app.db, &who.user);
    let made =
        second_factor::remake_codes(db, user, &form.password, &form.code, &who.origin()).await;
    match made {
        Ok(codes) => with_codes(&app, &who, codes).await,
        Err(error) => refused(&app, &who, "codes", error).await,
    }
}

pub async fn switch_off(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<ProveForm>,
) -> Result<Response, AppError> {
    let (db, user) = (&app.db, &who.user);
    let done = second_factor::switch_off(db, user, &form.password, &form.code, &who.origin()).await;
    match done {
        Ok(()) => Ok(Done::to(HERE)
            .saying(FlashKind::Ok, "Your password alone signs you in again.")
            .into_response()),
        Err(error) => refused(&app, &who, "off", error).await,
    }
}

async fn with_codes(app: &App, who: &SignedIn, codes: Vec<String>) -> Result<Response, AppError> {
    let mut page = page(app, who).await?;
    page.new_codes = codes;
    Ok(html(&page))
}

async fn refused(
    app: &App,
    who: &SignedIn,
    at: &'static str,
    error: AccountError,
) -> Result<Response, AppError> {
    if error.at_field().is_none() {
        return Err(error.into());
    }
    let page = page_with(app, who, at, error).await?;
    Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// The page with what is wrong at its field.
async fn page_with(
    app: &App,
    who: &SignedIn,
    at: &'static str,
    error: AccountError,
) -> Result<FactorPage, AppError> {
    let Some((field, message)) = error.at_field() else {
        return Err(error.into());
    };
    let mut page = page(app, who).await?;
    page.at = at;
    match field {
        "code" => page.code_error = Some(message),
        _ => page.password_error = Some(message),
    }
    Ok(page)
}

fn shown(enrolment: Enrolment) -> Shown {
    // In groups of four it is typed without losing the place.
    let letters: Vec<char> = enrolment.secret.chars().collect();
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    Shown {
        qr: qr::draw(&enrolment.url).unwrap_or_default(),
        url: enrolment.url,
        secret: groups.join(" "),
    }
}

async fn page(app: &App, who: &SignedIn) -> Result<FactorPage, AppError> {
    let state = match second_factor::state(&app.db, &who.user.id).await? {
        Factor::Off => FactorState::Off,
        Factor::On {
            since,
            codes_left,
            opens,
        } => FactorState::On {
            since: show::ago(app.db.now(), since),
            codes: match codes_left {
                0 => "You have no recovery codes left: make new ones.".to_owned(),
                1 => "One recovery code is left.".to_owned(),
                n => format!("{n} recovery codes are left."),
            },
            few: codes_left < 3,
            opens,
        },
    };
    Ok(FactorPage {
        frame: frame(app, who, "Second factor").await,
        email: who.user.email.clone(),
        state,
        enrol: None,
        new_codes: Vec::new(),
        at: "",
        password_error: None,
        code_error: None,
    })
}
