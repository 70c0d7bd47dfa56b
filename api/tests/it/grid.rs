//! The grid's pages.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    harness::{Caller, Reply, TestApp},
    state::{grid_of_one, patch, set},
};

async fn cells(app: &TestApp, who: &Caller) -> Value {
    who.get(app, "/api/fundraising/rows/r1").await.json()["cells"].clone()
}

/// What the browser does with the button in the message a redirect left.
async fn press_undo(app: &TestApp, who: &Caller, done: &Reply) -> Reply {
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let flash = done
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let page = who
        .clone()
        .and("cookie", &flash)
        .get(app, "/grid?list=main")
        .await;
    let action = page.between("<form method=\"post\" action=\"/grid/undo/", "\"");
    let path = format!("/grid/undo/{action}");
    who.post(app, &path, &[("next", "/grid?list=main")]).await
}

fn cell(
    column: &'static str,
    version: &'static str,
    value: &'static str,
) -> [(&'static str, &'static str); 5] {
    [
        ("row", "r1"),
        ("column", column),
        ("version", version),
        ("next", "/grid?list=main#r1"),
        ("value", value),
    ]
}

#[tokio::test]
async fn rows_are_listed_searched_and_sorted() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let rows: Vec<Value> = (2..=60)
        .map(|n| json!({"op": "add_row", "cells": {"name": format!("Office {n:02}"), "ticket": format!("{}", 1000 - n)}, "list": "longshot"}))
        .collect();
    patch(&app, &member, json!({"operations": rows})).await;

    let all = member.get(&app, "/grid").await;
    assert!(all.text.contains("60 investors · page 1 of 2"));
    assert!(all.text.contains("EUR 2,500,000") && all.text.contains("pill c-blue\">Lead"));
    assert!(!all.text.contains("Office 60"));
    assert!(
        member
            .get(&app, "/grid?page=2")
            .await
            .text
            .contains("Office 60")
    );
    let main = member.get(&app, "/grid?list=main").await;
    assert!(main.text.contains("1 investor") && !main.text.contains("Office 02"));
    for (query, found) in [
        ("office 07", "Office 07"),
        ("lead", "Sample Office"),
        ("ada@", "Sample Office"),
    ] {
        let page = member
            .get(&app, &format!("/grid?q={}", query.replace(' ', "+")))
            .await;
        assert!(
            page.text.contains(found) && page.text.contains("1 investor"),
            "{query}"
        );
    }
    // Column ids are no values.
    assert!(
        member
            .get(&app, "/grid?q=ticket")
            .await
            .text
            .contains("Nothing matches")
    );
    let place = |page: &Reply, text: &str| page.text.find(text).unwrap();
    let up = member.get(&app, "/grid?sort=ticket&page=2").await;
    assert!(
        place(&up, "Office 02") < place(&up, "Sample Office"),
        "by value, not by text"
    );
    let down = member.get(&app, "/grid?sort=-ticket").await;
    assert!(place(&down, "Sample Office") < place(&down, "Office 02"));
    assert!(down.text.contains("aria-sort=\"descending\""));
}

#[tokio::test]
async fn a_cell_is_edited_saved_and_undone() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let page = member
        .get(&app, "/grid?list=main&edit=r1&column=stage")
        .await;
    let editor = page.between("class=\"editor\"", "</form>");
    assert!(
        editor.contains("name=\"version\" value=\"1\"")
            && editor.contains("value=\"lead\" selected")
    );

    let done = member
        .post(&app, "/grid/cells", &cell("stage", "1", "lost"))
        .await;
    assert_eq!(done.header("location"), "/grid?list=main#r1");
    assert_eq!(cells(&app, &member).await["stage"], "lost");
    let undone = press_undo(&app, &member, &done).await;
    assert_eq!(undone.header("location"), "/grid?list=main");
    assert_eq!(cells(&app, &member).await["stage"], "lead");
    press_undo(&app, &member, &undone).await;
    assert_eq!(cells(&app, &member).await["stage"], "lost", "redone");

    let evil = [
        ("row", "r1"),
        ("column", "stage"),
        ("version", "9"),
        ("value", "lead"),
        ("next", "//evil.example"),
    ];
    assert_eq!(
        member
            .post(&app, "/grid/cells", &evil)
            .await
            .header("location"),
        "/"
    );
}

#[tokio::test]
async fn only_ones_own_unchanged_change_is_undone() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    grid_of_one(&app, &member).await;
    let done = member
        .post(&app, "/grid/cells", &cell("stage", "1", "lost"))
        .await;
    let other = admin.post(&app, "/grid/undo/2", &[("next", "/grid")]).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    admin
        .post(&app, "/grid/cells", &cell("stage", "2", ""))
        .await;
    press_undo(&app, &member, &done).await;
    assert!(
        cells(&app, &member).await["stage"].is_null(),
        "the newer change stays"
    );
}

