//! Funds, commitments and the pipeline, as programs and people use them.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    harness::{Caller, Reply, TestApp},
    state::{grid_of_one, patch},
};

const FUNDS: &str = "/api/fundraising/funds";
const COMMITMENTS: &str = "/api/fundraising/commitments";

struct Raise {
    app: TestApp,
    who: Caller,
    fund: String,
}

impl Raise {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let who = app.admin().await;
        grid_of_one(&app, &who).await;
        let terms = json!({"name": "Fund One", "target": "10m", "hard_cap": "12,000,000"});
        let made = who.json(&app, Method::POST, FUNDS, &terms).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        assert_eq!(
            (&made.json()["target"], &made.json()["currency"]),
            (&json!("10000000"), &json!("EUR"))
        );
        let fund = made.json()["id"].as_str().unwrap().to_owned();
        Self { app, who, fund }
    }

    async fn commit(&self, body: Value) -> Reply {
        let mut body = body;
        body["fund"] = self.fund.clone().into();
        self.who
            .json(&self.app, Method::POST, COMMITMENTS, &body)
            .await
    }

    async fn get(&self, path: &str) -> Reply {
        self.who.get(&self.app, path).await
    }
}

#[tokio::test]
async fn a_commitment_is_written_once_and_read_everywhere() {
    let r = Raise::new().await;
    let done = r
        .commit(json!({"row": "r1", "stage": "soft", "amount": "2.5m", "note": "Dinner"}))
        .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let column = done.json()["columns"][0].as_str().unwrap().to_owned();
    let row = r.get("/api/fundraising/rows/r1").await.json();
    assert_eq!(row["cells"][&column], "2500000");
    let totals = r.get(&format!("{FUNDS}/{}/totals", r.fund)).await.json();
    assert_eq!(totals["committed"], "0");
    assert_eq!(totals["weighted"], "1000000");
    let ledger = r
        .get(&format!("{COMMITMENTS}?fund={}&row=r1", r.fund))
        .await
        .json();
    assert_eq!(ledger["events"][0]["note"], "Dinner");
    assert_eq!(ledger["before"], Value::Null);
    let cell = json!({"operations": [{"op": "set", "row": "r1", "column": column, "value": "3000000", "base": 9_999}]});
    assert_eq!(patch(&r.app, &r.who, cell).await.status, StatusCode::OK);
    let positions = r
        .get(&format!("{FUNDS}/{}/positions?stage=soft", r.fund))
        .await
        .json();
    assert_eq!(positions[0]["amount"], "3000000");
    let days = r.get(&format!("{FUNDS}/{}/progress", r.fund)).await.json();
    assert_eq!(days[0]["soft"], "3000000");
    let past = r
        .get(&format!("{FUNDS}/{}/totals?as_of=2020-01-01", r.fund))
        .await
        .json();
    assert_eq!(past["weighted"], "0");
}

#[tokio::test]
async fn bad_commitments_name_the_field_and_change_nothing() {
    let r = Raise::new().await;
    for (body, field) in [
        (
            json!({"row": "nobody", "stage": "soft", "amount": "1"}),
            "row",
        ),
        (
            json!({"row": "r1", "stage": "soft", "amount": "much"}),
            "amount",
        ),
        (
            json!({"row": "r1", "stage": "soft", "amount": "-5"}),
            "amount",
        ),
        (
            json!({"row": "r1", "stage": "soft", "amount": "$5"}),
            "amount",
        ),
        (json!({"row": "r1", "stage": "soft"}), "amount"),
        (
            json!({"row": "r1", "stage": "sure", "amount": "1"}),
            "stage",
        ),
        (
            json!({"row": "r1", "stage": "soft", "amount": "1", "on": "soon"}),
            "on",
        ),
        (
            json!({"row": "r1", "stage": "soft", "amount": "1", "on": "2999-01-01"}),
            "on",
        ),
    ] {
        let refused = r.commit(body.clone()).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            refused.text
        );
        assert_eq!(refused.json()["field"], field, "{body}");
    }
    let ledger = r.get(COMMITMENTS).await.json();
    assert_eq!(ledger["events"], json!([]));
    for path in ["totals", "positions", "progress"] {
        let gone = r.get(&format!("{FUNDS}/nothing/{path}")).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    }
    let day = r
        .get(&format!("{FUNDS}/{}/totals?as_of=soon", r.fund))
        .await;
    assert_eq!(day.json()["field"], "as_of");
}

#[tokio::test]
async fn two_people_cannot_overwrite_each_others_terms() {
    let r = Raise::new().await;
    let path = format!("{FUNDS}/{}", r.fund);
    let based = r.get(&path).await.json()["updated_at"].clone();
    let first = json!({"vehicle": "Fund One GmbH", "expected_updated_at": based});
    assert_eq!(
        r.who
            .json(&r.app, Method::PATCH, &path, &first)
            .await
            .status,
        StatusCode::OK
    );
    let second = json!({"vehicle": "Other", "expected_updated_at": based});
    let refused = r.who.json(&r.app, Method::PATCH, &path, &second).await;
    assert_eq!(refused.json()["code"], "fund_changed");
    assert_eq!(r.get(&path).await.json()["vehicle"], "Fund One GmbH");
}

