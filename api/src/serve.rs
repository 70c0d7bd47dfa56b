//! `crm-api serve`: the program on a socket, from one life of the database to
//! the next. While a restore swaps it, the same socket answers with the page
//! that says so.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use crm_jobs::{
    accounts::DEMO_ADMIN,
    clock::Clock,
    db::{self, DataDir, Db},
    programs,
    restore::{self, Mover, Phase, Who},
    tasks,
};
use tokio::{net::TcpListener, signal::unix::SignalKind};
use tokio_util::sync::CancellationToken;

use crate::{
    App, app,
    cli::{Problems, announce, begin_grid, demo_password_works, one, open},
    closed,
    config::{Config, is_loopback},
};

/// How often we look whether a restore wants the database.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long requests under way may take to end before a restore gives up on us.
const GRACE: Duration = Duration::from_secs(25);

/// Serves until SIGINT or SIGTERM.
pub async fn serve(config: Config) -> Result<(), Problems> {
    let reasons = refusals(&config).await?;
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let stop = CancellationToken::new();
    tokio::spawn({
        let stop = stop.clone();
        async move {
            asked_to_stop().await;
            tracing::info!("stopping");
            stop.cancel();
        }
    });
    let dir = DataDir::create(&config.data_dir).map_err(|e| one(&e))?;
    let mut socket: Option<std::net::TcpListener> = None;
    loop {
        if let Some(socket) = &socket {
            // Somebody may be at it for a while yet: people see a page meanwhile.
            while_closed(&dir, socket, &config, &stop).await?;
            if stop.is_cancelled() {
                return Ok(());
            }
        }
        let db = open(&config).await?;
        if let Err(error) = programs::say(&db, "crm-api") {
            tracing::warn!(%error, "cannot say in run/ how this program was started: {error}");
        }
        // Once more: a restore may have brought it back.
        refuse_demo_admin(&db, &config).await?;
        let is_first = socket.is_none();
        if is_first {
            socket = Some(bind(config.bind)?);
        }
        if let Err(problems) = begin(&db, &config, is_first).await {
            // A restore that has just begun holds the lock.
            if is_under_way(&dir) {
                db.close().await;
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            return Err(problems);
        }
        let state = App::new(db.clone(), config.clone(), tasks::registry())
            .await
            .map_err(|e| one(&e))?;
        // The first visitor need not wait for the grid to be read.
        tokio::spawn({
            let grid = state.grid.clone();
            async move {
                if let Err(error) = grid.follow().await {
                    tracing::warn!(%error, "cannot read the grid yet; the first visitor will try again");
                }
            }
        });
        let until = stop.child_token();
        let watch = tokio::spawn(close_for_restore(dir.clone(), state.clone(), until.clone()));
        if let Some(socket) = &socket {
            listen(app(state.clone()), socket, until, {
                let live = state.live.clone();
                move || live.close()
            })
            .await?;
        }
        watch.abort();
        drop(watch.await);
        drop(state);
        if tokio::time::timeout(GRACE, db.close()).await.is_err() {
            tracing::error!(
                "some request holds on to the database: a restore that waits will give up"
            );
        }
        if stop.is_cancelled() {
            tracing::info!("stopped");
            return Ok(());
        }
    }
}

/// Every reason not to start, at once, before anything is changed.
async fn refusals(config: &Config) -> Result<Vec<String>, Problems> {
    let mut reasons = config.weaknesses();
    // A restore that was cut off is settled first; then it is asked once more.
    if config.data_dir.join("crm.db").exists()
        && let Ok(db) = Db::open(&config.data_dir, Clock::System).await
    {
        let migrated = db::schema_version(&db)
            .await
            .is_ok_and(|version| version > 0);
        if migrated && let Err(more) = refuse_demo_admin(&db, config).await {
            reasons.extend(more);
        }
        db.close().await;
    }
    Ok(reasons)
}

/// The demo admin's password is in the source code: it works on this machine alone.
async fn refuse_demo_admin(db: &Db, config: &Config) -> Result<(), Problems> {
    let alone = config.bind.ip().is_loopback() && is_loopback(config.host());
    if (alone && !config.production) || !demo_password_works(db).await.map_err(|e| one(&e))? {
        return Ok(());
    }
    Err(vec![format!(
        "{} still has the demo password, which works on this machine alone: change it or disable the account",
        DEMO_ADMIN.0
    )])
}

async fn begin(db: &Db, config: &Config, is_first: bool) -> Result<(), Problems> {
    begin_grid(db).await.map_err(|e| one(&e))?;
    announce(db, config, is_first).await
}

fn is_under_way(dir: &DataDir) -> bool {
    matches!(restore::status(dir), Ok(Some(status)) if !status.phase.is_final())
}

fn bind(address: SocketAddr) -> Result<std::net::TcpListener, Problems> {
    let bound = std::net::TcpListener::bind(address).and_then(|socket| {
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    bound.map_err(|e| vec![format!("cannot listen on {address}: {e}")])
}

/// Serves on a socket that stays open when this ends: nobody is turned away
/// between two of these.
async fn listen(
    service: Router,
    socket: &std::net::TcpListener,
    until: CancellationToken,
    closing: impl FnOnce() + Send + 'static,
) -> Result<(), Problems> {
    let listener = socket
        .try_clone()
        .and_then(TcpListener::from_std)
        .map_err(|e| one(&e))?;
    let ended = until.clone();
    let served = axum::serve(
        listener,
        service.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async move {
        until.cancelled().await;
        closing();
    });
    let late = async {
        ended.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = async { served.await } => served.map_err(|e| one(&e)),
        () = late => Ok(()),
    }
}

/// Follows a restore from the moment it is asked for: writes are refused first,
/// then everything ends.
async fn close_for_restore(dir: DataDir, state: App, until: CancellationToken) {
    loop {
        match restore::status(&dir) {
            Ok(Some(status)) if status.phase.closes() => {
                tracing::warn!("closing the database for a restore");
                return until.cancel();
            }
            Ok(Some(status)) => {
                state.db.hold_writes(status.phase == Phase::Securing);
                if !status.phase.is_final() && is_abandoned(&dir) {
                    give_up_restore(&dir).await;
                }
            }
            Ok(None) => state.db.hold_writes(false),
            Err(error) => tracing::error!(%error, "cannot read run/restore.json: {error}"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Nobody carries it out any more.
fn is_abandoned(dir: &DataDir) -> bool {
    matches!(Mover::try_take(dir), Ok(Some(_)))
}

async fn give_up_restore(dir: &DataDir) {
    let settled = restore::settle(dir.path(), &Clock::System, Who::Other);
    // Should somebody take it up meanwhile, it is not for us to wait for.
    if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(1), settled).await {
        tracing::error!(%error, "a restore cannot be settled: {error}");
    }
}

/// Answers with the progress page until the database may be opened again. If the
/// one who carries the restore out dies, this process does it.
async fn while_closed(
    dir: &DataDir,
    socket: &std::net::TcpListener,
    config: &Config,
    stop: &CancellationToken,
) -> Result<(), Problems> {
    let until = stop.child_token();
    let over = until.clone();
    let watched = dir.clone();
    let watch = tokio::spawn(async move {
        loop {
            let settled = restore::settle(watched.path(), &Clock::System, Who::Other).await;
            match settled {
                Ok(_) => break,
                Err(error) => tracing::error!(%error, "a restore cannot be settled: {error}"),
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        over.cancel();
    });
    let closed = closed::pages(dir.clone(), config.clone());
    let served = listen(closed, socket, until, || {}).await;
    watch.abort();
    served
}

async fn asked_to_stop() {
    let terminate = async {
        match tokio::signal::unix::signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}