#[tokio::test]
async fn a_bad_value_comes_back_as_it_was_typed() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let reply = member
        .post(&app, "/grid/cells", &cell("ticket", "1", "two <millions>"))
        .await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    let editor = reply.between("class=\"editor\"", "</form>");
    assert!(editor.contains("two &#60;millions&#62;"), "{editor}");
    assert!(editor.contains("is not a number") && editor.contains("aria-invalid=\"true\""));
    assert!(editor.contains("name=\"version\" value=\"1\""));
    assert_eq!(cells(&app, &member).await["ticket"], "2500000");
}

#[tokio::test]
async fn a_newer_value_is_shown_beside_mine() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    grid_of_one(&app, &member).await;
    admin
        .post(&app, "/grid/cells", &cell("stage", "1", "lost"))
        .await;
    let reply = member
        .post(&app, "/grid/cells", &cell("stage", "1", ""))
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    let banner = reply.between("class=\"conflict\"", "</section>");
    assert!(
        banner.contains("Sample admin") && banner.contains("(empty)") && banner.contains("Lost")
    );
    assert!(banner.contains("name=\"version\" value=\"2\""));
    assert!(banner.contains("href=\"/grid?list=main#r1\""));
    assert_eq!(cells(&app, &member).await["stage"], "lost");
    let mine = member
        .post(&app, "/grid/cells", &cell("stage", "2", ""))
        .await;
    assert_eq!(mine.status, StatusCode::SEE_OTHER);
    assert!(cells(&app, &member).await["stage"].is_null());
}

#[tokio::test]
async fn an_investor_is_added_by_name() {
    let app = TestApp::new().await;
    let member = app.member().await;
    let nameless = member.post(&app, "/grid/rows", &[("name", " ")]).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nameless.text.contains("Give the investor a name."));
    // A grid without columns gets its first ones.
    let done = member
        .post(
            &app,
            "/grid/rows",
            &[("name", "New Office"), ("list", "longshot")],
        )
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let page = member.get(&app, done.header("location")).await;
    assert!(page.text.contains("<h1>New Office</h1>") && page.text.contains("Longshot"));
    press_undo(&app, &member, &done).await;
    assert_eq!(
        member.get(&app, done.header("location")).await.status,
        StatusCode::NOT_FOUND
    );
}

/// The form of `r1` as a browser would post it untouched.
fn record() -> Vec<(&'static str, &'static str)> {
    let mut form = vec![("version", "1")];
    for (field, value) in [
        ("f.name", "Sample Office"),
        ("f.stage", "lead"),
        ("f.ticket", "2500000"),
        ("f.people", "Ada Sample <ada@example.org>"),
        ("f.web", ""),
    ] {
        form.extend([("field", field), ("was", value), (field, value)]);
    }
    form.extend([("field", "f.follow_up"), ("was", "")]);
    form
}

fn with(
    form: &[(&'static str, &'static str)],
    field: &str,
    value: &'static str,
) -> Vec<(&'static str, &'static str)> {
    form.iter()
        .map(|(name, old)| {
            if *name == field {
                (*name, value)
            } else {
                (*name, *old)
            }
        })
        .collect()
}

#[tokio::test]
async fn a_record_saves_only_what_changed() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    grid_of_one(&app, &member).await;
    let same = member.post(&app, "/investors/r1", &record()).await;
    assert_eq!(same.header("location"), "/investors/r1");
    // Somebody changes the ticket; a form that left it alone says nothing of it.
    admin
        .post(&app, "/grid/cells", &cell("ticket", "1", "3000000"))
        .await;
    let mut form = with(&record(), "f.stage", "lost");
    form.push(("f.follow_up", "true"));
    let form = with(
        &form,
        "f.people",
        "Ada Sample <new@example.org>\r\nBob Sample",
    );
    let done = member.post(&app, "/investors/r1", &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let now = cells(&app, &member).await;
    assert_eq!(
        (&now["stage"], &now["ticket"], &now["follow_up"]),
        (&json!("lost"), &json!("3000000"), &json!(true))
    );
    assert_eq!(
        (&now["people"][0]["email"], &now["people"][0]["phone"]),
        (&json!("new@example.org"), &json!("1"))
    );
    assert_eq!(now["people"][1]["name"], "Bob Sample");

    let page = member.get(&app, "/investors/r1").await;
    let history = page.between("<ol class=\"events history\">", "</ol>");
    for words in [
        "Sample admin",
        "EUR 2,500,000",
        "EUR 3,000,000",
        "Lead",
        "Lost",
        "Bob Sample",
        "checked",
    ] {
        assert!(history.contains(words), "{words}: {history}");
    }
    press_undo(&app, &member, &done).await;
    assert_eq!(cells(&app, &member).await["stage"], "lead");
}

