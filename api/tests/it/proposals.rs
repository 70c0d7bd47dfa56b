//! Proposals through HTTP: decided once, with edits, several in one go, taken back.

use axum::http::{Method, StatusCode};
use crm_jobs::proposals;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::harness::{Caller, Reply, TestApp};

/// Two investors, and mail of one day with each, drafted by rule.
async fn begin() -> (TestApp, Caller) {
    let app = TestApp::new().await;
    let who = app.member().await;
    let operations = json!({"operations": [
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "Contacts", "type": "contacts"},
        {"op": "add_column", "name": "Stage", "type": "select", "options": {"choices": [
            {"id": "lead", "name": "Lead", "color": "blue"}, {"id": "dd", "name": "Diligence", "color": "red"}]}},
        {"op": "add_row", "id": "alpha", "cells": {"name": "Alpha", "stage": "lead"}},
        {"op": "add_row", "id": "beta", "cells": {"name": "Beta", "stage": "lead"}},
    ]});
    let made = who
        .json(&app, Method::PATCH, "/api/fundraising/state", &operations)
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let mut tx = app.db.write().await.unwrap();
    let now = tx.now();
    for sql in [
        "insert into mailboxes (id, address, consent, privacy, starts_at, enrolled_at, created_at, created_by, updated_at, updated_by)
         values ('m1', 'ana@fund.example', 'agreed', 'body', 0, 0, 0, 'x', 0, 'x')",
        "insert into email_threads (id, first_at, last_at) values ('alpha', 0, 0), ('beta', 0, 0)",
        "insert into emails (id, message_key, thread_id, sent_at, from_name, from_address, direction, subject, said, is_matched, privacy, created_at)
         select r.id, r.id, r.id, ?1, 'Synthetic Sam', r.id || '@example.org', 'in', 'Our fund',
                'We would like to see the data room <b>now</b>. Call me next week.', 1, 'body', 0 from grid_rows r",
        "insert into email_sightings (mailbox_id, gmail_id, gmail_thread_id, email_id, seen_at) select 'm1', id, id, id, 0 from emails",
        "insert into email_links (email_id, row_id, rule, sent_at, created_at, created_by) select id, id, 'domain', sent_at, 0, 'x' from emails",
    ] {
        sqlx_run(&mut tx, sql, now).await;
    }
    tx.commit().await.unwrap();
    let mut conn = app.db.read().acquire().await.unwrap();
    let (gathered, _) = proposals::gather(&mut conn, &TimeZone::UTC).await.unwrap();
    drop(conn);
    for from in &gathered {
        let mut tx = app.db.write().await.unwrap();
        proposals::keep(&mut tx, from, &proposals::by_rule(from))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    (app, who)
}

async fn sqlx_run(tx: &mut crm_jobs::db::WriteTx, sql: &'static str, now: i64) {
    let query = sqlx::query(sql);
    let query = if sql.contains("?1") {
        query.bind(now)
    } else {
        query
    };
    query.execute(&mut **tx).await.unwrap();
}

async fn call(app: &TestApp, who: &Caller, path: &str, body: Value) -> Reply {
    let path = format!("/api/activity/proposals{path}");
    who.json(app, Method::POST, &path, &body).await
}

async fn listed(app: &TestApp, who: &Caller, state: &str) -> Vec<Value> {
    let path = format!("/api/activity/proposals?state={state}");
    let reply = who.get(app, &path).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["proposals"].as_array().unwrap().clone()
}

async fn of(app: &TestApp, who: &Caller, row: &str) -> String {
    let open = listed(app, who, "pending").await;
    let one = open.iter().find(|p| p["row_id"] == row).unwrap();
    one["id"].as_str().unwrap().to_owned()
}

async fn cell(app: &TestApp, who: &Caller, row: &str, column: &str) -> Value {
    let path = format!("/api/fundraising/rows/{row}");
    who.get(app, &path).await.json()["cells"][column].clone()
}

