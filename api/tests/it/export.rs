//! Taking data out through the routes: who may, what is written down, and what
//! leaves.

use std::io::Read;

use axum::{
    body::to_bytes,
    http::{Method, StatusCode},
};
use crm_jobs::{accounts::Role, audit, queue, tasks};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{Caller, MEMBER, TestApp};

const EXPORT: &str = "/api/fundraising/export";

async fn fill(app: &TestApp, who: &Caller) {
    let choices = json!([{"id": "lead", "name": "Lead", "color": "blue"}]);
    let operations = json!({"operations": [
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "Amount", "type": "currency", "options": {"currency": "EUR"}},
        {"op": "add_column", "name": "Kind", "type": "select", "options": {"choices": choices}},
        {"op": "add_row", "id": "r1", "cells": {"name": "=Evil, \"Office\"", "amount": "-5.5", "kind": "lead"}},
        {"op": "add_row", "id": "r2", "cells": {"name": "Beta", "amount": "7"}, "list": "longshot"},
        {"op": "add_row", "id": "r3", "cells": {"name": "Gamma"}},
        {"op": "archive", "row": "r3", "reason": "closed"},
    ]});
    let done = who
        .json(app, Method::PATCH, "/api/fundraising/state", &operations)
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
}

async fn last_entry(app: &TestApp, action: &str) -> (String, Value) {
    let filter = audit::Filter {
        action: Some(action.to_owned()),
        ..audit::Filter::default()
    };
    let entry = audit::list(&app.db, &filter).await.unwrap().remove(0);
    (entry.target, serde_json::from_str(&entry.detail).unwrap())
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_start_matches('\u{feff}').lines().collect()
}

#[tokio::test]
async fn members_take_views_and_every_export_is_written_down() {
    let app = TestApp::new().await;
    let member = app.member().await;
    fill(&app, &member).await;
    let reply = member.get(&app, &format!("{EXPORT}?format=csv")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        reply
            .header("content-disposition")
            .starts_with("attachment; filename=\"Investors ")
    );
    assert_eq!(
        lines(&reply.text),
        [
            "Name,Amount,Kind",
            "\"'=Evil, \"\"Office\"\"\",-5.5,Lead",
            "Beta,7,"
        ]
    );
    let (target, detail) = last_entry(&app, "export.view").await;
    assert_eq!(
        (
            target.as_str(),
            &detail["rows"],
            &detail["columns"],
            &detail["format"]
        ),
        ("", &json!(2), &json!(3), &json!("csv"))
    );

    for (query, expected) in [
        ("list=longshot", vec!["Beta,7,"]),
        ("q=evil", vec!["\"'=Evil, \"\"Office\"\"\",-5.5,Lead"]),
        ("archived=1", vec!["Gamma,,"]),
        (
            "view=&list=&q=&sort=&archived=",
            vec!["\"'=Evil, \"\"Office\"\"\",-5.5,Lead", "Beta,7,"],
        ),
        (
            "sort=[{\"column\":\"amount\",\"descending\":true}]",
            vec!["Beta,7,", "\"'=Evil, \"\"Office\"\"\",-5.5,Lead"],
        ),
        ("q=nobody", vec![]),
    ] {
        let query = query
            .replace('"', "%22")
            .replace('[', "%5B")
            .replace(']', "%5D")
            .replace('{', "%7B")
            .replace('}', "%7D");
        let reply = member
            .get(&app, &format!("{EXPORT}?format=csv&{query}"))
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{query}: {}", reply.text);
        assert_eq!(lines(&reply.text)[1..], expected, "{query}");
    }
    let all = member
        .get(&app, &format!("{EXPORT}?format=csv&columns=all"))
        .await;
    assert!(lines(&all.text)[0].contains("Created at"), "{}", all.text);
}

