//! One other origin may call the JSON API, with bearer tokens: cookies are
//! never allowed across origins, so no page elsewhere acts as somebody here.

use axum::{
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::config::Config;

/// Answers a preflight. The browser reads permission or its absence from
/// [`allow`]'s headers.
pub fn preflight(config: &Config, method: &Method, headers: &HeaderMap) -> Option<Response> {
    config.cors_origin.as_ref()?;
    let asks = *method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    asks.then(|| {
        let permissions = [
            (
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET, POST, PUT, PATCH, DELETE",
            ),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, idempotency-key",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ];
        (StatusCode::NO_CONTENT, permissions).into_response()
    })
}

/// Lets the configured origin read the answer.
pub fn allow(config: &Config, origin: Option<&HeaderValue>, response: &mut Response) {
    let Some(allowed) = &config.cors_origin else {
        return;
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin.filter(|origin| origin.as_bytes() == allowed.as_bytes()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("x-request-id, retry-after"),
        );
        headers.insert(
            "cross-origin-resource-policy",
            HeaderValue::from_static("cross-origin"),
        );
    }
}
