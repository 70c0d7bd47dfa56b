//! Tasks, notes, the quick log, files, the timeline and the calendar feed,
//! through the routes.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use crm_jobs::{
    accounts::{Role, tokens::Scope},
    clock::DAY,
};
use serde_json::{Value, json};

use crate::{
    harness::{Caller, MEMBER, PASSWORD, Reply, TestApp},
    state::grid_of_one,
};

async fn send(app: &TestApp, who: &Caller, method: Method, path: &str, body: &Value) -> Reply {
    who.json(app, method, &format!("/api{path}"), body).await
}

async fn read(app: &TestApp, who: &Caller, path: &str) -> Value {
    let reply = who.get(app, &format!("/api{path}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
    reply.json()
}

async fn add(app: &TestApp, who: &Caller, body: &Value) -> Value {
    let reply = send(app, who, Method::POST, "/reminders", body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    reply.json()
}

async fn titles(app: &TestApp, who: &Caller, query: &str) -> Vec<String> {
    let page = read(app, who, &format!("/reminders?{query}")).await;
    let tasks = page["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|t| t["title"].as_str().unwrap().to_owned())
        .collect()
}

/// What is offered to undo the last thing, pressed.
async fn undo(app: &TestApp, who: &Caller, done: &Reply) -> Reply {
    let cookie = done
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let (_, hex) = cookie.split_once('=').unwrap();
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    let note: Value = serde_json::from_slice(&bytes).unwrap();
    let href = note["action"][1]
        .as_str()
        .unwrap_or_else(|| panic!("{note}"));
    let reply = who.post(app, href, &[]).await;
    assert_eq!(
        reply.status,
        StatusCode::SEE_OTHER,
        "{href}: {}",
        reply.text
    );
    reply
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told in order")]
async fn a_task_lives_its_life_over_json() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    // Tuesday 14 November 2023, in UTC.
    let task = add(
        &app,
        &member,
        &json!({"title": " Send the deck ", "row": "r1", "due": "next friday", "assignee": "me",
                "repeat": "FREQ=WEEKLY;INTERVAL=2"}),
    )
    .await;
    assert_eq!(
        (&task["title"], &task["due_on"]),
        (&json!("Send the deck"), &json!("2023-11-24"))
    );
    assert_eq!(
        (&task["repeats"], &task["status"]),
        (&json!("Every 2 weeks"), &json!("open"))
    );
    let path = format!("/reminders/{}", task["id"].as_str().unwrap());

    let seen = json!({"updated_at": task["updated_at"], "title": "Send the new deck"});
    let saved = send(&app, &member, Method::PATCH, &path, &seen).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text);
    let late = send(&app, &member, Method::PATCH, &path, &seen).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(late.json()["current"]["title"], "Send the new deck");
    let team = send(
        &app,
        &member,
        Method::PATCH,
        &path,
        &json!({"assignee": null}),
    )
    .await
    .json();
    assert_eq!(
        (&team["assignee"], &team["due_on"]),
        (&Value::Null, &json!("2023-11-24"))
    );

    let snoozed = send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/snooze"),
        &json!({"until": "4 december"}),
    )
    .await;
    assert_eq!(snoozed.json()["status"], "snoozed", "{}", snoozed.text);
    assert_eq!(snoozed.json()["day"], "2023-12-04");
    assert!(titles(&app, &member, "").await.is_empty(), "hidden");
    assert_eq!(
        titles(&app, &member, "row=r1").await.len(),
        1,
        "but not from its investor"
    );
    assert_eq!(titles(&app, &member, "status=snoozed").await.len(), 1);
    app.clock.advance(20 * DAY);
    let member = app.sign_in(MEMBER, PASSWORD).await;
    assert_eq!(
        titles(&app, &member, "due=today").await.len(),
        1,
        "awake by itself"
    );
    assert!(
        titles(&app, &member, "due=overdue").await.is_empty(),
        "and not late on that day"
    );

    let done = send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/done"),
        &json!({}),
    )
    .await
    .json();
    assert_eq!(done["task"]["status"], "done");
    assert_eq!(
        done["next"]["due_on"], "2023-12-08",
        "from the day it was due"
    );
    assert_eq!(done["next"]["series_id"], task["id"]);
    let again = send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/done"),
        &json!({}),
    )
    .await
    .json();
    assert_eq!(again["next"], Value::Null, "done once");
    send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/reopen"),
        &json!({}),
    )
    .await;
    assert_eq!(
        titles(&app, &member, "").await.len(),
        1,
        "the one that followed is gone"
    );

    assert_eq!(
        send(&app, &member, Method::DELETE, &path, &json!({}))
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        member.get(&app, &format!("/api{path}")).await.status,
        StatusCode::NOT_FOUND
    );
    let back = send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/restore"),
        &json!({}),
    )
    .await;
    assert_eq!(back.status, StatusCode::OK);
    let log = read(&app, &member, "/activity").await.to_string();
    for action in [
        "added", "changed", "snoozed", "done", "reopened", "deleted", "restored",
    ] {
        assert!(log.contains(&format!("task.{action}")), "{action}");
    }
}

