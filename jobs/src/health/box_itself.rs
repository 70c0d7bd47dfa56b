//! Worker, queue, projection, backups, disk, release.

use super::{Part, ago, count};
use crate::{
    backup,
    clock::MINUTE,
    db::{self, Db, DbError, SCHEMA_VERSION},
    investors,
    queue::inspect,
};

/// A queue whose oldest job waits longer than this does not keep up.
const SLOW_QUEUE: i64 = 10 * MINUTE;
/// A projection that lags longer than this does not keep up.
const SLOW_SYNC_S: i64 = 120;

const START: &str = "Start it: `crm-worker run`; under systemd `systemctl start crm-worker`, in Docker `docker compose up -d worker`, on StartOS restart the service.";

pub(super) async fn worker(db: &Db) -> Result<Part, DbError> {
    let now = db.now();
    let workers = inspect::workers(db.read()).await?;
    let alive = workers.iter().filter(|w| w.lease_until >= now).count();
    let seen = workers.iter().map(|w| w.heartbeat_at).max();
    Ok(match (alive, seen) {
        (0, None) => Part::act(
            "Worker",
            "No worker is running: nothing happens in the background.",
            START,
        ),
        (0, Some(at)) => Part::act(
            "Worker",
            format!("The worker was last heard of {}.", ago(now, at)),
            START,
        ),
        (n, _) => Part::well(
            "Worker",
            format!("{} alive.", count(i64::try_from(n).unwrap_or(0), "worker")),
        ),
    }
    .at("/jobs"))
}

pub(super) async fn queue(db: &Db) -> Result<Part, DbError> {
    let counts = inspect::counts(db.read()).await?;
    let of = |state: &str| counts.get(state).copied().unwrap_or(0);
    let oldest = inspect::oldest_waiting(db.read()).await?;
    let waited = oldest.map_or(0, |at| db.now() - at);
    Ok(if of("discarded") > 0 {
        Part::look(
            "Queue",
            format!("{} failed for good.", count(of("discarded"), "job")),
            "Read why under Worker, mend the cause, then run them again or cancel them.",
        )
    } else if waited > SLOW_QUEUE {
        Part::look(
            "Queue",
            format!(
                "The oldest of {} has waited {} minutes.",
                count(of("available"), "waiting job"),
                waited / MINUTE
            ),
            "Look under Worker whether its kind is paused, or what keeps the worker busy.",
        )
    } else {
        Part::well(
            "Queue",
            format!("{} waiting, {} running.", of("available"), of("running")),
        )
    }
    .at("/jobs"))
}

pub(super) async fn sync(db: &Db) -> Result<Part, DbError> {
    let progress = investors::overview(db).await?.progress;
    Ok(if progress.lag_seconds > SLOW_SYNC_S {
        Part::look(
            "Sync",
            format!(
                "Reports lack {} of the table.",
                count(progress.lag_versions(), "version")
            ),
            "Look at the newest sync_relational job under Worker; `ops/sync --rebuild` builds the tables anew.",
        )
    } else {
        Part::well("Sync", "Reports have all of the table.")
    }
    .at("/jobs"))
}

pub(super) async fn backup(db: &Db) -> Result<Part, DbError> {
    let health = backup::health(db).await?;
    let alarms = health.alarms.join(" ");
    Ok(match health.last_verified_at {
        None => Part::act(
            "Backup",
            "There is no verified backup yet.",
            "Take one: Backups, Back up now, or `ops/backup`.",
        ),
        Some(at) if alarms.is_empty() => Part::well(
            "Backup",
            format!("The newest is {}, and verified.", old(db, at)),
        ),
        Some(at) => Part::look(
            "Backup",
            format!("{alarms} The newest verified one is {}.", old(db, at)),
            "Look under Backups; `ops/backup` takes one now.",
        ),
    }
    .at("/backups"))
}

fn old(db: &Db, at: i64) -> String {
    format!("from {}", ago(db.now(), at))
}

pub(super) async fn proven(db: &Db) -> Result<Part, DbError> {
    let health = backup::health(db).await?;
    Ok(match health.last_proven_at {
        None => Part::off(
            "Proven restore",
            "No drill has proven a restore yet; one runs each week.",
        )
        .fixed_by("Prove one now: Backups, or `ops/drill`."),
        Some(at) => Part::well(
            "Proven restore",
            format!("A drill proved one {}.", ago(db.now(), at)),
        ),
    }
    .at("/backups"))
}

pub(super) fn disk(db: &Db) -> Part {
    match db::room(db.dir()) {
        Ok(room) if room.is_low() => Part::act(
            "Disk",
            format!(
                "Only {} are free; a backup needs up to {}.",
                size(room.free_bytes),
                size(room.floor_bytes)
            ),
            "Free some room, or move the data directory to a larger disk.",
        ),
        Ok(room) => Part::well(
            "Disk",
            format!(
                "{} free; the database has {}.",
                size(room.free_bytes),
                size(room.database_bytes)
            ),
        ),
        Err(error) => Part::look(
            "Disk",
            format!("How much is free cannot be found out: {error}."),
            "Look at the disk under the data directory by hand.",
        ),
    }
}

/// `1.5 GB`, as disks are sold.
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes.saturating_mul(10) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

pub(super) async fn release(db: &Db) -> Result<Part, DbError> {
    let own = env!("CARGO_PKG_VERSION");
    let workers = inspect::workers(db.read()).await?;
    let now = db.now();
    let other = workers
        .iter()
        .find(|w| w.lease_until >= now && w.version != own);
    Ok(match other {
        Some(worker) => Part::look(
            "Release",
            format!(
                "This is {own}, and a worker of {} is running.",
                worker.version
            ),
            "Install the same release of both programs, and restart both.",
        ),
        None => Part::well("Release", format!("{own}, schema {SCHEMA_VERSION}.")),
    })
}
