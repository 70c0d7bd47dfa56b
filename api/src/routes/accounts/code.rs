//! The second page of signing in: the code of an authenticator app.

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use crm_jobs::accounts::{AccountError, half, second_factor};
use serde::Deserialize;

use super::page::CodePage;
use crate::{
    error::{AppError, sentence},
    extract::{Form, Query},
    flash::Done,
    frame::{bare, html, html_with},
    request::{RequestInfo, cookie},
    routes::page::FlashKind,
    session::{forget_half, half_cookie_name, remember, safe_next},
    show,
    state::App,
};

/// Where the code is typed, keeping where they want to go.
pub fn address(next: &str) -> String {
    if next == "/" {
        "/login/code".to_owned()
    } else {
        format!("/login/code?next={}", show::encoded(next))
    }
}

#[derive(Deserialize)]
pub struct CodeQuery {
    #[serde(default)]
    next: String,
}

pub async fn show(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    Query(query): Query<CodeQuery>,
) -> Result<Response, AppError> {
    let next = safe_next(&query.next);
    let Some(page) = page(&app, &info, &headers, next).await? else {
        return Ok(Redirect::to("/login").into_response());
    };
    Ok(html(&page))
}

#[derive(Deserialize)]
pub struct CodeForm {
    code: String,
    #[serde(default)]
    next: String,
}

pub async fn check(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Result<Response, AppError> {
    let next = safe_next(&form.next);
    let secret = cookie(&headers, half_cookie_name(&app.config)).unwrap_or_default();
    let error = match half::finish(&app.db, secret, &form.code, &info.origin()).await {
        Ok((session, _)) => {
            let mut response = Redirect::to(next).into_response();
            remember(&app.config, &mut response, &session);
            forget_half(&app.config, &mut response);
            return Ok(response);
        }
        Err(error) => error,
    };
    let too_late = |says: &str| Done::to("/login").saying(FlashKind::Warn, sentence(says));
    match error {
        AccountError::HalfOver => {
            let mut response = too_late(&error.to_string()).into_response();
            forget_half(&app.config, &mut response);
            Ok(response)
        }
        AccountError::WrongCode
        | AccountError::SecondFactorLost
        | AccountError::TooManyAttempts { .. } => {
            let says = sentence(&error.to_string());
            let Some(mut page) = page(&app, &info, &headers, next).await? else {
                return Ok(too_late(&AccountError::HalfOver.to_string()).into_response());
            };
            let refused = AppError::from(error);
            page.error = Some(says);
            let mut response = html_with(refused.status(), &page);
            refused.put_retry_after(&mut response);
            Ok(response)
        }
        error => Err(error.into()),
    }
}

/// None: nobody is half-way in with this browser.
async fn page(
    app: &App,
    info: &RequestInfo,
    headers: &HeaderMap,
    next: &str,
) -> Result<Option<CodePage>, AppError> {
    let secret = cookie(headers, half_cookie_name(&app.config)).unwrap_or_default();
    let Some(user) = half::find(&app.db, secret).await? else {
        return Ok(None);
    };
    let state = second_factor::state(&app.db, &user.id).await?;
    Ok(Some(CodePage {
        frame: bare(app, info, "Your code").await,
        email: user.email,
        opens: !matches!(state, second_factor::State::On { opens: false, .. }),
        error: None,
        next: next.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn where_they_want_to_go_is_kept() {
        assert_eq!(address("/"), "/login/code");
        assert_eq!(
            address("/grid?a=1&b=2"),
            "/login/code?next=%2Fgrid%3Fa%3D1%26b%3D2"
        );
    }
}
