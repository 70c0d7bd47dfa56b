//! Firings under SIGKILL, counted: `chaos automations --firings N`.

use std::time::{Duration, Instant};

use crm_jobs::{
    automations::{self, Definition},
    clock::random_fraction,
    grid::{ChangeBy, apply},
    testing::TestDb,
};
use serde_json::{Value, json};

use crate::measure::Process;

/// Rows changed at once: as a person pastes them.
const PASTE: usize = 10_000;

/// Fires so many times and kills the worker meanwhile. Returns how many answers
/// are bad.
pub async fn run(firings: usize) -> usize {
    let t = TestDb::on_system_clock().await;
    prepare(&t, firings).await;
    let start = Instant::now();
    let ids: Vec<usize> = (0..firings).collect();
    for rows in ids.chunks(PASTE) {
        let each = rows.iter().map(|n| {
            json!({"op": "set", "row": format!("r{n}"), "column": "step", "value": "on", "base": i64::MAX})
        });
        write(&t, each.collect()).await;
    }
    let (mut worker, mut kills) = (Process::worker(&t, 4), 0);
    while count(
        &t,
        "select count(*) from automation_runs where state = 'done'",
    )
    .await
        < firings
    {
        assert!(
            start.elapsed() < Duration::from_mins(30),
            "the firings never drained"
        );
        tokio::time::sleep(Duration::from_secs_f64(0.3 + 1.2 * random_fraction())).await;
        worker.kill();
        worker = Process::worker(&t, 4);
        kills += 1;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(worker);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{firings} firings in {seconds:.1} s ({:.0} a second), {kills} kills of the worker",
        firings as f64 / seconds
    );
    judge(&t, firings).await
}

async fn judge(t: &TestDb, firings: usize) -> usize {
    let mut bad = 0;
    for (what, sql) in [
        (
            "runs, one for each row and cause",
            "select count(*) from (select 1 from automation_runs group by rule_id, row_id, cause)",
        ),
        ("runs in all", "select count(*) from automation_runs"),
        (
            "runs done",
            "select count(*) from automation_runs where state = 'done'",
        ),
        (
            "change sets by the rule",
            "select count(*) from change_sets where origin = 'automation'",
        ),
        (
            "rows changed exactly once",
            "select count(*) from grid_rows where cells ->> 'mark' = '2'",
        ),
        (
            "notices for the digest",
            "select count(*) from digest_notices",
        ),
    ] {
        let found = count(t, sql).await;
        let good = found == firings;
        println!(
            "  {} {found} of {firings} {what}",
            if good { "ok " } else { "BAD" }
        );
        bad += usize::from(!good);
    }
    let integrity: String = sqlx::query_scalar("pragma integrity_check")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    println!(
        "  {} integrity_check: {integrity}",
        if integrity == "ok" { "ok " } else { "BAD" }
    );
    println!(
        "{} passed, {} failed",
        7 - bad - usize::from(integrity != "ok"),
        bad + usize::from(integrity != "ok")
    );
    bad + usize::from(integrity != "ok")
}

async fn prepare(t: &TestDb, rows: usize) {
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
    automations::add(&mut tx, "Mark", &definition, true, None, "system")
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn write(t: &TestDb, operations: Vec<Value>) {
    let operations: Vec<_> = serde_json::from_value(Value::Array(operations)).unwrap();
    let by = ChangeBy {
        actor: "user:chaos",
        origin: "edit",
        summary: "",
        job: None,
    };
    let mut tx = t.db.write().await.unwrap();
    apply(&mut tx, &operations, &by).await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(t: &TestDb, sql: &'static str) -> usize {
    let n: i64 = sqlx::query_scalar(sql)
        .fetch_one(t.db.read())
        .await
        .unwrap();
    usize::try_from(n).unwrap()
}
