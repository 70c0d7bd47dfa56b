//! `GET /metrics`: what a monitoring program collects, as Prometheus reads it.

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use crm_jobs::{
    backup,
    clock::HOUR,
    db::{self, DbError, SCHEMA_VERSION},
    investors,
    queue::{inspect, stats},
};

use crate::{
    error::AppError,
    metrics::{Kind, Page},
    request::{RequestInfo, bearer},
    session::{self, Proof},
    state::App,
};

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// For programs on this machine that no proxy stands in front of, and for API
/// tokens. A browser's session does not open it: nobody reads it with one.
pub async fn metrics(
    State(app): State<App>,
    info: RequestInfo,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    if !info.is_direct_from_here {
        if bearer(&headers).is_none() {
            return Err(AppError::sign_in());
        }
        let who = session::authenticate(&app, &headers, &info).await?;
        if !who.is_some_and(|who| matches!(who.proof, Proof::Token(..))) {
            return Err(AppError::sign_in());
        }
    }
    let mut page = Page::default();
    about(&app, &mut page);
    app.requests.write(&mut page);
    queue(&app, &mut page).await?;
    workers(&app, &mut page).await?;
    database(&app, &mut page);
    backups(&app, &mut page).await?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], page.finish()).into_response())
}

fn about(app: &App, page: &mut Page) {
    page.family("crm_info", Kind::Gauge, "Always 1: which release this is.");
    let schema = SCHEMA_VERSION.to_string();
    page.gauge(
        &[("version", env!("CARGO_PKG_VERSION")), ("schema", &schema)],
        1,
    );
    page.one(
        "process_start_time_seconds",
        "When this process started, since the epoch.",
        Some(seconds(app.started_at)),
    );
    page.one(
        "process_resident_memory_bytes",
        "Memory this process holds.",
        resident(std::process::id().into(), "crm-api"),
    );
}

async fn queue(app: &App, page: &mut Page) -> Result<(), DbError> {
    let kinds = inspect::kinds(app.db.read()).await?;
    page.family(
        "crm_jobs",
        Kind::Gauge,
        "Jobs on record, by kind and state.",
    );
    for kind in &kinds {
        for (state, count) in &kind.counts {
            page.gauge(&[("kind", &kind.kind), ("state", state)], count);
        }
    }
    let oldest = inspect::oldest_waiting(app.db.read()).await?;
    page.one(
        "crm_queue_oldest_waiting_seconds",
        "For how long the oldest job that could run has waited; 0: none waits.",
        Some(oldest.map_or(0.0, |at| seconds((app.db.now() - at).max(0)))),
    );
    let since = app.started_at - app.started_at.rem_euclid(HOUR);
    let kinds = stats::by_kind(app.db.read(), since).await?;
    page.family(
        "crm_job_attempts_total",
        Kind::Counter,
        "Attempts that ended, by kind and outcome, since the hour in which this process started.",
    );
    for kind in &kinds {
        for (outcome, count) in [
            ("done", kind.done),
            ("failed", kind.failed),
            ("discarded", kind.discarded),
            ("cancelled", kind.cancelled),
        ] {
            page.count(&[("kind", &kind.kind), ("outcome", outcome)], count);
        }
    }
    page.family(
        "crm_job_pickup_seconds",
        Kind::Summary,
        "From due to started, since the same hour.",
    );
    for kind in &kinds {
        page.summary(&[("kind", &kind.kind)], seconds(kind.wait_ms), kind.started);
    }
    page.family(
        "crm_job_run_seconds",
        Kind::Summary,
        "From started to ended, since the same hour.",
    );
    for kind in &kinds {
        page.summary(&[("kind", &kind.kind)], seconds(kind.run_ms), kind.started);
    }
    let progress = investors::overview(&app.db).await?.progress;
    page.one(
        "crm_sync_lag_versions",
        "Versions of the grid that the relational tables lack.",
        Some(progress.lag_versions()),
    );
    page.one(
        "crm_sync_lag_seconds",
        "Age of the oldest change that they lack.",
        Some(progress.lag_seconds),
    );
    Ok(())
}

