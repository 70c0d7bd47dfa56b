//! `ops/chaos clock`: both programs with a clock of their own (libfaketime) that goes
//! hour by hour through both changes of summer time, and then jumps ten days and
//! less, forwards and back, while jobs run and the worker is killed. Counted: digests
//! and backups by day, letters that came twice, jobs lost or doubled or stuck.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crm_jobs::{
    clock::random_fraction,
    digest::{self, Policy},
    testing::TestDb,
};
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    ADDRESS,
    measure::{Process, admin_token, binary},
};

const ZONE: &str = "Europe/Zurich";
/// Twelve hours before each night with a change.
const CHANGES: [&str; 2] = [
    "2027-03-27T12:00[Europe/Zurich]",
    "2027-10-30T12:00[Europe/Zurich]",
];

type Letters = Arc<Mutex<Vec<String>>>;

/// The programs, and what their clock says.
struct Set {
    t: TestDb,
    clock: PathBuf,
    library: PathBuf,
    smtp: u16,
    token: String,
    http: reqwest::Client,
    _api: Process,
    worker: Process,
    jobs: Vec<(i64, String)>,
    asked: usize,
}

pub async fn main(jumps: usize) -> usize {
    let Some(library) = library() else {
        println!("libfaketime is not here: ops/chaos installs it");
        return 1;
    };
    let letters = Letters::default();
    let smtp = mail_server(letters.clone());
    let mut set = Set::start(library, smtp).await;
    let mut wrong = 0;
    for start in CHANGES {
        wrong += set.through_a_change(start.parse().unwrap()).await;
    }
    wrong += set.jumps(jumps).await;
    let mut told = letters.lock().unwrap().clone();
    let all = told.len();
    told.sort();
    told.dedup();
    wrong += verdict(
        all == told.len() && all > 0,
        &format!("{all} letters, {} of them twice", all - told.len()),
    );
    println!("{} passed, {wrong} failed", 10 - wrong);
    wrong
}

