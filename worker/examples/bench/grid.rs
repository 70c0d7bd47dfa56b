//! The grid at 50,000 × 40: loading, writing, computing, ordering, the past, and
//! (with a browser) painting and scrolling.

use std::{process::Command, time::Instant};

use crm_jobs::{
    grid::{
        Operation,
        table::{AsOf, SharedTable, as_of},
        view::{Condition, Filter, OrderQuery, SortBy, Summary, Viewer, order},
    },
    testing::TestDb,
};
use serde_json::{Value, json};

use crate::{
    measure::{Process, Times, admin_token, ms, row},
    others,
    table::{apply, fill, formulas},
};

pub const ADDRESS: &str = "127.0.0.1:18096";

pub async fn run() {
    let t = TestDb::on_system_clock().await;
    let start = Instant::now();
    let rows = fill(&t).await;
    println!("\ngrid: {} × 40 generated investors", rows.len());
    row("(filling the table)", &ms(start.elapsed()), "");
    in_memory(&t, &rows).await;
    over_http(&t, &rows).await;
}

fn in_ms(times: &mut Times) -> String {
    ms(times.at(50))
}

/// What the engine itself takes, without HTTP.
async fn in_memory(t: &TestDb, rows: &[String]) {
    let start = Instant::now();
    let shared = SharedTable::new(&t.db);
    drop(shared.read().await.unwrap());
    row(
        "load the table from the database",
        &ms(start.elapsed()),
        "once per process",
    );
    apply(t, &formulas()).await;
    let start = Instant::now();
    let table = shared.read().await.unwrap();
    let computed = start.elapsed();
    row(
        "compute 20 formulas for all rows",
        &ms(computed),
        "target < 1 s",
    );
    others::formulas(rows.len(), computed);
    assert_eq!(table.column("f_20").unwrap().distinct(), 6);
    drop(table);
    let mut one = Times::default();
    for (n, id) in rows.iter().take(50).enumerate() {
        let set = Operation::Set {
            row: id.clone(),
            column: "amount_1".to_owned(),
            value: (n * 1_000).to_string().into(),
            base: i64::MAX,
        };
        apply(t, &[set]).await;
        one.time(async { drop(shared.read().await.unwrap()) }).await;
    }
    row(
        "recompute after one cell (7 formulas follow)",
        &in_ms(&mut one),
        "with the read of what changed",
    );
    let query = query();
    for name in ["first", "again"] {
        let start = Instant::now();
        let table = shared.read_ranked(&query.ranked()).await.unwrap();
        let found = order(&table, &query, Viewer::default()).unwrap();
        row(
            &format!("filter, sort by 2, group by 2, sums: {name}"),
            &ms(start.elapsed()),
            &format!(
                "{} rows in {} groups; target < 50 ms",
                found.total,
                found.groups.len()
            ),
        );
    }
    let search = OrderQuery {
        search: "investor 4999".to_owned(),
        ..OrderQuery::default()
    };
    let start = Instant::now();
    let found = order(&shared.read().await.unwrap(), &search, Viewer::default()).unwrap();
    row(
        "search all cells",
        &ms(start.elapsed()),
        &format!("{} found", found.total),
    );
    past(t, &shared, rows).await;
}

async fn past(t: &TestDb, shared: &SharedTable, rows: &[String]) {
    let before = shared.read().await.unwrap().version;
    let edits: Vec<Operation> = rows
        .iter()
        .take(10_000)
        .map(|id| Operation::Set {
            row: id.clone(),
            column: "text_1".to_owned(),
            value: "edited".into(),
            base: i64::MAX,
        })
        .collect();
    apply(t, &edits).await;
    drop(shared.read().await.unwrap());
    for (name, version) in [
        ("10,000 cells ago", before),
        ("50 edits and 20 formulas before that", before - 51),
    ] {
        let start = Instant::now();
        let past = as_of(&t.db, shared, AsOf::Version(version)).await.unwrap();
        row(
            &format!("the table as of {name}"),
            &ms(start.elapsed()),
            &format!("{} rows; target < 300 ms", past.order().len()),
        );
    }
}

fn query() -> OrderQuery {
    let by = |column: &str| SortBy {
        column: column.to_owned(),
        descending: false,
    };
    OrderQuery {
        filter: Some(Filter::All {
            all: vec![Filter::Condition(Condition {
                column: "amount_1".to_owned(),
                op: "gt".to_owned(),
                value: json!("100000"),
            })],
        }),
        sorts: vec![by("name"), by("number_1")],
        groups: vec![by("select_1"), by("f_3")],
        summaries: [("amount_1".to_owned(), Summary::Sum)].into(),
        ..OrderQuery::default()
    }
}

