//! A team on the grid: how long an edit takes, and how long until everybody has it,
//! by how many people have the grid open.

use std::time::Instant;

use crm_jobs::testing::TestDb;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    grid::{ADDRESS, send},
    measure::{Process, Times, admin_token, ms, row},
    table::fill,
};

const EDITS: usize = 100;

pub async fn run() {
    let t = TestDb::on_system_clock().await;
    let rows = fill(&t).await;
    println!(
        "\nteam: {} × 40, {EDITS} edits of one cell, one after another; their followers run on the same cores",
        rows.len()
    );
    let token = admin_token(t.dir());
    let api = Process::api(t.dir(), ADDRESS).await;
    let client = reqwest::Client::new();
    edit(&client, &token, &rows[0], "first").await;
    for people in [1, 10, 50, 200] {
        let before = api.resident_mib();
        let (tell, mut arrivals) = mpsc::unbounded_channel();
        let mut followers = Vec::new();
        for _ in 0..people {
            let stream = open(&client, &token).await;
            followers.push(tokio::spawn(follow(stream, people, tell.clone())));
        }
        let (mut answered, mut everybody) = (Times::default(), Times::default());
        for (n, id) in rows.iter().enumerate().take(EDITS) {
            let start = Instant::now();
            edit(&client, &token, id, &text(people, n)).await;
            answered.push(start.elapsed());
            let mut last = start;
            for _ in 0..people {
                last = last.max(arrivals.recv().await.unwrap());
            }
            everybody.push(last - start);
        }
        let after = api.resident_mib();
        for follower in followers {
            follower.abort();
        }
        row(
            &format!("{people} with the grid open: answered"),
            &format!("p50 {}", ms(answered.at(50))),
            &format!(
                "p95 {}; all of them have it after p50 {} p95 {}; api {before:.0} to {after:.0} MiB",
                ms(answered.at(95)),
                ms(everybody.at(50)),
                ms(everybody.at(95)),
            ),
        );
    }
}

/// What only this edit says.
fn text(people: usize, n: usize) -> String {
    format!("edit {people}-{n}.")
}

async fn edit(client: &reqwest::Client, token: &str, id: &str, value: &str) {
    let set =
        json!({"op": "set", "row": id, "column": "text_2", "value": value, "base": 1_000_000});
    send(client, token, vec![set]).await;
}

async fn open(client: &reqwest::Client, token: &str) -> reqwest::Response {
    let asked = client
        .get(format!("http://{ADDRESS}/api/fundraising/events"))
        .bearer_auth(token);
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer
}

/// Says when each edit came.
async fn follow(
    mut stream: reqwest::Response,
    people: usize,
    tell: mpsc::UnboundedSender<Instant>,
) {
    let mut told = String::new();
    for n in 0..EDITS {
        let awaited = text(people, n);
        while !told.contains(&awaited) {
            let more = stream.chunk().await.unwrap().expect("the stream goes on");
            told.push_str(&String::from_utf8_lossy(&more));
        }
        told.clear();
        tell.send(Instant::now()).unwrap();
    }
}