#[tokio::test]
async fn bad_tasks_are_refused_with_the_field() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    for (body, field) in [
        (json!({"title": "  "}), "title"),
        (json!({"title": "a\u{7}b"}), "title"),
        (json!({"title": "x".repeat(301)}), "title"),
        (json!({"title": "x", "due": "soon"}), "due"),
        (json!({"title": "x", "due": "2023-02-30"}), "due"),
        (json!({"title": "x", "row": "nowhere"}), "row"),
        (json!({"title": "x", "contact": "nobody"}), "contact"),
        (json!({"title": "x", "assignee": "nobody"}), "assignee"),
        (
            json!({"title": "x", "repeat": "FREQ=HOURLY", "due": "today"}),
            "repeat",
        ),
        (json!({"title": "x", "repeat": "FREQ=DAILY"}), "due"),
    ] {
        let reply = send(&app, &member, Method::POST, "/reminders", &body).await;
        assert_eq!(
            reply.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            reply.text
        );
        assert_eq!(reply.json()["field"], field, "{body}");
    }
    let task = add(&app, &member, &json!({"title": "x"})).await;
    let path = format!("/reminders/{}/snooze", task["id"].as_str().unwrap());
    for until in ["today", "2020-01-01", "soon", ""] {
        let reply = send(&app, &member, Method::POST, &path, &json!({"until": until})).await;
        assert_eq!(reply.json()["field"], "until", "{until}: {}", reply.text);
    }
    for query in ["due=later", "status=x", "cursor=-1", "cursor=x"] {
        let reply = member.get(&app, &format!("/api/reminders?{query}")).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    // A member who left gets no tasks, and their repeating ones go to the team.
    let other = app.user("gone@example.org", Role::Member).await;
    let task = add(
        &app,
        &member,
        &json!({"title": "x", "assignee": other.id, "due": "today", "repeat": "FREQ=DAILY"}),
    )
    .await;
    let admin = app.admin().await;
    let off = json!({"disabled": true});
    let left = send(
        &app,
        &admin,
        Method::PATCH,
        &format!("/admin/users/{}", other.id),
        &off,
    )
    .await;
    assert_eq!(left.status, StatusCode::OK, "{}", left.text);
    let refused = send(
        &app,
        &member,
        Method::POST,
        "/reminders",
        &json!({"title": "x", "assignee": other.id}),
    )
    .await;
    assert_eq!(refused.json()["field"], "assignee");
    let done = format!("/reminders/{}/done", task["id"].as_str().unwrap());
    let next = send(&app, &member, Method::POST, &done, &json!({}))
        .await
        .json();
    assert_eq!(next["next"]["assignee"], Value::Null, "{next}");
}

