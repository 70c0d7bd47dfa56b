//! The digest through HTTP: its policy, its mail server, its model, what was sent.

use axum::http::{Method, StatusCode};
use crm_jobs::{
    accounts::{Role, tokens::Scope},
    settings,
};
use serde_json::{Value, json};

use crate::harness::{ADMIN, Caller, PASSWORD, TestApp};

const POLICY: &str = "/api/admin/digest/policy";
const MAIL: &str = "/api/admin/mail";
const SPARK: &str = "/api/admin/spark";

/// Changes something and gives back what holds then.
async fn change(app: &TestApp, who: &Caller, path: &str, body: Value) -> Value {
    let reply = who.json(app, Method::PATCH, path, &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()
}

/// Every one is refused, names its field, and changes nothing.
async fn refused(app: &TestApp, who: &Caller, path: &str, bad: &[(Value, &str)]) {
    let before = who.get(app, path).await.json();
    for (body, field) in bad {
        let reply = who.json(app, Method::PATCH, path, body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(reply.json()["field"], *field, "{body}: {}", reply.text);
    }
    assert_eq!(who.get(app, path).await.json(), before);
}

async fn conflict(app: &TestApp, who: &Caller, path: &str, code: &str) {
    let reply = who.json(app, Method::POST, path, &json!({})).await;
    let got = reply.json();
    assert_eq!(
        (reply.status, &got["code"]),
        (StatusCode::CONFLICT, &json!(code)),
        "{path}"
    );
}

#[tokio::test]
async fn a_policy_is_changed_field_by_field_and_moves_the_schedule() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let first = who.get(&app, POLICY).await.json();
    assert_eq!(
        (&first["enabled"], &first["time"], &first["recipients"]),
        (&json!(false), &json!("07:30"), &Value::Null)
    );
    change(&app, &who, POLICY, json!({"enabled": true, "time": "6:05"})).await;
    let now = change(
        &app,
        &who,
        POLICY,
        json!({"zone": "Europe/Zurich", "weekdays_only": true}),
    )
    .await;
    assert_eq!(
        (&now["enabled"], &now["time"], &now["zone"]),
        (&json!(true), &json!("06:05"), &json!("Europe/Zurich"))
    );
    let planned: (String, Option<String>, bool) = sqlx::query_as(
        "select expression, zone, enabled from schedules where name = 'daily-digest'",
    )
    .fetch_one(app.db.read())
    .await
    .unwrap();
    let wanted = (
        "5 6 * * 1-5".to_owned(),
        Some("Europe/Zurich".to_owned()),
        true,
    );
    assert_eq!(planned, wanted);
    let fund = change(&app, &who, POLICY, json!({"zone": ""})).await;
    assert_eq!(fund["zone"], Value::Null, "empty means the fund's own");
}

#[tokio::test]
async fn a_policy_that_cannot_hold_is_refused_by_field() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let gone = app.user("gone@example.org", Role::Member).await;
    let mut tx = app.db.write().await.unwrap();
    sqlx::query("update users set disabled_at = 1 where id = ?1")
        .bind(&gone.id)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let bad = [
        (json!({"time": "25:00"}), "time"),
        (json!({"time": "7:5"}), "time"),
        (json!({"time": ""}), "time"),
        (json!({"zone": "Mars/Olympus"}), "zone"),
        (json!({"recipients": ["nobody"]}), "recipients"),
        (json!({"recipients": [gone.id]}), "recipients"),
        (json!({"enabled": true, "zone": "Mars/Olympus"}), "zone"),
    ];
    refused(&app, &who, POLICY, &bad).await;
}

#[tokio::test]
async fn a_mail_server_keeps_its_password_to_itself() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let set = json!({"host": "mail.example.org", "user": "crm", "password": "a secret of the mail server",
        "from": "Venture CRM <crm@example.org>", "security": "tls"});
    let shown = change(&app, &who, MAIL, set).await;
    assert_eq!(
        (&shown["port"], &shown["has_password"]),
        (&json!(465), &json!(true))
    );
    let read = who.get(&app, MAIL).await.text;
    let page = who.get(&app, "/digest/mail").await.text;
    assert!(!read.contains("a secret of") && !page.contains("a secret of"));
    let stored: String = sqlx::query_scalar("select group_concat(value) from settings")
        .fetch_one(app.db.read())
        .await
        .unwrap();
    assert!(stored.contains("mail.example.org") && !stored.contains("a secret of"));

    let same = change(&app, &who, MAIL, json!({"from": "crm@example.org"})).await;
    assert_eq!(same["has_password"], true, "what is not said stays");
    let bad = [
        // Who can change the server must not learn the password by it.
        (json!({"host": "elsewhere.example.org"}), "password"),
        (json!({"from": "no address"}), "from"),
        (json!({"security": "none"}), "security"),
        (json!({"host": "mail example"}), "host"),
    ];
    refused(&app, &who, MAIL, &bad).await;
    let none = change(&app, &who, MAIL, json!({"host": ""})).await;
    assert_eq!(
        (&none["host"], &none["has_password"]),
        (&json!(""), &json!(false))
    );
}

