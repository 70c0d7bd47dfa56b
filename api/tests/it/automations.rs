//! Rules, runs, drafts and lists over HTTP.

use axum::http::{Method, StatusCode};
use crm_jobs::accounts::Role;
use serde_json::{Value, json};

use crate::harness::{Caller, TestApp};

const RULES: &str = "/api/automations/rules";

async fn grid(app: &TestApp, admin: &Caller) {
    let choices = json!([{"id": "lead", "name": "Lead", "color": "blue"}, {"id": "lost", "name": "Lost", "color": "red"}]);
    write(app, admin, json!([
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "Stage", "type": "select", "options": {"choices": choices}},
        {"op": "add_column", "name": "Email", "type": "email"},
        {"op": "add_row", "id": "r1", "cells": {"name": "Sample One", "stage": "lead", "email": "one@example.org"}},
        {"op": "add_row", "id": "r2", "cells": {"name": "Sample Two", "stage": "lead"}},
    ]))
    .await;
}

async fn write(app: &TestApp, who: &Caller, operations: Value) -> i64 {
    let body = json!({ "operations": operations });
    let reply = who
        .json(app, Method::PATCH, "/api/fundraising/state", &body)
        .await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["version"].as_i64().unwrap()
}

async fn lose(app: &TestApp, who: &Caller, row: &str) -> i64 {
    write(
        app,
        who,
        json!([{"op": "set", "row": row, "column": "stage", "value": "lost", "base": 9_000_000}]),
    )
    .await
}

async fn drain(app: &TestApp) {
    crm_jobs::queue::drain(&app.db, &crm_jobs::tasks::registry())
        .await
        .unwrap();
}

fn lost(ask_first: bool) -> Value {
    json!({
        "name": "Lost",
        "enabled": true,
        "definition": {
            "trigger": {"on": "cell_changed", "column": "stage", "to": "Lost"},
            "actions": [
                {"do": "move", "list": "graveyard", "reason": "{Name} declined"},
                {"do": "propose_email", "subject": "Thank you", "body": "Dear {Name}"},
            ],
            "ask_first": ask_first,
        },
    })
}

async fn add(app: &TestApp, admin: &Caller, rule: &Value) -> String {
    let reply = admin.json(app, Method::POST, RULES, rule).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    reply.json()["id"].as_str().unwrap().to_owned()
}