#[tokio::test]
async fn a_record_names_every_bad_field_and_shows_conflicts() {
    let app = TestApp::new().await;
    let (admin, member) = (app.admin().await, app.member().await);
    grid_of_one(&app, &member).await;
    let bad = with(&with(&record(), "f.ticket", "lots"), "f.web", "nowhere");
    let reply = member.post(&app, "/investors/r1", &bad).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text.contains("value=\"lots\"") && reply.text.contains("value=\"nowhere\""));
    assert_eq!(reply.text.matches("class=\"error-text\"").count(), 2);
    assert!(reply.text.contains("Nothing was saved yet"));

    admin
        .post(&app, "/grid/cells", &cell("stage", "1", "lost"))
        .await;
    let form = with(&with(&record(), "f.stage", ""), "f.name", "Renamed Office");
    let reply = member.post(&app, "/investors/r1", &form).await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    let banner = reply.between("class=\"conflict\"", "</section>");
    assert!(banner.contains("Stage of") && banner.contains("value=\"/investors/r1\""));
    let now = cells(&app, &member).await;
    assert_eq!(
        (&now["stage"], &now["name"]),
        (&json!("lost"), &json!("Renamed Office"))
    );
}

#[tokio::test]
async fn an_investor_is_moved_archived_restored_and_deleted() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let moved = [("list", "graveyard"), ("reason", "declined by mail")];
    member.post(&app, "/investors/r1/list", &moved).await;
    let page = member.get(&app, "/investors/r1").await;
    assert!(page.text.contains("declined by mail") && page.text.contains("Graveyard"));

    let blank = member
        .post(&app, "/investors/r1/archive", &[("reason", " ")])
        .await;
    assert_eq!(blank.header("location"), "/investors/r1");
    let done = member
        .post(&app, "/investors/r1/archive", &[("reason", "duplicate")])
        .await;
    assert!(
        !member
            .get(&app, "/grid")
            .await
            .text
            .contains("Sample Office")
    );
    assert!(
        member
            .get(&app, "/grid?list=archived")
            .await
            .text
            .contains("Sample Office")
    );
    press_undo(&app, &member, &done).await;
    assert!(
        member
            .get(&app, "/grid")
            .await
            .text
            .contains("Sample Office")
    );
    member
        .post(&app, "/investors/r1/archive", &[("reason", "duplicate")])
        .await;

    let gone = member.post(&app, "/investors/r1/delete", &[]).await;
    assert_eq!(gone.header("location"), "/grid");
    assert!(
        !member
            .get(&app, "/grid?list=archived")
            .await
            .text
            .contains("Sample Office")
    );
    press_undo(&app, &member, &gone).await;
    let page = member.get(&app, "/investors/r1").await;
    assert!(page.text.contains("Archived on"), "archived as before");
    member.post(&app, "/investors/r1/restore", &[]).await;
    assert!(
        member
            .get(&app, "/grid?list=graveyard")
            .await
            .text
            .contains("Sample Office")
    );
    let log = member.get(&app, "/api/activity?source=audit").await.text;
    for action in [
        "row.moved",
        "row.archived",
        "row.deleted",
        "row.restored",
        "grid.undone",
    ] {
        assert!(log.contains(action), "{action}");
    }
}

#[tokio::test]
async fn what_people_type_stays_text() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let script = "<script>alert(1)</script>";
    patch(
        &app,
        &member,
        json!({"operations": [set("name", script, 1)]}),
    )
    .await;
    let refused = patch(
        &app,
        &member,
        json!({"operations": [set("web", "javascript:alert(1)", 1)]}),
    )
    .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    // What no write lets in may still be there, from another release or hand.
    let mut tx = app.db.write().await.unwrap();
    sqlx::query("update grid_rows set cells = json_set(cells, '$.web', 'javascript:alert(1)')")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for path in [
        "/grid",
        "/investors/r1",
        "/grid?q=%3Cscript%3E&edit=r1&column=name",
    ] {
        let page = member.get(&app, path).await;
        assert!(!page.text.contains(script), "{path}");
        assert!(!page.text.contains("href=\"javascript"), "{path}");
        assert!(page.text.contains("&#60;script&#62;"), "{path}");
    }
}
