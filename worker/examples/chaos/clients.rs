//! People and scripts that do not stop when a server dies.

use std::time::Duration;

use crm_jobs::testing::TestDb;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ADDRESS;

const WRITERS: usize = 4;

/// What the servers have answered with success.
#[derive(Default)]
pub struct Answered {
    /// Row and the texts written into it, in order.
    pub writes: Vec<(String, Vec<String>)>,
    /// Probe jobs.
    pub jobs: Vec<i64>,
}

pub struct Clients {
    writers: Vec<JoinHandle<(String, Vec<String>)>>,
    enqueuer: JoinHandle<Vec<i64>>,
}

impl Clients {
    pub async fn join(self) -> Answered {
        let mut answered = Answered::default();
        for writer in self.writers {
            answered.writes.push(writer.await.unwrap());
        }
        answered.jobs = self.enqueuer.await.unwrap();
        answered
    }
}

pub async fn start(t: &TestDb, token: &str, stop: &CancellationToken) -> Clients {
    let rows: Vec<String> =
        sqlx::query_scalar("select id from grid_rows where deleted_at is null limit 4")
            .fetch_all(t.db.read())
            .await
            .unwrap();
    assert_eq!(rows.len(), WRITERS);
    let client = Client::builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let writers = rows
        .into_iter()
        .map(|row| tokio::spawn(write(client.clone(), token.to_owned(), row, stop.clone())))
        .collect();
    let enqueuer = tokio::spawn(enqueue(client, token.to_owned(), stop.clone()));
    Clients { writers, enqueuer }
}

/// Writes one text after the other into one cell; each until it is answered.
async fn write(
    client: Client,
    token: String,
    row: String,
    stop: CancellationToken,
) -> (String, Vec<String>) {
    let mut written = Vec::new();
    while !stop.is_cancelled() {
        let text = format!("chaos {}", written.len());
        let body = json!({
            "idempotency_key": format!("{row} {text}"),
            "operations": [{"op": "set", "row": row, "column": "notes", "value": text, "base": 9_000_000}],
        });
        let answer = until_answered(|| {
            client
                .patch(url("/api/fundraising/state"))
                .bearer_auth(&token)
                .json(&body)
        })
        .await;
        assert_eq!(answer["changes"], 1, "{answer}");
        written.push(text);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (row, written)
}

/// Enqueues marked jobs; one whose answer was lost may exist all the same.
async fn enqueue(client: Client, token: String, stop: CancellationToken) -> Vec<i64> {
    let mut jobs = Vec::new();
    while !stop.is_cancelled() {
        let payload = json!({"kind": "probe", "payload": {"work_ms": 10, "mark": "chaos"}});
        let request = client
            .post(url("/api/jobs"))
            .bearer_auth(&token)
            .json(&payload);
        if let Some(answer) = try_once(request).await {
            jobs.push(answer["job_id"].as_i64().unwrap());
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    jobs
}

async fn until_answered(request: impl Fn() -> reqwest::RequestBuilder) -> Value {
    loop {
        if let Some(answer) = try_once(request()).await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// `None` when the server died, or said to come back later.
async fn try_once(request: reqwest::RequestBuilder) -> Option<Value> {
    let response = request.send().await.ok()?;
    let status = response.status();
    let body = response.text().await.ok()?;
    assert!(status.is_success() || status == 503, "{status}: {body}");
    status
        .is_success()
        .then(|| serde_json::from_str(&body).unwrap())
}

fn url(path: &str) -> String {
    format!("http://{ADDRESS}{path}")
}
