//! Importing 50,000 × 40 through both real binaries: upload and dry run, the job
//! that applies it, the lock it holds, what both processes take of memory; the same
//! with 400,000 changed cells; then all of it out again. `CRM_BENCH_ROWS` takes other numbers of rows.

use std::{
    fmt::Write as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crm_jobs::testing::TestDb;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::measure::{self, Process, Times, admin_token, ms, row};

const ADDRESS: &str = "127.0.0.1:18097";
const ROWS: usize = 50_000;
/// Where `sqlite-utils` is looked for and installed.
const VENV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.venv");

/// Rows of 40 columns: contacts, funds, choices, amounts, percents, dates, texts.
/// Eight of the columns hold `note`.
fn file(rows: usize, note: &str) -> String {
    let mut csv = String::from("Name,Contacts,Linked funds,Type,Sectors,NDA,Email,Met");
    for n in 8..40 {
        let _ = write!(csv, ",Column {n}");
    }
    csv.push('\n');
    for row in 0..rows {
        let _ = write!(
            csv,
            "Sample {row},\"Ada {row} Sample,Bo {row} Sample <bo{row}@example.org>\",\"Fund I,Fund II\",Type {},\"AI,Bio\",checked,lp{row}@example.org,2025-03-{:02}",
            row % 7,
            row % 28 + 1
        );
        for n in 8..40 {
            let _ = match n % 4 {
                0 => write!(csv, ",\"${n},{:03}.00\"", row % 1_000),
                1 => write!(csv, ",{}", row * n),
                2 => write!(csv, ",{note} {row} of {n}"),
                _ => write!(csv, ",{}.50%", row % 100),
            };
        }
        csv.push('\n');
    }
    csv
}

pub async fn run() {
    let rows = measure::rows(ROWS);
    let first = file(rows, "note");
    println!(
        "\nimport: {rows} × 40, {:.1} MB of CSV, with contacts, funds and choices",
        first.len() as f64 / 1e6
    );
    let t = TestDb::on_system_clock().await;
    let client = Client {
        token: admin_token(t.dir()),
        client: reqwest::Client::new(),
    };
    let api = Process::api(t.dir(), ADDRESS).await;
    let worker = Process::worker(&t, 10);
    let mut most = Most::of([&api, &worker]);
    let new = client.bring_in("new rows", rows, &first).await;
    assert_eq!(new["new"], rows, "{new}");
    most.look();
    let again = client.bring_in("the same again", rows, &first).await;
    assert_eq!(again["unchanged"], rows, "{again}");
    most.look();
    let other = file(rows, "remark");
    let changed = client
        .bring_in("8 cells of each row changed", rows, &other)
        .await;
    assert_eq!(changed["changed_cells"], rows * 8, "{changed}");
    most.look();
    client.take_back(rows).await;
    most.look();
    let stop = CancellationToken::new();
    let editor = tokio::spawn(edit_meanwhile(client.clone(), stop.clone()));
    client
        .bring_in("the same while somebody edits every 3 s", rows, &other)
        .await;
    most.look();
    stop.cancel();
    let mut edits = editor.await.unwrap();
    row(
        "a cell edited meanwhile",
        &format!("p50 {}", ms(edits.at(50))),
        &format!("longest {}", ms(edits.at(100))),
    );
    client.take_out().await;
    most.look();
    for (name, most) in ["api", "worker"].into_iter().zip(most.mib) {
        row(
            &format!("{name}: most memory"),
            &format!("{most:.0} MiB"),
            "target < 500 MB",
        );
    }
    drop((api, worker));
    reference(t.dir(), &first, new["seconds"].as_f64().unwrap_or(0.0));
}

/// Changes one cell of its own, as often as a busy team does.
async fn edit_meanwhile(client: Client, stop: CancellationToken) -> Times {
    client
        .patch(json!([{"op": "add_column", "name": "Aside", "type": "text"}]))
        .await;
    let first = client.get("/api/fundraising/rows?limit=1").await;
    let id = first["rows"][0]["id"].as_str().expect("a row").to_owned();
    let mut times = Times::default();
    for n in 1.. {
        if stop.is_cancelled() {
            break;
        }
        let set = json!([{"op": "set", "row": id, "column": "aside", "value": n.to_string(), "base": 9_000_000}]);
        times.time(client.patch(set)).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    times
}

#[derive(Clone)]
struct Client {
    token: String,
    client: reqwest::Client,
}

impl Client {
    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("http://{ADDRESS}{path}"));
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn post(&self, path: &str, kind: &str, body: Vec<u8>) -> Value {
        let request = self.client.post(format!("http://{ADDRESS}{path}"));
        let request = request
            .bearer_auth(&self.token)
            .header("content-type", kind);
        let answer = request.body(body).send().await.unwrap();
        let (status, bytes) = (answer.status(), answer.bytes().await.unwrap());
        assert!(
            status.is_success(),
            "{path}: {}",
            String::from_utf8_lossy(&bytes)
        );
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn patch(&self, operations: Value) {
        let request = self
            .client
            .patch(format!("http://{ADDRESS}/api/fundraising/state"));
        let body = json!({ "operations": operations });
        let answer = request.bearer_auth(&self.token).json(&body).send().await;
        let answer = answer.unwrap();
        assert!(answer.status().is_success(), "an edit: {}", answer.status());
    }

    /// Waits for a job; answers it with its log.
    async fn job(&self, id: i64) -> Value {
        loop {
            let job = self.get(&format!("/api/jobs/{id}")).await;
            match job["job"]["state"].as_str() {
                Some("done") => return job,
                Some("discarded" | "cancelled") => panic!("{job}"),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Uploads, compares and applies; answers the report with `seconds`.
    async fn bring_in(&self, name: &str, rows: usize, csv: &str) -> Value {
        println!("  {name}");
        let mut body =
            b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"bench.csv\"\r\n\r\n"
                .to_vec();
        body.extend_from_slice(csv.as_bytes());
        body.extend_from_slice(b"\r\n--b--\r\n");
        let start = Instant::now();
        let import = self
            .post("/api/imports", "multipart/form-data; boundary=b", body)
            .await;
        let id = import["id"].as_str().unwrap().to_owned();
        row("  upload, read and inferred", &ms(start.elapsed()), "");
        let dry = Instant::now();
        self.get(&format!("/api/imports/{id}/dry-run")).await;
        let dry = dry.elapsed();
        row("  dry run", &ms(dry), "");
        let apply = Instant::now();
        let path = format!("/api/imports/{id}/apply");
        let job = self.post(&path, "application/json", b"{}".to_vec()).await;
        let id_of_job = job["job_id"].as_i64().unwrap();
        self.job(id_of_job).await;
        let applied = apply.elapsed();
        // Log lines are stored a moment later.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let job = self.job(id_of_job).await;
        row(
            "  apply (checked once more, then the job)",
            &ms(applied),
            &held(&job),
        );
        let both = dry + applied;
        row(
            "  dry run + apply",
            &format!("{:.0} rows/s", rows as f64 / both.as_secs_f64()),
            &format!("{:.2} s; target < 8 s", both.as_secs_f64()),
        );
        let mut report = self.get(&format!("/api/imports/{id}")).await["outcome"].take();
        report["seconds"] = json!(both.as_secs_f64());
        report
    }

    /// Takes the newest import back.
    async fn take_back(&self, rows: usize) {
        let imports = self.get("/api/imports").await;
        let id = imports["imports"][0]["id"].as_str().unwrap().to_owned();
        let start = Instant::now();
        let path = format!("/api/imports/{id}/revert");
        let taken = self.post(&path, "application/json", b"{}".to_vec()).await;
        if let Some(job) = taken["job_id"].as_i64() {
            self.job(job).await;
        }
        let import = self.get(&format!("/api/imports/{id}")).await;
        assert_eq!(import["state"], "reverted");
        assert_eq!(import["revert"]["cells"], rows * 8);
        row("  take the last one back", &ms(start.elapsed()), "");
    }

    /// The whole table in each format, read to its end.
    async fn take_out(&self) {
        println!("  export");
        for (name, query) in [
            ("  CSV", "?format=csv"),
            ("  XLSX", "?format=xlsx"),
            ("  JSON snapshot of everything", ""),
        ] {
            let start = Instant::now();
            let address = format!("http://{ADDRESS}/api/fundraising/export{query}");
            let request = self.client.get(address).bearer_auth(&self.token);
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{query}: {}", answer.status());
            let bytes = answer.bytes().await.unwrap().len();
            let size = format!("{:.1} MB", bytes as f64 / 1e6);
            row(name, &ms(start.elapsed()), &size);
        }
    }
}

/// What the job's log says of the lock.
fn held(job: &Value) -> String {
    let text = job.to_string();
    let found = text.split("nobody else could write for ").nth(1);
    found
        .and_then(|t| t.split('"').next())
        .map_or_else(String::new, |ms| format!("lock held {ms}"))
}

/// The most memory the api and the worker ever held.
struct Most<'p> {
    processes: [&'p Process; 2],
    mib: [f64; 2],
}

impl<'p> Most<'p> {
    fn of(processes: [&'p Process; 2]) -> Self {
        Self {
            processes,
            mib: [0.0; 2],
        }
    }

    /// Prints what both took at most since the last look.
    fn look(&mut self) {
        let now = self.processes.map(peak_mib);
        let [api, worker] = now;
        row(
            "  most memory",
            &format!("{api:.0} MiB api"),
            &format!("{worker:.0} MiB worker"),
        );
        for (most, now) in self.mib.iter_mut().zip(now) {
            *most = most.max(now);
        }
        for process in self.processes {
            // 5 asks Linux to forget the peak.
            let _ = std::fs::write(format!("/proc/{}/clear_refs", process.0.id()), "5");
        }
    }
}

fn peak_mib(process: &Process) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1024.0
}

/// The same file by `sqlite-utils insert --csv`, which checks and keeps nothing.
fn reference(dir: &Path, csv: &str, ours: f64) {
    let tool = format!("{VENV}/bin/sqlite-utils");
    if !Path::new(&tool).exists() {
        let pip = format!("{VENV}/bin/pip");
        let _ = Command::new(pip)
            .args(["install", "--quiet", "sqlite-utils"])
            .status();
    }
    let (from, into) = (dir.join("bench.csv"), dir.join("bench.db"));
    std::fs::write(&from, csv).unwrap();
    let start = Instant::now();
    let done = Command::new(&tool)
        .arg("insert")
        .args([&into, Path::new("rows"), &from])
        .arg("--csv")
        .stdout(std::process::Stdio::null())
        .status();
    let elapsed = start.elapsed();
    if matches!(done, Ok(status) if status.success()) {
        row(
            "sqlite-utils insert --csv, the same file",
            &ms(elapsed),
            &format!("{:.2} × our dry run + apply", elapsed.as_secs_f64() / ours),
        );
    } else {
        row(
            "(sqlite-utils is not here)",
            "",
            "pip install sqlite-utils into .venv",
        );
    }
}
