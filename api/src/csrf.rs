//! Only our own pages may make a browser act with its cookie.

use axum::http::{HeaderMap, HeaderName, Uri, header};

use crate::{config::Config, error::AppError, request::text};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Checks a request that changes something and proves itself with a cookie, or
/// would get one. `Sec-Fetch-Site` decides; browsers without it must say where
/// they come from.
pub fn check(config: &Config, headers: &HeaderMap) -> Result<(), AppError> {
    let ours = match text(headers, &SEC_FETCH_SITE) {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => source(headers).is_some_and(|from| {
            text(headers, &header::HOST) == Some(from.as_str()) || from == config.host()
        }),
    };
    if ours {
        return Ok(());
    }
    Err(AppError::forbidden(
        "cross_site",
        "This request came from another site, so nothing was done. Open the page here and try again.",
    ))
}

/// Host and port of the page that sent the request.
fn source(headers: &HeaderMap) -> Option<String> {
    let from = text(headers, &header::ORIGIN).or_else(|| text(headers, &header::REFERER))?;
    Some(from.parse::<Uri>().ok()?.authority()?.to_string())
}
