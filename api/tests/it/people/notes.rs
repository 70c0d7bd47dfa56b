//! Notes, and the quick log.

use super::*;

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
    let edit = member
        .get(&app, &path.replace("/fundraising", ""))
        .await
        .text;
    assert!(
        edit.contains("What it said before") && edit.contains("**Hi** @Sample admin &#60;script"),
        "{edit}"
    );
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

#[tokio::test]
async fn undoing_a_quick_log_takes_back_all_that_it_made() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let rows = async || {
        let rows = read(&app, &member, "/fundraising/rows").await;
        rows["rows"].as_array().unwrap().len()
    };
    let form = [
        ("investor", "A new office"),
        ("kind", "call"),
        ("contact", "Bo Sample <bo@example.org>"),
        ("note", "They called"),
        ("follow_up", "in two weeks"),
    ];
    let done = member.post(&app, "/log", &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(
        (rows().await, titles(&app, &member, "").await.len()),
        (2, 1)
    );
    undo(&app, &member, &done).await;
    assert_eq!(
        (rows().await, titles(&app, &member, "").await.len()),
        (1, 0)
    );

    // What somebody went on with stays, and that is said.
    let done = member.post(&app, "/log", &form).await;
    let task = read(&app, &member, "/reminders").await["tasks"][0].clone();
    let path = format!("/reminders/{}", task["id"].as_str().unwrap());
    app.db.clock().advance(1_000);
    let change = json!({"title": "Call them back"});
    let changed = send(&app, &member, Method::PATCH, &path, &change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let undone = undo(&app, &member, &done).await;
    assert_eq!(
        (rows().await, titles(&app, &member, "").await.len()),
        (2, 1)
    );
    let words = flash(&undone);
    assert!(
        words.contains("the follow-up and its investor stay"),
        "{words}"
    );
}