#[tokio::test]
async fn tasks_are_found_by_whose_and_when() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let admin = app.admin().await;
    for (title, due, assignee) in [
        ("late", "2023-11-01", "me"),
        ("now", "today", "me"),
        ("week", "sunday", "me"),
        ("far", "in a month", "me"),
        ("never", "", "me"),
        ("ours", "tomorrow", "team"),
    ] {
        let body = json!({"title": title, "due": due, "assignee": assignee});
        add(&app, &member, &body).await;
        app.clock.advance(1);
    }
    add(&app, &admin, &json!({"title": "theirs", "assignee": "me"})).await;
    for (query, found) in [
        ("assignee=me", "late now week far never"),
        ("assignee=team", "ours"),
        ("due=overdue", "late"),
        ("due=today", "late now"),
        ("due=week", "late now ours week"),
        ("due=none", "never theirs"),
        ("", "late now ours week far never theirs"),
    ] {
        assert_eq!(
            titles(&app, &member, query).await.join(" "),
            found,
            "{query}"
        );
    }
    let first = read(&app, &member, "/reminders?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = read(
        &app,
        &member,
        &format!("/reminders?limit=200&cursor={cursor}"),
    )
    .await;
    assert_eq!(rest["tasks"].as_array().unwrap().len(), 5);
    assert_eq!(rest["next_cursor"], Value::Null);
    let day = member.get(&app, "/day").await.text;
    for group in ["Overdue", "Today", "This week", "Later", "Without a date"] {
        assert!(day.contains(group), "{group}");
    }
    assert!(day.contains("ours") && !day.contains("theirs"));
    let mine = member.get(&app, "/day?whose=mine").await.text;
    assert!(mine.contains(">now<") && !mine.contains(">ours<"));
    let read_it = read(&app, &member, "/reminders/understand?text=in%20two%20weeks").await;
    assert_eq!(
        read_it,
        json!({"day": "2023-11-28", "words": "Tuesday, 28 November 2023"})
    );
}

#[tokio::test]
async fn the_forms_of_tasks_work_and_lose_nothing() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let form = [
        ("title", "Call <them>"),
        ("due", "soonish"),
        ("note", "kept"),
        ("row", "r1"),
        ("next", "/investors/r1"),
    ];
    let refused = member.post(&app, "/tasks", &form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("Call &#60;them&#62;") && refused.text.contains("kept"));
    assert!(refused.text.contains("in two weeks") && refused.text.contains("due-error"));
    let form = [
        ("title", "Call them"),
        ("due", "tomorrow"),
        ("row", "r1"),
        ("next", "/investors/r1"),
    ];
    let added = member.post(&app, "/tasks", &form).await;
    assert_eq!(added.header("location"), "/investors/r1", "{}", added.text);
    let page = member.get(&app, "/investors/r1").await.text;
    assert!(page.contains("Call them") && page.contains("Tomorrow"));
    let id = read(&app, &member, "/reminders").await["tasks"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let away = [("next", "https://evil.example/")];
    let done = member.post(&app, &format!("/tasks/{id}/done"), &away).await;
    assert_eq!(done.header("location"), "/day", "only to pages of ours");
    undo(&app, &member, &done).await;
    assert_eq!(titles(&app, &member, "").await, ["Call them"]);
    let task = member.get(&app, &format!("/tasks/{id}")).await;
    assert!(task.text.contains("value=\"2023-11-15\""));
    let stamp = task.between("name=\"updated_at\" value=\"", "\"");
    let edit = |title: &'static str| {
        vec![
            ("title", title.to_owned()),
            ("due", "friday".to_owned()),
            ("updated_at", stamp.clone()),
        ]
    };
    let post = async |form: Vec<(&str, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
        member.post(&app, &format!("/tasks/{id}"), &form).await
    };
    assert_eq!(post(edit("First")).await.status, StatusCode::SEE_OTHER);
    let second = post(edit("Second")).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(
        second.text.contains("value=\"Second\"") && second.text.contains("while you were editing")
    );
    let gone = member.post(&app, &format!("/tasks/{id}/delete"), &[]).await;
    undo(&app, &member, &gone).await;
    assert_eq!(titles(&app, &member, "").await, ["First"]);
}

