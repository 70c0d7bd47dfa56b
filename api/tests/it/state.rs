//! The grid as JSON.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Caller, Reply, TestApp};

const STATE: &str = "/api/fundraising/state";

/// Name, Stage, Ticket (EUR), People, Web, Follow up; one row `r1`.
pub async fn grid_of_one(app: &TestApp, who: &Caller) {
    let choices = json!([{"id": "lead", "name": "Lead", "color": "blue"}, {"id": "lost", "name": "Lost", "color": "red"}]);
    let reply = patch(
        app,
        who,
        json!({"operations": [
            {"op": "add_column", "name": "Name", "type": "text"},
            {"op": "add_column", "name": "Stage", "type": "select", "options": {"choices": choices}},
            {"op": "add_column", "name": "Ticket", "type": "currency", "options": {"currency": "EUR"}},
            {"op": "add_column", "name": "People", "type": "contacts"},
            {"op": "add_column", "name": "Web", "type": "url"},
            {"op": "add_column", "name": "Follow up", "type": "checkbox"},
            {"op": "add_row", "id": "r1", "cells": {
                "name": "Sample Office", "stage": "lead", "ticket": "2500000",
                "people": [{"name": "Ada Sample", "email": "ada@example.org", "phone": "1"}]}},
        ]}),
    )
    .await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}

pub async fn patch(app: &TestApp, who: &Caller, body: Value) -> Reply {
    who.json(app, Method::PATCH, STATE, &body).await
}

pub fn set(column: &str, value: impl Into<Value>, base: i64) -> Value {
    let value: Value = value.into();
    json!({"op": "set", "row": "r1", "column": column, "value": value, "base": base})
}

