//! One cell changed over HTTP, durably, on a table of 10,000 × 40.

use std::time::Instant;

use crm_jobs::{
    grid::{self, ChangeBy, Operation},
    testing::TestDb,
};
use serde_json::{Value, json};

use crate::{
    measure::{Process, Times, admin_token, ms, row},
    others,
};

const ROWS: usize = 10_000;
const COLUMNS: usize = 40;
const ADDRESS: &str = "127.0.0.1:18095";

pub async fn run() {
    println!("\nwrite: {ROWS} × {COLUMNS}, api and worker running");
    let t = TestDb::on_system_clock().await;
    let rows = fill(&t).await;
    let token = admin_token(t.dir());
    let api = Process::api(t.dir(), ADDRESS).await;
    let _worker = Process::worker(&t, 10);
    let client = reqwest::Client::new();
    let mut one = patches(&client, &token, &rows[..1_000], 0).await;
    row(
        "PATCH one cell, one writer",
        &format!("p50 {}", ms(one.at(50))),
        &format!(
            "p95 {} p99 {} (target p95 < 10 ms)",
            ms(one.at(95)),
            ms(one.at(99))
        ),
    );
    let rate = one.per_second();
    row("", &format!("{rate:.0} /s"), "");
    others::edits(one.at(50), rate);
    let start = Instant::now();
    let mut writers = Vec::new();
    for n in 0..8 {
        let (client, token) = (client.clone(), token.clone());
        let own = rows[1_000 + n * 500..1_500 + n * 500].to_vec();
        writers.push(tokio::spawn(async move {
            patches(&client, &token, &own, n).await
        }));
    }
    let mut eight = Times::default();
    for writer in writers {
        eight.join(writer.await.unwrap());
    }
    let rate = 4_000.0 / start.elapsed().as_secs_f64();
    row(
        "PATCH one cell, eight writers",
        &format!("p50 {}", ms(eight.at(50))),
        &format!(
            "p95 {} p99 {}, {rate:.0} /s together",
            ms(eight.at(95)),
            ms(eight.at(99))
        ),
    );
    let ten_thousand: Vec<Value> = rows.iter().map(|id| set(id, 7, "paste")).collect();
    let mut paste = Times::default();
    paste.time(send(&client, &token, ten_thousand)).await;
    row(
        "PATCH 10,000 cells",
        &ms(paste.at(100)),
        "one request, one change set",
    );
    let mut state = Times::default();
    let mut size = 0;
    for _ in 0..5 {
        size = state
            .time(async {
                let url = format!("http://{ADDRESS}/api/fundraising/state");
                client
                    .get(url)
                    .bearer_auth(&token)
                    .send()
                    .await
                    .unwrap()
                    .bytes()
                    .await
                    .unwrap()
                    .len()
            })
            .await;
    }
    row(
        "GET the whole state",
        &ms(state.at(50)),
        &format!("{:.1} MB, uncompressed", size as f64 / 1e6),
    );
    row(
        "api resident",
        &format!("{:.0} MiB", api.resident_mib()),
        "",
    );
}

async fn fill(t: &TestDb) -> Vec<String> {
    let by = ChangeBy {
        actor: "bench",
        origin: "bench",
        summary: "",
        job: None,
    };
    let columns: Vec<Operation> = (0..COLUMNS)
        .map(|n| {
            serde_json::from_value(
                json!({"op": "add_column", "name": format!("Column {n}"), "type": "text"}),
            )
            .unwrap()
        })
        .collect();
    let mut tx = t.db.write().await.unwrap();
    grid::apply(&mut tx, &columns, &by).await.unwrap();
    let rows: Vec<Operation> = (0..ROWS)
        .map(|r| {
            let cells = (0..COLUMNS)
                .map(|c| {
                    (
                        format!("column_{c}"),
                        Value::from(format!("sample value {r} {c}")),
                    )
                })
                .collect();
            Operation::AddRow {
                after: None,
                id: None,
                cells,
                list: None,
            }
        })
        .collect();
    let added = grid::apply(&mut tx, &rows, &by).await.unwrap();
    tx.commit().await.unwrap();
    added.rows.into_iter().map(|r| r.id).collect()
}

fn set(id: &str, column: usize, text: &str) -> Value {
    json!({"op": "set", "row": id, "column": format!("column_{column}"), "value": text, "base": 1_000_000})
}

async fn patches(client: &reqwest::Client, token: &str, rows: &[String], writer: usize) -> Times {
    let mut times = Times::default();
    for id in rows {
        times
            .time(send(
                client,
                token,
                vec![set(id, 3, &format!("changed by {writer}"))],
            ))
            .await;
    }
    times
}

async fn send(client: &reqwest::Client, token: &str, operations: Vec<Value>) {
    let answer = client
        .patch(format!("http://{ADDRESS}/api/fundraising/state"))
        .bearer_auth(token)
        .json(&json!({ "operations": operations }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}