/// What a client sees: both binaries, one connection.
async fn over_http(t: &TestDb, rows: &[String]) {
    let token = admin_token(t.dir());
    let api = Process::api(t.dir(), ADDRESS).await;
    let _worker = Process::worker(t, 10);
    let client = reqwest::Client::new();
    let get = async |path: &str, gzip: bool| {
        let mut request = client
            .get(format!("http://{ADDRESS}{path}"))
            .bearer_auth(&token);
        if gzip {
            request = request.header("accept-encoding", "gzip");
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap().len()
    };
    let state = "/api/fundraising/state?form=columns";
    for name in ["first, table and blocks made", "again, from the cache"] {
        let start = Instant::now();
        let bytes = get(state, true).await;
        row(
            &format!("GET state by columns: {name}"),
            &ms(start.elapsed()),
            &format!("{:.2} MB gzip", bytes as f64 / 1e6),
        );
    }
    let start = Instant::now();
    let plain = get("/api/fundraising/state", true).await;
    let all = start.elapsed();
    row("GET state as row objects", &ms(all), "all rows and columns");
    others::all_rows(rows.len(), all);
    let columns = get(state, true).await;
    row(
        "bytes by columns ÷ as row objects",
        &format!("{:.2}", columns as f64 / plain as f64),
        "both gzip; target ≤ 0.65",
    );
    row(
        "api resident, table loaded",
        &format!("{:.0} MiB", api.resident_mib()),
        "target < 300 MB",
    );
    writes(&client, &token, rows).await;
    let mut orders = Times::default();
    let sort = "/api/fundraising/order?sort=%5B%7B%22column%22%3A%22name%22%7D%5D";
    for _ in 0..10 {
        orders.time(get(sort, true)).await;
    }
    row(
        "GET order of all rows, sorted by name",
        &in_ms(&mut orders),
        "gzip",
    );
    let filter = "%7B%22all%22%3A%5B%7B%22column%22%3A%22amount_1%22%2C%22op%22%3A%22gt%22%2C%22value%22%3A%22100000%22%7D%5D%7D";
    let mut filtered = Times::default();
    for _ in 0..20 {
        let path = format!("/api/fundraising/rows?limit=100&filter={filter}");
        filtered.time(get(&path, true)).await;
    }
    row("GET 100 rows by a filter", &in_ms(&mut filtered), "");
    others::filtered(filtered.at(50));
    let mut pages = Times::default();
    for _ in 0..20 {
        pages
            .time(get(
                "/api/fundraising/rows?limit=100&search=investor%2049",
                true,
            ))
            .await;
    }
    row(
        "GET 100 rows by search",
        &in_ms(&mut pages),
        "reads every cell",
    );
    row(
        "api resident at the end",
        &format!("{:.0} MiB", api.resident_mib()),
        "target < 300 MB",
    );
    browser(t);
}

async fn writes(client: &reqwest::Client, token: &str, rows: &[String]) {
    let mut one = patches(client, token, &rows[..1_000]).await;
    row(
        "PATCH one cell, alone (24 formulas of its row)",
        &format!("p50 {}", ms(one.at(50))),
        &format!(
            "p95 {} p99 {}; target p95 < 10 ms",
            ms(one.at(95)),
            ms(one.at(99))
        ),
    );
    let mut writers = Vec::new();
    for n in 0..8 {
        let (client, token) = (client.clone(), token.to_owned());
        let own = rows[1_000 + n * 250..1_250 + n * 250].to_vec();
        writers.push(tokio::spawn(
            async move { patches(&client, &token, &own).await },
        ));
    }
    let mut eight = Times::default();
    for writer in writers {
        eight.join(writer.await.unwrap());
    }
    row(
        "PATCH one cell, beside 7 other writers",
        &format!("p50 {}", ms(eight.at(50))),
        &format!("p95 {} p99 {}", ms(eight.at(95)), ms(eight.at(99))),
    );
    let cells: Vec<Value> = rows
        .iter()
        .take(10_000)
        .map(|id| set(id, "text_3"))
        .collect();
    let mut paste = Times::default();
    paste.time(send(client, token, cells)).await;
    row(
        "PATCH 10,000 cells",
        &ms(paste.at(100)),
        "one request, one change set",
    );
}

fn set(id: &str, column: &str) -> Value {
    json!({"op": "set", "row": id, "column": column, "value": format!("set {id}"), "base": 1_000_000})
}

async fn patches(client: &reqwest::Client, token: &str, rows: &[String]) -> Times {
    let mut times = Times::default();
    for id in rows {
        times
            .time(send(client, token, vec![set(id, "text_2")]))
            .await;
    }
    times
}

pub async fn send(client: &reqwest::Client, token: &str, operations: Vec<Value>) {
    let answer = client
        .patch(format!("http://{ADDRESS}/api/fundraising/state"))
        .bearer_auth(token)
        .json(&json!({ "operations": operations }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    // The answer is read: it carries the computed cells.
    answer.bytes().await.unwrap();
}

/// Chromium on the same table, if Node and its packages are here.
fn browser(t: &TestDb) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/bench/grid.mjs");
    let done = Command::new("node")
        .arg(script)
        .arg(format!("http://{ADDRESS}"))
        .env("CRM_DATA_DIR", t.dir())
        .status();
    if !matches!(done, Ok(status) if status.success()) {
        row(
            "(no browser figures)",
            "",
            "node static/bench/grid.mjs failed",
        );
    }
}
