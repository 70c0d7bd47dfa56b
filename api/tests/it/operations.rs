//! Health, readiness, live events.

use axum::{body::Body, http::StatusCode};
use futures_util::StreamExt;
use tower::ServiceExt;

use crate::harness::{Caller, TestApp};

#[tokio::test]
async fn readiness_tells_the_parts_apart() {
    let app = TestApp::new().await;
    let nobody = Caller::default();
    assert_eq!(nobody.get(&app, "/healthz").await.json()["status"], "ok");
    let reply = nobody.get(&app, "/readyz").await;
    assert_eq!(reply.status, StatusCode::OK);
    let body = reply.json();
    assert_eq!(body["status"], "degraded", "no worker runs here");
    assert_eq!(
        (&body["database_writable"], &body["schema_current"]),
        (&true.into(), &true.into())
    );
}

#[tokio::test]
async fn a_change_reaches_an_open_page() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let request = member.request(
        axum::http::Method::GET,
        "/events?topics=activity",
        None,
        String::new(),
    );
    let response = app.router().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(response.headers().get("content-encoding").is_none());
    let mut events = Body::into_data_stream(response.into_body());
    let renamed = member
        .post(&app, "/settings/account", &[("name", "Other Name")])
        .await;
    assert_eq!(renamed.status, StatusCode::SEE_OTHER);
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(&event[..], b"data: {\"topics\":[\"activity\"]}\n\n");
}