#[tokio::test]
async fn a_view_is_named_and_personal_ones_are_their_owners() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    fill(&app, &member).await;
    let view = json!({"name": "Mine: a/b", "mode": "personal", "config": {"columns": [{"id": "amount"}, {"id": "kind", "hidden": true}]}});
    let made = member
        .json(&app, Method::POST, "/api/fundraising/views", &view)
        .await;
    assert!(made.status.is_success(), "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{EXPORT}?format=csv&view={id}");
    let reply = member.get(&app, &path).await;
    assert_eq!(lines(&reply.text)[0], "Amount,Name");
    assert!(
        reply.header("content-disposition").contains("Mine_ a_b"),
        "{}",
        reply.header("content-disposition")
    );
    assert_eq!(
        last_entry(&app, "export.view").await.0,
        format!("view:{id}")
    );
    assert_eq!(admin.get(&app, &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_field() {
    let app = TestApp::new().await;
    let member = app.member().await;
    fill(&app, &member).await;
    for (query, status, field) in [
        (
            "format=csv&list=nothing",
            StatusCode::UNPROCESSABLE_ENTITY,
            "list",
        ),
        (
            "format=csv&columns=some",
            StatusCode::UNPROCESSABLE_ENTITY,
            "columns",
        ),
        (
            "format=csv&filter=x",
            StatusCode::UNPROCESSABLE_ENTITY,
            "filter",
        ),
        ("format=xlsx&view=none", StatusCode::NOT_FOUND, ""),
        ("format=pdf", StatusCode::BAD_REQUEST, "format"),
    ] {
        let reply = member.get(&app, &format!("{EXPORT}?{query}")).await;
        assert_eq!(reply.status, status, "{query}: {}", reply.text);
        assert_eq!(
            reply.json()["field"].as_str().unwrap_or_default(),
            field,
            "{query}"
        );
    }
    let long = format!("{EXPORT}?format=csv&q={}", "x".repeat(201));
    assert_eq!(
        member.get(&app, &long).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let none: Vec<audit::Entry> = audit::list(
        &app.db,
        &audit::Filter {
            action: Some("export.view".to_owned()),
            ..audit::Filter::default()
        },
    )
    .await
    .unwrap();
    assert!(none.is_empty(), "what was refused did not leave");
}

#[tokio::test]
async fn a_workbook_arrives_whole_and_leaves_no_scratch() {
    let app = TestApp::new().await;
    let member = app.member().await;
    fill(&app, &member).await;
    let request = member.request(
        Method::GET,
        &format!("{EXPORT}?format=xlsx"),
        None,
        String::new(),
    );
    let response = app.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(bytes.starts_with(b"PK\x03\x04") && bytes.len() > 3_000);
    let left = std::fs::read_dir(app.db.dir().exports()).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_snapshot_is_for_admins_and_has_no_secret() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    fill(&app, &member).await;
    let refused = member.get(&app, EXPORT).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.json()["code"], "admins_only");
    let reply = admin.get(&app, EXPORT).await;
    assert_eq!(reply.status, StatusCode::OK);
    let document = reply.json();
    assert_eq!(document["format"], "venture-crm-snapshot");
    assert_eq!(
        document["tables"]["grid_rows"]["rows"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert!(reply.text.contains(MEMBER) && !reply.text.contains("argon2"));
    let sessions: Vec<String> = sqlx::query_scalar("select token_hash from sessions")
        .fetch_all(app.db.read())
        .await
        .unwrap();
    assert!(!sessions.is_empty() && sessions.iter().all(|s| !reply.text.contains(s)));
    let rows: usize = document["tables"]
        .as_object()
        .unwrap()
        .values()
        .map(|t| t["rows"].as_array().unwrap().len())
        .sum();
    assert_eq!(
        last_entry(&app, "export.snapshot").await.1["rows"],
        json!(rows)
    );
}

#[tokio::test]
async fn an_archive_is_asked_for_made_downloaded_and_removed() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    fill(&app, &member).await;
    let nothing = json!({});
    let asked = admin
        .json(&app, Method::POST, "/api/fundraising/archive", &nothing)
        .await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text);
    let again = admin
        .json(&app, Method::POST, "/api/fundraising/archive", &nothing)
        .await;
    assert_eq!(
        again.json()["job_id"],
        asked.json()["job_id"],
        "one at a time"
    );
    let page = admin.get(&app, "/export").await;
    assert!(page.text.contains("Making an archive"), "{}", page.text);
    queue::drain(&app.db, &tasks::registry()).await.unwrap();
    let archives = admin.get(&app, "/api/fundraising/archives").await.json();
    let archive = archives[0].clone();
    assert_eq!(
        (archives.as_array().unwrap().len(), &archive["investors"]),
        (1, &json!(3))
    );
    let id = archive["id"].as_str().unwrap();
    let page = admin.get(&app, "/export").await;
    assert!(
        page.text.contains(archive["file"].as_str().unwrap()) && page.text.contains("Sample admin"),
        "{}",
        page.text
    );

    let path = format!("/api/fundraising/archives/{id}/file");
    let request = admin.request(Method::GET, &path, None, String::new());
    let response = app.router().oneshot(request).await.unwrap();
    assert_eq!(
        response.headers()["content-length"],
        archive["size_bytes"].to_string().as_str()
    );
    assert_eq!(response.headers()["content-type"], "application/zip");
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(bytes.len() as u64, archive["size_bytes"].as_u64().unwrap());
    assert_eq!(
        last_entry(&app, "archive.downloaded").await.0,
        format!("archive:{id}")
    );
    assert_eq!(member.get(&app, &path).await.status, StatusCode::FORBIDDEN);

    let gone = admin
        .json(
            &app,
            Method::DELETE,
            &format!("/api/fundraising/archives/{id}"),
            &nothing,
        )
        .await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(admin.get(&app, &path).await.status, StatusCode::NOT_FOUND);
    let page = member.get(&app, "/export").await;
    assert!(page.text.contains("Download CSV") && !page.text.contains("Make an archive"));
}

#[tokio::test]
async fn what_is_compressed_on_the_way_arrives_whole() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    fill(&app, &admin).await;
    let gzip = admin.clone().and("accept-encoding", "gzip");
    for query in ["?format=csv", ""] {
        let plain = admin.get(&app, &format!("{EXPORT}{query}")).await.text;
        let request = gzip.request(
            Method::GET,
            &format!("{EXPORT}{query}"),
            None,
            String::new(),
        );
        let response = app.router().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, plain, "{query}");
    }
}

#[tokio::test]
async fn a_token_that_reads_may_export() {
    let app = TestApp::new().await;
    let member = app.member().await;
    fill(&app, &member).await;
    let admin = app.user("other@example.org", Role::Admin).await;
    let token = app
        .token(&admin, crm_jobs::accounts::tokens::Scope::Read)
        .await;
    for query in ["?format=csv", ""] {
        assert_eq!(
            token.get(&app, &format!("{EXPORT}{query}")).await.status,
            StatusCode::OK
        );
    }
    let asked = token
        .json(&app, Method::POST, "/api/fundraising/archive", &json!({}))
        .await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
}