#[tokio::test]
async fn a_model_is_only_where_the_policy_lets_it_be() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let first = who.get(&app, SPARK).await.json();
    assert_eq!(first["url"], "http://spark-control.startos:9999");
    let bad = [
        (json!({"url": "http://8.8.8.8:80"}), "url"),
        (json!({"url": "ftp://127.0.0.1"}), "url"),
        (json!({"url": "http://user:word@127.0.0.1:9"}), "url"),
        (json!({"timeout_s": 3}), "timeout_s"),
    ];
    refused(&app, &who, SPARK, &bad).await;
    let now = change(
        &app,
        &who,
        SPARK,
        json!({"url": "http://127.0.0.1:9", "timeout_s": 30}),
    )
    .await;
    assert_eq!(now["settings"]["timeout_s"], 30);
    // Nobody listens there: an answer in words, not an error.
    let tested = who
        .json(&app, Method::POST, &format!("{SPARK}/test"), &json!({}))
        .await;
    assert_eq!(tested.status, StatusCode::OK, "{}", tested.text);
    let status = tested.json();
    assert!(!status["error"].as_str().unwrap().is_empty(), "{status}");
}

#[tokio::test]
async fn a_preview_moves_nothing_and_sending_says_what_is_in_its_way() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let seen = who
        .json(&app, Method::POST, "/api/admin/digest/preview", &json!({}))
        .await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
    let seen = seen.json();
    assert!(
        seen["html"]
            .as_str()
            .unwrap()
            .starts_with("<!doctype html>")
    );
    assert!(!seen["text"].as_str().unwrap().contains('<'));
    let page = who.get(&app, "/digest/preview/html").await;
    assert!(
        page.header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(
        who.get(&app, "/api/admin/digest/history").await.json(),
        json!([])
    );

    for path in ["/api/admin/digest/send-now", "/api/admin/digest/test-email"] {
        conflict(&app, &who, path, "mail_not_set").await;
    }
    let server =
        json!({"host": "127.0.0.1", "port": 9, "from": "crm@example.org", "security": "none"});
    change(&app, &who, MAIL, server).await;
    let mut tx = app.db.write().await.unwrap();
    settings::set(&mut tx, crm_jobs::backup::MAIL_HELD, &true, "test")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for path in ["/api/admin/digest/send-now", "/api/admin/digest/test-email"] {
        conflict(&app, &who, path, "mail_held").await;
    }
    who.post(&app, "/digest/mail/release", &[]).await;
    let sent = who
        .json(&app, Method::POST, "/api/admin/digest/send-now", &json!({}))
        .await;
    assert_eq!(sent.status, StatusCode::ACCEPTED, "{}", sent.text);
    let tested = who
        .json(
            &app,
            Method::POST,
            "/api/admin/digest/test-email",
            &json!({}),
        )
        .await;
    let tested = tested.json();
    assert_eq!(
        (&tested["outcome"], &tested["address"]),
        (&json!("transient"), &json!(ADMIN))
    );
    let missing = who.get(&app, "/api/admin/digest/history/none").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let missing = who
        .json(
            &app,
            Method::POST,
            "/api/admin/digest/history/none/resend",
            &json!({}),
        )
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "{}", missing.text);
}

#[tokio::test]
async fn none_of_it_is_for_members_or_for_tokens_that_read() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let admin = app.user(ADMIN, Role::Admin).await;
    app.sign_in(ADMIN, PASSWORD).await;
    let reader = app.token(&admin, Scope::Read).await;
    for path in [POLICY, MAIL, SPARK] {
        assert_eq!(
            member.get(&app, path).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        let changed = reader.json(&app, Method::PATCH, path, &json!({})).await;
        assert_eq!(changed.status, StatusCode::FORBIDDEN, "{path}");
    }
    let sends = "/api/admin/digest/send-now";
    let reply = member.json(&app, Method::POST, sends, &json!({})).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    // What everybody may: want none themselves.
    let reply = member.post(&app, "/settings/digest", &[]).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
}
