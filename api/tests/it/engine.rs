//! Rows, order, views, formulas, undo, the past and the live stream over HTTP.

use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    harness::{Caller, TestApp},
    state::{grid_of_one, patch, set},
};

const API: &str = "/api/fundraising";

async fn get(app: &TestApp, who: &Caller, path: &str) -> Value {
    let reply = who.get(app, &format!("{API}{path}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
    reply.json()
}

async fn post(app: &TestApp, who: &Caller, path: &str, body: Value) -> (StatusCode, Value) {
    let reply = who
        .json(app, Method::POST, &format!("{API}{path}"), &body)
        .await;
    let answer = serde_json::from_str(&reply.text).unwrap_or(Value::Null);
    (reply.status, answer)
}

async fn grid_of_five(app: &TestApp, who: &Caller) {
    grid_of_one(app, who).await;
    let rows: Vec<Value> = [("r2", "Beta", "100"), ("r3", "alpha", "300"), ("r4", "Gamma", "200"), ("r5", "Delta", "50")]
        .iter()
        .map(|(id, name, ticket)| json!({"op": "add_row", "id": id, "cells": {"name": name, "ticket": ticket, "stage": "lost"}}))
        .collect();
    let added = patch(app, who, json!({ "operations": rows })).await;
    assert_eq!(added.status, StatusCode::OK, "{}", added.text);
}

fn query(json: &Value) -> String {
    let text = json.to_string();
    let encode = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[tokio::test]
async fn rows_come_filtered_sorted_and_a_page_at_a_time() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_five(&app, &member).await;
    let filter = query(&json!({"column": "stage", "op": "is", "value": "Lost"}));
    let sort = query(&json!([{"column": "ticket", "descending": true}]));
    let path = format!("/rows?filter={filter}&sort={sort}&limit=3");
    let first = get(&app, &member, &path).await;
    let ids = |page: &Value| -> Vec<String> {
        let rows = page["rows"].as_array().unwrap().iter();
        rows.map(|r| r["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (first["total"].as_u64(), ids(&first)),
        (Some(4), vec!["r3".into(), "r4".into(), "r2".into()])
    );
    assert_eq!(first["rows"][0]["cells"]["@list"], "main");
    let next = first["next_cursor"].as_str().unwrap();
    let second = get(&app, &member, &format!("{path}&cursor={next}")).await;
    assert_eq!(
        (ids(&second), &second["next_cursor"]),
        (vec!["r5".to_owned()], &Value::Null)
    );
    let found = get(&app, &member, "/rows?search=ada%40example").await;
    assert_eq!(ids(&found), ["r1"], "addresses of contacts are searched");
    for (path, field) in [
        ("/rows?filter=%7B", "filter"),
        ("/rows?cursor=x", "cursor"),
        ("/rows?sort=%5B%7B%22column%22%3A%22no%22%7D%5D", "sort"),
        ("/rows?as_of=soon", "as_of"),
    ] {
        let refused = member.get(&app, &format!("{API}{path}")).await;
        assert_eq!(
            (refused.status, &refused.json()["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field))
        );
    }
    let unknown = member.get(&app, &format!("{API}/rows?view=nothing")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_state_by_columns_is_one_head_and_blocks() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_five(&app, &member).await;
    let path = format!("{API}/state?form=columns");
    let plain = member.get(&app, &path).await;
    let lines: Vec<Value> = plain
        .text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(
        (lines.len(), &lines[0]["slots"], &lines[1]["ids"][4]),
        (2, &json!(5), &json!("r5"))
    );
    assert_eq!(lines[1]["columns"]["stage"]["d"], json!(["lead", "lost"]));
    assert_eq!(lines[1]["columns"]["stage"]["c"], json!([1, 2, 2, 2, 2]));
    let tag = plain.header("etag").to_owned();
    let again = member
        .clone()
        .and("if-none-match", &tag)
        .get(&app, &path)
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    patch(
        &app,
        &member,
        json!({"operations": [set("name", "New", 1)]}),
    )
    .await;
    let changed = member
        .clone()
        .and("if-none-match", &tag)
        .get(&app, &path)
        .await;
    assert_eq!(changed.status, StatusCode::OK);
    let request = member.clone().and("accept-encoding", "gzip").request(
        Method::GET,
        &path,
        None,
        String::new(),
    );
    let packed = app.router().oneshot(request).await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let bytes = axum::body::to_bytes(packed.into_body(), 1 << 20)
        .await
        .unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text)
        .unwrap();
    assert!(text.contains("\"New\"") && text.ends_with("}\n"), "{text}");
}

#[tokio::test]
async fn a_write_answers_with_what_follows_from_it() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let column = json!({"op": "add_column", "name": "Half", "type": "formula", "options": {"formula": "{Ticket} / 2"}});
    patch(&app, &member, json!({"operations": [column]})).await;
    let reply = patch(
        &app,
        &member,
        json!({"operations": [set("ticket", "9", 1)]}),
    )
    .await;
    let answer = reply.json();
    assert_eq!(answer["computed"][0]["row"], "r1");
    assert_eq!(answer["computed"][0]["cells"]["half"], "4.5");
    let explained = get(&app, &member, "/rows/r1/cells/half/explain").await;
    assert_eq!(explained["formula"], "{Ticket} / 2");
    let last = explained["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["source"], &last["text"]),
        (&json!("{Ticket} / 2"), &json!("4.5"))
    );
    let history = get(&app, &member, "/rows/r1/cells/ticket/history").await;
    let told: Vec<&Value> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["after"])
        .collect();
    assert_eq!(told, [&json!("\"9\""), &json!("\"2500000\"")]);
    let whole = get(&app, &member, "/rows/r1").await;
    assert_eq!(
        (&whole["derived"]["half"], &whole["cells"].get("half")),
        (&json!("4.5"), &None)
    );
}

#[tokio::test]
async fn formulas_are_tried_before_they_are_saved() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    for (expression, sample, kind, text) in [
        ("{Ticket} * 2", json!(null), "currency", "5000000"),
        ("{A} + {B}", json!({"A": 0.1, "B": 0.2}), "number", "0.3"),
        (
            "{Ticket} & '!'",
            json!({"Ticket": "12.50"}),
            "text",
            "12.5!",
        ),
        ("1 = 1", json!({}), "boolean", "1"),
        ("BLANK()", json!({}), "blank", ""),
        ("1 / 0", json!({}), "error", "#DIV/0!"),
        ("{Stage}", json!(null), "text", "Lead"),
    ] {
        let body = json!({"expression": expression, "sample": sample});
        let (status, answer) = post(&app, &member, "/formula/preview", body).await;
        assert_eq!(status, StatusCode::OK, "{expression}: {answer}");
        assert_eq!(
            (&answer["type"], &answer["text"]),
            (&json!(kind), &json!(text)),
            "{expression}: {answer}"
        );
    }
    let body = json!({"expression": "{Tickt} + 1"});
    let (_, answer) = post(&app, &member, "/formula/preview", body).await;
    let error = &answer["error"];
    assert_eq!(
        (&error["start"], &error["end"], &error["suggestion"]),
        (&json!(0), &json!(7), &json!("{Ticket}")),
        "{error}"
    );
    let functions = get(&app, &member, "/formula/functions").await;
    assert_eq!(functions.as_array().unwrap().len(), 72);
    let body = json!({"type": "number"});
    let (_, preview) = post(&app, &member, "/columns/name/retype-preview", body).await;
    assert_eq!(
        (&preview["total"], &preview["fails"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn undo_and_redo_are_each_persons_own() {
    let app = TestApp::new().await;
    let (member, admin) = (app.member().await, app.admin().await);
    grid_of_one(&app, &member).await;
    patch(
        &app,
        &member,
        json!({"operations": [set("name", "Renamed", 1)]}),
    )
    .await;
    let (status, refused) = post(&app, &admin, "/undo", json!({})).await;
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("nothing_to_undo"))
    );
    let (status, undone) = post(&app, &member, "/undo", json!({})).await;
    assert_eq!(
        (status, &undone["applied"]["changes"]),
        (StatusCode::OK, &json!(1))
    );
    assert_eq!(
        get(&app, &member, "/rows/r1").await["cells"]["name"],
        "Sample Office"
    );
    let (_, redone) = post(&app, &member, "/redo", json!({})).await;
    assert_eq!(redone["applied"]["changes"], 1);
    assert_eq!(
        get(&app, &member, "/rows/r1").await["cells"]["name"],
        "Renamed"
    );
    let (status, _) = post(&app, &admin, "/changes/2/revert", json!({})).await;
    assert_eq!(status, StatusCode::OK, "anybody may revert any set");
    let (status, _) = post(&app, &admin, "/changes/99/revert", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_past_is_read_by_version_and_by_day() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    patch(
        &app,
        &member,
        json!({"operations": [set("name", "Renamed", 1), {"op": "add_row", "id": "r2"}]}),
    )
    .await;
    let past = get(&app, &member, "/state?as_of=1").await;
    assert_eq!(
        (
            past["rows"].as_array().unwrap().len(),
            &past["rows"][0]["cells"]["name"]
        ),
        (1, &json!("Sample Office"))
    );
    let rows = get(&app, &member, "/rows?as_of=1").await;
    assert_eq!(rows["total"], 1);
    let early = get(&app, &member, "/rows?as_of=1999-01-01").await;
    assert_eq!(early["total"], 0);
    let lines = member
        .get(&app, &format!("{API}/state?form=columns&as_of=1"))
        .await;
    let head: Value = serde_json::from_str(lines.text.lines().next().unwrap()).unwrap();
    assert_eq!(head["as_of"], true);
    let never = member.get(&app, &format!("{API}/state?as_of=77")).await;
    assert_eq!(never.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn views_are_saved_checked_and_used() {
    let app = TestApp::new().await;
    let (member, admin) = (app.member().await, app.admin().await);
    grid_of_five(&app, &member).await;
    let config = json!({"filter": {"all": [{"column": "ticket", "op": "gt", "value": "150"}]}, "sorts": [{"column": "name"}]});
    let (status, view) = post(
        &app,
        &member,
        "/views",
        json!({"name": "Large", "mode": "shared", "config": config}),
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{view}");
    let id = view["id"].as_str().unwrap();
    let order = get(&app, &admin, &format!("/order?view={id}")).await;
    assert_eq!(
        (&order["total"], &order["slots"]),
        (&json!(3), &json!([2, 3, 0]))
    );
    let why = get(&app, &member, &format!("/rows/r2/why?view={id}")).await;
    assert_eq!(
        (&why["in_view"], &why["conditions"][0]["holds"]),
        (&json!(false), &json!(false))
    );
    let (status, refused) = post(
        &app,
        &member,
        "/views",
        json!({"name": "Bad", "mode": "shared", "config": {"filter": {"column": "x", "op": "is"}}}),
    )
    .await;
    assert_eq!(
        (status, &refused["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("filter"))
    );
    let lock = json!({"mode": "locked"});
    let locked = member
        .json(&app, Method::PATCH, &format!("{API}/views/{id}"), &lock)
        .await;
    assert_eq!(locked.status, StatusCode::OK);
    let rename = json!({"name": "Other"});
    let refused = admin
        .json(&app, Method::PATCH, &format!("{API}/views/{id}"), &rename)
        .await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("view_locked"))
    );
    let page = member.get(&app, &format!("/grid?view={id}")).await;
    assert!(
        page.text.contains("alpha") && !page.text.contains("Beta"),
        "the plain table shows the view"
    );
    let delete = json!([{"op": "delete_column", "column": "ticket"}]);
    patch(&app, &member, json!({ "operations": delete })).await;
    let broken = member.get(&app, &format!("/grid?view={id}")).await;
    assert_eq!(broken.status, StatusCode::OK);
    assert!(
        broken.text.contains("cannot be shown as it was saved") && broken.text.contains("Beta")
    );
}

#[tokio::test]
async fn followers_hear_of_changes_and_of_each_other() {
    let app = TestApp::new().await;
    let (member, admin) = (app.member().await, app.admin().await);
    grid_of_one(&app, &member).await;
    let head = member.get(&app, &format!("{API}/state?form=columns")).await;
    let head: Value = serde_json::from_str(head.text.lines().next().unwrap()).unwrap();
    let place = format!(
        "epoch={}&stamp={}&client=one",
        head["epoch"].as_str().unwrap(),
        head["stamp"]
    );
    let request = member.request(
        Method::GET,
        &format!("{API}/events?{place}"),
        None,
        String::new(),
    );
    let response = app.router().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = Body::into_data_stream(response.into_body());
    let mut next = async |kind: &str| -> Value {
        loop {
            let chunk = events.next().await.unwrap().unwrap();
            let text = String::from_utf8(chunk.to_vec()).unwrap();
            let data = text.lines().find_map(|l| l.strip_prefix("data: "));
            if let Some(data) = data
                && data.contains(&format!("\"type\":\"{kind}\""))
            {
                return serde_json::from_str(data).unwrap();
            }
        }
    };
    next("presence").await;
    patch(
        &app,
        &admin,
        json!({"operations": [set("name", "Live", 1)]}),
    )
    .await;
    let changed = next("changes").await;
    assert_eq!(
        (
            &changed["rows"][0]["id"],
            &changed["rows"][0]["cells"]["name"]
        ),
        (&json!("r1"), &json!("Live"))
    );
    let here = json!({"client": "two", "row": "r1", "column": "name"});
    let (status, _) = post(&app, &admin, "/presence", here).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let people = next("presence").await;
    assert_eq!(
        (&people["people"][0]["client"], &people["people"][0]["row"]),
        (&json!("two"), &json!("r1"))
    );
    let polled = get(&app, &member, &format!("/changes?{place}")).await;
    assert_eq!(polled["rows"][0]["cells"]["name"], "Live");
    let other = get(&app, &member, "/changes?epoch=other&stamp=1").await;
    assert_eq!(other["type"], "reload");
}

#[tokio::test]
async fn the_trash_restores_and_only_admins_purge() {
    let app = TestApp::new().await;
    let (member, admin) = (app.member().await, app.admin().await);
    grid_of_one(&app, &member).await;
    patch(&app, &member, json!({"operations": [{"op": "delete", "row": "r1"}, {"op": "delete_column", "column": "web"}]})).await;
    let trash = get(&app, &member, "/trash").await;
    assert_eq!(
        (&trash["rows"][0]["title"], &trash["columns"][0]["id"]),
        (&json!("Sample Office"), &json!("web"))
    );
    let page = member.get(&app, "/grid/trash").await;
    assert!(page.text.contains("Sample Office") && !page.text.contains("Erase for good"));
    let (status, _) = post(
        &app,
        &member,
        "/rows/r1/purge",
        json!({"confirm": "Sample Office"}),
    )
    .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let back = member
        .post(&app, "/grid/trash/columns/web/restore", &[])
        .await;
    assert_eq!(back.header("location"), "/grid/trash");
    let wrong = admin
        .post(&app, "/grid/trash/rows/r1/purge", &[("confirm", "sample")])
        .await;
    assert_eq!(wrong.status, StatusCode::SEE_OTHER);
    assert_eq!(
        get(&app, &admin, "/trash").await["rows"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let (status, _) = post(
        &app,
        &admin,
        "/rows/r1/purge",
        json!({"confirm": "Sample Office"}),
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        get(&app, &admin, "/trash").await["rows"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_noted_contact_shows_at_once_and_is_taken_back() {
    let app = TestApp::new().await;
    let member = app.member().await;
    grid_of_one(&app, &member).await;
    let noted = member
        .post(
            &app,
            "/investors/r1/contacts",
            &[("kind", "call"), ("on", ""), ("note", "Hello")],
        )
        .await;
    assert_eq!(noted.status, StatusCode::SEE_OTHER, "{}", noted.text);
    let row = get(&app, &member, "/rows/r1").await;
    assert!(row["derived"]["@last_contact"].is_string(), "{row}");
    for form in [
        [("kind", "fax"), ("on", "")],
        [("kind", "call"), ("on", "soon")],
        [("kind", "call"), ("on", "2999-01-01")],
    ] {
        let refused = member.post(&app, "/investors/r1/contacts", &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
    }
    let page = member.get(&app, "/investors/r1").await;
    assert!(page.text.contains("Last contacted"));
}
