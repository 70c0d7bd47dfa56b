//! Health, readiness, live events.

use axum::{body::Body, http::StatusCode};
use crm_jobs::accounts::{Role, tokens::Scope};
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
    assert_eq!(body["schema_version"], crm_jobs::db::SCHEMA_VERSION);
    assert!(body["disk"]["free_bytes"].as_u64() > Some(0));
    assert!(
        body["backups"]["age_seconds"].is_null(),
        "there is none yet"
    );
}

#[tokio::test]
async fn figures_are_for_programs_of_this_machine_and_for_tokens() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let nobody = Caller::default();
    let reply = nobody.get(&app, "/metrics").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(
        reply.text.contains("\ncrm_workers_alive 0\n"),
        "{}",
        reply.text
    );
    for sign in ["x-forwarded-for", "forwarded", "x-real-ip", "via"] {
        for caller in [&nobody, &admin] {
            let refused = caller
                .clone()
                .and(sign, "192.0.2.1")
                .get(&app, "/metrics")
                .await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{sign}");
            assert!(!refused.text.contains("crm_"));
        }
    }
    let reader = app.user("reader@example.org", Role::Member).await;
    let read = app
        .token(&reader, Scope::Read)
        .await
        .and("x-forwarded-for", "192.0.2.1");
    assert_eq!(read.get(&app, "/metrics").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_status_says_what_to_do() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let status = member.get(&app, "/api/status").await.json();
    assert_eq!(status["tone"], "act");
    let parts = status["parts"].as_array().unwrap();
    let worker = parts.iter().find(|part| part["name"] == "Worker").unwrap();
    assert!(worker["fix"].as_str().unwrap().contains("crm-worker run"));
    let page = member.get(&app, "/status").await;
    assert!(page.text.contains("things do not work"), "{}", page.text);
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
