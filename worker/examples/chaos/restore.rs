//! `ops/chaos restore`: restores while a client writes, and SIGKILL to the api or
//! the worker at a random moment of each; with `--every-step N`, a worker that dies
//! N times at each step there is, and the api with it every other time. Afterwards the old or the new database
//! must be there, whole, and every answered write must be in the live database,
//! or in the one that was replaced and in the backup taken of that.

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use crm_jobs::{clock::random_fraction, db::DataDir, restore, testing::TestDb};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio_util::sync::CancellationToken;

use crate::measure::{Process, admin_token};

const ADDRESS: &str = "127.0.0.1:18095";

#[derive(Default)]
struct Tally {
    finished: usize,
    failed: usize,
    killed: usize,
    lost: usize,
    broken: usize,
    writes: usize,
    downtimes: Vec<i64>,
}

/// When processes are killed.
pub enum Kills {
    /// At random moments, in so many restores.
    Random(usize),
    /// So many times at each step: only debug builds can.
    EveryStep(usize),
}

impl Kills {
    /// One entry for each restore: the step to die at, or none for a random moment.
    fn rounds(&self) -> Vec<Option<&'static str>> {
        match self {
            Self::Random(rounds) => vec![None; *rounds],
            Self::EveryStep(times) => restore::TEST_POINTS
                .iter()
                .flat_map(|point| vec![Some(*point); *times])
                .collect(),
        }
    }
}

pub async fn main(kills: Kills) -> usize {
    let plan = kills.rounds();
    let rounds = plan.len();
    // The placeholder keeps no lock on the directory that is swapped.
    let mut t = TestDb::on_system_clock().await;
    crm_jobs::demo::fill(t.dir(), t.db.now()).await.unwrap();
    let dir = t.dir().to_owned();
    let tally = t.while_closed(run(&dir, &plan)).await;
    let mut downtimes = tally.downtimes.clone();
    downtimes.sort_unstable();
    println!(
        "{rounds} restores while a client wrote {} times: {} finished, {} given up, {} times a process was killed",
        tally.writes, tally.finished, tally.failed, tally.killed
    );
    if let (Some(median), Some(worst)) = (downtimes.get(downtimes.len() / 2), downtimes.last()) {
        println!(
            "  closed for {median} ms in the middle, {worst} ms at worst (a restart after a kill included)"
        );
    }
    let questions = [
        (
            format!(
                "{} databases neither old nor new, or not whole",
                tally.broken
            ),
            tally.broken == 0,
        ),
        (
            format!("{} acknowledged writes: {} lost", tally.writes, tally.lost),
            tally.lost == 0,
        ),
        (
            format!(
                "{} of {rounds} restores ended",
                tally.finished + tally.failed
            ),
            tally.finished + tally.failed == rounds,
        ),
        (format!("{} finished", tally.finished), tally.finished > 0),
    ];
    let mut wrong = 0;
    for (what, good) in questions {
        println!("  {} {what}", if good { "ok " } else { "BAD" });
        wrong += usize::from(!good);
    }
    println!("{} passed, {wrong} failed", 4 - wrong);
    wrong
}

async fn run(dir: &Path, plan: &[Option<&str>]) -> Tally {
    let token = admin_token(dir);
    let mut api = Process::api(dir, ADDRESS).await;
    let mut worker = start_worker(dir, None);
    let client = Client::builder()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let mut tally = Tally::default();
    for (round, point) in plan.iter().enumerate() {
        let backup = take(&client, &token).await;
        let acked: Arc<Mutex<Vec<String>>> = Arc::default();
        let stop = CancellationToken::new();
        let shown = post(
            &client,
            &token,
            "/api/fundraising/restore-preview",
            &json!({"backup_id": backup}),
        )
        .await;
        let ask = json!({"token": shown["token"], "confirm": shown["confirm"]});
        if point.is_some() {
            worker.kill();
            worker = start_worker(dir, *point);
        }
        let answer = post(&client, &token, "/api/fundraising/restore", &ask).await;
        assert!(answer["phase"].is_string(), "{answer}");
        // Writes go on until they are refused, and again after.
        let writer = tokio::spawn(write(
            client.clone(),
            token.clone(),
            round,
            acked.clone(),
            stop.clone(),
        ));
        if point.is_some() {
            // Ends by itself, at the step it was told.
            until_gone(&mut worker).await;
            if round % 2 == 1 {
                api.kill();
                api = Process::api(dir, ADDRESS).await;
            }
            worker = start_worker(dir, None);
            tally.killed += 1;
        } else {
            let wait = Duration::from_secs_f64(2.2 * random_fraction());
            tokio::time::sleep(wait).await;
            match random_fraction() {
                ..0.45 => {
                    worker.kill();
                    worker = start_worker(dir, None);
                    tally.killed += 1;
                }
                0.45..0.75 => {
                    api.kill();
                    api = Process::api(dir, ADDRESS).await;
                    tally.killed += 1;
                }
                _ => {}
            }
        }
        let ended = until_ended(dir).await;
        until_ready(&client).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.cancel();
        writer.await.unwrap();
        let acked = acked.lock().unwrap().clone();
        judge(dir, &ended, &acked, &mut tally).await;
    }
    drop((api, worker));
    tally
}

