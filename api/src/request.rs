//! What we know of a request before any handler sees it, and the one
//! middleware around everything: id, log line, errors, flash, headers.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use crm_jobs::accounts::Origin;
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    cors,
    error::{self, AppError},
    flash, headers, proxy,
    routes::page::Flash,
    state::App,
};

/// A request that takes longer has lost its reader.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What we know of a request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestInfo(Arc<Known>);

/// See [`RequestInfo`].
#[derive(Debug)]
pub struct Known {
    /// In the log, in the answer, on error pages.
    pub id: String,
    /// Whom we count and record.
    pub ip: IpAddr,
    /// From a program on this machine, and no proxy passed it on.
    pub is_direct_from_here: bool,
    /// Path and query.
    pub path: String,
    /// What the browser calls itself.
    pub user_agent: String,
    /// Whether errors are problem JSON rather than pages.
    pub wants_json: bool,
    /// A message left by the request before.
    pub flash: Option<Flash>,
    safe: bool,
}

impl std::ops::Deref for RequestInfo {
    type Target = Known;
    fn deref(&self) -> &Known {
        &self.0
    }
}

impl RequestInfo {
    fn of(app: &App, request: &Request) -> Self {
        let headers = request.headers();
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| {
                peer.ip()
            });
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        Self(Arc::new(Known {
            id: app.db.clock().new_id(),
            ip: proxy::client_ip(peer, headers, &app.config.trusted_proxies),
            is_direct_from_here: peer.to_canonical().is_loopback() && !proxy::is_forwarded(headers),
            path: path.to_owned(),
            user_agent: text(headers, &header::USER_AGENT)
                .unwrap_or_default()
                .to_owned(),
            wants_json: is_for_programs(request.uri().path()) || bearer(headers).is_some(),
            flash: flash::read(app, headers),
            safe: is_safe(request.method()),
        }))
    }

    /// Where the request came from, for sessions and the audit log.
    pub fn origin(&self) -> Origin {
        Origin {
            ip: self.ip.to_string(),
            user_agent: self.user_agent.clone(),
        }
    }

    /// Where a form on the answer may come back to: not to an address that only
    /// takes posts.
    pub fn return_path(&self) -> &str {
        if self.safe { &self.path } else { "/" }
    }

    /// The sign-in form, coming back here afterwards if this was a page.
    pub fn sign_in_path(&self) -> String {
        if !self.safe || self.path == "/" {
            return "/login".to_owned();
        }
        let next: String = self.path.bytes().map(percent).collect();
        format!("/login?next={next}")
    }
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

impl<S: Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            AppError::internal(std::io::Error::other(
                "a handler ran outside the middleware",
            ))
        })
    }
}

/// Wraps every request.
pub async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let info = RequestInfo::of(&app, &request);
    let method = request.method().clone();
    // The pattern, not the path: paths carry one-time secrets.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("-".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request.id = info.id, http.method = %method, http.route = route);
    request.extensions_mut().insert(info.clone());
    let origin = request.headers().get(header::ORIGIN).cloned();
    let preflight = cors::preflight(&app.config, request.method(), request.headers());

    async {
        let started = Instant::now();
        let _under_way = app.requests.begin();
        let response = match preflight {
            Some(response) => response,
            None if app.db.holds_writes() && !is_safe(&method) => held().into_response(),
            None => with_timeout(next.run(request), patience(&route)).await,
        };
        let mut response = error::render(&app, &info, response).await;
        flash::write(&app, &info, &mut response);
        headers::protect(&app.config, &mut response);
        cors::allow(&app.config, origin.as_ref(), &mut response);
        if let Ok(id) = HeaderValue::from_str(&info.id) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("x-request-id"), id);
        }
        app.requests
            .answered(&method, &route, response.status(), started.elapsed());
        let (status, ms) = (response.status().as_u16(), started.elapsed().as_millis());
        tracing::info!(
            http.status = status,
            elapsed_ms = ms,
            "{method} {route} {status} in {ms} ms"
        );
        response
    }
    .instrument(span)
    .await
}

/// What is written now would be lost with the database that is about to go.
fn held() -> AppError {
    let words = "A backup is about to be restored, so nothing can be changed right now.";
    AppError::new(StatusCode::SERVICE_UNAVAILABLE, "restoring", words).retry_after(5)
}

/// Checking a backup reads all of it, and it may be on its way for a while.
fn patience(route: &str) -> Duration {
    let is_backup = route == "/backups/restore/preview"
        || route.starts_with("/api/fundraising/restore-preview");
    if is_backup {
        Duration::from_mins(30)
    } else {
        TIMEOUT
    }
}

async fn with_timeout(response: impl Future<Output = Response>, patience: Duration) -> Response {
    tokio::time::timeout(patience, response)
        .await
        .unwrap_or_else(|_| {
            let words = "This took longer than 30 seconds and was given up.";
            AppError::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", words)
                .retry_after(5)
                .into_response()
        })
}

/// Paths whose readers are programs: errors there are never pages.
fn is_for_programs(path: &str) -> bool {
    path == "/api"
        || path.starts_with("/api/")
        || matches!(path, "/events" | "/healthz" | "/readyz" | "/metrics")
}

/// GET and its kin change nothing here.
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A cookie by name.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// A header as text.
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_takes_too_long_is_given_up_and_says_when_to_come_back() {
        let never = std::future::pending::<Response>();
        let answer = with_timeout(never, Duration::from_millis(5)).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let error = answer.extensions().get::<AppError>().unwrap();
        assert!(error.detail().contains("30 seconds"));
        let quick = std::future::ready(StatusCode::OK.into_response());
        let answer = with_timeout(quick, Duration::from_secs(5)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    #[test]
    fn every_route_has_thirty_seconds_but_those_that_read_a_whole_backup() {
        let mut longer: Vec<&str> = crate::route_table()
            .iter()
            .map(|route| route.path)
            .filter(|path| patience(path) != Duration::from_secs(30))
            .collect();
        longer.sort_unstable();
        assert_eq!(
            longer,
            [
                "/api/fundraising/restore-preview",
                "/api/fundraising/restore-preview/upload",
                "/backups/restore/preview",
            ]
        );
    }
}
