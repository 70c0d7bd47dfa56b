//! What people and programs are told while a restore swaps the database: the
//! same socket, no database, one page that refreshes itself.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use crm_jobs::db::DataDir;
use serde_json::json;

use crate::{
    assets,
    config::Config,
    frame::html_with,
    headers,
    routes::{
        backups::progress::{self, Progress},
        page::Frame,
    },
};

/// Asked again after so many seconds.
const RETRY_AFTER: u32 = 2;

#[derive(Clone)]
struct Closed {
    dir: DataDir,
    config: Config,
}

/// The program without its database.
pub fn pages(dir: DataDir, config: Config) -> Router {
    let state = Closed { dir, config };
    Router::new()
        .route("/healthz", get(healthz))
        .route("/restore/progress", get(progress_json))
        .route("/static/{file}", get(static_file))
        .fallback(anything)
        .layer(middleware::from_fn_with_state(state.clone(), protect))
        .with_state(state)
}

async fn healthz() -> Response {
    axum::Json(json!({"status": "ok"})).into_response()
}

async fn progress_json(State(closed): State<Closed>) -> Response {
    axum::Json(Progress::now(&closed.dir)).into_response()
}

async fn static_file(
    axum::extract::Path(name): axum::extract::Path<String>,
    request: Request,
) -> Response {
    assets::serve(crate::extract::Path(name), request.headers().clone())
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn anything(State(closed): State<Closed>, request: Request) -> Response {
    let path = request.uri().path();
    let is_program =
        path.starts_with("/api/") || matches!(path, "/readyz" | "/metrics" | "/events" | "/api");
    let mut response = if is_program {
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let body = json!({
            "status": 503, "title": "Service Unavailable", "code": "restoring",
            "detail": "A backup is being restored; try again in a few seconds.",
        });
        (StatusCode::SERVICE_UNAVAILABLE, kind, body.to_string()).into_response()
    } else {
        let frame = Frame {
            assets: assets::names(),
            path: "/restore".to_owned(),
            ..Frame::default()
        };
        html_with(
            StatusCode::SERVICE_UNAVAILABLE,
            &progress::page(frame, &Progress::now(&closed.dir)),
        )
    };
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
    response
}

async fn protect(State(closed): State<Closed>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    headers::protect(&closed.config, &mut response);
    response
}
