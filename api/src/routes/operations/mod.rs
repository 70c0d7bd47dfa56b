//! What machines ask: health, readiness, the API's description, static files
//! and live events.

mod metrics;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    backup,
    clock::SECOND,
    db::{SCHEMA_VERSION, room, schema_version},
    queue::inspect,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    access::Access,
    assets,
    extract::Json,
    live, openapi,
    route::{Route, get},
    state::App,
};

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/static/{file}", Access::Public, assets::serve),
        get("/events", Access::Member, live::events),
        get("/healthz", Access::Public, healthz)
            .json("operations", "Whether the process answers")
            .answers::<Health>(200),
        get("/readyz", Access::Public, readyz)
            .json("operations", "Whether it can do its work")
            .answers::<Readiness>(200),
        // Checks for itself who asks: see there.
        get("/metrics", Access::Public, metrics::metrics),
        get("/api/openapi.json", Access::Public, openapi_document)
            .json("operations", "This document")
            .answers::<Value>(200),
    ]
}

/// The process answers.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
}

async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether it can do its work, part by part.
#[derive(Serialize, JsonSchema)]
struct Readiness {
    /// `ok`; `degraded` without a worker or with too little room on the disk;
    /// `down` when nothing can be saved.
    status: &'static str,
    /// A write can begin.
    database_writable: bool,
    /// The database has the schema of this program.
    schema_current: bool,
    /// The database's schema; null: it cannot be read.
    schema_version: Option<i64>,
    /// A worker's lease is running.
    worker_alive: bool,
    /// When a worker was last heard of (UTC milliseconds).
    worker_heartbeat_at: Option<i64>,
    /// The disk under the data directory; null: it cannot be looked at.
    disk: Option<Disk>,
    /// Whether backups are as fresh and as proven as the policy wants.
    backups: BackupDetails,
}

/// How much the disk can still take.
#[derive(Serialize, JsonSchema)]
struct Disk {
    /// Bytes that are free.
    free_bytes: u64,
    /// Less than this is too little.
    floor_bytes: u64,
    /// There is less.
    low: bool,
}

/// How backups are. They never make the status anything but `ok`: people can work.
#[derive(Serialize, JsonSchema)]
struct BackupDetails {
    /// When the newest verified one was taken (UTC milliseconds).
    last_verified_at: Option<i64>,
    /// How old that is, seconds.
    age_seconds: Option<i64>,
    /// When a restore was last proven by a drill (UTC milliseconds).
    last_proven_at: Option<i64>,
    /// How many things an admin should look at.
    alarms: usize,
}

/// 503 only for what this process needs itself. Without a worker people can
/// still read and write, so a proxy must go on sending them here.
async fn readyz(State(app): State<App>) -> Response {
    let database_writable = app.db.probe_writable().await.is_ok();
    let schema = schema_version(&app.db).await.ok();
    let schema_current = schema == Some(SCHEMA_VERSION);
    let workers = inspect::workers(app.db.read()).await.unwrap_or_default();
    let worker_alive = workers
        .iter()
        .any(|worker| worker.lease_until >= app.db.now());
    let health = backup::health(&app.db).await.unwrap_or_default();
    let backups = BackupDetails {
        last_verified_at: health.last_verified_at,
        age_seconds: health
            .last_verified_at
            .map(|at| (app.db.now() - at).max(0) / SECOND),
        last_proven_at: health.last_proven_at,
        alarms: health.alarms.len(),
    };
    let disk = room(app.db.dir()).ok().map(|room| Disk {
        free_bytes: room.free_bytes,
        floor_bytes: room.floor_bytes,
        low: room.is_low(),
    });
    let is_whole = worker_alive && disk.as_ref().is_some_and(|disk| !disk.low);
    let (code, status) = match (database_writable && schema_current, is_whole) {
        (true, true) => (StatusCode::OK, "ok"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    };
    let body = Readiness {
        status,
        database_writable,
        schema_current,
        schema_version: schema,
        worker_alive,
        worker_heartbeat_at: workers.iter().map(|worker| worker.heartbeat_at).max(),
        disk,
        backups,
    };
    (code, Json(body)).into_response()
}

async fn openapi_document() -> Json<&'static Value> {
    Json(openapi::document())
}