async fn workers(app: &App, page: &mut Page) -> Result<(), DbError> {
    let now = app.db.now();
    let workers = inspect::workers(app.db.read()).await?;
    let alive = workers.iter().filter(|w| w.lease_until >= now);
    page.one(
        "crm_workers_alive",
        "Workers whose lease is running.",
        Some(alive.count()),
    );
    let newest = workers.iter().map(|w| w.heartbeat_at).max();
    page.one(
        "crm_worker_heartbeat_age_seconds",
        "Since a worker was last heard of; absent: none is registered.",
        newest.map(|at| seconds((now - at).max(0))),
    );
    page.family(
        "crm_worker_slots",
        Kind::Gauge,
        "Jobs a worker runs at a time.",
    );
    for worker in &workers {
        page.gauge(&[("worker", &worker.id)], worker.slots);
    }
    page.family("crm_worker_running", Kind::Gauge, "Jobs a worker runs now.");
    for worker in &workers {
        page.gauge(&[("worker", &worker.id)], worker.running);
    }
    page.family(
        "crm_worker_resident_memory_bytes",
        Kind::Gauge,
        "Memory a worker on this machine holds.",
    );
    for worker in &workers {
        let pid = u64::try_from(worker.pid).unwrap_or(0);
        if let Some(bytes) = resident(pid, "crm-worker") {
            page.gauge(&[("worker", &worker.id)], bytes);
        }
    }
    Ok(())
}

fn database(app: &App, page: &mut Page) {
    if let Ok(room) = db::room(app.db.dir()) {
        page.one(
            "crm_database_bytes",
            "The database file.",
            Some(room.database_bytes),
        );
        page.one(
            "crm_wal_bytes",
            "Its write-ahead log.",
            Some(room.wal_bytes),
        );
        page.one(
            "crm_disk_free_bytes",
            "What the disk under the data directory can still take.",
            Some(room.free_bytes),
        );
        page.one(
            "crm_disk_floor_bytes",
            "Less than this is too little: twice the database and 256 MiB.",
            Some(room.floor_bytes),
        );
    }
    let load = app.db.load();
    page.family(
        "crm_db_write_wait_seconds",
        Kind::Histogram,
        "How long writes of this process waited for the lock.",
    );
    page.histogram(&[], &load.write_waits);
    page.family(
        "crm_db_write_failures_total",
        Kind::Counter,
        "Writes of this process that did not get the lock.",
    );
    page.count(&[], load.write_failures);
    page.family(
        "crm_db_connections",
        Kind::Gauge,
        "Connections of this process: open, and of those without work.",
    );
    for (pool, of) in [("writer", load.writer), ("readers", load.readers)] {
        page.gauge(&[("pool", pool), ("state", "open")], of.open);
        page.gauge(&[("pool", pool), ("state", "idle")], of.idle);
    }
}

async fn backups(app: &App, page: &mut Page) -> Result<(), DbError> {
    let (health, now) = (backup::health(&app.db).await?, app.db.now());
    let age = |at: Option<i64>| at.map(|at| seconds((now - at).max(0)));
    page.one(
        "crm_backup_age_seconds",
        "Age of the newest verified backup; absent: there is none.",
        age(health.last_verified_at),
    );
    page.one(
        "crm_restore_proven_age_seconds",
        "Since a drill last proved a restore; absent: none ever did.",
        age(health.last_proven_at),
    );
    page.one(
        "crm_backup_alarms",
        "What is wrong with backups and drills: 0 is well.",
        Some(health.alarms.len()),
    );
    Ok(())
}

/// Milliseconds as seconds.
#[allow(
    clippy::cast_precision_loss,
    reason = "milliseconds fit a float for the next 285,000 years"
)]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// What a process of ours holds, if it runs on this machine and we may look. A
/// number can have been given to another program meanwhile: its name must fit.
fn resident(pid: u64, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)
    };
    (field("Name:")? == name)
        .then(|| field("VmRSS:")?.parse::<u64>().ok())?
        .map(|kib| kib * 1024)
}
