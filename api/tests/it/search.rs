//! Searching through HTTP.

use axum::http::{Method, StatusCode};
use crm_jobs::{queue, tasks};
use serde_json::json;

use crate::harness::{Caller, TestApp};

async fn some(app: &TestApp) -> Caller {
    let member = app.member().await;
    let operations = json!({"operations": [
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "City", "type": "text"},
        {"op": "add_row", "id": "r1", "cells": {"name": "Sample <b>Office</b>", "city": "Vienna"}},
        {"op": "add_row", "id": "r2", "cells": {"name": "Northern Pension", "city": "Graz"}},
    ]});
    let path = "/api/fundraising/state";
    let done = member.json(app, Method::PATCH, path, &operations).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let note = json!({"row": "r2", "body": "Met the **office** in Linz"});
    let done = member
        .json(app, Method::POST, "/api/fundraising/notes", &note)
        .await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.text);
    queue::drain(&app.db, &tasks::registry()).await.unwrap();
    member
}

#[tokio::test]
async fn hits_come_by_kind_with_their_pages_and_marks() {
    let app = TestApp::new().await;
    let member = some(&app).await;
    let found = member.get(&app, "/api/search?q=off").await.json();
    let kinds: Vec<&str> = found["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["investor", "note"]);
    let office = &found["groups"][0]["hits"][0];
    assert_eq!(office["href"], "/investors/r1");
    assert_eq!(
        office["title"],
        json!([
            {"text": "Sample <b>", "hit": false},
            {"text": "Office", "hit": true},
            {"text": "</b>", "hit": false},
        ])
    );
    let note = &found["groups"][1]["hits"][0];
    assert_eq!(note["about"], "Northern Pension");
    let href = note["href"].as_str().unwrap();
    assert!(href.starts_with("/investors/r2?show=notes#note-"), "{href}");
    let there = member.get(&app, href.split('#').next().unwrap()).await;
    let anchor = href.split('#').nth(1).unwrap();
    assert!(there.text.contains(&format!("id=\"{anchor}\"")), "{anchor}");

    let one = member
        .get(&app, "/api/search?q=off&kind=note&limit=1&offset=1")
        .await
        .json();
    assert_eq!(one["groups"][0]["total"], 1);
    assert!(one["groups"][0]["hits"].as_array().unwrap().is_empty());
    let near = member.get(&app, "/api/search?q=nothern").await.json();
    assert_eq!(near["near"], json!(["northern"]));
}

#[tokio::test]
async fn the_page_works_without_scripts_and_escapes_what_it_shows() {
    let app = TestApp::new().await;
    let member = some(&app).await;
    let page = member.get(&app, "/search?q=off").await;
    assert!(
        page.text
            .contains("Sample &#60;b&#62;<mark>Office</mark>&#60;/b&#62;"),
        "{}",
        page.text
    );
    assert!(
        page.text
            .contains("Investors <span class=\"count\">1</span>")
    );
    let page = member
        .get(&app, "/search?q=%3Cscript%3Ealert(1)&kind=note")
        .await;
    assert!(page.text.contains("Nothing found") && !page.text.contains("<script>alert"));
    let page = member.get(&app, "/search?q=nothern").await;
    assert!(page.text.contains("nearly the same") && page.text.contains("<mark>Northern</mark>"));
}

#[tokio::test]
async fn nothing_typed_is_an_error_and_bad_numbers_are_refused() {
    let app = TestApp::new().await;
    let member = some(&app).await;
    let long = "x%20".repeat(5_000);
    for query in [
        "",
        "q=",
        "q=%22",
        "q=*",
        "q=NEAR(a%20b)",
        "q=-",
        "q=%F0%9F%9A%80",
        &*format!("q={long}"),
        "q=a%00b",
    ] {
        let reply = member.get(&app, &format!("/api/search?{query}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{query}: {}", reply.text);
    }
    for query in ["q=a&limit=x", "q=a&offset=-1"] {
        let reply = member.get(&app, &format!("/api/search?{query}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let much = member
        .get(&app, "/api/search?q=off&limit=9999&offset=99999")
        .await;
    assert_eq!(much.status, StatusCode::OK);
}
