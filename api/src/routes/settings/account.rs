//! One's own account: name, password, colours, sessions, tokens.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::{
        self, AccountError, Theme, passwords, second_factor, sessions,
        tokens::{self, Scope},
        users,
    },
    clock::DAY,
    digest,
    work::feed,
};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::page::{AccountPage, CalendarRow, SessionRow, TokenRow};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    frame::{frame, html, html_with},
    routes::page::{Choice, FlashKind},
    session::{SignedIn, forget, safe_next},
    show,
    state::App,
};

const HERE: &str = "/settings/account";

pub async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    Ok(html(&page(&app, &who).await?))
}

#[derive(Deserialize)]
pub struct NameForm {
    name: String,
}

pub async fn rename(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<NameForm>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let done = users::rename(&mut tx, &who.user.id, &form.name, &who.actor(), &who.ip()).await;
    if let Err(AccountError::Field { message, .. }) = done {
        tx.rollback().await?;
        let mut page = page(&app, &who).await?;
        page.name = form.name;
        page.name_error = Some(message);
        return Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    done?;
    tx.commit().await?;
    Ok(saved("Your name was saved."))
}

#[derive(Deserialize)]
pub struct PasswordForm {
    current: String,
    new: String,
}

pub async fn change_password(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<PasswordForm>,
) -> Result<Response, AppError> {
    let keep = who.session_id();
    let done = accounts::change_password(
        &app.db,
        &who.user,
        &form.current,
        &form.new,
        keep.as_deref(),
        &who.origin(),
    )
    .await;
    match done {
        Ok(()) => Ok(saved(
            "Your password was changed, and your other sessions ended.",
        )),
        Err(AccountError::Field { field, message }) => {
            let mut page = page(&app, &who).await?;
            match field {
                "current" => page.current_password_error = Some(message),
                _ => page.new_password_error = Some(message),
            }
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub struct ThemeForm {
    theme: Theme,
    #[serde(default)]
    next: String,
}

pub async fn set_theme(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<ThemeForm>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    users::set_theme(&mut tx, &who.user.id, form.theme).await?;
    tx.commit().await?;
    Ok(Done::to(safe_next(&form.next)))
}

pub async fn end_session(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    sessions::end(&mut tx, &who.user.id, &id, &who.ip()).await?;
    tx.commit().await?;
    Ok(saved("That session has ended."))
}

pub async fn sign_out_everywhere(
    State(app): State<App>,
    who: SignedIn,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    sessions::sign_out_everywhere(&mut tx, &who.user.id, &who.ip()).await?;
    tx.commit().await?;
    let mut response = Done::to("/signed-out?everywhere=1").into_response();
    forget(&app.config, &mut response);
    Ok(response)
}

#[derive(Deserialize)]
pub struct TokenForm {
    name: String,
    scope: Scope,
    /// Days; empty: it never ends.
    #[serde(default)]
    days: String,
}

/// Answers with the page itself, not a redirect: the token is shown this once
/// and must not travel through a cookie or an address.
pub async fn make_token(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<TokenForm>,
) -> Result<Response, AppError> {
    let days: Option<i64> = match form.days.as_str() {
        "" => None,
        days => Some(
            days.parse()
                .ok()
                .filter(|n| (1..=3_650).contains(n))
                .ok_or_else(|| {
                    AppError::invalid("days", "Choose how long it works, from 1 to 3650 days.")
                })?,
        ),
    };
    let expires_at = days.map(|days| app.db.now() + days * DAY);
    let mut tx = app.db.write().await?;
    let made = tokens::create(
        &mut tx,
        &who.user.id,
        &form.name,
        form.scope,
        expires_at,
        &who.actor(),
        &who.ip(),
    )
    .await;
    match made {
        Ok((_, secret)) => {
            tx.commit().await?;
            let mut page = page(&app, &who).await?;
            page.new_token = Some(secret);
            Ok(html(&page))
        }
        Err(AccountError::Field { message, .. }) => {
            tx.rollback().await?;
            let mut page = page(&app, &who).await?;
            page.token_error = Some(message);
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn revoke_token(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    tokens::revoke(&mut tx, &who.user.id, &id, &who.actor(), &who.ip()).await?;
    tx.commit().await?;
    Ok(saved("The token was revoked."))
}

fn saved(says: &str) -> Response {
    Done::to(HERE).saying(FlashKind::Ok, says).into_response()
}

/// The page as it is.
pub async fn page(app: &App, who: &SignedIn) -> Result<AccountPage, AppError> {
    let theme = |value: Theme, posted: &str, label: &str| {
        Choice::new(posted, label, who.user.theme == value)
    };
    let mut conn = app.db.read().acquire().await?;
    let calendar = feed::of_user(&mut conn, &who.user.id).await?;
    drop(conn);
    let factor = second_factor::state(&app.db, &who.user.id).await?;
    let second_factor = factor != second_factor::State::Off;
    Ok(AccountPage {
        urge_second_factor: !second_factor && who.user.is_admin(),
        second_factor,
        no_digest: digest::is_opted_out(&app.db, &who.user.id).await?,
        calendar: calendar.map(|feed| CalendarRow {
            created: show::ago(app.db.now(), feed.created_at),
            read: feed.last_read_at.map(|at| show::ago(app.db.now(), at)),
        }),
        new_calendar: None,
        name: who.user.name.clone(),
        email: who.user.email.clone(),
        name_error: None,
        current_password_error: None,
        new_password_error: None,
        min_password: passwords::MIN_CHARS,
        themes: vec![
            theme(Theme::System, "system", "As this device"),
            theme(Theme::Light, "light", "Light"),
            theme(Theme::Dark, "dark", "Dark"),
        ],
        sessions: session_rows(app, who).await?,
        tokens: token_rows(app, who).await?,
        scopes: vec![
            Choice::new("read", "Read", true),
            Choice::new("all", "Read and change", false),
        ],
        lifetimes: vec![
            Choice::new("30", "For 30 days", false),
            Choice::new("90", "For 90 days", true),
            Choice::new("365", "For a year", false),
            Choice::new("", "Until I revoke it", false),
        ],
        new_token: None,
        token_error: None,
        frame: frame(app, who, "Account").await,
    })
}

async fn session_rows(app: &App, who: &SignedIn) -> Result<Vec<SessionRow>, AppError> {
    let (now, here) = (app.db.now(), who.session_id());
    let mut rows: Vec<SessionRow> = sessions::list(&app.db, &who.user.id)
        .await?
        .into_iter()
        .map(|session| SessionRow {
            current: here == Some(session.id()),
            id: session.id(),
            device: show::device(&session.user_agent),
            seen: show::ago(now, session.last_seen_at),
            ip: session.ip,
        })
        .collect();
    rows.sort_by_key(|row| !row.current);
    Ok(rows)
}

async fn token_rows(app: &App, who: &SignedIn) -> Result<Vec<TokenRow>, AppError> {
    let now = app.db.now();
    let rows = tokens::list(&app.db, &who.user.id).await?;
    Ok(rows
        .into_iter()
        .map(|token| TokenRow {
            name: format!("{} ({}…)", token.name, token.prefix),
            scope: match token.scope {
                Scope::All => "Read and change".to_owned(),
                Scope::Read => "Read".to_owned(),
            },
            created: show::ago(now, token.created_at),
            ends: token.expires_at.map(|at| show::day(&TimeZone::UTC, at)),
            ended: token.expires_at.is_some_and(|at| at <= now),
            used: token.last_used_at.map(|at| show::ago(now, at)),
            id: token.id,
        })
        .collect())
}
