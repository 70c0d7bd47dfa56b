//! Backups of a database of 200 MB and more while people write: how long, how
//! large, and how long a writer waits; a drill; a restore with both processes up;
//! all beside `sqlite3 .backup`, `vacuum into` and a plain copy in the same run.

use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crm_jobs::testing::TestDb;
use serde_json::{Value, json};

use crate::{
    measure::{self, Process, Times, admin_token, binary, ms, row},
    search,
};

const ADDRESS: &str = "127.0.0.1:18096";
const INVESTORS: usize = 40_000;

pub async fn run() {
    let investors = measure::rows(INVESTORS);
    println!("\nbackup: {investors} generated investors with their history");
    let mut t = TestDb::on_system_clock().await;
    search::fill(&t, investors).await;
    crm_jobs::investors::sync(&t.db, true, |_, _| ())
        .await
        .unwrap();
    let size = std::fs::metadata(t.db.dir().database()).unwrap().len();
    row("size of the database", &mb(size), "");
    let dir = t.dir().to_owned();
    references(&dir);
    let client = Client {
        token: admin_token(&dir),
        client: reqwest::Client::new(),
    };
    let api = Process::api(&dir, ADDRESS).await;
    let worker = Process::worker(&t, 10);
    let target = client.first_row().await;

    let mut idle = client.writing(&target, client.rest(3)).await.1;
    row(
        "a cell, idle: p50",
        &ms(idle.at(50)),
        &format!("p99 {}, longest {}", ms(idle.at(99)), ms(idle.at(100))),
    );
    let (backup, mut beside) = client
        .writing(&target, client.job("/api/fundraising/backup"))
        .await;
    let bytes = client.newest().await["size_bytes"].as_u64().unwrap();
    row(
        "backup: copy, check, compress, read back",
        &ms(backup),
        &format!(
            "{} stored, {:.2} of the database",
            mb(bytes),
            bytes as f64 / size as f64
        ),
    );
    row(
        "  a cell meanwhile: p50",
        &ms(beside.at(50)),
        &format!(
            "p99 {}, {:.1} × idle; longest {} (target < 250 ms)",
            ms(beside.at(99)),
            beside.at(99).as_secs_f64() / idle.at(99).as_secs_f64(),
            ms(beside.at(100))
        ),
    );
    let drill = client.job("/api/fundraising/backups/drill").await;
    row(
        "drill: restored beside, booted, compared",
        &ms(drill),
        &format!(
            "backup and drill {:.1} s (target < 60 s)",
            (backup + drill).as_secs_f64()
        ),
    );
    // This process, too, must not have it open then.
    t.while_closed(restore(&dir, &client)).await;
    drop((api, worker));
}

/// `crm-worker restore`, with both processes up, and how long no page came.
async fn restore(dir: &Path, client: &Client) {
    let id = client.newest().await["id"].as_str().unwrap().to_owned();
    let over = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(client.clone().outage(Arc::clone(&over)));
    let start = Instant::now();
    let dir = dir.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        Command::new(binary("crm-worker"))
            .args(["restore", &id, "--yes"])
            .env("CRM_DATA_DIR", dir)
            .env("CRM_LOG", "error")
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    let elapsed = start.elapsed();
    over.store(true, Ordering::SeqCst);
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    let outage = watching.await.unwrap();
    let progress = format!("http://{ADDRESS}/restore/progress");
    let answer = client.client.get(progress).send().await.unwrap();
    let told: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    row(
        "restore: check, safety backup, swap, settle",
        &ms(elapsed),
        &format!(
            "closed for {} ms, longest time to a page that works {} (targets < 60 s, < 10 s)",
            told["downtime_ms"],
            ms(outage)
        ),
    );
}

#[derive(Clone)]
struct Client {
    token: String,
    client: reqwest::Client,
}

impl Client {
    async fn ask(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let request = self
            .client
            .request(method.clone(), format!("http://{ADDRESS}{path}"))
            .bearer_auth(&self.token);
        let request = if method == reqwest::Method::GET {
            request
        } else {
            request
                .header("content-type", "application/json")
                .body(body.to_string())
        };
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(reqwest::Method::GET, path, Value::Null).await
    }

    async fn first_row(&self) -> String {
        let rows = self.get("/api/fundraising/rows?limit=1").await;
        rows["rows"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn newest(&self) -> Value {
        self.get("/api/fundraising/backups").await[0].take()
    }

    async fn rest(&self, seconds: u64) -> Duration {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Duration::from_secs(seconds)
    }

    /// Asks for a job and waits for its end.
    async fn job(&self, path: &str) -> Duration {
        let start = Instant::now();
        let asked = self.ask(reqwest::Method::POST, path, json!({})).await;
        let job = format!("/api/jobs/{}", asked["job_id"]);
        loop {
            let now = self.get(&job).await;
            match now["job"]["state"].as_str() {
                Some("done") => return start.elapsed(),
                Some("discarded" | "cancelled") => panic!("{now}"),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Writes one cell after the other until `work` is done.
    async fn writing(
        &self,
        target: &str,
        work: impl Future<Output = Duration>,
    ) -> (Duration, Times) {
        let over = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn({
            let (own, over, target) = (self.clone(), Arc::clone(&over), target.to_owned());
            async move {
                let mut times = Times::default();
                let mut n = 0;
                while !over.load(Ordering::SeqCst) {
                    n += 1;
                    let set = json!({"operations": [{"op": "set", "row": target, "column": "city",
                        "value": format!("Sample town {n}"), "base": 9_007_199_254_740_991_i64}]});
                    times
                        .time(own.ask(reqwest::Method::PATCH, "/api/fundraising/state", set))
                        .await;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                times
            }
        });
        let elapsed = work.await;
        over.store(true, Ordering::SeqCst);
        (elapsed, writer.await.unwrap())
    }

    /// The longest time without a page that is no notice of maintenance.
    async fn outage(self, over: Arc<AtomicBool>) -> Duration {
        let (mut longest, mut last) = (Duration::ZERO, Instant::now());
        loop {
            let request = self.client.get(format!("http://{ADDRESS}/login"));
            let is_up = matches!(request.send().await, Ok(answer) if answer.status().is_success());
            if is_up {
                longest = longest.max(last.elapsed());
                last = Instant::now();
                if over.load(Ordering::SeqCst) {
                    return longest;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// What others do with the same file, with nobody writing.
fn references(dir: &Path) {
    let database = dir.join("crm.db");
    let sqlite = |command: String| {
        let start = Instant::now();
        let done = Command::new("sqlite3").arg(&database).arg(command).status();
        matches!(done, Ok(status) if status.success()).then(|| start.elapsed())
    };
    for (name, command) in [
        (
            "sqlite3 .backup",
            format!(".backup '{}'", dir.join("b.db").display()),
        ),
        (
            "sqlite3 vacuum into",
            format!("vacuum into '{}'", dir.join("v.db").display()),
        ),
    ] {
        match sqlite(command) {
            Some(elapsed) => row(
                name,
                &ms(elapsed),
                "nothing checked, compressed or read back",
            ),
            None => row(&format!("({name}: no sqlite3 here)"), "", ""),
        }
    }
    let start = Instant::now();
    std::fs::copy(&database, dir.join("c.db")).unwrap();
    row(
        "a plain copy",
        &ms(start.elapsed()),
        "not safe while anybody writes",
    );
    for name in ["b.db", "v.db", "c.db"] {
        let _ = std::fs::remove_file(dir.join(name));
    }
}

fn mb(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
