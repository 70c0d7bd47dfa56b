//! The one error of all handlers, and how it is shown.
//!
//! A handler returns [`AppError`]; what it becomes (problem JSON, a page, a
//! redirect to the sign-in form) is decided in [`render`], which knows the
//! request. The cause goes to the log and nowhere else.

use std::{error::Error as StdError, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use crm_jobs::{
    accounts::AccountError,
    db::{self, DbError},
    grid::GridError,
};
use serde_json::{Map, Value, json};

use crate::{frame, request::RequestInfo, routes::errors::page::ErrorPage, state::App};

/// Why a request was not answered as asked.
#[derive(Clone, Debug)]
pub struct AppError(Box<Problem>);

#[derive(Clone, Debug)]
struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
    extra: Map<String, Value>,
    retry_after_s: Option<i64>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl AppError {
    /// An error with a status, a stable code for programs and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem {
            status,
            code,
            detail: detail.into(),
            field: None,
            extra: Map::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// 404
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 409
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 403
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 422 about one field.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at(field)
    }

    /// 401: a page sends the visitor to the sign-in form instead.
    pub fn sign_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign_in",
            "Sign in, or send an API token.",
        )
    }

    /// 500; the cause is logged.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server could not finish this.",
        )
        .because(cause)
    }

    /// Names the field it is about.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Adds a member to the problem JSON.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, seconds: i64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// Says when to come back, on an answer that was made elsewhere.
    pub fn put_retry_after(&self, response: &mut Response) {
        if let Some(seconds) = self.0.retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The sentence for people.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The field it is about.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }
}

/// A bare status; [`render`] gives it its words.
impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Turns a response that carries an [`AppError`] into what the visitor reads.
pub async fn render(app: &App, info: &RequestInfo, response: Response) -> Response {
    let Some(error) = response.extensions().get::<AppError>().cloned() else {
        return response;
    };
    let problem = &*error.0;
    if let Some(cause) = &problem.cause {
        tracing::error!(error = %chain(&**cause), error.code = problem.code, "request failed: {}", problem.code);
    }
    let mut response = if info.wants_json {
        as_json(problem, info)
    } else if problem.status == StatusCode::UNAUTHORIZED {
        Redirect::to(&info.sign_in_path()).into_response()
    } else {
        as_page(app, problem, info).await
    };
    error.put_retry_after(&mut response);
    response
}

fn as_json(problem: &Problem, info: &RequestInfo) -> Response {
    let mut body = problem.extra.clone();
    body.insert("status".into(), json!(problem.status.as_u16()));
    body.insert("title".into(), json!(problem.status.canonical_reason()));
    body.insert("code".into(), json!(problem.code));
    body.insert("detail".into(), json!(problem.detail));
    body.insert("request_id".into(), json!(info.id));
    if let Some(field) = &problem.field {
        body.insert("field".into(), json!(field));
    }
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    let mut response = (problem.status, kind, Value::Object(body).to_string()).into_response();
    if problem.status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

async fn as_page(app: &App, problem: &Problem, info: &RequestInfo) -> Response {
    let frame = frame::bare(app, info, "").await;
    let mut page = ErrorPage::new(frame, problem.status.as_u16());
    // The standard words are better where ours say no more than the code.
    let says_more = !matches!(problem.code, "not_found" | "forbidden");
    if problem.status.is_client_error() && says_more {
        page.sentence.clone_from(&problem.detail);
    }
    if problem.code == "link_invalid" {
        "Ask an admin of your team for a new one.".clone_into(&mut page.what_to_do);
    }
    let mut response = frame::html(&page);
    *response.status_mut() = problem.status;
    response
}

fn chain(cause: &dyn StdError) -> String {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        if db::is_full(&error) {
            let words = "There is no room left to save changes; reading still works.";
            Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", words).because(error)
        } else if db::is_busy(&error) {
            let words = "The database is busy; try again in a moment.";
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", words)
                .retry_after(2)
                .because(error)
        } else {
            Self::internal(error)
        }
    }
}

impl From<AccountError> for AppError {
    fn from(error: AccountError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            AccountError::Field { field, message } => Self::invalid(field, message),
            AccountError::Taken => Self::conflict("taken", says).at("email"),
            AccountError::WrongCredentials => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_credentials", says)
            }
            AccountError::TooManyAttempts { retry_after_s } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", says)
                    .retry_after(retry_after_s)
            }
            AccountError::WrongCode => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong_code", says).at("code")
            }
            AccountError::SecondFactorLost => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "second_factor_lost", says).at("code")
            }
            AccountError::HalfOver | AccountError::EnrolmentOver => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too_late", says)
            }
            AccountError::Secret(error) => Self::internal(error),
            AccountError::LinkInvalid => Self::new(StatusCode::NOT_FOUND, "link_invalid", says),
            AccountError::LastAdmin => Self::conflict("last_admin", says),
            AccountError::NoSuchUser => Self::not_found(says),
            AccountError::Db(error) => error.into(),
        }
    }
}

impl From<GridError> for AppError {
    fn from(error: GridError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            GridError::Invalid { code, field, .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, says).at(field)
            }
            GridError::InvalidCells(cells) => {
                let first = cells.first().map(|cell| cell.field.clone());
                let errors = serde_json::to_value(&cells).unwrap_or_default();
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", says)
                    .at(first.unwrap_or_default())
                    .with("errors", errors)
            }
            GridError::Missing { .. } => Self::not_found(says),
            GridError::Stale { now, .. } => Self::conflict("stale", says)
                .with("current_version", now.version)
                .with("updated_at", now.updated_at)
                .with("updated_by", now.updated_by.clone())
                .with("differing", now.differing)
                .with("cells", serde_json::to_value(now.cells).unwrap_or_default()),
            GridError::Db(error) => error.into(),
        }
    }
}

/// Our error messages are lower case without a full stop, as logs want them;
/// people read sentences.
pub fn sentence(message: &str) -> String {
    let mut says = crate::show::capitalized(message);
    if !says.ends_with(['.', '?', '!']) {
        says.push('.');
    }
    says
}

/// The shape of every error under `/api`, as RFC 9457 has it.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemShape {
    /// The HTTP status.
    pub status: u16,
    /// The status in words.
    pub title: String,
    /// A stable code for programs.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
    /// The field it is about.
    pub field: Option<String>,
    /// The request, as the log has it.
    pub request_id: String,
}
