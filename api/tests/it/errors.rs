//! What a refused request is told.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Caller, TestApp};

#[tokio::test]
async fn an_unknown_address_is_a_page_for_people_and_a_problem_for_programs() {
    let app = TestApp::new().await;
    let page = Caller::default().get(&app, "/no/such/page").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("Nothing here"));
    assert!(
        page.text.contains(page.header("x-request-id")),
        "the id is shown"
    );

    let problem = Caller::default().get(&app, "/api/no/such").await;
    assert_eq!(problem.status, StatusCode::NOT_FOUND);
    assert_eq!(problem.header("content-type"), "application/problem+json");
    let body = problem.json();
    assert_eq!(
        (&body["code"], &body["status"]),
        (&json!("not_found"), &json!(404))
    );
    assert_eq!(body["request_id"], problem.header("x-request-id"));
}

#[tokio::test]
async fn a_wrong_method_is_named() {
    let app = TestApp::new().await;
    let problem = Caller::default()
        .json(&app, Method::PUT, "/api/me", &json!({}))
        .await;
    assert_eq!(problem.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(problem.json()["code"], "method_not_allowed");
    assert!(problem.header("allow").contains("GET"));
}

#[tokio::test]
async fn bad_json_names_the_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for (body, status, field) in [
        (r#"{"email":"#, 400, Some("email")),
        (r#"{"email":"a@example.org"}"#, 422, Some("role")),
        (
            r#"{"email":"a@example.org","role":"king"}"#,
            422,
            Some("role"),
        ),
        (r#"{"email":7,"role":"admin"}"#, 422, Some("email")),
        (r#"{"email":"nonsense","role":"admin"}"#, 422, Some("email")),
    ] {
        let request = admin.request(
            Method::POST,
            "/api/admin/invites",
            Some("application/json"),
            body.to_owned(),
        );
        let problem = app.send(request).await;
        assert_eq!(problem.status.as_u16(), status, "{body}: {}", problem.text);
        assert_eq!(
            problem.json()["field"].as_str(),
            field,
            "{body}: {}",
            problem.text
        );
    }
    let request = admin.request(
        Method::POST,
        "/api/admin/invites",
        Some("text/plain"),
        "{}".to_owned(),
    );
    let problem = app.send(request).await;
    assert_eq!(problem.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let bad = admin.get(&app, "/api/activity?limit=many").await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    assert_eq!(bad.json()["field"], "limit");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let long = json!({ "email": "x".repeat(1024 * 1024), "role": "admin" });
    let problem = admin
        .json(&app, Method::POST, "/api/admin/invites", &long)
        .await;
    assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem.json()["code"], "too_large");
}

#[tokio::test]
async fn a_page_only_admins_may_see_says_so() {
    let app = TestApp::new().await;
    let reply = app.member().await.get(&app, "/settings/team").await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(reply.text.contains("Not yours to open"));
}

#[tokio::test]
async fn a_full_disk_is_507_and_reading_goes_on() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let max_pages = async |pages: i64| {
        let mut tx = app.db.write().await.unwrap();
        let pragma = format!("pragma max_page_count = {pages}");
        sqlx::query(sqlx::AssertSqlSafe(pragma))
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    // As full as it gets: the file may not grow by a page.
    max_pages(1).await;
    let body = json!({ "name": "x".repeat(80), "scope": "read" });
    let mut full = None;
    for _ in 0..300 {
        // Slowly enough for the limit on what a person may make.
        app.clock.advance(5_000);
        let reply = admin.json(&app, Method::POST, "/api/tokens", &body).await;
        if reply.status != StatusCode::CREATED {
            full = Some(reply);
            break;
        }
    }
    let full = full.expect("no room in the end");
    assert_eq!(
        full.status,
        StatusCode::INSUFFICIENT_STORAGE,
        "{}",
        full.text
    );
    assert_eq!(full.json()["code"], "disk_full");
    assert_eq!(admin.get(&app, "/api/tokens").await.status, StatusCode::OK);
    max_pages(1_000_000).await;
    let reply = admin.json(&app, Method::POST, "/api/tokens", &body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
}
