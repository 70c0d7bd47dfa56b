//! `crm-worker run`: finish or carry out a restore, wait for the schema, install
//! the schedules, work.

use std::time::Duration;

use crm_jobs::{
    clock::Clock,
    db::{self, DataDir, Db, OpenError},
    programs,
    queue::{Engine, EngineConfig, schedules},
    restore::{self, Who},
    settings, tasks,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{Failure, config::Config};

/// How long the worker waits for the api to migrate.
const MIGRATION_WAIT: Duration = Duration::from_mins(2);

/// How often the worker looks whether somebody asked for a restore.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Works until SIGINT or SIGTERM. Between two lives of the database, when a
/// restore was asked for, it carries that out.
pub async fn run(config: &Config, slots: usize) -> Result<(), Failure> {
    crash_where_told(config);
    let stop = CancellationToken::new();
    stop_on_signals(&stop)?;
    loop {
        let dir = &config.data_dir;
        if let Some((mover, status)) = restore::settle(dir, &Clock::System, Who::Worker).await? {
            let dir = DataDir::create(dir)?;
            restore::perform(&dir, &Clock::System, &mover, status).await?;
        }
        let db = Db::open(dir, Clock::System)
            .await?
            .reaching(config.outside.clone());
        let worked = work(&db, slots, &stop).await;
        db.close().await;
        if stop.is_cancelled() {
            return worked;
        }
        match worked {
            Err(error) if is_wanted(&DataDir::create(dir)?) => {
                tracing::warn!("stopped for a restore: {error}");
            }
            worked => worked?,
        }
    }
}

/// Works until told to stop, or until a restore wants the database.
async fn work(db: &Db, slots: usize, stop: &CancellationToken) -> Result<(), Failure> {
    let until = stop.child_token();
    let watch = tokio::spawn(stop_for_restore(db.dir().clone(), until.clone()));
    let worked = async {
        tokio::select! {
            ready = wait_for_schema(db) => ready?,
            () = until.cancelled() => return Ok(()),
        }
        if let Err(error) = programs::say(db, "crm-worker") {
            tracing::warn!(%error, "cannot say in run/ how this program was started: {error}");
        }
        install_schedules(db).await?;
        let config = EngineConfig {
            slots,
            ..EngineConfig::default()
        };
        Engine::start(db.clone(), tasks::registry(), config)
            .await?
            .run(until.clone())
            .await?;
        Ok(())
    }
    .await;
    watch.abort();
    worked
}

/// Whether a restore is under way.
fn is_wanted(dir: &DataDir) -> bool {
    matches!(restore::status(dir), Ok(Some(status)) if !status.phase.is_final())
}

async fn stop_for_restore(dir: DataDir, until: CancellationToken) {
    loop {
        match restore::status(&dir) {
            Ok(Some(status)) if !status.phase.is_final() => {
                tracing::warn!("a restore was asked for: finishing what runs");
                return until.cancel();
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "cannot read run/restore.json: {error}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// For tests; release builds have no such places.
pub fn crash_where_told(config: &Config) {
    if let Some(name) = &config.crash_at {
        crm_jobs::queue::crash_at(name.clone());
    }
}

async fn wait_for_schema(db: &Db) -> Result<(), OpenError> {
    let start = tokio::time::Instant::now();
    loop {
        match db::check_schema(db).await {
            Err(OpenError::Schema(why))
                if start.elapsed() < MIGRATION_WAIT && !why.contains("newer") =>
            {
                tracing::info!("waiting for the api to migrate: {why}");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            result => return result,
        }
    }
}

async fn install_schedules(db: &Db) -> Result<(), Failure> {
    let zone = settings::fund_zone(db).await?;
    let mut tx = db.write().await?;
    schedules::install(&mut tx, tasks::SCHEDULES, &zone).await?;
    tx.commit().await?;
    Ok(())
}

fn stop_on_signals(stop: &CancellationToken) -> std::io::Result<()> {
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            stop.cancel();
        });
    }
    Ok(())
}
