//! Requests that are answered before they were read to the end.
//!
//! Most clients send all of a body before they look at the answer. If we hang
//! up on them meanwhile, a browser shows a lost connection and a proxy makes a
//! 502 of it, and nobody reads why the file was refused. So what is left of a
//! refused body is read and thrown away, within bounds.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    extract::Request,
    middleware::Next,
    response::Response,
};
use futures_util::{StreamExt, stream};

use crate::request::is_safe;

/// Whoever sends more than this after a refusal is hung up on.
const AT_MOST: usize = 256 * 1024 * 1024;
/// And whoever takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

type Shared = Arc<Mutex<BodyDataStream>>;

/// Answers after the request has been read, if it was refused.
pub async fn read_what_is_refused(request: Request, next: Next) -> Response {
    if is_safe(request.method()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let rest: Shared = Arc::new(Mutex::new(body.into_data_stream()));
    let body = Body::from_stream(pieces(rest.clone()));
    let response = next.run(Request::from_parts(parts, body)).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        // Neither too much nor too slow changes the answer: the line is closed then.
        let _ = tokio::time::timeout(PATIENCE, throw_away(rest)).await;
    }
    response
}

fn pieces(
    body: Shared,
) -> impl stream::Stream<Item = Result<axum::body::Bytes, axum::Error>> + Send {
    stream::poll_fn(move |cx| {
        body.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .poll_next_unpin(cx)
    })
}

async fn throw_away(body: Shared) {
    let (mut pieces, mut seen) = (pieces(body), 0);
    while let Some(Ok(piece)) = pieces.next().await {
        seen += piece.len();
        if seen > AT_MOST {
            return;
        }
    }
}
