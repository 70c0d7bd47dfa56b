//! Board and calendar as pages, and cards moved by their forms.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    harness::{Caller, Reply, TestApp},
    state::{grid_of_one, patch, set},
};

const VIEWS: &str = "/api/fundraising/views";

/// Six investors: two leads (r1, r2), one lost, one without a stage, one
/// archived, one deleted; two dates and a moment.
async fn raise(app: &TestApp, who: &Caller) {
    grid_of_one(app, who).await;
    let row = |id: &str, name: &str, stage: Option<&str>, ticket: &str| {
        let mut cells = json!({"name": name, "ticket": ticket});
        if let Some(stage) = stage {
            cells["stage"] = stage.into();
        }
        json!({"op": "add_row", "id": id, "cells": cells})
    };
    let reply = patch(
        app,
        who,
        json!({"operations": [
            {"op": "add_column", "name": "Next step on", "type": "date"},
            {"op": "add_column", "name": "Call at", "type": "date_time"},
            row("r2", "Second Office", Some("lead"), "500000"),
            row("r3", "Third Office", Some("lost"), "70000"),
            row("r4", "Fourth Office", None, "1"),
            row("r5", "Archived Office", Some("lead"), "9000000"),
            row("r6", "Deleted Office", Some("lead"), "9000000"),
            {"op": "archive", "row": "r5", "reason": "no answer"},
            {"op": "delete", "row": "r6"},
            {"op": "set", "row": "r2", "column": "next_step_on", "value": "2026-11-23", "base": 99},
            {"op": "set", "row": "r3", "column": "next_step_on", "value": "2026-12-24", "base": 99},
            {"op": "set", "row": "r2", "column": "call_at", "value": "2026-11-23T08:30:00Z", "base": 99},
        ]}),
    )
    .await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
}