#[allow(clippy::too_many_lines, reason = "one story from end to end")]
#[tokio::test]
async fn a_rule_fires_says_why_and_is_taken_back() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    grid(&app, &admin).await;
    let id = add(&app, &admin, &lost(false)).await;
    let rule = admin.get(&app, &format!("{RULES}/{id}")).await.json();
    assert_eq!(
        rule["definition"]["trigger"]["to"], "lost",
        "kept as cells have it"
    );
    assert!(
        rule["sentence"]
            .as_str()
            .unwrap()
            .starts_with("When **Stage** becomes **Lost**, move it to **Graveyard** and say why")
    );
    let cause = lose(&app, &admin, "r1").await;
    drain(&app).await;
    let runs = admin
        .get(&app, &format!("/api/automations/runs?rule={id}&state=done"))
        .await
        .json();
    let run = runs["runs"][0]["id"].as_i64().unwrap();
    assert_eq!(runs["runs"][0]["cause_change_set_id"], cause);
    let story = admin
        .get(&app, &format!("/api/automations/runs/{run}"))
        .await
        .json();
    assert_eq!(story["change_set"]["origin"], "automation");
    assert_eq!(story["job"]["job"]["state"], "done");
    let list = admin
        .get(&app, "/api/fundraising/lists/graveyard")
        .await
        .json();
    let member = &list["rows"][0];
    assert_eq!(
        (&member["title"], &member["why"], &member["run_id"]),
        (
            &json!("Sample One"),
            &json!("Sample One declined"),
            &json!(run)
        )
    );
    assert_eq!(
        (&member["by_name"], &member["person_name"]),
        (&json!("Rule “Lost”"), &json!("Sample admin"))
    );
    let page = admin.get(&app, "/investors/r1").await;
    assert!(
        page.text.contains("Rule “Lost”: “Sample One declined”"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains(&format!("/automations/runs/{run}"))
            && page.text.contains("Dear Sample One")
    );
    let drafts = admin.get(&app, "/api/automations/drafts").await.json();
    assert_eq!(drafts["drafts"][0]["to_address"], "one@example.org");
    for (path, says) in [
        ("/automations", "Last fired"),
        (&*format!("/automations/{id}"), "It would have fired 1 time"),
        ("/automations/runs", "Sample One"),
        (
            &*format!("/automations/runs/{run}"),
            "Stage went from “Lead” to “Lost”",
        ),
        ("/lists/graveyard", "after Sample admin"),
        ("/drafts", "one@example.org"),
        ("/activity", "Rule “Lost”"),
    ] {
        let page = admin.get(&app, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            page.text.contains(says),
            "{path} should say {says}: {}",
            page.text
        );
    }
    let led = admin
        .get(&app, &format!("/automations/changes/{}", cause + 1))
        .await;
    assert_eq!(led.header("location"), format!("/automations/runs/{run}"));
    let path = format!("/api/automations/runs/{run}/revert");
    let reverted = admin.json(&app, Method::POST, &path, &json!({})).await;
    assert_eq!(
        (reverted.status, &reverted.json()["removed"]),
        (StatusCode::OK, &json!(1))
    );
    assert_eq!(
        admin
            .json(&app, Method::POST, &path, &json!({}))
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let list = admin.get(&app, "/api/fundraising/lists").await.json();
    assert_eq!(list["lists"][3], json!({"name": "graveyard", "rows": 0}));
    let replay = admin
        .json(
            &app,
            Method::POST,
            &format!("/api/automations/runs/{run}/replay"),
            &json!({}),
        )
        .await;
    assert_eq!(replay.status, StatusCode::ACCEPTED);
    drain(&app).await;
    let new = replay.json()["run"].as_i64().unwrap();
    let story = admin
        .get(&app, &format!("/api/automations/runs/{new}"))
        .await
        .json();
    assert_eq!(
        (&story["run"]["state"], &story["run"]["replay_of"]),
        (&json!("done"), &json!(run))
    );
}

#[allow(clippy::too_many_lines, reason = "one story from end to end")]
#[tokio::test]
async fn members_answer_and_run_but_do_not_write_rules() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    grid(&app, &admin).await;
    let id = add(&app, &admin, &lost(true)).await;
    let member = app.member().await;
    assert_eq!(
        member
            .json(&app, Method::POST, RULES, &lost(false))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let one = format!("{RULES}/{id}");
    assert_eq!(
        member
            .json(&app, Method::PATCH, &one, &json!({"enabled": false}))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    lose(&app, &member, "r1").await;
    lose(&app, &member, "r2").await;
    drain(&app).await;
    let runs = member
        .get(&app, "/api/automations/runs?state=asked")
        .await
        .json();
    let ids: Vec<i64> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(
        member
            .get(&app, "/automations")
            .await
            .text
            .contains("Move it to Graveyard: “Sample One declined”")
    );
    let path = format!("/api/automations/runs/{}/decide", ids[0]);
    let bad = member
        .json(&app, Method::POST, &path, &json!({"answer": "perhaps"}))
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    let no = member
        .json(&app, Method::POST, &path, &json!({"answer": "no"}))
        .await;
    assert_eq!(
        (no.status, &no.json()["state"]),
        (StatusCode::OK, &json!("declined"))
    );
    let bulk = member
        .post(
            &app,
            "/automations/decide",
            &[
                ("run", &ids[1].to_string()),
                ("run", "999"),
                ("answer", "yes"),
            ],
        )
        .await;
    assert_eq!(bulk.status, StatusCode::SEE_OTHER);
    drain(&app).await;
    let list = member
        .get(&app, "/api/fundraising/lists/graveyard")
        .await
        .json();
    assert_eq!(list["rows"].as_array().unwrap().len(), 1);
    let started = member
        .json(
            &app,
            Method::POST,
            &format!("{one}/run"),
            &json!({"rows": ["r2"]}),
        )
        .await;
    assert_eq!(
        (started.status, &started.json()["runs"]),
        (StatusCode::ACCEPTED, &json!(1))
    );
    let nobody = member
        .json(
            &app,
            Method::POST,
            &format!("{one}/run"),
            &json!({"rows": ["none"]}),
        )
        .await;
    assert_eq!(
        (nobody.status, &nobody.json()["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("rows"))
    );
    drain(&app).await;
    let draft = member.get(&app, "/api/automations/drafts").await.json()["drafts"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        member
            .post(&app, &format!("/drafts/{draft}"), &[("state", "used")])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        member
            .post(&app, &format!("/drafts/{draft}/undo"), &[])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_rule_is_changed_deleted_and_brought_back_and_bad_ones_name_their_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    grid(&app, &admin).await;
    let id = add(&app, &admin, &lost(false)).await;
    let one = format!("{RULES}/{id}");
    let mut bad = lost(false);
    bad["definition"]["trigger"]["column"] = "nowhere".into();
    let refused = admin.json(&app, Method::POST, RULES, &bad).await;
    assert_eq!(
        (refused.status, &refused.json()["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("trigger.column"))
    );
    bad["definition"]["surprise"] = true.into();
    assert_eq!(
        admin.json(&app, Method::POST, RULES, &bad).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let off = admin
        .json(
            &app,
            Method::PATCH,
            &one,
            &json!({"enabled": false, "name": "Off"}),
        )
        .await
        .json();
    assert_eq!(
        (&off["enabled"], &off["name"]),
        (&json!(false), &json!("Off"))
    );
    assert_eq!(
        admin
            .json(&app, Method::DELETE, &one, &json!({}))
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(admin.get(&app, &one).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        admin
            .json(&app, Method::POST, &format!("{one}/restore"), &json!({}))
            .await
            .status,
        StatusCode::OK
    );
    let dry = admin
        .json(
            &app,
            Method::POST,
            &format!("{one}/dry-run"),
            &json!({"days": 30}),
        )
        .await;
    assert_eq!(
        (dry.status, &dry.json()["days"], &dry.json()["fired"]),
        (StatusCode::OK, &json!(30), &json!(0))
    );
}

#[tokio::test]
async fn the_builder_adds_lines_tries_and_saves_by_posts_alone() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    grid(&app, &admin).await;
    lose(&app, &admin, "r1").await;
    let mut form = vec![
        ("posted", "1"),
        ("name", "Built"),
        ("on", "cell_changed"),
        ("t_column", "stage"),
        ("t_to", "lost"),
        ("conditions", "0"),
        ("actions", "1"),
        ("a0_do", "move"),
        ("a0_list", "graveyard"),
        ("a0_reason", "said no"),
    ];
    let post = async |form: &[(&str, &str)], button: &str| {
        let mut form = form.to_vec();
        form.push(("button", button));
        admin.post(&app, "/automations/new", &form).await
    };
    let page = post(&form, "add_condition").await;
    assert!(
        page.text.contains("Condition 1") && page.text.contains("name=\"conditions\" value=\"1\"")
    );
    form.retain(|(name, _)| *name != "conditions");
    form.extend([
        ("conditions", "1"),
        ("c0_column", "name"),
        ("c0_op", "contains"),
        ("c0_value", "One"),
    ]);
    let page = post(&form, "try").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text
            .contains("It would have fired 1 time in the last 90 days, for 1 investor."),
        "{}",
        page.text
    );
    assert!(
        page.text.contains(
            ", if <strong>Name</strong> contains One, move it to <strong>Graveyard</strong>"
        ),
        "{}",
        page.text
    );
    let nothing = post(
        &[
            ("posted", "1"),
            ("name", "x"),
            ("on", "entered_view"),
            ("actions", "1"),
            ("a0_do", "move"),
            ("a0_list", "main"),
        ],
        "save",
    )
    .await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        nothing.text.contains("There is no such view"),
        "{}",
        nothing.text
    );
    let bad = post(&[("posted", "1"), ("name", "x"), ("json", "{")], "json").await;
    assert!(bad.text.contains("The JSON does not fit"));
    form.push(("enabled", "true"));
    let saved = post(&form, "save").await;
    assert_eq!(saved.header("location"), "/automations", "{}", saved.text);
    let rules = admin.get(&app, RULES).await.json();
    let built = &rules["rules"][0];
    assert_eq!(
        (&built["name"], &built["enabled"]),
        (&json!("Built"), &json!(true))
    );
    assert_eq!(
        built["definition"]["conditions"],
        json!({"all": [{"column": "name", "op": "contains", "value": "One"}]})
    );
    // What it shows again is what was saved.
    let id = built["id"].as_str().unwrap();
    let page = admin.get(&app, &format!("/automations/{id}")).await;
    assert!(
        page.text.contains("value=\"said no\"") && page.text.contains("Take")
            || page.text.contains("said no")
    );
    let removed = admin
        .post(
            &app,
            &format!("/automations/{id}"),
            &[
                ("posted", "1"),
                ("conditions", "1"),
                ("actions", "1"),
                ("on", "manual"),
                ("button", "remove_condition_0"),
            ],
        )
        .await;
    assert!(removed.text.contains("name=\"conditions\" value=\"0\""));
}

#[tokio::test]
async fn other_people_see_nothing_without_signing_in() {
    let app = TestApp::new().await;
    app.user("x@example.org", Role::Member).await;
    for path in ["/automations", "/drafts", "/lists/main"] {
        assert_eq!(
            Caller::default().get(&app, path).await.status,
            StatusCode::SEE_OTHER,
            "{path}"
        );
    }
}