#[tokio::test]
async fn notes_are_written_edited_and_taken_back() {
    let app = TestApp::new().await;
    let (member, admin) = (app.member().await, app.admin().await);
    grid_of_one(&app, &member).await;
    let form = [
        ("row", "r1"),
        ("body", "**Hi** @Sample admin <script>alert(1)</script>"),
    ];
    let done = member.post(&app, "/notes", &form).await;
    assert_eq!(
        done.header("location"),
        "/investors/r1#timeline",
        "{}",
        done.text
    );
    let page = member.get(&app, "/investors/r1").await.text;
    assert!(
        page.contains("<strong>Hi</strong>") && page.contains("class=\"mention\">@Sample admin")
    );
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;"));
    assert!(
        admin
            .get(&app, "/day")
            .await
            .text
            .contains("Sample member on")
    );
    assert!(
        !member
            .get(&app, "/day")
            .await
            .text
            .contains("Sample member on")
    );
    let note = read(&app, &member, "/fundraising/notes?row=r1").await["notes"][0].clone();
    let path = format!("/fundraising/notes/{}", note["id"].as_str().unwrap());
    let change = json!({"updated_at": note["updated_at"], "body": "New"});
    let saved = send(&app, &member, Method::PATCH, &path, &change).await;
    assert_eq!(saved.json()["edits"], 1, "{}", saved.text);
    let late = send(&app, &admin, Method::PATCH, &path, &change).await;
    assert_eq!(
        (late.status, &late.json()["current"]["body"]),
        (StatusCode::CONFLICT, &json!("New"))
    );
    undo(&app, &member, &done).await;
    assert_eq!(
        read(&app, &member, "/fundraising/notes?row=r1").await["notes"],
        json!([])
    );
    send(
        &app,
        &member,
        Method::POST,
        &format!("{path}/restore"),
        &json!({}),
    )
    .await;
    let empty = member
        .post(&app, "/notes", &[("row", "r1"), ("body", " ")])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        !read(&app, &member, "/activity")
            .await
            .to_string()
            .contains("alert"),
        "no texts in the log"
    );
    // A deleted investor's notes are not read.
    member.post(&app, "/investors/r1/delete", &[]).await;
    assert_eq!(
        member
            .get(&app, "/api/fundraising/notes?row=r1")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        send(&app, &member, Method::PATCH, &path, &json!({"body": "x"}))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert!(
        !admin
            .get(&app, "/day")
            .await
            .text
            .contains("Sample member on")
    );
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story, told in order")]
async fn the_quick_log_finds_or_makes_what_it_needs() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let log = "/fundraising/log-communication";
    let first = json!({"investor": "New  Office", "kind": "call", "note": "Hello", "list": "longshot",
        "contact": {"name": "Ada Sample", "email": "Ada@Example.org"}, "follow_up": "in two weeks",
        "idempotency_key": "k1"});
    let made = send(&app, &member, Method::POST, log, &first).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    let made = made.json();
    assert_eq!(
        (&made["investor_created"], &made["contact_created"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(made["task"]["title"], "Follow up with Ada Sample");
    let again = send(&app, &member, Method::POST, log, &first).await.json();
    assert_eq!(again, made, "done once");
    let other = json!({"investor": "New Office", "kind": "call", "idempotency_key": "k1"});
    assert_eq!(
        send(&app, &member, Method::POST, log, &other).await.status,
        StatusCode::CONFLICT
    );

    let second = json!({"investor": "new office", "kind": "meeting",
        "contact": {"name": "Ada S. Sample", "email": "ada@example.org", "role": "CFO"}});
    let found = send(&app, &member, Method::POST, log, &second).await.json();
    assert_eq!(found["investor"], made["investor"], "{found}");
    assert_eq!(
        (&found["investor_created"], &found["contact_created"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(found["contact"], made["contact"]);
    let id = made["investor"].as_str().unwrap();
    let row = read(&app, &member, &format!("/fundraising/rows/{id}")).await;
    assert_eq!(row["list"], "longshot");
    let pill = &row["cells"]["contacts"][0];
    assert_eq!(
        (&pill["name"], &pill["role"]),
        (&json!("Ada S. Sample"), &json!("CFO"))
    );
    assert_eq!(row["cells"]["contacts"].as_array().unwrap().len(), 1);
    assert!(row["derived"]["@last_contact"].is_string());

    let twin =
        json!({"operations": [{"op": "add_row", "id": "twin", "cells": {"name": "NEW OFFICE"}}]});
    send(&app, &member, Method::PATCH, "/fundraising/state", &twin).await;
    let several = send(&app, &member, Method::POST, log, &second).await;
    assert_eq!(several.status, StatusCode::CONFLICT);
    assert_eq!(several.json()["candidates"].as_array().unwrap().len(), 2);
    let asked = member
        .post(
            &app,
            "/log",
            &[
                ("investor", "New Office"),
                ("kind", "call"),
                ("note", "kept"),
            ],
        )
        .await;
    assert_eq!(asked.status, StatusCode::CONFLICT);
    assert!(asked.text.contains("value=\"twin\"") && asked.text.contains("kept"));
    let exact = member
        .post(
            &app,
            "/log",
            &[
                ("investor", "twin"),
                ("kind", "call"),
                ("contact", "Bob <bob@example.org>"),
            ],
        )
        .await;
    assert_eq!(
        exact.header("location"),
        "/investors/twin#timeline",
        "{}",
        exact.text
    );
    let page = member.get(&app, "/investors/twin").await.text;
    assert!(
        page.contains("logged a call with") && page.contains(">Bob</a>"),
        "{page}"
    );

    let before = read(&app, &member, "/fundraising/state").await["version"].clone();
    for (body, field) in [
        (json!({"investor": "Nobody yet", "kind": "fax"}), "kind"),
        (json!({"investor": " ", "kind": "call"}), "investor"),
        (
            json!({"investor": "Nobody yet", "kind": "call", "at": "2999-01-01"}),
            "on",
        ),
        (
            json!({"investor": "Nobody yet", "kind": "call", "at": "soon"}),
            "at",
        ),
        (
            json!({"investor": "Nobody yet", "kind": "call", "list": "x"}),
            "list",
        ),
        (
            json!({"investor": "Nobody yet", "kind": "call", "follow_up": "soon"}),
            "follow_up",
        ),
        (
            json!({"investor": "Nobody yet", "kind": "call", "contact": {}}),
            "contact.name",
        ),
        (
            json!({"investor": "Nobody yet", "kind": "call", "note": "a\u{0}"}),
            "body",
        ),
    ] {
        let reply = send(&app, &member, Method::POST, log, &body).await;
        assert_eq!(
            reply.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            reply.text
        );
        assert_eq!(reply.json()["field"], field, "{body}");
    }
    assert_eq!(
        read(&app, &member, "/fundraising/state").await["version"],
        before,
        "nothing half-done"
    );
    undo(&app, &member, &exact).await;
}

fn upload(who: &Caller, path: &str, name: &str, content: &[u8]) -> Request<Body> {
    let mut body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let mut request = who.request(
        Method::POST,
        path,
        Some("multipart/form-data; boundary=b"),
        String::new(),
    );
    *request.body_mut() = Body::from(body);
    request
}

#[tokio::test]
async fn files_are_attached_handed_out_and_taken_back() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let here = "/api/fundraising/investors/r1/files";
    let made = app.send(upload(&member, here, "../logo.png", png)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let file = made.json();
    assert_eq!(
        (&file["name"], &file["media_type"]),
        (&json!("logo.png"), &json!("image/png"))
    );
    let path = format!("/files/{}", file["id"].as_str().unwrap());
    let saved = member.get(&app, &path).await;
    assert!(
        saved
            .header("content-disposition")
            .starts_with("attachment;")
    );
    assert_eq!(saved.header("x-content-type-options"), "nosniff");
    assert!(saved.header("content-security-policy").contains("sandbox"));
    let shown = member.get(&app, &format!("{path}?inline=1")).await;
    assert!(shown.header("content-disposition").starts_with("inline;"));
    assert!(shown.header("content-security-policy").contains("sandbox"));
    assert_eq!(
        Caller::default().get(&app, &path).await.status,
        StatusCode::SEE_OTHER
    );

    for (name, content) in [
        ("a.html", &b"<p>"[..]),
        ("a.png", b"MZ\x90\0\x03\0\0\0"),
        ("a.txt", b"<svg onload=x>"),
        ("a.txt", b""),
    ] {
        let refused = app.send(upload(&member, here, name, content)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert_eq!(refused.json()["field"], "file");
    }
    let large = app
        .send(upload(
            &member,
            here,
            "a.txt",
            &vec![b'a'; 25 * 1024 * 1024 + 1],
        ))
        .await;
    assert_eq!(
        large.status,
        StatusCode::PAYLOAD_TOO_LARGE,
        "{}",
        large.text
    );
    let page = app
        .send(upload(&member, "/investors/r1/files", "a.svg", b"x"))
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("The file was not attached"));
    app.clock.advance(1);
    let text = app
        .send(upload(&member, "/investors/r1/files", "a.txt", b"hello"))
        .await;
    assert_eq!(text.header("location"), "/investors/r1#files");
    let listed = read(&app, &member, "/fundraising/investors/r1/files").await;
    let id = listed[0]["id"].as_str().unwrap();
    let inline = member.get(&app, &format!("/files/{id}?inline=1")).await;
    assert!(
        inline
            .header("content-disposition")
            .starts_with("attachment;"),
        "texts are only saved"
    );

    let gone = member.post(&app, &format!("{path}/delete"), &[]).await;
    assert_eq!(member.get(&app, &path).await.status, StatusCode::NOT_FOUND);
    undo(&app, &member, &gone).await;
    assert_eq!(member.get(&app, &path).await.status, StatusCode::OK);
    member.post(&app, "/investors/r1/delete", &[]).await;
    assert_eq!(
        member.get(&app, &path).await.status,
        StatusCode::NOT_FOUND,
        "its investor is deleted"
    );
}

#[tokio::test]
async fn the_timeline_has_it_all_and_pages() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    for n in 0..20 {
        app.clock.advance(1_000);
        member
            .post(
                &app,
                "/notes",
                &[("row", "r1"), ("body", &format!("note number {n}"))],
            )
            .await;
    }
    member
        .post(
            &app,
            "/log",
            &[("investor", "r1"), ("kind", "email"), ("note", "wrote")],
        )
        .await;
    member
        .post(
            &app,
            "/investors/r1/list",
            &[("list", "graveyard"), ("reason", "quiet")],
        )
        .await;
    let all = read(
        &app,
        &member,
        "/fundraising/investors/r1/timeline?limit=100",
    )
    .await;
    let kinds: Vec<&str> = all["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.iter().filter(|k| **k == "notes").count(), 20);
    for kind in ["contacts", "lists", "changes"] {
        assert_eq!(
            kinds.iter().filter(|k| **k == kind).count(),
            1,
            "{kind}: {kinds:?}"
        );
    }
    let page = member.get(&app, "/investors/r1").await;
    assert!(
        page.text.contains("moved it from Main to Graveyard")
            && page.text.contains("logged an email")
    );
    assert!(page.text.contains("note number 19") && !page.text.contains("note number 0<"));
    let older = page
        .between("rel=\"next\" href=\"", "#timeline")
        .replace("&amp;", "&")
        .replace("&#38;", "&");
    let second = member.get(&app, &older).await.text;
    assert!(second.contains("note number 0<"), "{older}");
    let notes = member.get(&app, "/investors/r1?show=lists").await.text;
    assert!(notes.contains("moved it from Main") && !notes.contains("note number"));
    for query in ["show=mail", "cursor=x"] {
        let reply = member
            .get(
                &app,
                &format!("/api/fundraising/investors/r1/timeline?{query}"),
            )
            .await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(
            member
                .get(&app, &format!("/investors/r1?{query}"))
                .await
                .status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn the_calendar_is_read_by_its_secret_only() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let admin = app.admin().await;
    grid_of_one(&app, &member).await;
    let (me, team, theirs) = (
        json!({"title": "Mine, truly; yes", "row": "r1", "due": "tomorrow", "assignee": "me", "repeat": "FREQ=WEEKLY"}),
        json!({"title": "Ours", "due": "today"}),
        json!({"title": "Theirs", "due": "today", "assignee": "me"}),
    );
    let mine = add(&app, &member, &me).await;
    add(&app, &member, &team).await;
    add(&app, &admin, &theirs).await;
    let made = member.post(&app, "/settings/calendar", &[]).await;
    let url = made.between("id=\"new-calendar\" readonly value=\"", "\"");
    let path = url
        .trim_start_matches("http://127.0.0.1:8080")
        .replace("&#47;", "/");
    let feed = Caller::default().get(&app, &path).await;
    assert_eq!(feed.status, StatusCode::OK, "{path}: {}", feed.text);
    assert_eq!(feed.header("content-type"), "text/calendar; charset=utf-8");
    assert!(feed.header("cache-control").contains("private"));
    assert!(
        feed.text.lines().all(|line| line.len() <= 75)
            && !feed.text.replace("\r\n", "").contains('\n')
    );
    let whole = feed.text.replace("\r\n ", "");
    let uid = format!("UID:{}@", mine["id"].as_str().unwrap());
    for part in [
        uid.as_str(),
        "SUMMARY:Mine\\, truly\\; yes · Sample Office",
        "DTSTART;VALUE=DATE:20231115",
        "RRULE:FREQ=WEEKLY",
        "SUMMARY:Ours",
    ] {
        assert!(whole.contains(part), "{part} in {whole}");
    }
    assert!(!whole.contains("Theirs"));
    assert!(
        !member
            .get(&app, "/settings/account")
            .await
            .text
            .contains(&path),
        "shown once"
    );

    let wrong = path.trim_end_matches(".ics").to_owned();
    for path in [
        "/calendar/0.ics",
        "/calendar/x",
        &format!("/calendar/{}.ics", "0".repeat(64)),
        &wrong,
    ] {
        assert_eq!(
            Caller::default().get(&app, path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let again = member.post(&app, "/settings/calendar", &[]).await;
    assert_eq!(
        Caller::default().get(&app, &path).await.status,
        StatusCode::NOT_FOUND,
        "replaced"
    );
    let url = again.between("id=\"new-calendar\" readonly value=\"", "\"");
    let path = url
        .trim_start_matches("http://127.0.0.1:8080")
        .replace("&#47;", "/");
    assert_eq!(
        Caller::default().get(&app, &path).await.status,
        StatusCode::OK
    );
    let id = read(&app, &member, "/me").await["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let off = send(
        &app,
        &admin,
        Method::PATCH,
        &format!("/admin/users/{id}"),
        &json!({"disabled": true}),
    )
    .await;
    assert_eq!(off.status, StatusCode::OK, "{}", off.text);
    assert_eq!(
        Caller::default().get(&app, &path).await.status,
        StatusCode::NOT_FOUND,
        "disabled"
    );
}

#[tokio::test]
async fn a_token_that_reads_changes_nothing() {
    let app = TestApp::new().await;
    let user = app.user("reader@example.org", Role::Member).await;
    let reader = app.token(&user, Scope::Read).await;
    assert_eq!(
        reader.get(&app, "/api/reminders").await.status,
        StatusCode::OK
    );
    let add = send(
        &app,
        &reader,
        Method::POST,
        "/reminders",
        &json!({"title": "x"}),
    )
    .await;
    assert_eq!(add.status, StatusCode::FORBIDDEN);
}
