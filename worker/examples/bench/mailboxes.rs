//! How capture grows with mailboxes: both ends real, Gmail's by our stand-in, which
//! has none of Gmail's limits.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crm_jobs::{email, testing::TestDb};
use serde_json::{Value, json};

use crate::{
    capture::fund,
    measure::{Process, binary, ms, row, until},
};

/// Messages in each mailbox.
const MESSAGES: usize = 200;

pub async fn run() {
    println!("\nemail: mailboxes of {MESSAGES} messages each, through the worker");
    for mailboxes in [1, 5, 20] {
        measure(mailboxes).await;
    }
}

async fn measure(mailboxes: usize) {
    let t = TestDb::on_system_clock().await;
    fund(&t).await;
    let google = Google::start(&t).await;
    for n in 0..mailboxes {
        // The first is enrolled with the fund.
        let address = if n == 0 {
            "jo@ours.example".to_owned()
        } else {
            format!("m{n}@ours.example")
        };
        google.fill(&address, n).await;
        if n > 0 {
            enrol(&t, &address).await;
        }
    }
    let start = Instant::now();
    let worker = Process(
        google
            .worker(&t, &["run", "--slots", "10"])
            .spawn()
            .unwrap(),
    );
    until(async || read(&t).await == mailboxes).await;
    let took = start.elapsed();
    let calls = google.calls().await;
    let begun = Instant::now();
    let done = google.worker(&t, &["capture"]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let quiet = begun.elapsed();
    let asked = google.calls().await - calls;
    row(
        &format!("{mailboxes}: the past, read with its bodies"),
        &format!(
            "{:.0} messages/s",
            (MESSAGES * mailboxes) as f64 / took.as_secs_f64()
        ),
        &format!(
            "{:.1} s; worker {:.0} MiB; with nothing new {} and {asked} calls",
            took.as_secs_f64(),
            worker.resident_mib(),
            ms(quiet)
        ),
    );
}

async fn enrol(t: &TestDb, address: &str) {
    let new = email::New {
        address: address.to_owned(),
        consent: "yes".to_owned(),
        starts_on: "2024-01-01".to_owned(),
        privacy: "body".to_owned(),
        ..email::New::default()
    };
    let mut tx = t.db.write().await.unwrap();
    email::enrol(&mut tx, &new, "system").await.unwrap();
    tx.commit().await.unwrap();
}

/// How many mailboxes have been read to their beginning.
async fn read(t: &TestDb) -> usize {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let failed: Option<String> =
        sqlx::query_scalar("select error from mailboxes where error is not null")
            .fetch_optional(t.db.read())
            .await
            .unwrap();
    assert_eq!(failed, None);
    let done: i64 =
        sqlx::query_scalar("select count(*) from mailboxes where backfilled_at is not null")
            .fetch_one(t.db.read())
            .await
            .unwrap();
    usize::try_from(done).unwrap()
}

/// The stand-in for Gmail.
struct Google {
    _process: Process,
    dir: std::path::PathBuf,
    address: String,
    http: reqwest::Client,
}

impl Google {
    async fn start(t: &TestDb) -> Self {
        let dir = t.dir().join("google");
        let process = Command::new(binary("examples/gmail"))
            .arg("--dir")
            .arg(&dir)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let address = dir.join("address");
        until(async || std::fs::read_to_string(&address).is_ok_and(|a| !a.is_empty())).await;
        Self {
            _process: Process(process),
            address: std::fs::read_to_string(&address).unwrap(),
            dir,
            http: reqwest::Client::new(),
        }
    }

    async fn control(&self, order: Value) {
        let sent = self
            .http
            .post(format!("{}/control", self.address))
            .json(&order);
        assert!(sent.send().await.unwrap().status().is_success(), "{order}");
    }

    async fn fill(&self, address: &str, mailbox: usize) {
        self.control(json!({ "mailbox": address })).await;
        for n in 0..MESSAGES {
            let site = ["linux.ie", "cnet.com", "elsewhere.example"][n % 3];
            let raw = format!(
                "From: Sample Sender <s{n}@{site}>\r\nTo: {address}\r\nSubject: About {n}\r\nDate: Tue, 3 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{mailbox}-{n}@{site}>\r\n\r\n{}\r\n",
                "We would like to talk about the fee and the closing date.\r\n".repeat(20)
            );
            self.control(json!({"deliver": {"to": address, "raw": raw}}))
                .await;
        }
    }

    /// Requests so far.
    async fn calls(&self) -> u64 {
        let state = self.http.get(format!("{}/state", self.address)).send();
        let state: Value = state.await.unwrap().json().await.unwrap();
        let kinds = state["calls"].as_object().expect("counts by kind");
        kinds.values().filter_map(Value::as_u64).sum()
    }

    fn worker(&self, t: &TestDb, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("crm-worker"));
        command
            .args(arguments)
            .env("CRM_DATA_DIR", t.dir())
            .env("CRM_LOG", "error")
            .env("CRM_GMAIL_CREDENTIALS", self.dir.join("credentials.json"))
            .env("CRM_GMAIL_API_BASE", &self.address)
            .env("CRM_GMAIL_TOKEN_URL", format!("{}/token", self.address))
            .stdin(Stdio::null());
        command
    }
}
