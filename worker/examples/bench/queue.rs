//! The queue's figures, with the targets of `docs/jobs.md`.

use std::time::{Duration, Instant};

use crm_jobs::{
    queue::{enqueue, enqueue_many},
    tasks::Probe,
    testing::TestDb,
};

use crate::measure::{Process, Times, ms, row, until};

const SINGLE: usize = 3_000;
const JOBS: usize = 20_000;

pub async fn run() {
    println!("\nqueue");
    let ceiling = raw_ceiling().await;
    row(
        "raw begin immediate / insert / commit",
        &format!("{ceiling:.0} /s"),
        "the ceiling",
    );
    enqueueing(ceiling).await;
    execution(ceiling).await;
    pick_up().await;
    idle().await;
    rerun_after_kill().await;
    beside_jobs().await;
}

/// What sqlx and `SQLite` can do at all: one row per transaction, durably.
async fn raw_ceiling() -> f64 {
    let t = TestDb::on_system_clock().await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("create table raw (id integer primary key, note text) strict")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(
            sqlx::sqlite::SqliteConnectOptions::new()
                .filename(t.db.dir().database())
                .synchronous(sqlx::sqlite::SqliteSynchronous::Full),
        )
        .await
        .unwrap();
    let mut times = Times::default();
    for _ in 0..SINGLE {
        times
            .time(async {
                let mut tx = pool.begin_with("begin immediate").await.unwrap();
                sqlx::query(
                    "insert into raw (note) values ('a note of moderate length, as people write')",
                )
                .execute(&mut *tx)
                .await
                .unwrap();
                tx.commit().await.unwrap();
            })
            .await;
    }
    times.per_second()
}

async fn enqueueing(ceiling: f64) {
    let t = TestDb::on_system_clock().await;
    let mut times = Times::default();
    for _ in 0..SINGLE {
        times.time(put(&t, &Probe::default())).await;
    }
    let rate = times.per_second();
    row(
        "enqueue, one per transaction",
        &format!("{rate:.0} /s"),
        &format!("{:.2} × ceiling (target ≥ 0.75)", rate / ceiling),
    );
    let start = Instant::now();
    fill(&t, JOBS).await;
    let rate = JOBS as f64 / start.elapsed().as_secs_f64();
    row(
        "enqueue, 100 per transaction",
        &format!("{rate:.0} jobs/s"),
        "",
    );
}

async fn execution(ceiling: f64) {
    let mut at_ten = 0.0;
    for (slots, target) in [(1, None), (4, None), (10, Some(1.5)), (32, Some(2.5))] {
        let t = TestDb::on_system_clock().await;
        let rate = execute(&t, slots).await;
        if slots == 10 {
            at_ten = rate;
        }
        let target = target.map_or(String::new(), |x: f64| format!(" (target ≥ {x})"));
        row(
            &format!("no-op jobs, {slots} slots"),
            &format!("{rate:.0} jobs/s"),
            &format!("{:.2} × ceiling{target}", rate / ceiling),
        );
    }
    let t = TestDb::on_system_clock().await;
    million_finished(&t).await;
    let rate = execute(&t, 10).await;
    row(
        "no-op jobs, 10 slots, 1,000,000 finished rows",
        &format!("{rate:.0} jobs/s"),
        &format!("{:.2} × without them (target ≥ 0.90)", rate / at_ten),
    );
}

async fn execute(t: &TestDb, slots: usize) -> f64 {
    fill(t, JOBS).await;
    let worker = Process::worker(t, slots);
    until(async || count(t, "available").await == 0 && count(t, "running").await == 0).await;
    drop(worker);
    let (first, last): (i64, i64) = sqlx::query_as(
        "select min(started_at), max(finished_at) from jobs where id > (select max(id) from jobs) - ?1",
    )
    .bind(i64::try_from(JOBS).unwrap())
    .fetch_one(t.db.read())
    .await
    .unwrap();
    JOBS as f64 / ((last - first).max(1) as f64 / 1e3)
}

async fn million_finished(t: &TestDb) {
    let mut tx = t.db.write().await.unwrap();
    sqlx::query(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000)
         insert into jobs (kind, state, run_at, payload, max_attempts, finished_at, created_by, created_at)
         select 'probe', 'done', ?1 - i, '{}', 8, ?1 - i, 'bench', ?1 - i from n",
    )
    .bind(t.db.now())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