#[tokio::test]
async fn the_funds_page_writes_what_the_grid_shows_and_undoes_it() {
    let r = Raise::new().await;
    let form = [
        ("investor", "sample off"),
        ("stage", "hard"),
        ("amount", "4,000,000"),
        ("on", ""),
        ("note", ""),
    ];
    let path = format!("/funds/{}/commitments", r.fund);
    let done = r.who.post(&r.app, &path, &form).await;
    assert_eq!(done.header("location"), format!("/funds/{}", r.fund));
    let page = r.get(&format!("/funds/{}", r.fund)).await;
    assert!(
        page.text.contains("EUR 4,000,000") && page.text.contains("40 %"),
        "{}",
        page.text
    );
    let ledger = r.get(&format!("/funds/{}/ledger?stage=hard", r.fund)).await;
    assert!(ledger.text.contains("(nothing)") && ledger.text.contains("Sample Office"));
    let version = r.get("/api/fundraising/commitments").await.json()["events"][0]["change_set_id"]
        .as_i64()
        .unwrap();
    r.who
        .post(
            &r.app,
            &format!("/grid/undo/{version}"),
            &[("next", "/funds")],
        )
        .await;
    let totals = r.get(&format!("{FUNDS}/{}/totals", r.fund)).await.json();
    assert_eq!(totals["committed"], "0");
}

#[tokio::test]
async fn an_unknown_or_unclear_name_is_told_on_the_page() {
    let r = Raise::new().await;
    let row = json!({"operations": [{"op": "add_row", "cells": {"name": "Sample Offset Trust"}}]});
    patch(&r.app, &r.who, row).await;
    let path = format!("/funds/{}/commitments", r.fund);
    for name in ["", "Nobody", "sample off"] {
        let form = [("investor", name), ("stage", "hard"), ("amount", "1")];
        let done = r.who.post(&r.app, &path, &form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(r.get(COMMITMENTS).await.json()["events"], json!([]));
}

#[tokio::test]
async fn the_form_for_terms_keeps_what_was_typed_and_marks_what_is_wrong() {
    let r = Raise::new().await;
    let form = [
        ("name", "Fund Two"),
        ("currency", "EUR"),
        ("target", "5m"),
        ("hard_cap", "4m"),
        ("status", "raising"),
    ];
    let refused = r.who.post(&r.app, "/funds", &form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("value=\"Fund Two\"")
            && refused.text.contains("id=\"hard_cap-error\"")
    );
    let form = [
        ("name", "Fund Two"),
        ("currency", "usd"),
        ("weight_soft", "x"),
    ];
    let refused = r.who.post(&r.app, "/funds", &form).await;
    assert!(
        refused.text.contains("id=\"weight_soft-error\""),
        "{}",
        refused.text
    );
    let made = r
        .who
        .post(
            &r.app,
            "/funds",
            &[
                ("name", "Fund Two"),
                ("currency", "usd"),
                ("weight_soft", "55"),
            ],
        )
        .await;
    let path = made.header("location").to_owned();
    let terms = r.get(&format!("/api/fundraising{path}")).await.json();
    assert_eq!(
        (&terms["currency"], &terms["weights"]["soft"]),
        (&json!("USD"), &json!(55))
    );
    let member = r.app.member().await;
    assert_eq!(
        member
            .post(&r.app, &format!("{path}/delete"), &[])
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    r.who.post(&r.app, &format!("{path}/delete"), &[]).await;
    assert_eq!(r.get(&path).await.status, StatusCode::NOT_FOUND);
    r.who.post(&r.app, &format!("{path}/restore"), &[]).await;
    assert_eq!(r.get(&path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_lost_investor_is_asked_about_and_the_answer_is_counted() {
    let r = Raise::new().await;
    let stage = |to: &str| json!({"operations": [{"op": "set", "row": "r1", "column": "stage", "value": to, "base": 9_999}]});
    patch(&r.app, &r.who, stage("lead")).await;
    let live = r
        .get("/api/fundraising/opportunities?state=live")
        .await
        .json();
    let id = live[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/fundraising/opportunities/{id}");
    let early = r
        .who
        .json(&r.app, Method::PATCH, &path, &json!({"exit_reason": "x"}))
        .await;
    assert_eq!(early.json()["code"], "still_live");
    patch(&r.app, &r.who, stage("lost")).await;
    let said = [("exit_reason", "Too early")];
    r.who
        .post(&r.app, &format!("/pipeline/opportunities/{id}"), &said)
        .await;
    let page = r.get("/pipeline").await;
    assert!(page.text.contains("value=\"Too early\""), "{}", page.text);
    let figures = r.get("/api/fundraising/pipeline?days=30").await.json();
    assert_eq!(
        figures["exit_reasons"],
        json!([{"reason": "Too early", "count": 1}])
    );
    let lead = &figures["stages"][0];
    assert_eq!((&lead["entered"], &lead["lost"]), (&json!(1), &json!(1)));
}
