//! The one integration-test binary of `crm-worker`: the real binary, killed,
//! stopped and raced.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "a test that cannot go on fails"
)]

mod automations;
mod digest;
mod email;
mod full_disk;
mod invitation;
mod peers;
mod processes;
mod restore;
mod shell;
mod upgrade;

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use crm_jobs::{
    queue::{JobId, enqueue},
    tasks::Probe,
    testing::TestDb,
};

pub fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crm-worker"));
    command
        .args(arguments)
        .env("CRM_DATA_DIR", dir)
        .env("CRM_LOG", "warn");
    command
}

/// A worker process, killed when dropped.
pub struct Worker(Child);

impl Worker {
    pub fn start(t: &TestDb) -> Self {
        Self(
            command(t.dir(), &["run", "--slots", "4"])
                .stdin(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }

    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn run(t: &TestDb, arguments: &[&str]) -> Output {
    command(t.dir(), arguments).output().unwrap()
}

pub async fn put(t: &TestDb, probe: &Probe) -> JobId {
    let mut tx = t.db.write().await.unwrap();
    let id = enqueue(&mut tx, probe).await.unwrap().id;
    tx.commit().await.unwrap();
    id
}

pub async fn state(t: &TestDb, id: JobId) -> String {
    sqlx::query_scalar("select state from jobs where id = ?1")
        .bind(id)
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

pub async fn marks(t: &TestDb) -> Vec<(String, i64)> {
    sqlx::query_as("select mark, count(*) from probe_marks group by mark order by mark")
        .fetch_all(t.db.read())
        .await
        .unwrap()
}

/// Waits until a job is in a state; answers how long it took.
pub async fn until(t: &TestDb, id: JobId, wanted: &str) -> Duration {
    let start = Instant::now();
    while state(t, id).await != wanted {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "job {id} never became {wanted}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}
