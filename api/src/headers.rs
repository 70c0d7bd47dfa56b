//! Headers that keep a browser from helping an attacker.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

use crate::config::Config;

/// Everything from here and nothing inline. A test holds it to the letter.
pub const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";

/// Of files people attached: nothing in them may run, load or be framed.
pub const FILE_CSP: &str =
    "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Of a digest as mail programs show it: its styles are inline, and that is all it may do.
pub const MAIL_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     sandbox allow-popups allow-top-navigation-by-user-activation; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Name and value of the headers on every answer.
const ALWAYS: &[(&str, &str)] = &[
    ("content-security-policy", CSP),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Adds the headers. Whatever did not say otherwise is private and not stored.
pub fn protect(config: &Config, response: &mut Response) {
    let headers = response.headers_mut();
    let is_file = headers
        .get(header::CONTENT_SECURITY_POLICY)
        .is_some_and(|policy| policy == FILE_CSP || policy == MAIL_CSP);
    for (name, value) in ALWAYS {
        // A file or a letter keeps its own policy: nothing in it may run.
        if is_file && *name == "content-security-policy" {
            continue;
        }
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if config.is_https() {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}