fn start_worker(dir: &Path, crash_at: Option<&str>) -> Process {
    let mut command = Command::new(crate::measure::binary("crm-worker"));
    command
        .args(["run", "--slots", "4"])
        .env("CRM_DATA_DIR", dir)
        .env("CRM_LOG", "off");
    if let Some(point) = crash_at {
        command.env("CRM_CRASH_AT", point);
    }
    Process(command.spawn().unwrap())
}

async fn until_gone(worker: &mut Process) {
    for _ in 0..6_000 {
        if worker.0.try_wait().unwrap().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the worker did not die at its step within a minute: is this a debug build?");
}

async fn judge(dir: &Path, ended: &restore::Status, acked: &[String], tally: &mut Tally) {
    let is_new = ended.phase == restore::Phase::Finished;
    tally.writes += acked.len();
    let live = marks(&dir.join("crm.db")).await;
    let mut known = live.clone().unwrap_or_default();
    if live.is_none() {
        tally.broken += 1;
    }
    if is_new {
        tally.finished += 1;
        tally.downtimes.extend(ended.downtime_ms());
        let replaced = marks(&dir.join("replaced").join(&ended.id).join("crm.db")).await;
        let secured =
            marks_of_backup(dir, ended.safety_backup.as_deref().unwrap_or_default()).await;
        match (replaced, secured) {
            (Some(replaced), Some(secured)) => {
                // What was in the old database is in the backup of it.
                tally.lost += replaced.iter().filter(|m| !secured.contains(m)).count();
                known.extend(secured);
            }
            _ => tally.broken += 1,
        }
        let _ = std::fs::remove_dir_all(dir.join("replaced").join(&ended.id));
    } else {
        tally.failed += 1;
    }
    tally.lost += acked.iter().filter(|m| !known.contains(m)).count();
}

/// Texts written by the client, if the database is whole.
async fn marks(path: &Path) -> Option<Vec<String>> {
    let mut conn = SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .ok()?;
    let found = read(&mut conn).await;
    let _ = conn.close().await;
    found
}

async fn read(conn: &mut SqliteConnection) -> Option<Vec<String>> {
    let whole: String = sqlx::query_scalar("pragma integrity_check")
        .fetch_one(&mut *conn)
        .await
        .ok()?;
    if whole != "ok" {
        return None;
    }
    sqlx::query_scalar("select after ->> '$' from grid_changes where column_id = 'notes' and after like '%restore chaos%'")
        .fetch_all(conn)
        .await
        .ok()
}

async fn marks_of_backup(dir: &Path, id: &str) -> Option<Vec<String>> {
    let short = id.get(id.len().checked_sub(8)?..)?.to_owned();
    let entry = std::fs::read_dir(dir.join("backups"))
        .ok()?
        .flatten()
        .find(|e| {
            let name = e.file_name().to_string_lossy().into_owned();
            name.contains(&short) && name.ends_with(".db.zst")
        })?;
    let copy = dir.join("chaos-copy.db");
    let _ = std::fs::remove_file(&copy);
    let unpacked = Command::new("zstd")
        .args(["-q", "-d"])
        .arg(entry.path())
        .arg("-o")
        .arg(&copy)
        .status()
        .ok()?;
    if !unpacked.success() {
        return None;
    }
    marks(&copy).await
}

async fn take(client: &Client, token: &str) -> String {
    let asked = post(client, token, "/api/fundraising/backup", &json!({})).await;
    let job = asked["job_id"].clone();
    loop {
        let story = get(client, token, &format!("/api/jobs/{job}")).await;
        if story["job"]["state"] == "done" {
            let list = get(client, token, "/api/fundraising/backups").await;
            return list[0]["id"].as_str().unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn write(
    client: Client,
    token: String,
    round: usize,
    acked: Arc<Mutex<Vec<String>>>,
    stop: CancellationToken,
) {
    let rows = get(&client, &token, "/api/fundraising/rows?limit=1").await;
    let row = rows["rows"][0]["id"].as_str().unwrap().to_owned();
    for n in 0.. {
        if stop.is_cancelled() {
            return;
        }
        let text = format!("restore chaos {round} {n}");
        let body = json!({
            "idempotency_key": format!("{round} {n}"),
            "operations": [{"op": "set", "row": row, "column": "notes", "value": text, "base": 9_000_000}],
        });
        let sent = client
            .patch(url("/api/fundraising/state"))
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await;
        if let Ok(answer) = sent
            && answer.status().is_success()
        {
            acked.lock().unwrap().push(text);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn post(client: &Client, token: &str, path: &str, body: &Value) -> Value {
    loop {
        if let Ok(answer) = client
            .post(url(path))
            .bearer_auth(token)
            .json(body)
            .send()
            .await
        {
            let status = answer.status();
            let body: Value = answer.json().await.unwrap_or_default();
            if status.is_success() {
                return body;
            }
            assert!(
                status == 503 || body["code"] == "no_worker",
                "{path}: {status} {body}"
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn get(client: &Client, token: &str, path: &str) -> Value {
    loop {
        if let Ok(answer) = client.get(url(path)).bearer_auth(token).send().await
            && answer.status().is_success()
            && let Ok(body) = answer.json().await
        {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until_ended(dir: &Path) -> restore::Status {
    let dir = DataDir::create(dir).unwrap();
    loop {
        if let Ok(Some(status)) = restore::status(&dir)
            && status.phase.is_final()
        {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_ready(client: &Client) {
    loop {
        if let Ok(answer) = client.get(url("/readyz")).send().await
            && answer.status().is_success()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn url(path: &str) -> String {
    format!("http://{ADDRESS}{path}")
}
