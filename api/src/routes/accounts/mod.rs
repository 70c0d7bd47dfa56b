//! Signing in and out, and the forms behind one-time links.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use crm_jobs::{
    accounts::{
        self, AccountError, SignIn,
        links::{self, Accept, Link, Purpose},
        passwords, sessions, users,
    },
    audit::Actor,
};
use serde::Deserialize;

use self::page::{LoginPage, SetupPage, SetupPurpose, SignedOutPage};
use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::{Form, Path, Query},
    frame::{bare, html, html_with},
    request::RequestInfo,
    route::{Route, get, post},
    session::{SignedIn, Visitor, forget, remember, remember_half, safe_next},
    state::App,
};

mod code;
pub mod page;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/login", Access::Public, login_form),
        post("/login", Access::Public, login),
        get("/login/code", Access::Public, code::show),
        post("/login/code", Access::Public, code::check),
        post("/logout", Access::Public, logout),
        get("/signed-out", Access::Public, signed_out),
        get("/setup/{token}", Access::Public, link_form),
        post("/setup/{token}", Access::Public, use_link),
    ]
}

#[derive(Deserialize)]
struct LoginQuery {
    #[serde(default)]
    next: String,
}

async fn login_form(
    State(app): State<App>,
    info: RequestInfo,
    Visitor(who): Visitor,
    Query(query): Query<LoginQuery>,
) -> Response {
    let next = safe_next(&query.next);
    if who.is_some() {
        return Redirect::to(next).into_response();
    }
    html(&LoginPage {
        frame: bare(&app, &info, "Sign in").await,
        email: String::new(),
        error: None,
        next: next.to_owned(),
    })
}

#[derive(Deserialize)]
struct LoginForm {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn login(
    State(app): State<App>,
    info: RequestInfo,
    Visitor(who): Visitor,
    Form(form): Form<LoginForm>,
) -> Result<Response, AppError> {
    let next = safe_next(&form.next).to_owned();
    let signed_in = accounts::sign_in(&app.db, &form.email, &form.password, &info.origin()).await;
    let error = match signed_in {
        Ok(signed_in) => {
            end_session(&app, who).await?;
            return Ok(go_on(&app, signed_in, &next));
        }
        Err(AccountError::Db(error)) => return Err(error.into()),
        Err(error) => error,
    };
    let says = sentence(&error.to_string());
    let refused = AppError::from(error);
    let page = LoginPage {
        frame: bare(&app, &info, "Sign in").await,
        email: form.email,
        error: Some(says),
        next,
    };
    let mut response = html_with(refused.status(), &page);
    refused.put_retry_after(&mut response);
    Ok(response)
}

/// In, or on to the code.
fn go_on(app: &App, signed_in: SignIn, next: &str) -> Response {
    match signed_in {
        SignIn::Done(secret, _) => {
            let mut response = Redirect::to(next).into_response();
            remember(&app.config, &mut response, &secret);
            response
        }
        SignIn::CodeWanted(secret) => {
            let mut response = Redirect::to(&code::address(next)).into_response();
            // In the same browser nobody stays signed in as somebody else.
            forget(&app.config, &mut response);
            remember_half(&app.config, &mut response, &secret);
            response
        }
    }
}

/// Public, so that a browser whose session has just died ends where it wanted to.
async fn logout(State(app): State<App>, Visitor(who): Visitor) -> Result<Response, AppError> {
    end_session(&app, who).await?;
    let mut response = Redirect::to("/signed-out").into_response();
    forget(&app.config, &mut response);
    Ok(response)
}

async fn end_session(app: &App, who: Option<SignedIn>) -> Result<(), AppError> {
    if let Some(who) = who
        && let Some(id) = who.session_id()
    {
        let mut tx = app.db.write().await?;
        sessions::end(&mut tx, &who.user.id, &id, &who.ip()).await?;
        tx.commit().await?;
    }
    Ok(())
}

#[derive(Deserialize)]
struct SignedOutQuery {
    everywhere: Option<String>,
}

async fn signed_out(
    State(app): State<App>,
    info: RequestInfo,
    Query(query): Query<SignedOutQuery>,
) -> Response {
    html(&SignedOutPage {
        frame: bare(&app, &info, "Signed out").await,
        everywhere: query.everywhere.is_some(),
    })
}

async fn link_form(
    State(app): State<App>,
    info: RequestInfo,
    Path(token): Path<String>,
) -> Result<Response, AppError> {
    let link = find(&app, &token).await?;
    let page = setup_page(&app, &info, &link, &token, &Accept::default()).await?;
    Ok(html(&page))
}

#[derive(Deserialize)]
struct LinkForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    password: String,
}

async fn use_link(
    State(app): State<App>,
    info: RequestInfo,
    Path(token): Path<String>,
    Form(form): Form<LinkForm>,
) -> Result<Response, AppError> {
    let link = find(&app, &token).await?;
    let form = Accept {
        name: form.name,
        email: form.email,
        password: form.password,
    };
    match links::accept(&app.db, &token, &form, &info.origin()).await {
        Ok(signed_in) => Ok(go_on(&app, signed_in, "/")),
        Err(error) => {
            let Some((field, message)) = error.at_field() else {
                return Err(error.into());
            };
            let mut page = setup_page(&app, &info, &link, &token, &form).await?;
            match field {
                "name" => page.name_error = Some(message),
                "email" => page.email_error = Some(message),
                "password" => page.password_error = Some(message),
                _ => page.error = Some(message),
            }
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

async fn find(app: &App, token: &str) -> Result<Link, AppError> {
    let link = links::find(&app.db, token).await?;
    link.ok_or_else(|| AccountError::LinkInvalid.into())
}

async fn setup_page(
    app: &App,
    info: &RequestInfo,
    link: &Link,
    token: &str,
    typed: &Accept,
) -> Result<SetupPage, AppError> {
    let purpose = match link.purpose {
        Purpose::Setup => SetupPurpose::FirstAdmin,
        Purpose::Invite => SetupPurpose::Invite,
        Purpose::Reset => SetupPurpose::Reset,
    };
    let inviter = match Actor::user_id(&link.created_by) {
        Some(id) => users::get(&app.db, id).await?,
        None => None,
    };
    let mut page = SetupPage {
        frame: bare(app, info, "").await,
        purpose,
        action: format!("/setup/{token}"),
        name: typed.name.clone(),
        email: link.email.clone().unwrap_or_else(|| typed.email.clone()),
        invited_by: inviter.map_or_else(String::new, |user| user.name),
        min_password: passwords::MIN_CHARS,
        name_error: None,
        email_error: None,
        password_error: None,
        error: None,
    };
    page.frame.title = page.heading().to_owned();
    Ok(page)
}
