//! The feed, read.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Caller, MEMBER, TestApp};

#[tokio::test]
async fn what_people_did_is_told_without_secrets() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let member = app.member().await;
    let wrong = [("email", MEMBER), ("password", "hunter2 hunter2")];
    Caller::default().post(&app, "/login", &wrong).await;
    member
        .post(&app, "/settings/account", &[("name", "Jo Testcase")])
        .await;

    let page = admin.get(&app, "/activity").await;
    for words in [
        "signed in",
        "changed the name of",
        "unbroken chain",
        "Jo Testcase",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let log = admin.get(&app, "/api/activity?limit=3").await;
    assert!(!log.text.contains("hunter2"));
    let body = log.json();
    assert_eq!(body["entries"].as_array().unwrap().len(), 3);
    let cursor = body["next_cursor"].as_str().unwrap();
    let older = admin
        .get(&app, &format!("/api/activity?cursor={cursor}"))
        .await
        .json();
    let id = |entry: &serde_json::Value| entry["id"].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(id(&older["entries"][0]), id(&body["entries"][2]) - 1);
    assert!(older["next_cursor"].is_null(), "that is all");

    let filtered = admin
        .get(&app, "/api/activity?action=session.refused")
        .await
        .json();
    assert_eq!(filtered["entries"].as_array().unwrap().len(), 1);
    assert_eq!(filtered["entries"][0]["ip"], "127.0.0.1");
    assert_eq!(filtered["entries"][0]["what"], "refused a sign-in");
}

#[tokio::test]
async fn a_change_of_the_grid_is_told_once_with_its_investor() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let operations = json!({"operations": [
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_row", "id": "r1", "cells": {"name": "Sample Office"}},
    ]});
    let path = "/api/fundraising/state";
    let done = member.json(&app, Method::PATCH, path, &operations).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let note = json!({"row": "r1", "body": "Hello"});
    member
        .json(&app, Method::POST, "/api/fundraising/notes", &note)
        .await;

    let told = member
        .get(&app, "/api/activity?source=changes")
        .await
        .json();
    assert_eq!(told["entries"].as_array().unwrap().len(), 1);
    assert_eq!(told["entries"][0]["what"], "added");
    assert_eq!(told["entries"][0]["href"], "/investors/r1");
    let all = member.get(&app, "/api/activity").await.json();
    let about = all["entries"].as_array().unwrap().iter();
    let about: Vec<&str> = about
        .filter(|entry| entry["target"] == "row:r1")
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(about, ["row.added", "note.added"]);
    let page = member.get(&app, "/activity").await;
    assert!(page.text.contains("wrote a note on"), "{}", page.text);
    // Deleted: its name is not told any more, nor is there a link to its page.
    member
        .json(
            &app,
            Method::PATCH,
            path,
            &json!({"operations": [{"op": "delete", "row": "r1"}]}),
        )
        .await;
    let page = member.get(&app, "/activity").await;
    assert!(page.text.contains("a deleted investor"), "{}", page.text);
    assert!(!page.text.contains("/investors/r1"));
}

#[tokio::test]
async fn filters_that_mean_nothing_are_refused_by_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for (query, field) in [
        ("source=emails", "source"),
        ("from=soon", "from"),
        ("to=2026-02-30", "to"),
        ("to=9999-12-31", "to"),
        ("cursor=1.audit.x'y", "cursor"),
        ("cursor=1", "cursor"),
    ] {
        let reply = admin.get(&app, &format!("/api/activity?{query}")).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(reply.json()["field"], field);
        let page = admin.get(&app, &format!("/activity?{query}")).await;
        assert!(page.text.contains("Everything is shown."), "{query}");
    }
    let day = |query: &str| format!("/api/activity?{query}");
    // The clock of tests stands at 14 November 2023.
    for (query, some) in [
        ("from=2023-11-14&to=2023-11-14", true),
        ("from=2023-11-15", false),
        ("to=2023-11-13", false),
        ("from=&to=&source=&actor=&cursor=", true),
        ("actor=user:nobody", false),
    ] {
        let found = admin.get(&app, &day(query)).await.json();
        let entries = found["entries"].as_array().unwrap();
        assert_eq!(!entries.is_empty(), some, "{query}");
    }
}