#[tokio::test]
async fn the_whole_grid_is_read_once_per_version() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let reply = member.get(&app, STATE).await;
    let tag = reply.header("etag").to_owned();
    assert!(tag.starts_with("\"v1."), "{tag}");
    assert_eq!(reply.header("cache-control"), "private, no-cache");
    assert_eq!(reply.header("content-type"), "application/json");
    let state = reply.json();
    assert_eq!(state["version"], 1);
    let columns = state["columns"].as_array().unwrap().iter();
    assert_eq!(columns.clone().filter(|c| c["derived"] != true).count(), 6);
    assert!(columns.clone().any(|c| c["id"] == "@list"));
    assert_eq!(state["rows"][0]["derived"]["@list"], "main");
    assert_eq!(state["rows"][0]["cells"]["ticket"], "2500000");

    let known = member
        .clone()
        .and("if-none-match", &format!("W/\"v0\", {tag}"));
    let again = known.get(&app, STATE).await;
    assert_eq!(
        (again.status, again.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(again.header("etag"), tag);
    patch(
        &app,
        &member,
        json!({"operations": [set("stage", "lost", 1)]}),
    )
    .await;
    assert_eq!(known.get(&app, STATE).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_whole_grid_is_read_compressed() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let squeezing = member.and("accept-encoding", "gzip");
    // Reading it to the end is the test: a broken stream fails there.
    let reply = squeezing.get(&app, STATE).await;
    assert_eq!(reply.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn a_stale_document_is_told_what_differs() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    patch(
        &app,
        &member,
        json!({"operations": [set("stage", "lost", 1)]}),
    )
    .await;
    let rows = json!([{"id": "r1", "cells": {"name": "Sample Office", "stage": "lead"}}]);
    let stale = json!({"expected_version": 1, "rows": rows});
    let reply = member.json(&app, Method::PUT, STATE, &stale).await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let body = reply.json();
    assert_eq!(
        (&body["code"], &body["current_version"]),
        (&json!("stale"), &json!(2))
    );
    assert_eq!(body["differing"], 3, "stage, ticket, people");
    assert!(body["updated_by"].as_str().unwrap().starts_with("user:"));
    let cells = body["cells"].as_array().unwrap();
    let differs = cells.iter().find(|c| c["column"] == "stage").unwrap();
    assert_eq!(
        (&differs["yours"], &differs["theirs"]),
        (&json!("lead"), &json!("lost"))
    );

    let fresh = json!({"expected_version": 2, "rows": rows});
    let reply = member.json(&app, Method::PUT, STATE, &fresh).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let row = member.get(&app, "/api/fundraising/rows/r1").await.json();
    assert_eq!(
        row["cells"],
        json!({"name": "Sample Office", "stage": "lead"})
    );
    let log = member.get(&app, "/api/activity?action=grid.replaced").await;
    assert_eq!(log.json()["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_newer_cell_is_a_conflict_and_stays() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    grid_of_one(&app, &member).await;
    patch(
        &app,
        &admin,
        json!({"operations": [set("stage", "lost", 1)]}),
    )
    .await;
    let reply = patch(
        &app,
        &member,
        json!({"operations": [set("stage", Value::Null, 1), set("name", "Other Office", 1)], "summary": "A call"}),
    )
    .await;
    let applied = reply.json();
    assert_eq!(
        (&applied["version"], &applied["changes"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(applied["conflicts"][0]["theirs"], "lost");
    let history = member
        .get(&app, "/api/fundraising/rows/r1/history")
        .await
        .json();
    assert_eq!(history[0]["summary"], "A call");
    assert_eq!(history[0]["changes"][0]["after"], "\"Other Office\"");
    let older = member
        .get(&app, "/api/fundraising/rows/r1/history?before=2")
        .await;
    assert_eq!(older.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_not_done() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let add = json!({"operations": [{"op": "add_row", "cells": {"name": "Twice"}}], "idempotency_key": "k1"});
    let first = patch(&app, &member, add.clone()).await;
    let second = patch(&app, &member, add).await;
    assert_eq!(first.json(), second.json());
    assert_eq!(
        member.get(&app, STATE).await.json()["rows"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let other = json!({"operations": [{"op": "add_row"}], "idempotency_key": "k1"});
    let reply = patch(&app, &member, other).await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(reply.json()["code"], "idempotency_key_reused");
}

#[tokio::test]
async fn bad_input_changes_nothing_and_is_named() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let good = set("name", "New", 1);
    let long = "x".repeat(70_000);
    for (bad, code, field) in [
        (
            set("ticket", "two", 1),
            "invalid_value",
            "operations[1].value",
        ),
        (
            set("name", long.as_str(), 1),
            "invalid_value",
            "operations[1].value",
        ),
        (
            json!({"op": "add_row", "id": "a b"}),
            "row_id_taken",
            "operations[1].id",
        ),
        (
            json!({"op": "add_row", "cells": {"stage": "Bank"}}),
            "invalid_value",
            "operations[1].cells.stage",
        ),
        (
            json!({"op": "move", "row": "r1", "list": "best"}),
            "invalid_list",
            "operations[1].list",
        ),
        (
            json!({"op": "archive", "row": "r1", "reason": " "}),
            "reason_needed",
            "operations[1].reason",
        ),
        (
            json!({"op": "add_column", "name": "C", "type": "currency", "options": {"commitment": {"fund": "f", "stage": "soon"}}}),
            "invalid_options",
            "operations[1].options",
        ),
    ] {
        let reply = patch(&app, &member, json!({"operations": [good, bad]})).await;
        assert_eq!(
            reply.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            reply.text
        );
        let body = reply.json();
        assert_eq!(
            (body["code"].as_str(), body["field"].as_str()),
            (Some(code), Some(field))
        );
    }
    let missing = json!({"operations": [{"op": "delete", "row": "nobody"}]});
    assert_eq!(
        patch(&app, &member, missing).await.status,
        StatusCode::NOT_FOUND
    );
    let unknown = json!({"operations": [{"op": "drop", "row": "r1"}]});
    assert_eq!(
        patch(&app, &member, unknown).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let many = vec![json!({"op": "restore", "row": "r1"}); 20_001];
    let reply = patch(&app, &member, json!({"operations": many})).await;
    assert_eq!(reply.json()["field"], "operations");
    let key = json!({"operations": [], "idempotency_key": "k".repeat(101)});
    assert_eq!(
        patch(&app, &member, key).await.json()["field"],
        "idempotency_key"
    );
    assert_eq!(member.get(&app, STATE).await.json()["version"], 1);
}

#[tokio::test]
async fn bodies_have_limits_and_large_ones_fit() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    // Above the usual limit of 1 MiB.
    let notes = "x".repeat(60_000);
    let rows: Vec<Value> = (0..40)
        .map(|_| json!({"op": "add_row", "cells": {"name": notes}}))
        .collect();
    let reply = patch(&app, &member, json!({"operations": rows})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let huge = json!({"operations": [], "summary": "x".repeat(17 * 1024 * 1024)});
    assert_eq!(
        patch(&app, &member, huge).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn the_projection_is_told_and_can_be_rebuilt() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    grid_of_one(&app, &member).await;
    let summary = member
        .get(&app, "/api/fundraising/relational-summary")
        .await
        .json();
    assert_eq!(
        (&summary["grid_version"], &summary["lag_versions"]),
        (&json!(1), &json!(1))
    );
    let body = json!({"rebuild": true});
    let path = "/api/fundraising/relational-sync";
    let reply = admin.json(&app, Method::POST, path, &body).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
    let job = admin
        .get(&app, reply.json()["href"].as_str().unwrap())
        .await;
    assert!(job.text.contains("sync_relational"));
}

#[tokio::test]
async fn a_deleted_row_is_not_there() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    patch(
        &app,
        &member,
        json!({"operations": [{"op": "delete", "row": "r1"}]}),
    )
    .await;
    for path in [
        "/api/fundraising/rows/r1",
        "/api/fundraising/rows/r1/history",
        "/investors/r1",
    ] {
        assert_eq!(
            member.get(&app, path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert!(
        !member
            .get(&app, "/grid?q=Sample")
            .await
            .text
            .contains("Sample Office")
    );
}