async fn view(app: &TestApp, who: &Caller, config: Value) -> String {
    let body = json!({"name": "Mine", "mode": "shared", "config": config});
    let reply = who.json(app, Method::POST, VIEWS, &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["id"].as_str().unwrap().to_owned()
}

/// The part of a board that is one option's column.
fn lane(page: &Reply, id: &str) -> String {
    page.between(&format!("data-zone=\"{id}\""), "</section>")
}

/// The part of a calendar that is one day.
fn day(page: &Reply, date: &str) -> String {
    let from_day = page.between(&format!("data-zone=\"{date}\""), "<li class=\"day");
    from_day.split("<section").next().unwrap().to_owned()
}

async fn cell(app: &TestApp, who: &Caller, row: &str, column: &str) -> Value {
    let path = format!("/api/fundraising/rows/{row}");
    who.get(app, &path).await.json()["cells"][column].clone()
}

fn version_of(page: &Reply, row: &str) -> String {
    let card = page.between(&format!("id=\"card-{row}\""), ">");
    let (_, rest) = card.split_once("data-version=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The card's form, sent.
async fn send(app: &TestApp, who: &Caller, page: &Reply, row: &str, to: [&str; 3]) -> Reply {
    let [column, value, next] = to;
    let version = version_of(page, row);
    let form = [
        ("row", row),
        ("column", column),
        ("version", &version),
        ("value", value),
        ("next", next),
    ];
    who.post(app, "/grid/board/move", &form).await
}

#[tokio::test]
async fn a_board_has_a_column_for_each_option_with_what_it_comes_to() {
    let app = TestApp::new().await;
    let member = app.member().await;
    raise(&app, &member).await;
    let page = member.get(&app, "/grid/board").await;
    assert_eq!(page.status, StatusCode::OK);
    let lead = lane(&page, "lead");
    assert!(lead.contains("Sample Office") && lead.contains("Second Office"));
    assert!(lead.contains("EUR 3,000,000") && lead.contains("pill c-blue"));
    assert!(lane(&page, "lost").contains("EUR 70,000"));
    let blank = lane(&page, "");
    assert!(blank.contains("No stage") && blank.contains("Fourth Office"));
    let place = |text: &str| page.text.find(text).unwrap();
    assert!(place("data-zone=\"lead\"") < place("data-zone=\"lost\""));
    assert!(place("data-zone=\"lost\"") < place("data-zone=\"\""));
    for absent in ["Archived Office", "Deleted Office"] {
        assert!(!page.text.contains(absent), "{absent}");
    }
}

#[tokio::test]
async fn a_board_shows_what_its_view_shows() {
    let app = TestApp::new().await;
    let member = app.member().await;
    raise(&app, &member).await;
    let has_stage = json!({"all": [{"column": "stage", "op": "not_empty"}]});
    let id = view(
        &app,
        &member,
        json!({
            "filter": has_stage,
            "sorts": [{"column": "ticket"}],
            "summaries": {"ticket": "max"},
            "colors": [{"filter": {"column": "stage", "op": "is", "value": "lost"}, "color": "red"}],
            "columns": [{"id": "web"}, {"id": "ticket", "hidden": true}],
            "layout": "board",
        }),
    )
    .await;
    // The first view of the layout is the one to begin with.
    for path in ["/grid/board".to_owned(), format!("/grid/board?view={id}")] {
        let page = member.get(&app, &path).await;
        assert!(!page.text.contains("Fourth Office"), "filtered");
        let lead = lane(&page, "lead");
        let place = |text: &str| lead.find(text).unwrap();
        assert!(place("Second Office") < place("Sample Office"), "sorted");
        assert!(
            lead.contains("EUR 2,500,000") && !lead.contains("EUR 500,000"),
            "{lead}"
        );
        assert!(lane(&page, "lost").contains("c-mark-red"));
    }
    let found = member
        .get(&app, &format!("/grid/board?view={id}&q=third"))
        .await;
    assert!(found.text.contains("Third Office") && !found.text.contains("Second Office"));
}

#[tokio::test]
async fn a_card_moves_by_its_form_and_back() {
    let app = TestApp::new().await;
    let member = app.member().await;
    raise(&app, &member).await;
    let page = member.get(&app, "/grid/board").await;
    let done = send(
        &app,
        &member,
        &page,
        "r1",
        ["stage", "lost", "/grid/board?q=office"],
    )
    .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(done.header("location"), "/grid/board?q=office");
    assert_eq!(cell(&app, &member, "r1", "stage").await, "lost");
    let flash = done.header("set-cookie").split(';').next().unwrap();
    let after = member.clone().and("cookie", flash);
    let after = after.get(&app, "/grid/board?q=office").await;
    assert!(after.text.contains("Sample Office moved to Lost."));
    let undo = after.between("action=\"/grid/undo/", "\"");
    let next = [("next", "/grid/board?q=office")];
    let undone = member
        .post(&app, &format!("/grid/undo/{undo}"), &next)
        .await;
    assert_eq!(undone.header("location"), "/grid/board?q=office");
    assert_eq!(cell(&app, &member, "r1", "stage").await, "lead");
    // To no stage at all, and to another list.
    let page = member.get(&app, "/grid/board").await;
    send(&app, &member, &page, "r1", ["stage", "", "/grid/board"]).await;
    assert_eq!(cell(&app, &member, "r1", "stage").await, Value::Null);
    let page = member.get(&app, "/grid/board?by=@list").await;
    assert!(lane(&page, "main").contains("Sample Office"));
    assert!(
        !page.text.contains("data-zone=\"\""),
        "every investor is in a list"
    );
    send(
        &app,
        &member,
        &page,
        "r1",
        ["@list", "longshot", "/grid/board?by=@list"],
    )
    .await;
    let page = member.get(&app, "/grid/board?by=@list").await;
    assert!(lane(&page, "longshot").contains("Sample Office"));
}

#[tokio::test]
async fn a_stale_move_shows_both_values_and_overwrites_nothing() {
    let app = TestApp::new().await;
    let member = app.member().await;
    raise(&app, &member).await;
    let page = member.get(&app, "/grid/board").await;
    patch(
        &app,
        &member,
        json!({"operations": [set("stage", "lost", 99)]}),
    )
    .await;
    let met = send(&app, &member, &page, "r1", ["stage", "", "/grid/board"]).await;
    assert_eq!(met.status, StatusCode::CONFLICT);
    let conflict = met.between("class=\"conflict\"", "</section>");
    assert!(conflict.contains("Stage of Sample Office changed while you were editing"));
    assert!(conflict.contains("Lost") && conflict.contains("(empty)"));
    assert_eq!(cell(&app, &member, "r1", "stage").await, "lost");
    // Keeping mine is the same form, based on what is there now.
    let version = member.get(&app, "/grid/board").await;
    let kept = send(&app, &member, &version, "r1", ["stage", "", "/grid/board"]).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER);
    assert_eq!(cell(&app, &member, "r1", "stage").await, Value::Null);
}

#[tokio::test]
async fn moves_that_make_no_sense_say_why() {
    let app = TestApp::new().await;
    let member = app.member().await;
    raise(&app, &member).await;
    let page = member.get(&app, "/grid/board").await;
    for column in ["@stage", "name", "nothing"] {
        let refused = send(&app, &member, &page, "r1", [column, "lead", "/grid/board"]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{column}");
        assert!(
            refused
                .text
                .contains("Cards cannot be moved by this column")
        );
    }
    for to in [
        ["stage", "gone", "/grid/board"],
        ["next_step_on", "soon", "/grid/calendar"],
        ["@list", "attic", "/grid/board"],
    ] {
        let told = send(&app, &member, &page, "r1", to).await;
        assert_eq!(told.status, StatusCode::SEE_OTHER, "{to:?}");
        assert_eq!(told.header("location"), to[2]);
    }
    assert_eq!(cell(&app, &member, "r1", "stage").await, "lead");
    let elsewhere = send(
        &app,
        &member,
        &page,
        "r1",
        ["stage", "lost", "https://example.org/"],
    )
    .await;
    assert_eq!(elsewhere.header("location"), "/");
    let gone = [
        ("row", "r6"),
        ("column", "stage"),
        ("value", "lead"),
        ("version", "1"),
    ];
    let gone = member.post(&app, "/grid/board/move", &gone).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.text.contains("somebody deleted it"));
}

#[tokio::test]
async fn a_calendar_has_rows_on_their_days_in_the_funds_zone() {
    let app = TestApp::new().await;
    let member = app.member().await;
    raise(&app, &member).await;
    let page = member.get(&app, "/grid/calendar?month=2026-11").await;
    assert!(page.text.contains("<h2>November 2026</h2>"));
    assert!(day(&page, "2026-11-23").contains("Second Office"));
    assert!(!page.text.contains("Third Office"), "a later month");
    assert!(page.text.contains("2 without a date"));
    assert!(page.text.contains("month=2026-10") && page.text.contains("month=2026-12"));
    assert!(!page.text.contains("Archived Office") && !page.text.contains("Deleted Office"));
    let december = member.get(&app, "/grid/calendar?month=2026-12").await;
    assert!(day(&december, "2026-12-24").contains("Third Office"));
    let times = member
        .get(&app, "/grid/calendar?month=2026-11&by=call_at")
        .await;
    assert!(day(&times, "2026-11-23").contains("08:30"));
    // Another day keeps the time; a date has none.
    let next = "/grid/calendar?month=2026-11&by=call_at";
    let done = send(&app, &member, &times, "r2", ["call_at", "2026-11-30", next]).await;
    assert_eq!(done.header("location"), next);
    assert_eq!(
        cell(&app, &member, "r2", "call_at").await,
        "2026-11-30T08:30:00Z"
    );
    send(
        &app,
        &member,
        &page,
        "r2",
        ["next_step_on", "2026-11-02", "/grid/calendar"],
    )
    .await;
    assert_eq!(
        cell(&app, &member, "r2", "next_step_on").await,
        "2026-11-02"
    );
}

#[tokio::test]
async fn a_crowded_day_folds() {
    let app = TestApp::new().await;
    let member = app.member().await;
    raise(&app, &member).await;
    let rows: Vec<Value> = (0..103)
        .map(|n| json!({"op": "add_row", "cells": {"name": format!("Busy {n:03}"), "stage": "lead", "next_step_on": "2026-11-05"}}))
        .collect();
    patch(&app, &member, json!({"operations": rows})).await;
    let page = member.get(&app, "/grid/calendar?month=2026-11").await;
    let busy = day(&page, "2026-11-05");
    let (open, folded) = busy.split_once("<details class=\"day-more\"").unwrap();
    assert_eq!(open.matches("data-card=").count(), 4);
    assert_eq!(folded.matches("data-card=").count(), 96);
    assert!(folded.contains("99 more") && folded.contains("and 3 beyond"));
    let board = member.get(&app, "/grid/board").await;
    let lead = lane(&board, "lead");
    assert_eq!(lead.matches("data-card=").count(), 100);
    assert!(lead.contains("and 5 more") && lead.contains("q=Lead"));
}

#[tokio::test]
async fn odd_addresses_fall_back_and_say_so() {
    let app = TestApp::new().await;
    let member = app.member().await;
    raise(&app, &member).await;
    for (path, says) in [
        (
            "/grid/board?view=gone",
            "The view in this address is not there any more",
        ),
        ("/grid/board?by=gone", "This is by Stage."),
        ("/grid/board?by=name", "Name cannot be laid out like this"),
        ("/grid/board?by=@staleness", "cards do not move here"),
        ("/grid/calendar?by=stage", "This is by Next step on."),
        ("/grid/calendar?month=2026-13", "is no month such as"),
        ("/grid/calendar?month=x&view=y&by=z", "is no month such as"),
        ("/grid/board?q=nobody-has-this", "Nothing matches"),
    ] {
        let page = member.get(&app, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains(says), "{path}: no {says:?}");
    }
    let fixed = member.get(&app, "/grid/board?by=@staleness").await;
    assert!(!fixed.text.contains("/grid/board/move"), "nothing to post");
    let long = format!("/grid/board?q={}", "x".repeat(201));
    let refused = member.get(&app, &long).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("at most 200 characters"));
}

#[tokio::test]
async fn layouts_without_their_column_teach() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let board = member.get(&app, "/grid/board").await;
    assert!(board.text.contains("There are no investors to lay out yet"));
    let rows = json!({"operations": [
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_row", "id": "r1", "cells": {"name": "Sample Office"}},
    ]});
    patch(&app, &member, rows).await;
    let board = member.get(&app, "/grid/board").await;
    assert!(board.text.contains("There is no single select column yet"));
    assert!(lane(&board, "main").contains("Sample Office"));
    let calendar = member.get(&app, "/grid/calendar").await;
    assert!(calendar.text.contains("A calendar needs a date column"));
    let derived = member
        .get(&app, "/grid/calendar?by=@created_at&month=2023-11")
        .await;
    assert!(derived.text.contains("Sample Office") && !derived.text.contains("/grid/board/move"));
}
