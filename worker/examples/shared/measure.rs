//! Timing and processes, for the benchmarks and the chaos test.

#![allow(dead_code, reason = "each program uses its own part")]

use std::{
    future::Future,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crm_jobs::testing::TestDb;

/// A binary of the same build profile.
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().and_then(Path::parent).unwrap().join(name)
}

/// A child process, killed when dropped.
pub struct Process(pub Child);

impl Process {
    pub fn worker(t: &TestDb, slots: usize) -> Self {
        let child = Command::new(binary("crm-worker"))
            .args(["run", "--slots", &slots.to_string()])
            .env("CRM_DATA_DIR", t.dir())
            .env("CRM_LOG", "error")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// An api on `address`, answering before this returns.
    pub async fn api(dir: &Path, address: &str) -> Self {
        let child = Command::new(binary("crm-api"))
            .arg("serve")
            .env("CRM_DATA_DIR", dir)
            .env("CRM_BIND", address)
            .env("CRM_BASE_URL", format!("http://{address}"))
            .env("CRM_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until(async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        Self(child)
    }

    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// User and system time so far.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory, MiB.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<f64>()
            .unwrap()
            / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An admin's API token, made by the api's own command line.
pub fn admin_token(dir: &Path) -> String {
    let api = |arguments: &[&str]| {
        let output = Command::new(binary("crm-api"))
            .args(arguments)
            .env("CRM_DATA_DIR", dir)
            .env("CRM_LOG", "error")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let email = "measure@example.org";
    api(&[
        "admin",
        "create-user",
        "--email",
        email,
        "--name",
        "Sample Measurer",
        "--role",
        "admin",
        "--password",
        "a-long-throwaway-9",
    ]);
    let printed = api(&["admin", "create-token", "--email", email, "--scope", "all"]);
    printed.trim().lines().last().unwrap().to_owned()
}

/// Durations, to be summed up.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub async fn time<T>(&mut self, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let result = work.await;
        self.0.push(start.elapsed());
        result
    }

    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub fn join(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub fn at(&mut self, percent: usize) -> Duration {
        self.0.sort();
        let last = self.0.len() - 1;
        self.0[(self.0.len() * percent / 100).min(last)]
    }

    pub fn per_second(&self) -> f64 {
        self.0.len() as f64 / self.0.iter().sum::<Duration>().as_secs_f64()
    }
}

/// How many rows to measure with: `CRM_BENCH_ROWS`, or what the figures are about.
pub fn rows(usual: usize) -> usize {
    std::env::var("CRM_BENCH_ROWS").map_or(usual, |n| n.parse().unwrap())
}

pub fn row(name: &str, value: &str, note: &str) {
    println!("  {name:<44} {value:>16}  {note}");
}

pub fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

pub async fn until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