#[tokio::test]
async fn one_is_listed_with_its_mail_approved_with_edits_and_decided_once() {
    let (app, who) = begin().await;
    let id = of(&app, &who, "alpha").await;
    let open = listed(&app, &who, "pending").await;
    assert_eq!(open.len(), 2);
    let sources = &open[0]["sources"];
    assert_eq!(sources.as_array().unwrap().len(), 1);
    assert!(sources[0]["said"].as_str().unwrap().contains("data room"));
    assert_eq!(open[0]["stage_hint"], "diligence");

    for (body, field) in [
        (json!({"note": " "}), "note"),
        (json!({"note": "x".repeat(2001)}), "note"),
        (json!({"follow_up_on": "soonish"}), "follow_up_on"),
        (json!({"stage": "nowhere"}), "stage"),
    ] {
        let refused = call(&app, &who, &format!("/{id}/approve"), body.clone()).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            refused.text
        );
        assert_eq!(refused.json()["field"], field, "{}", refused.text);
    }
    assert_eq!(
        cell(&app, &who, "alpha", "stage").await,
        "lead",
        "nothing was written"
    );

    let edits = json!({"note": "Wants the data room", "new_contact": null, "follow_up_on": "tomorrow", "stage": "diligence"});
    let made = call(&app, &who, &format!("/{id}/approve"), edits.clone()).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!(made.json()["proposal"]["state"], "approved");
    assert_eq!(cell(&app, &who, "alpha", "stage").await, "dd");
    assert_eq!(cell(&app, &who, "alpha", "contacts").await, Value::Null);
    let tasks = who.get(&app, "/api/reminders").await;
    assert!(tasks.text.contains("Follow up with"), "{}", tasks.text);

    for path in ["approve", "dismiss"] {
        let again = call(&app, &who, &format!("/{id}/{path}"), json!({})).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text);
        assert_eq!(again.json()["code"], "already_decided");
    }
    let back = call(&app, &who, &format!("/{id}/undo"), json!({})).await;
    assert_eq!(
        (back.status, &back.json()["stays"]),
        (StatusCode::OK, &json!([])),
        "{}",
        back.text
    );
    assert_eq!(cell(&app, &who, "alpha", "stage").await, "lead");
    let open = listed(&app, &who, "pending").await;
    assert!(
        open.iter()
            .all(|p| p["note"].as_str().unwrap().contains("Synthetic Sam wrote")),
        "as drafted"
    );
    let twice = call(&app, &who, &format!("/{id}/undo"), json!({})).await;
    assert_eq!(twice.json()["code"], "not_decided");
    assert_eq!(
        call(&app, &who, "/none/approve", json!({})).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn several_are_decided_and_taken_back_in_one_go() {
    let (app, who) = begin().await;
    let (alpha, beta) = (of(&app, &who, "alpha").await, of(&app, &who, "beta").await);
    for ids in [json!([]), json!(vec!["x"; 101])] {
        let refused = call(
            &app,
            &who,
            "/decide",
            json!({"ids": ids, "decision": "approve"}),
        )
        .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let all = json!({"ids": [alpha, beta, "unknown"], "decision": "approve"});
    let done = call(&app, &who, "/decide", all.clone()).await;
    assert_eq!(done.json()["decided"], 2, "{}", done.text);
    assert_eq!(listed(&app, &who, "approved").await.len(), 2);
    assert!(
        cell(&app, &who, "beta", "contacts")
            .await
            .to_string()
            .contains("beta@example.org")
    );
    assert_eq!(
        call(&app, &who, "/decide", all).await.json()["decided"],
        0,
        "decided once"
    );
    // Somebody else's Undo does not reach it.
    let other = app.admin().await;
    let at = json!({"from": done.json()["from"], "until": done.json()["until"]});
    let refused = call(&app, &other, "/undo", at.clone()).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text);
    let back = call(&app, &who, "/undo", at).await;
    assert_eq!(back.json()["reopened"], 2, "{}", back.text);
    assert_eq!(listed(&app, &who, "pending").await.len(), 2);
    assert_eq!(cell(&app, &who, "beta", "contacts").await, Value::Null);
    let dismissed = json!({"ids": [alpha], "decision": "dismiss"});
    assert_eq!(
        call(&app, &who, "/decide", dismissed).await.json()["decided"],
        1
    );
}

#[tokio::test]
async fn the_page_decides_without_scripts_and_keeps_what_was_typed() {
    let (app, who) = begin().await;
    let id = of(&app, &who, "alpha").await;
    let page = who.get(&app, "/proposals").await;
    assert!(page.text.contains("Waiting 2") && page.text.contains("Sounds like Diligence"));
    assert!(
        page.text.contains("&#60;b&#62;now") || page.text.contains("&lt;b&gt;now"),
        "mail is text"
    );
    let form = |follow: &'static str, decision: &'static str| {
        [
            ("note", "My own words"),
            ("contact", "yes"),
            ("follow_up_on", follow),
            ("stage", "dd"),
            ("decision", decision),
        ]
    };
    let here = format!("/proposals/{id}");
    let refused = who.post(&app, &here, &form("soonish", "approve")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("My own words")
            && refused.text.contains("is no day")
            && refused.text.contains("value=\"dd\" selected")
    );
    let done = who.post(&app, &here, &form("tomorrow", "approve")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(cell(&app, &who, "alpha", "stage").await, "dd");
    let again = who.post(&app, &here, &form("", "dismiss")).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "says so on the page");
    assert_eq!(listed(&app, &who, "approved").await.len(), 1);
    let decided = who.get(&app, "/proposals?state=approved").await;
    assert!(decided.text.contains("Take back") && decided.text.contains("My own words"));
    who.post(&app, &format!("/proposals/{id}/undo"), &[]).await;
    let picks = [
        (format!("pick-{id}"), "yes"),
        ("decision".to_owned(), "dismiss"),
    ];
    let picks: Vec<(&str, &str)> = picks.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    let bulk = who.post(&app, "/proposals/bulk", &picks).await;
    assert_eq!(bulk.status, StatusCode::SEE_OTHER, "{}", bulk.text);
    assert_eq!(listed(&app, &who, "dismissed").await.len(), 1);
    let nothing = who
        .post(&app, "/proposals/bulk", &[("decision", "approve")])
        .await;
    assert_eq!(nothing.status, StatusCode::SEE_OTHER);
    assert_eq!(listed(&app, &who, "pending").await.len(), 1);
}