impl Set {
    async fn start(library: PathBuf, smtp: u16) -> Self {
        let t = TestDb::on_system_clock().await;
        crm_jobs::demo::fill(t.dir(), t.db.now()).await.unwrap();
        let token = admin_token(t.dir());
        let mut tx = t.db.write().await.unwrap();
        let daily = Policy {
            enabled: true,
            time: "08:00".to_owned(),
            zone: Some(ZONE.to_owned()),
            skip_quiet: false,
            ..Policy::default()
        };
        digest::set_policy(&mut tx, daily, "chaos").await.unwrap();
        for schedule in ["nightly-backup", "weekly-drill"] {
            sqlx::query("update schedules set zone = ?2 where name = ?1")
                .bind(schedule)
                .bind(ZONE)
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let clock = t.dir().join("fake-clock");
        std::fs::write(&clock, "+0").unwrap();
        let api = program("crm-api", &["serve"], t.dir(), &library, &clock, smtp);
        let worker = program(
            "crm-worker",
            &["run", "--slots", "4"],
            t.dir(),
            &library,
            &clock,
            smtp,
        );
        crate::measure::until(async || tokio::net::TcpStream::connect(ADDRESS).await.is_ok()).await;
        Self {
            t,
            clock,
            library,
            smtp,
            token,
            http: reqwest::Client::new(),
            _api: api,
            worker,
            jobs: Vec::new(),
            asked: 0,
        }
    }

    /// Sets the clock of both programs.
    fn set_clock(&self, to: Timestamp) {
        let ahead = to.duration_since(Timestamp::now());
        self.set_ahead(ahead);
    }

    fn set_ahead(&self, ahead: SignedDuration) {
        let next = self.clock.with_extension("next");
        std::fs::write(&next, format!("{:+.3}", ahead.as_secs_f64())).unwrap();
        std::fs::rename(&next, &self.clock).unwrap();
    }

    /// Two days, hour by hour: each day has one digest and one backup.
    async fn through_a_change(&mut self, start: Zoned) -> usize {
        let from = start.timestamp();
        self.set_clock(from);
        tokio::time::sleep(Duration::from_secs(2)).await;
        for hour in 1..=46 {
            self.set_clock(from + hour.hours());
            self.enqueue(0).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.settled().await;
        let mut wrong = self.every_job_once().await;
        for (what, sql) in [
            (
                "digest",
                "select created_at from digests where state = 'delivered' and created_at > ?1",
            ),
            (
                "backup",
                "select created_at from backups where created_at > ?1",
            ),
        ] {
            let mut days = self.days(sql, from).await;
            days.retain(|day| *day > start.date().to_string());
            let whole = days.len() == 2 && days[0] != days[1];
            wrong += verdict(
                whole,
                &format!("one {what} a day through the change: {}", days.join(", ")),
            );
        }
        wrong
    }

    async fn days(&self, sql: &'static str, from: Timestamp) -> Vec<String> {
        let zone = TimeZone::get(ZONE).unwrap();
        let times: Vec<i64> = sqlx::query_scalar(sql)
            .bind(from.as_millisecond())
            .fetch_all(self.t.db.read())
            .await
            .unwrap();
        let mut days: Vec<String> = times
            .into_iter()
            .map(|ms| {
                Timestamp::from_millisecond(ms)
                    .unwrap()
                    .to_zoned(zone.clone())
                    .date()
                    .to_string()
            })
            .collect();
        days.sort();
        days
    }

    /// How many jobs left no mark, and how many more than one. They count once:
    /// months later by their own clock they are pruned.
    async fn every_job_once(&mut self) -> usize {
        let (mut lost, mut doubled) = (0, 0);
        let jobs = std::mem::take(&mut self.jobs);
        for (_, mark) in &jobs {
            let marks: i64 = sqlx::query_scalar("select count(*) from probe_marks where mark = ?1")
                .bind(mark)
                .fetch_one(self.t.db.read())
                .await
                .unwrap();
            lost += usize::from(marks == 0);
            doubled += usize::from(marks > 1);
        }
        verdict(
            lost + doubled == 0,
            &format!("{} jobs: {lost} lost, {doubled} doubled", jobs.len()),
        )
    }

    /// Jumps anywhere within ten days, with work under way and workers dying.
    async fn jumps(&mut self, jumps: usize) -> usize {
        self.set_ahead(SignedDuration::ZERO);
        let (mut kills, mut widest) = (0, 0.0_f64);
        for n in 0..jumps {
            let days = match n % 4 {
                0 => 10.0,
                1 => -10.0,
                _ => 20.0 * random_fraction() - 10.0,
            };
            widest = widest.max(days.abs());
            self.enqueue(300).await;
            if random_fraction() < 0.4 {
                self.worker.kill();
                kills += 1;
            }
            self.set_ahead(SignedDuration::from_secs_f64(days * 86_400.0));
            self.start_worker();
            self.enqueue(0).await;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        println!("{jumps} jumps of up to {widest:.0} days, {kills} kills of the worker");
        self.set_ahead(SignedDuration::ZERO);
        let took = self.settled().await;
        let mut wrong = verdict(
            took.is_some(),
            &format!(
                "all jobs ended {:.1} s after the clock was right again: no lease is stuck",
                took.unwrap_or_default().as_secs_f64()
            ),
        );
        wrong += self.every_job_once().await;
        wrong + self.plans().await
    }

    /// What a wrong clock planned is planned again: nothing waits for its date.
    async fn plans(&self) -> usize {
        let begun = Instant::now();
        loop {
            let late: i64 = sqlx::query_scalar("select count(*) from schedules where enabled = 1 and name <> 'weekly-drill' and next_at > ?1")
                .bind(self.t.db.now() + 25 * 3_600_000)
                .fetch_one(self.t.db.read())
                .await
                .unwrap();
            if late == 0 || begun.elapsed() > Duration::from_secs(20) {
                let whole: String = sqlx::query_scalar("pragma integrity_check")
                    .fetch_one(self.t.db.read())
                    .await
                    .unwrap();
                return verdict(
                    late == 0 && whole == "ok",
                    &format!(
                        "{late} schedules wait for a date that was never right; integrity {whole}"
                    ),
                );
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn start_worker(&mut self) {
        if self.worker.0.try_wait().unwrap().is_some() {
            self.worker = program(
                "crm-worker",
                &["run", "--slots", "4"],
                self.t.dir(),
                &self.library,
                &self.clock,
                self.smtp,
            );
        }
    }

    async fn enqueue(&mut self, work_ms: u64) {
        self.asked += 1;
        let mark = format!("clock {}", self.asked);
        let body = json!({"kind": "probe", "payload": {"work_ms": work_ms, "mark": mark}});
        let asked = self
            .http
            .post(format!("http://{ADDRESS}/api/jobs"))
            .bearer_auth(&self.token)
            .json(&body);
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        self.jobs
            .push((answer["job_id"].as_i64().expect("a job"), mark));
    }

    /// Waits until every job asked for has ended; none if that takes a minute.
    async fn settled(&self) -> Option<Duration> {
        let begun = Instant::now();
        let last = self.jobs.iter().map(|(id, _)| *id).max().unwrap_or(0);
        while begun.elapsed() < Duration::from_mins(1) {
            let open: i64 = sqlx::query_scalar("select count(*) from jobs where id <= ?1 and kind in ('probe', 'send_digest', 'take_backup') and state not in ('done', 'discarded', 'cancelled')")
                .bind(last)
                .fetch_one(self.t.db.read())
                .await
                .unwrap();
            if open == 0 {
                return Some(begun.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }
}

fn verdict(holds: bool, what: &str) -> usize {
    println!("  {} {what}", if holds { "ok " } else { "BAD" });
    usize::from(!holds)
}

fn program(
    name: &str,
    arguments: &[&str],
    dir: &Path,
    library: &Path,
    clock: &Path,
    smtp: u16,
) -> Process {
    let child = Command::new(binary(name))
        .args(arguments)
        .env("CRM_DATA_DIR", dir)
        .env("CRM_BIND", ADDRESS)
        .env("CRM_BASE_URL", format!("http://{ADDRESS}"))
        .env("CRM_LOG", "error")
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .env("SMTP_HOST", "127.0.0.1")
        .env("SMTP_PORT", smtp.to_string())
        .env("SMTP_SECURITY", "none")
        .env("SMTP_FROM", "crm@example.org")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    Process(child)
}

fn library() -> Option<PathBuf> {
    let machines = std::fs::read_dir("/usr/lib").ok()?.flatten();
    machines
        .map(|machine| machine.path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists())
}

/// Takes every letter; keeps each one's id and reader.
fn mail_server(letters: Letters) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let letters = letters.clone();
            std::thread::spawn(move || converse(stream, &letters));
        }
    });
    port
}

fn converse(mut stream: TcpStream, letters: &Letters) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let mut say = |words: &str| stream.write_all(format!("{words}\r\n").as_bytes()).ok();
    say("220 chaos ESMTP")?;
    let mut to = String::new();
    while let Some(Ok(line)) = lines.next() {
        match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" | "HELO" | "MAIL" | "RSET" => say("250 chaos")?,
            "RCPT" => {
                line.clone_into(&mut to);
                say("250 yes")?;
            }
            "DATA" => {
                say("354 go on")?;
                let mut id = String::new();
                for line in lines
                    .by_ref()
                    .map_while(Result::ok)
                    .take_while(|line| line != ".")
                {
                    if line.to_lowercase().starts_with("message-id:") {
                        id = line;
                    }
                }
                letters.lock().unwrap().push(format!("{to} {id}"));
                say("250 taken")?;
            }
            "QUIT" => {
                say("221 bye")?;
                return Some(());
            }
            _ => say("502 no")?,
        }
    }
    None
}
