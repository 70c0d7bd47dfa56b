//! `crm-worker run`: wait for the schema, install the schedules, work.

use std::time::Duration;

use crm_jobs::{
    clock::Clock,
    db::{self, Db, OpenError},
    queue::{Engine, EngineConfig, schedules},
    settings, tasks,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{Failure, config::Config};

/// How long the worker waits for the api to migrate.
const MIGRATION_WAIT: Duration = Duration::from_mins(2);

/// Works until SIGINT or SIGTERM.
pub async fn run(config: &Config, slots: usize) -> Result<(), Failure> {
    if let Some(name) = &config.crash_at {
        crm_jobs::queue::crash_at(name.clone());
    }
    let stop = CancellationToken::new();
    stop_on_signals(&stop)?;
    let db = Db::open(&config.data_dir, Clock::System).await?;
    tokio::select! {
        ready = wait_for_schema(&db) => ready?,
        () = stop.cancelled() => return Ok(()),
    }
    install_schedules(&db).await?;
    let config = EngineConfig {
        slots,
        ..EngineConfig::default()
    };
    Engine::start(db.clone(), tasks::registry(), config)
        .await?
        .run(stop)
        .await?;
    db.close().await;
    Ok(())
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
