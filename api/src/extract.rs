//! Our own extractors: like axum's, but what they refuse becomes an
//! [`AppError`] that names the field.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{error::AppError, state::App};

/// A JSON body, in and out.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, app: &App) -> Result<Self, AppError> {
        axum::Json::from_request(request, app)
            .await
            .map(|axum::Json(body)| Self(body))
            .map_err(|refused| refuse(refused.status(), &refused.body_text()))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// What a body says of a field that can be taken out: a value, or the null that does
/// that. Use as `Option<Told<T>>` with `#[serde(default, deserialize_with = "Told::read")]`,
/// where none means that nothing was said.
#[derive(Debug)]
pub struct Told<T>(pub Option<T>);

impl<T> Told<T> {
    /// Tells a null from nothing said.
    pub fn read<'de, D>(from: D) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de>,
    {
        Option::deserialize(from).map(|value| Some(Self(value)))
    }
}

impl Told<String> {
    /// The text; empty for a null.
    pub fn text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

/// A posted form.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, app: &App) -> Result<Self, AppError> {
        axum::Form::from_request(request, app)
            .await
            .map(|axum::Form(form)| Self(form))
            .map_err(|refused| refuse(refused.status(), &refused.body_text()))
    }
}

/// A posted form with files in it.
#[derive(Debug)]
pub struct Multipart(pub axum::extract::Multipart);

impl FromRequest<App> for Multipart {
    type Rejection = AppError;

    async fn from_request(request: Request, app: &App) -> Result<Self, AppError> {
        axum::extract::Multipart::from_request(request, app)
            .await
            .map(Self)
            .map_err(|refused| refuse(refused.status(), &refused.body_text()))
    }
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        axum::extract::Query::from_request_parts(parts, app)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|refused| refuse(refused.status(), &refused.body_text()))
    }
}

/// Parts of the path. One that does not fit names nothing there is.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        axum::extract::Path::from_request_parts(parts, app)
            .await
            .map(|axum::extract::Path(path)| Self(path))
            .map_err(|_| AppError::not_found("There is nothing at this address."))
    }
}

fn refuse(status: StatusCode, text: &str) -> AppError {
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "wrong_content_type",
        StatusCode::UNPROCESSABLE_ENTITY => "invalid",
        _ => "bad_request",
    };
    // "Failed to deserialize the JSON body into the target type: role: unknown …"
    let reason = match text.split_once(": ") {
        Some((preamble, reason)) if preamble.starts_with("Failed to") => reason,
        _ => text,
    };
    let error = AppError::new(status, code, reason);
    match field_of(reason) {
        Some(field) => error.at(field),
        None => error,
    }
}

/// serde says ``missing field `x` `` or `x.y: what is wrong`.
fn field_of(reason: &str) -> Option<String> {
    if let Some((_, rest)) = reason.split_once("missing field `") {
        return rest.split('`').next().map(ToOwned::to_owned);
    }
    let (path, _) = reason.split_once(": ")?;
    let is_path = !path.is_empty()
        && path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.[]".contains(c));
    is_path.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_found_in_what_serde_says() {
        for (text, field) in [
            (
                "Failed to parse: missing field `email` at line 1 column 2",
                Some("email"),
            ),
            (
                "Failed to parse: users[0].role: unknown variant `x`",
                Some("users[0].role"),
            ),
            ("Failed to parse: EOF while parsing", None),
            ("Expected `Content-Type: application/json`", None),
        ] {
            assert_eq!(refuse(StatusCode::BAD_REQUEST, text).field(), field);
        }
    }
}
