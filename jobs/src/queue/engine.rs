//! The worker's loop: one writer connection, one transaction a turn, then sleep
//! until a ping, an ended job, the next due time or the heartbeat.

use std::time::Duration;

use sqlx::{Connection, SqliteConnection};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    JobId, Registry, clock_back,
    finish::{Finished, Reports},
    running::{Inbox, Running},
    turn::{self, Turn, Turned},
    wake,
    workers::{self, Identity},
};
use crate::{
    db::{self, Db, DbError},
    settings,
};

/// How the engine runs.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Jobs at a time.
    pub slots: usize,
    /// A worker that has not beaten for this long is dead to its peers.
    pub lease: Duration,
    /// How long running jobs may finish after a stop was asked for.
    pub drain: Duration,
    /// How long a job may take to obey a cancel request before it is aborted.
    pub cancel_deadline: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            slots: 10,
            lease: Duration::from_secs(15),
            drain: Duration::from_secs(20),
            cancel_deadline: Duration::from_secs(30),
        }
    }
}

/// How often the file is looked at when no ping comes.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Pings that come closer together than this share a turn.
const COALESCE: Duration = Duration::from_millis(2);
/// Progress and log lines are written at most this late.
const REPORT_WITHIN: Duration = Duration::from_millis(100);
/// The wait after a failed turn, times how many have failed in a row.
const RETRY: Duration = Duration::from_millis(100);
/// Most times that: two seconds.
const LONGEST_RETRY: u32 = 20;

/// One worker of the queue.
pub struct Engine {
    db: Db,
    registry: Registry,
    config: EngineConfig,
    identity: Identity,
    writer: SqliteConnection,
    look: SqliteConnection,
    running: Running,
    inbox: Inbox,
    finished: Vec<Finished>,
    reports: Reports,
    fund_zone: String,
    /// Jobs may be waiting: claim in the next turn that has a free slot.
    more: bool,
    next_due: Option<i64>,
    next_beat: Instant,
    last_turn: Instant,
    /// What the clock said then.
    last_now: i64,
    data_version: i64,
    /// Turns in a row that failed.
    failed_turns: u32,
    stopping: bool,
}

impl Engine {
    /// Registers a worker. Its lock is held until the engine is dropped.
    pub async fn start(db: Db, registry: Registry, config: EngineConfig) -> Result<Self, DbError> {
        let identity = Identity::new(db.dir()).map_err(sqlx::Error::Io)?;
        let mut writer = db::connect_writer(&db).await?;
        let look = db::connect_writer(&db).await?;
        let lease_ms = millis(config.lease);
        let now = db.now();
        let mut tx = writer.begin_with("begin immediate").await?;
        workers::register(&mut tx, &identity.id, config.slots, now, lease_ms).await?;
        for (kind, limit) in registry.limits() {
            sqlx::query(
                "insert into job_kinds (kind, max_running) values (?1, ?2)
                 on conflict (kind) do update set max_running = coalesce(max_running, ?2)",
            )
            .bind(kind)
            .bind(limit)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        let (running, inbox) = Running::new(db.clone(), registry.clone(), config.cancel_deadline);
        let fund_zone = settings::fund_zone(&db).await?;
        Ok(Self {
            db,
            registry,
            config,
            identity,
            writer,
            look,
            running,
            inbox,
            finished: Vec::new(),
            reports: Reports::default(),
            fund_zone,
            more: true,
            next_due: Some(0),
            next_beat: Instant::now(),
            last_turn: Instant::now(),
            // It may have been put back while no worker ran.
            last_now: i64::MAX,
            data_version: 0,
            failed_turns: 0,
            stopping: false,
        })
    }

    /// Works until `stop`, then drains: running jobs may finish up to the
    /// deadline, the rest is given back. Database errors are retried for ever;
    /// they never end the worker silently.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), DbError> {
        let socket = wake::listen(&self.identity.socket_path);
        let mut deadline: Option<Instant> = None;
        tracing::info!(
            worker.id = self.identity.id,
            slots = self.config.slots,
            "worker {} works with {} slots",
            self.identity.id,
            self.config.slots
        );
        loop {
            self.collect();
            let failed = self.wants_turn() && !self.turned().await;
            if self.stopping && (self.running.count() == 0 && self.finished.is_empty()) {
                break;
            }
            if deadline.is_some_and(|d| Instant::now() >= d) {
                break;
            }
            if !failed && !self.wants_turn() {
                self.sleep(socket.as_ref(), deadline, &stop).await;
            }
            if stop.is_cancelled() && !self.stopping {
                self.stopping = true;
                deadline = Some(Instant::now() + self.config.drain);
                tracing::info!("stopping: {} jobs may finish first", self.running.count());
            }
        }
        self.sign_off().await
    }

