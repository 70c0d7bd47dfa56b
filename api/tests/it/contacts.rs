//! People as programs and people use them.

use axum::http::{Method, StatusCode};
use crm_jobs::investors;
use serde_json::{Value, json};

use crate::{
    harness::{Caller, TestApp},
    state::patch,
};

const MERGE: &str = "/api/contacts/merge";

/// Ana at two investors under two addresses, Ben at the second.
async fn people(app: &TestApp, who: &Caller) -> (String, String) {
    let body = json!({"operations": [
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "People", "type": "contacts"},
        {"op": "add_row", "id": "r1", "cells": {"name": "Alpha", "people": [{"name": "Ana Doe", "email": "ana@alpha.example"}]}},
        {"op": "add_row", "id": "r2", "cells": {"name": "Beta", "people": [{"name": "Ana Doe", "email": "ana@beta.example"}, {"name": "Ben Roe"}]}},
    ]});
    assert_eq!(patch(app, who, body).await.status, StatusCode::OK);
    sync(app).await;
    let pairs = who.get(app, "/api/contacts/duplicates").await.json();
    let id = |field: &str| pairs[0][field].as_str().unwrap().to_owned();
    (id("one"), id("other"))
}

async fn sync(app: &TestApp) {
    investors::sync(&app.db, false, |_, _| {}).await.unwrap();
}

async fn names(app: &TestApp, who: &Caller, path: &str) -> Vec<Value> {
    let page = who.get(app, path).await.json();
    let all = page["contacts"].as_array().unwrap().clone();
    all.into_iter().map(|c| c["name"].clone()).collect()
}

#[tokio::test]
async fn people_are_listed_searched_and_paged() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let (one, _) = people(&app, &who).await;
    assert_eq!(
        names(&app, &who, "/api/contacts").await,
        ["Ana Doe", "Ana Doe", "Ben Roe"]
    );
    assert_eq!(
        names(&app, &who, "/api/contacts?q=BETA").await,
        ["Ana Doe", "Ben Roe"]
    );
    let first = who.get(&app, "/api/contacts?limit=2").await.json();
    let last = &first["contacts"][1];
    let next = format!(
        "/api/contacts?after_name=Ana%20Doe&after_id={}",
        last["id"].as_str().unwrap()
    );
    assert_eq!(names(&app, &who, &next).await, ["Ben Roe"]);
    let found = who.get(&app, &format!("/api/contacts/{one}")).await.json();
    assert_eq!(found["places"].as_array().unwrap().len(), 1);
    let page = who.get(&app, "/contacts?q=roe").await;
    assert!(page.text.contains("Ben Roe") && !page.text.contains("Ana Doe"));
    assert_eq!(
        who.get(&app, "/contacts/nobody").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn two_entries_become_one_and_links_to_the_other_still_lead_there() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let (one, other) = people(&app, &who).await;
    let page = who.get(&app, "/contacts/duplicates").await;
    assert!(page.text.contains("The same name at different investors"));
    let done = who
        .post(
            &app,
            "/contacts/merge",
            &[("keep", &one), ("merge", &other)],
        )
        .await;
    assert_eq!(done.header("location"), "/contacts/duplicates");
    sync(&app).await;
    assert_eq!(
        names(&app, &who, "/api/contacts").await,
        ["Ana Doe", "Ben Roe"]
    );
    let moved = who.get(&app, &format!("/contacts/{other}")).await;
    assert_eq!(moved.header("location"), format!("/contacts/{one}"));
    let gone = who.get(&app, &format!("/api/contacts/{other}")).await;
    assert!(
        gone.json()["detail"].as_str().unwrap().contains(&one),
        "{}",
        gone.text
    );
    let again = json!({"keep": one, "merge": other});
    let refused = who.json(&app, Method::POST, MERGE, &again).await;
    assert_eq!(
        (refused.status, refused.json()["field"].clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, json!("merge"))
    );
}

#[tokio::test]
async fn who_is_kept_apart_is_not_proposed_again() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let (one, other) = people(&app, &who).await;
    let pair = json!({"one": one, "other": other});
    let done = who
        .json(&app, Method::POST, "/api/contacts/apart", &pair)
        .await;
    assert_eq!(done.status, StatusCode::NO_CONTENT);
    assert_eq!(
        who.get(&app, "/api/contacts/duplicates").await.json(),
        json!([])
    );
    let refused = who
        .json(
            &app,
            Method::POST,
            "/api/contacts/apart",
            &json!({"one": one, "other": "x"}),
        )
        .await;
    assert_eq!(refused.json()["code"], "no_such_contact");
}

#[tokio::test]
async fn a_person_is_changed_wherever_they_stand_or_told_why_not() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    people(&app, &who).await;
    let found = who.get(&app, "/api/contacts?q=alpha").await.json();
    let path = format!("/contacts/{}", found["contacts"][0]["id"].as_str().unwrap());
    let taken = who
        .post(
            &app,
            &path,
            &[("name", "Ana Doe"), ("email", "ana@beta.example")],
        )
        .await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        taken.text.contains("id=\"email-error\"")
            && taken.text.contains("value=\"ana@beta.example\""),
        "{}",
        taken.text
    );
    let bad = who
        .post(&app, &path, &[("name", "Ana Doe"), ("email", "no address")])
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.text.contains("id=\"email-error\""), "{}", bad.text);
    let saved = who
        .post(
            &app,
            &path,
            &[
                ("name", "Ana Roe"),
                ("email", "ana@alpha.example"),
                ("role", "CIO"),
            ],
        )
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
    let row = who.get(&app, "/api/fundraising/rows/r1").await.json();
    assert_eq!(
        (
            &row["cells"]["people"][0]["name"],
            &row["cells"]["people"][0]["role"]
        ),
        (&json!("Ana Roe"), &json!("CIO"))
    );
    let missing = who
        .json(
            &app,
            Method::PATCH,
            "/api/contacts/nobody",
            &json!({"name": "X"}),
        )
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_told_of_a_person_stays_theirs_when_they_are_merged() {
    let app = TestApp::new().await;
    let who = app.admin().await;
    let (one, other) = people(&app, &who).await;
    let place = who
        .get(&app, &format!("/api/contacts/{other}"))
        .await
        .json();
    let row = place["places"][0]["row_id"].as_str().unwrap().to_owned();
    let call = json!({"investor": row, "contact": {"name": "Ana Doe", "email": place["email"]}, "kind": "call", "note": "About *fees*"});
    let logged = who
        .json(
            &app,
            Method::POST,
            "/api/fundraising/log-communication",
            &call,
        )
        .await;
    assert_eq!(logged.status, StatusCode::OK, "{}", logged.text);
    sync(&app).await;
    let told = who
        .get(&app, &format!("/api/contacts/{other}"))
        .await
        .json();
    assert_eq!(told["told"][0]["text"], "call: About *fees*", "{told}");
    assert!(told["first_at"].is_i64() && told["first_at"] == told["last_at"]);
    who.json(
        &app,
        Method::POST,
        MERGE,
        &json!({"keep": one, "merge": other}),
    )
    .await;
    sync(&app).await;
    let told = who.get(&app, &format!("/api/contacts/{one}")).await.json();
    assert_eq!(told["told"].as_array().unwrap().len(), 1, "{told}");
    let page = who.get(&app, &format!("/contacts/{one}")).await;
    assert!(page.text.contains("About fees"), "{}", page.text);
}