async fn pick_up() {
    let t = TestDb::on_system_clock().await;
    let _worker = Process::worker(&t, 10);
    until(async || workers(&t).await == 1).await;
    let mut times = latencies(&t, 300).await;
    row(
        "pick-up across processes, idle",
        &format!("p50 {}", ms(times.at(50))),
        &format!(
            "p99 {} (targets ≤ 2 and ≤ 15 ms; clock in ms)",
            ms(times.at(99))
        ),
    );
    for entry in std::fs::read_dir(t.db.dir().run()).unwrap().flatten() {
        if entry.path().extension().is_some_and(|x| x == "sock") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let mut times = latencies(&t, 40).await;
    row(
        "pick-up when the wake-up socket is gone",
        &format!("p50 {}", ms(times.at(50))),
        &format!("max {} (target ≤ 300 ms)", ms(times.at(100))),
    );
}

async fn latencies(t: &TestDb, count: u64) -> Times {
    let mut times = Times::default();
    for n in 0..count {
        tokio::time::sleep(Duration::from_millis(15 + n * 7 % 20)).await;
        let id = put(t, &Probe::default()).await;
        let enqueued = t.db.now();
        until(async || state(t, id).await == "done").await;
        let started: i64 = sqlx::query_scalar("select started_at from jobs where id = ?1")
            .bind(id)
            .fetch_one(t.db.read())
            .await
            .unwrap();
        times.push(Duration::from_millis(
            u64::try_from(started - enqueued).unwrap_or(0),
        ));
    }
    times
}

async fn idle() {
    let t = TestDb::on_system_clock().await;
    let worker = Process::worker(&t, 10);
    until(async || workers(&t).await == 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = worker.cpu();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let share = worker.cpu().saturating_sub(before).as_secs_f64() / 20.0 * 100.0;
    row(
        "idle worker",
        &format!("{share:.2} % of a core"),
        &format!("(target ≤ 0.2); {:.0} MiB resident", worker.resident_mib()),
    );
}

async fn rerun_after_kill() {
    let t = TestDb::on_system_clock().await;
    let mut times = Times::default();
    for _ in 0..5 {
        let id = put(
            &t,
            &Probe {
                work_ms: 300,
                mark: None,
            },
        )
        .await;
        let mut worker = Process::worker(&t, 4);
        until(async || state(&t, id).await == "running").await;
        worker.kill();
        let start = Instant::now();
        let _next = Process::worker(&t, 4);
        until(async || attempt(&t, id).await == 2).await;
        times.push(start.elapsed());
        until(async || state(&t, id).await == "done").await;
    }
    row(
        "kill -9, worker started again: job runs after",
        &ms(times.at(50)),
        "median of 5, process start included (target ≤ 1 s)",
    );
    let id = put(
        &t,
        &Probe {
            work_ms: 2_000,
            mark: None,
        },
    )
    .await;
    let mut worker = Process::worker(&t, 4);
    until(async || state(&t, id).await == "running").await;
    let _peer = Process::worker(&t, 4);
    until(async || workers(&t).await == 2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    worker.kill();
    let start = Instant::now();
    until(async || attempt(&t, id).await == 2).await;
    row(
        "kill -9, a live peer takes over after",
        &ms(start.elapsed()),
        "(target ≤ 6 s)",
    );
}

/// A writer's transactions alone, and beside 200 jobs a second.
async fn beside_jobs() {
    let t = TestDb::on_system_clock().await;
    let _worker = Process::worker(&t, 10);
    until(async || workers(&t).await == 1).await;
    let mut alone = transactions(&t).await;
    let db = t.db.clone();
    let load = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        loop {
            tick.tick().await;
            let mut tx = db.write().await.unwrap();
            enqueue(&mut tx, &Probe::default()).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    let mut beside = transactions(&t).await;
    load.abort();
    let ratio = beside.at(99).as_secs_f64() / alone.at(99).as_secs_f64();
    row(
        "a transaction's p99 beside 200 jobs/s",
        &ms(beside.at(99)),
        &format!(
            "{ratio:.1} × its p99 alone, {} (target ≤ 2)",
            ms(alone.at(99))
        ),
    );
}

async fn transactions(t: &TestDb) -> Times {
    let mut times = Times::default();
    for n in 0..500 {
        tokio::time::sleep(Duration::from_millis(8)).await;
        times
            .time(async {
                let mut tx = t.db.write().await.unwrap();
                crm_jobs::settings::set(&mut tx, "bench", &n, "bench")
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
            })
            .await;
    }
    times
}

async fn put(t: &TestDb, probe: &Probe) -> i64 {
    let mut tx = t.db.write().await.unwrap();
    let id = enqueue(&mut tx, probe).await.unwrap().id;
    tx.commit().await.unwrap();
    id
}

async fn fill(t: &TestDb, jobs: usize) {
    let batch: Vec<Probe> = vec![Probe::default(); 100];
    for _ in 0..jobs / 100 {
        let mut tx = t.db.write().await.unwrap();
        enqueue_many(&mut tx, &batch).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn count(t: &TestDb, state: &str) -> i64 {
    sqlx::query_scalar("select coalesce(sum(count), 0) from job_counts where state = ?1")
        .bind(state)
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

async fn state(t: &TestDb, id: i64) -> String {
    sqlx::query_scalar("select state from jobs where id = ?1")
        .bind(id)
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

async fn attempt(t: &TestDb, id: i64) -> i64 {
    sqlx::query_scalar("select attempt from jobs where id = ?1")
        .bind(id)
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

async fn workers(t: &TestDb) -> i64 {
    sqlx::query_scalar("select count(*) from workers where lease_until > ?1")
        .bind(t.db.now())
        .fetch_one(t.db.read())
        .await
        .unwrap()
}
