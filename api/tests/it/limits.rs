//! How much one person may change in a while, and what a nearly full disk refuses.

use std::sync::atomic::Ordering;

use axum::http::{Method, StatusCode};
use crm_jobs::accounts::{Role, tokens::Scope};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::harness::{Caller, MEMBER, PASSWORD, TestApp};

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn a_runaway_script_meets_a_limit_and_others_do_not() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let jo = app.user(MEMBER, Role::Member).await;
    let (one, other) = (
        app.token(&jo, Scope::All).await,
        app.token(&jo, Scope::All).await,
    );
    let body = json!({ "name": "one of many", "scope": "read" });
    for n in 0..120 {
        // Two tokens of one person draw on one limit.
        let script = if n % 2 == 0 { &one } else { &other };
        let reply = script.json(&app, Method::POST, "/api/tokens", &body).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{n}: {}", reply.text);
    }
    let refused = one.json(&app, Method::POST, "/api/tokens", &body).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(refused.json()["code"], "too_many_writes");
    // What people do all day goes on, and so does everybody else.
    let note = json!({ "title": "Call back", "assignee": "me" });
    let task = one.json(&app, Method::POST, "/api/reminders", &note).await;
    assert_eq!(task.status, StatusCode::CREATED, "{}", task.text);
    let theirs = admin.json(&app, Method::POST, "/api/tokens", &body).await;
    assert_eq!(theirs.status, StatusCode::CREATED);
    let listed = one.get(&app, "/api/tokens").await;
    assert_eq!(listed.json().as_array().unwrap().len(), 122);
    app.clock.advance(5_000);
    let later = one.json(&app, Method::POST, "/api/tokens", &body).await;
    assert_eq!(later.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_changes_and_nothing_else() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let page = admin.get(&app, "/").await;
    assert!(!page.text.contains("The disk is nearly full"));
    app.free.store(255 * MIB, Ordering::SeqCst);
    let body = json!({ "name": "x", "scope": "read" });
    let refused = admin.json(&app, Method::POST, "/api/tokens", &body).await;
    assert_eq!(refused.status, StatusCode::INSUFFICIENT_STORAGE);
    assert_eq!(refused.json()["code"], "disk_full");
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("255 MiB")
    );
    let refused = admin
        .post(&app, "/settings/account", &[("name", "Jo")])
        .await;
    assert_eq!(refused.status, StatusCode::INSUFFICIENT_STORAGE);
    let page = admin.get(&app, "/settings/account").await;
    assert!(page.status == StatusCode::OK && page.text.contains("The disk is nearly full"));
    // In and out, and what makes room: answered by their handlers.
    app.user(MEMBER, Role::Member).await;
    let member = app.sign_in(MEMBER, PASSWORD).await;
    for (caller, path) in [
        (&admin, "/backups/none/delete"),
        (&admin, "/export/archives/none/remove"),
        (&member, "/files/none/delete"),
        (&member, "/logout"),
    ] {
        let reply = caller.post(&app, path, &[]).await;
        assert_ne!(reply.status, StatusCode::INSUFFICIENT_STORAGE, "{path}");
    }
    assert!(
        Caller::default()
            .get(&app, "/login")
            .await
            .text
            .contains("Sign in")
    );
    app.free.store(1024 * MIB, Ordering::SeqCst);
    let made = admin.json(&app, Method::POST, "/api/tokens", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
}

#[tokio::test]
async fn the_limit_is_off_for_load_tests() {
    let app = TestApp::with(&[("CRM_WRITE_LIMITS", "off")]).await;
    let admin = app.admin().await;
    for _ in 0..125 {
        let body = json!({ "name": "one of many", "scope": "read" });
        let reply = admin.json(&app, Method::POST, "/api/tokens", &body).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    }
}

/// As most clients do: everything is sent before the answer is looked at.
#[tokio::test]
async fn a_file_that_is_too_large_is_refused_in_words_not_by_hanging_up() {
    let app = TestApp::new().await;
    let user = app.user(MEMBER, Role::Member).await;
    let token = app.token(&user, Scope::All).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app.router()).await });
    let part =
        "--line\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
    let size = 60 * 1024 * 1024;
    let head = format!(
        "POST /api/imports HTTP/1.1\r\nhost: {address}\r\nauthorization: {}\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary=line\r\ncontent-length: {}\r\n\r\n{part}",
        token.value("authorization"),
        size + part.len(),
    );
    let mut line = TcpStream::connect(address).await.unwrap();
    line.write_all(head.as_bytes()).await.unwrap();
    let rows = vec![b'x'; 1024 * 1024];
    for _ in 0..60 {
        line.write_all(&rows).await.expect("the line stays open");
    }
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"too_large\""), "{answer}");
}