    /// A turn, and whether it went well; one that failed is tried again soon. A disk
    /// may be full for hours: the log, often on the same disk, tells of it ever more
    /// rarely.
    async fn turned(&mut self) -> bool {
        let Err(error) = self.turn().await else {
            if self.failed_turns > 0 {
                tracing::info!("the queue goes on after {} failed turns", self.failed_turns);
                self.failed_turns = 0;
            }
            return true;
        };
        self.failed_turns += 1;
        if self.failed_turns.is_power_of_two() {
            tracing::warn!(%error, "the queue's turn failed and is tried again: {error}");
        }
        let wait = RETRY * self.failed_turns.min(LONGEST_RETRY);
        tokio::time::sleep(wait).await;
        self.mend_writer().await;
        false
    }

    fn collect(&mut self) {
        while let Ok(end) = self.inbox.finished.try_recv() {
            self.finished.push(end);
        }
        while let Ok(report) = self.inbox.reports.try_recv() {
            self.reports.add(report);
        }
    }

    fn free_slots(&self) -> usize {
        if self.stopping {
            return 0;
        }
        let ended = self
            .finished
            .iter()
            .filter(|f| self.running.holds(f))
            .count();
        (self.config.slots + ended).saturating_sub(self.running.count())
    }

    fn is_due(&self) -> bool {
        !self.stopping && self.next_due.is_some_and(|due| due <= self.db.now())
    }

    fn wants_turn(&self) -> bool {
        !self.finished.is_empty()
            || (self.more && self.free_slots() > 0)
            || self.is_due()
            || Instant::now() >= self.next_beat
            || (!self.reports.is_empty() && self.last_turn.elapsed() >= REPORT_WITHIN)
    }

    async fn turn(&mut self) -> Result<(), DbError> {
        let beat = Instant::now() >= self.next_beat;
        if beat {
            self.fund_zone = settings::fund_zone(&self.db).await?;
        }
        let slots = self.free_slots();
        let now = self.db.now();
        let turn = Turn {
            registry: &self.registry,
            worker: &self.identity.id,
            run_dir: &self.db.dir().run(),
            fund_zone: &self.fund_zone,
            now,
            beat: beat.then_some(millis(self.config.lease)),
            finished: &self.finished,
            reports: &self.reports,
            due: self.is_due(),
            clock_went_back: now < self.last_now - clock_back::TOLERANCE,
            slots,
        };
        let Turned {
            claimed,
            alive,
            next_due,
        } = turn.take(&mut self.writer).await?;
        for end in self.finished.drain(..) {
            self.running.remove(&end);
        }
        self.reports = Reports::default();
        self.next_due = next_due;
        self.last_turn = Instant::now();
        self.last_now = now;
        if slots > 0 {
            self.more = claimed.len() >= slots;
        }
        if beat {
            self.next_beat = Instant::now() + self.config.lease / 3;
        }
        for job in claimed {
            self.running.start(job);
        }
        if !alive {
            self.become_new().await?;
        }
        if beat {
            self.look().await?;
        }
        Ok(())
    }

    /// After `SQLITE_FULL` the file rolled back by itself, but sqlx still counts a
    /// transaction, and such a connection never begins another.
    async fn mend_writer(&mut self) {
        if self.writer.ping().await.is_ok() && !self.writer.is_in_transaction() {
            return;
        }
        match db::connect_writer(&self.db).await {
            Ok(fresh) => self.writer = fresh,
            Err(error) => tracing::warn!(%error, "no connection to write: {error}"),
        }
    }

    /// A peer took this worker for dead (it was stopped, or starved, beyond its
    /// lease): what it ran belongs to others now. Begin again under a new id.
    async fn become_new(&mut self) -> Result<(), DbError> {
        tracing::error!(
            worker.id = self.identity.id,
            "worker {} was declared dead by a peer; it drops its jobs and starts anew",
            self.identity.id
        );
        self.running.abort_all();
        let mut fresh = Identity::new(self.db.dir()).map_err(sqlx::Error::Io)?;
        let now = self.db.now();
        let lease_ms = millis(self.config.lease);
        workers::register(
            &mut self.writer,
            &fresh.id,
            self.config.slots,
            now,
            lease_ms,
        )
        .await?;
        // The socket stays where it is: its file name does not matter to pings.
        fresh.socket_path = std::mem::take(&mut self.identity.socket_path);
        self.identity.remove_files();
        self.identity = fresh;
        Ok(())
    }

