//! Who is asking: the session cookie of a browser, the bearer token of a script.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use crm_jobs::{
    accounts::{
        Origin, User,
        half::LIFETIME_MS,
        sessions::{self, ABSOLUTE_MS, Session},
        tokens::{self, Scope},
    },
    audit::Actor,
};

use crate::{
    config::Config,
    error::AppError,
    request::{RequestInfo, bearer, cookie},
    state::App,
};

/// Somebody who proved who they are, and how.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// How.
    pub proof: Proof,
    /// The request they sent.
    pub request: RequestInfo,
}

/// How somebody proved who they are.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The cookie of this session.
    Session(Session),
    /// The API token with this id and scope.
    Token(String, Scope),
}

impl SignedIn {
    /// Who acts, for histories and the audit log.
    pub fn actor(&self) -> Actor {
        match &self.proof {
            Proof::Session(_) => Actor::User(self.user.id.clone()),
            Proof::Token(token, _) => Actor::Token {
                user: self.user.id.clone(),
                token: token.clone(),
            },
        }
    }

    /// Where from, for the audit log.
    pub fn ip(&self) -> String {
        self.request.ip.to_string()
    }

    /// Where from, with the browser.
    pub fn origin(&self) -> Origin {
        self.request.origin()
    }

    /// The id of the session, if it is one.
    pub fn session_id(&self) -> Option<String> {
        match &self.proof {
            Proof::Session(session) => Some(session.id()),
            Proof::Token(..) => None,
        }
    }
}

/// The access check leaves it; on a public route there is none.
impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        parts
            .extensions
            .get()
            .cloned()
            .ok_or_else(AppError::sign_in)
    }
}

/// Somebody on a public page, signed in or not.
#[derive(Clone, Debug)]
pub struct Visitor(pub Option<SignedIn>);

impl FromRequestParts<App> for Visitor {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, AppError> {
        let info = RequestInfo::from_request_parts(parts, app).await?;
        by_cookie(app, &parts.headers, &info).await.map(Self)
    }
}

/// Who sent these headers. A bearer token wins: its sender does not want the
/// cookie to count, even when the token is bad.
pub async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    info: &RequestInfo,
) -> Result<Option<SignedIn>, AppError> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return by_cookie(app, headers, info).await;
    }
    let Some(secret) = bearer(headers) else {
        return Ok(None);
    };
    let found = tokens::find(&app.db, secret).await?;
    Ok(found.map(|(token, user)| SignedIn {
        user,
        proof: Proof::Token(token.id, token.scope),
        request: info.clone(),
    }))
}

async fn by_cookie(
    app: &App,
    headers: &HeaderMap,
    info: &RequestInfo,
) -> Result<Option<SignedIn>, AppError> {
    let Some(secret) = cookie(headers, cookie_name(&app.config)) else {
        return Ok(None);
    };
    let found = sessions::find(&app.db, secret).await?;
    Ok(found.map(|(session, user)| SignedIn {
        user,
        proof: Proof::Session(session),
        request: info.clone(),
    }))
}

/// The prefix makes browsers refuse the cookie from a sibling host or over
/// plain http; on plain http (this machine only) it cannot be used.
pub fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() {
        "__Host-crm_session"
    } else {
        "crm_session"
    }
}

/// The same for the cookie between password and code. It is no session, and
/// nothing but the code page reads it.
pub fn half_cookie_name(config: &Config) -> &'static str {
    if config.is_https() {
        "__Host-crm_half"
    } else {
        "crm_half"
    }
}

/// Gives the browser its session.
pub fn remember(config: &Config, response: &mut Response, secret: &str) {
    let name = cookie_name(config);
    set_cookie(config, response, name, secret, ABSOLUTE_MS / 1_000);
}

/// Takes it away again.
pub fn forget(config: &Config, response: &mut Response) {
    set_cookie(config, response, cookie_name(config), "", 0);
}

/// Gives the browser what the code page asks for.
pub fn remember_half(config: &Config, response: &mut Response, secret: &str) {
    let name = half_cookie_name(config);
    set_cookie(config, response, name, secret, LIFETIME_MS / 1_000);
}

/// Takes it away again.
pub fn forget_half(config: &Config, response: &mut Response) {
    set_cookie(config, response, half_cookie_name(config), "", 0);
}

fn set_cookie(config: &Config, response: &mut Response, name: &str, value: &str, age_s: i64) {
    let secure = if config.is_https() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Where to go after signing in: a path of ours, or home. `//host` and `/\host`
/// are other sites to a browser.
pub fn safe_next(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t'])
        && !next.chars().any(char::is_control);
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn next_stays_here() {
        for evil in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/\n/x",
            "grid",
        ] {
            assert_eq!(safe_next(evil), "/", "{evil}");
        }
        assert_eq!(safe_next("/grid?list=main#x"), "/grid?list=main#x");
    }
}
