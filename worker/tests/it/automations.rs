//! Firings under SIGKILL: none lost, none doubled.

use std::time::{Duration, Instant};

use crm_jobs::{
    automations::{self, Definition},
    clock::random_fraction,
    grid::{ChangeBy, apply},
    queue::AUTOMATION_TEST_POINTS,
};
use serde_json::{Value, json};

use super::*;

const BY: ChangeBy<'static> = ChangeBy {
    actor: "user:ana",
    origin: "edit",
    summary: "",
    job: None,
};

async fn write(t: &TestDb, operations: Vec<Value>) {
    let operations: Vec<_> = serde_json::from_value(Value::Array(operations)).unwrap();
    let mut tx = t.db.write().await.unwrap();
    apply(&mut tx, &operations, &BY).await.unwrap();
    tx.commit().await.unwrap();
}

/// Rows of a grid with a rule that marks each whose stage changes; then all change.
async fn fire(t: &TestDb, rows: usize) {
    let mut operations = vec![
        json!({"op": "add_column", "name": "Name", "type": "text"}),
        json!({"op": "add_column", "name": "Step", "type": "text"}),
        json!({"op": "add_column", "name": "Mark", "type": "number"}),
    ];
    operations.extend((0..rows).map(|n| json!({"op": "add_row", "id": format!("r{n}"), "cells": {"name": format!("Sample {n}"), "mark": 1}})));
    write(t, operations).await;
    let definition: Definition = serde_json::from_value(json!({
        "trigger": {"on": "cell_changed", "column": "step"},
        "actions": [
            {"do": "set", "column": "mark", "formula": "{Mark} + 1"},
            {"do": "notify_digest", "text": "{Name}"},
        ],
    }))
    .unwrap();
    let mut tx = t.db.write().await.unwrap();
    automations::add(&mut tx, "Mark", &definition, true, None, "user:ana")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let each = (0..rows).map(|n| {
        json!({"op": "set", "row": format!("r{n}"), "column": "step", "value": "on", "base": i64::MAX})
    });
    write(t, each.collect()).await;
}

async fn count(t: &TestDb, sql: &'static str) -> usize {
    let n: i64 = sqlx::query_scalar(sql)
        .fetch_one(t.db.read())
        .await
        .unwrap();
    usize::try_from(n).unwrap()
}

const DONE: &str = "select count(*) from automation_runs where state = 'done'";

async fn assert_each_once(t: &TestDb, rows: usize) {
    for sql in [
        "select count(*) from automation_runs",
        "select count(distinct row_id) from automation_runs where state = 'done'",
        "select count(*) from change_sets where origin = 'automation'",
        "select count(*) from grid_rows where cells ->> 'mark' = '2'",
        "select count(*) from digest_notices",
    ] {
        assert_eq!(count(t, sql).await, rows, "{sql}");
    }
}

#[tokio::test]
async fn two_thousand_firings_drain_under_kills_with_none_lost_or_doubled() {
    const ROWS: usize = 2_000;
    let t = TestDb::on_system_clock().await;
    fire(&t, ROWS).await;
    let start = Instant::now();
    let (mut worker, mut kills) = (Worker::start(&t), 0);
    while count(&t, DONE).await < ROWS {
        assert!(
            start.elapsed() < Duration::from_mins(4),
            "they never drained"
        );
        let pause = if kills < 12 {
            0.2 + 0.8 * random_fraction()
        } else {
            0.2
        };
        tokio::time::sleep(Duration::from_secs_f64(pause)).await;
        if kills < 12 {
            worker.kill();
            worker = Worker::start(&t);
            kills += 1;
        }
    }
    // What comes late would double now.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(kills > 2, "{kills} kills prove little");
    assert_each_once(&t, ROWS).await;
}

#[tokio::test]
async fn a_crash_between_firing_and_cursor_or_around_a_runs_commit_leaves_each_effect_once() {
    for point in AUTOMATION_TEST_POINTS {
        let t = TestDb::on_system_clock().await;
        fire(&t, 3).await;
        let died = command(t.dir(), &["run"])
            .env("CRM_CRASH_AT", point)
            .status()
            .unwrap();
        assert!(!died.success(), "the worker dies at {point}");
        let _next = Worker::start(&t);
        let start = Instant::now();
        while count(&t, DONE).await < 3 {
            assert!(
                start.elapsed() < Duration::from_mins(1),
                "{point}: never done"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_each_once(&t, 3).await;
    }
}