    /// Looks, without the write lock, for anything that asks for a turn.
    async fn look(&mut self) -> Result<(), DbError> {
        let cancelled: Vec<JobId> = sqlx::query_scalar(
            "select id from jobs where state = 'running' and worker_id = ?1 and cancel_requested_at is not null",
        )
        .bind(&self.identity.id)
        .fetch_all(&mut self.look)
        .await?;
        for id in cancelled {
            self.running.cancel(id);
        }
        let waiting: i64 = sqlx::query_scalar(
            "select exists (select 1 from jobs where state = 'available'
               and kind not in (select kind from job_kinds where paused = 1))",
        )
        .fetch_one(&mut self.look)
        .await?;
        self.more |= waiting == 1;
        self.next_due = turn::next_due(&mut self.look).await?;
        Ok(())
    }

    /// True if another connection has changed the file since the last call.
    async fn file_changed(&mut self) -> Result<bool, DbError> {
        let version: i64 = sqlx::query_scalar("pragma data_version")
            .fetch_one(&mut self.look)
            .await?;
        let changed = version != self.data_version;
        self.data_version = version;
        Ok(changed)
    }

    async fn sleep(
        &mut self,
        socket: Option<&tokio::net::UnixDatagram>,
        deadline: Option<Instant>,
        stop: &CancellationToken,
    ) {
        let mut until = self.next_beat.min(deadline.unwrap_or(self.next_beat));
        if let Some(due) = self.next_due.filter(|_| !self.stopping) {
            let ms = u64::try_from(due - self.db.now()).unwrap_or(0);
            until = until.min(Instant::now() + Duration::from_millis(ms));
        }
        if !self.reports.is_empty() {
            until = until.min(self.last_turn + REPORT_WITHIN);
        }
        let looked = tokio::select! {
            biased;
            Some(end) = self.inbox.finished.recv() => { self.finished.push(end); Ok(()) }
            () = stop.cancelled(), if !self.stopping => Ok(()),
            () = readable(socket) => self.answer_ping(socket).await,
            Some(report) = self.inbox.reports.recv() => { self.reports.add(report); Ok(()) }
            () = sleep_until(until) => Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => match self.file_changed().await {
                Ok(true) => self.look().await,
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            },
        };
        if let Err(error) = looked {
            tracing::warn!(%error, "looking for work failed and is tried again: {error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Not within [`COALESCE`] of the last turn, so that a burst of writes shares
    /// one turn.
    async fn answer_ping(
        &mut self,
        socket: Option<&tokio::net::UnixDatagram>,
    ) -> Result<(), DbError> {
        sleep_until(self.last_turn + COALESCE).await;
        let mut byte = [0u8; 1];
        while socket.is_some_and(|s| s.try_recv(&mut byte).is_ok()) {}
        self.look().await
    }

    async fn sign_off(mut self) -> Result<(), DbError> {
        self.running.abort_all();
        let now = self.db.now();
        let mut tx = self.writer.begin_with("begin immediate").await?;
        self.reports.write(&mut tx).await?;
        let released = workers::sign_off(&mut tx, &self.identity.id, now).await?;
        tx.commit().await?;
        self.db.bell().ring();
        self.identity.remove_files();
        tracing::info!(
            worker.id = self.identity.id,
            released,
            "worker {} stopped; {released} unfinished jobs given back",
            self.identity.id
        );
        Ok(())
    }
}

/// Resolves when a ping has come, without taking it.
async fn readable(socket: Option<&tokio::net::UnixDatagram>) {
    let Some(socket) = socket else {
        return std::future::pending().await;
    };
    if let Err(error) = socket.readable().await {
        tracing::warn!(%error, "wake-up socket failed: {error}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Runs everything that can run now, one turn after another, and returns how
/// many attempts ended. For tests and for commands that must work while no
/// worker lives: time is the database's clock, and nothing sleeps.
pub async fn drain(db: &Db, registry: &Registry) -> Result<usize, DbError> {
    let config = EngineConfig {
        slots: 4,
        ..EngineConfig::default()
    };
    let mut engine = Engine::start(db.clone(), registry.clone(), config).await?;
    let mut ended = 0;
    loop {
        engine.next_beat = Instant::now();
        engine.next_due = Some(0);
        engine.more = true;
        engine.turn().await?;
        engine.collect();
        if engine.finished.is_empty() && engine.running.count() == 0 {
            break;
        }
        if engine.finished.is_empty()
            && let Some(end) = engine.inbox.finished.recv().await
        {
            engine.finished.push(end);
        }
        engine.collect();
        ended += engine.finished.len();
    }
    engine.sign_off().await?;
    Ok(ended)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
