//! Opening the file: pragmas, pools, and the start-up assertions.

use std::{
    any::Any,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use log::LevelFilter;
use sqlx::{
    ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    DataDir, DbError, WriteTx,
    gate::{self, Inside},
    load::{Load, PoolLoad, Waits},
};
use crate::{clock::Clock, outside::Outside, queue::Bell};

/// Oldest `SQLite` that does not lose commits when two processes write and
/// checkpoint (the WAL-reset bug, fixed in 3.51.3).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// A statement that takes longer is on the log.
const SLOW: Duration = Duration::from_millis(250);

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be created or read.
    #[error("data directory {0}: {1}")]
    Directory(String, std::io::Error),
    /// This build carries a `SQLite` with a known data-loss bug.
    #[error("this build has SQLite {0}, which can lose commits; 3.51.3 or later is needed")]
    OldSqlite(String),
    /// The schema is not the one this binary was built for.
    #[error("{0}")]
    Schema(String),
    /// Its file is being replaced, or was left half replaced.
    #[error("{0}")]
    Restoring(String),
    /// Anything else the database says.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A handle on the database of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    writer: SqlitePool,
    readers: SqlitePool,
    shared: Arc<Shared>,
    outside: Arc<Outside>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    dir: DataDir,
    bell: Bell,
    writes_held: AtomicBool,
    waits: Waits,
    kept: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
    // Held, never read: while it is, nobody swaps the file. See [`gate`].
    _inside: Option<Inside>,
}

impl Db {
    /// Opens (and creates, if need be) the database in `dir`. Migrates nothing.
    /// Waits while a restore swaps the file.
    pub async fn open(dir: &Path, clock: Clock) -> Result<Self, OpenError> {
        let dir = data_dir(dir)?;
        let inside = gate::enter(&dir).await?;
        Self::connect(dir, clock, Some(inside)).await
    }

    /// Opens it for the one who swaps the file: he keeps the others out himself.
    pub(crate) async fn open_alone(dir: &Path, clock: Clock) -> Result<Self, OpenError> {
        Self::connect(data_dir(dir)?, clock, None).await
    }

    async fn connect(
        dir: DataDir,
        clock: Clock,
        inside: Option<Inside>,
    ) -> Result<Self, OpenError> {
        let path = dir.database();
        // One writer: writers of this process queue here, in order, instead of
        // spinning on the file lock.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(20))
            .test_before_acquire(false)
            .after_release(|conn, _| {
                Box::pin(async move {
                    // After SQLITE_FULL the file rolled back by itself, but sqlx still
                    // counts a transaction; such a connection must not come back.
                    conn.ping().await?;
                    Ok(!conn.is_in_transaction())
                })
            })
            .connect_with(
                // Folding the WAL into the file is left to the background connections
                // ([`connect_writer`]), so that nobody waits for it who waits for an
                // answer; without a worker this one does it, later.
                options(&path)
                    .create_if_missing(true)
                    .pragma("wal_autocheckpoint", "8000"),
            )
            .await?;
        assert_sqlite_version(&writer).await?;
        // The directory keeps others out already; a copied file should too.
        use_owner_only(&path).map_err(|e| OpenError::Directory(path.display().to_string(), e))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(20))
            .test_before_acquire(false)
            .connect_lazy_with(options(&path).read_only(true));
        let bell = Bell::new(dir.run());
        Ok(Self {
            writer,
            readers,
            shared: Arc::new(Shared {
                clock,
                dir,
                bell,
                writes_held: AtomicBool::new(false),
                waits: Waits::default(),
                kept: Mutex::default(),
                _inside: inside,
            }),
            outside: Arc::default(),
        })
    }

    /// The same database, knowing what the environment says of services outside.
    #[must_use]
    pub fn reaching(self, outside: Outside) -> Self {
        Self {
            outside: Arc::new(outside),
            ..self
        }
    }

    /// What the environment says of services outside; nothing in most tests.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Refuses writes at once, or takes them again: while the old database is
    /// backed up before a restore nobody should wait for a lock that is not to be had.
    pub fn hold_writes(&self, held: bool) {
        self.shared.writes_held.store(held, Ordering::Relaxed);
    }

    /// Whether writes are refused.
    pub fn holds_writes(&self) -> bool {
        self.shared.writes_held.load(Ordering::Relaxed)
    }

    /// Begins a write: the lock is taken now, or the call fails as busy.
    pub async fn write(&self) -> Result<WriteTx, DbError> {
        if self.holds_writes() {
            return Err(sqlx::Error::PoolTimedOut);
        }
        let asked = Instant::now();
        let tx = self.begin_write().await;
        self.shared.waits.add(asked.elapsed(), tx.is_ok());
        Ok(WriteTx::new(
            tx?,
            self.shared.clock.clone(),
            self.shared.bell.clone(),
        ))
    }

    async fn begin_write(&self) -> Result<Transaction<'static, Sqlite>, DbError> {
        let pool = self.writer.clone();
        // In a task of its own: dropping a future half-way through `begin`
        // would leave the connection in an unknown state.
        tokio::spawn(async move { pool.begin_with("begin immediate").await })
            .await
            .map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    /// How long this process waited to write, and what its connections do.
    pub fn load(&self) -> Load {
        let pool = |pool: &SqlitePool| PoolLoad {
            open: pool.size(),
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
        };
        Load {
            write_waits: self.shared.waits.histogram.observed(),
            write_failures: self.shared.waits.failed.load(Ordering::Relaxed),
            writer: pool(&self.writer),
            readers: pool(&self.readers),
        }
    }

    /// A transaction that sees one moment, keeps nobody waiting and cannot write:
    /// what is long to work out is worked out here, then checked and stored under
    /// the lock.
    pub async fn rehearse(&self) -> Result<WriteTx, DbError> {
        let pool = self.readers.clone();
        let tx = tokio::spawn(async move { pool.begin().await })
            .await
            .map_err(|_| sqlx::Error::WorkerCrashed)??;
        Ok(WriteTx::new(
            tx,
            self.shared.clock.clone(),
            self.shared.bell.clone(),
        ))
    }

    /// Connections that can only read.
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// Where this process takes the time from.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// UTC milliseconds.
    pub fn now(&self) -> i64 {
        self.shared.clock.now()
    }

    /// The data directory.
    pub fn dir(&self) -> &DataDir {
        &self.shared.dir
    }

    /// What is made once for an open database and shared by all who work on it. It
    /// may hold the database itself: [`Db::close`] lets it go.
    pub(crate) fn kept<T: Any + Clone + Send + Sync>(&self, make: impl FnOnce() -> T) -> T {
        let mut kept = self
            .shared
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.iter().find_map(|one| one.downcast_ref::<T>()) {
            return found.clone();
        }
        let new = make();
        kept.push(Arc::new(new.clone()));
        new
    }

    /// Wakes sleeping workers.
    pub(crate) fn bell(&self) -> &Bell {
        &self.shared.bell
    }

    /// Whether a write could begin now: takes the lock and gives it back.
    pub async fn probe_writable(&self) -> Result<(), DbError> {
        self.write().await?.rollback().await
    }

    /// Closes all connections, the writer last: when no other process has the
    /// file open, `SQLite` then folds the WAL into it. Asking for a checkpoint
    /// here would wait for the readers of a living api instead. Once the last
    /// clone is dropped too, the file may be swapped.
    pub async fn close(self) {
        let kept = std::mem::take(
            &mut *self
                .shared
                .kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        drop(kept);
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn data_dir(dir: &Path) -> Result<DataDir, OpenError> {
    DataDir::create(dir).map_err(|e| OpenError::Directory(dir.display().to_string(), e))
}

/// A writer connection outside the pool, for the queue engine and for backups.
/// Whoever keeps it keeps the [`Db`] too, or its file could be swapped under it.
pub async fn connect_writer(db: &Db) -> Result<SqliteConnection, DbError> {
    options(&db.dir().database()).connect().await
}

/// The same for a backup: its one statement reads everything and may take its
/// time, so that is nothing to log.
pub(crate) async fn connect_for_copy(db: &Db) -> Result<SqliteConnection, DbError> {
    options(&db.dir().database())
        .log_slow_statements(LevelFilter::Off, SLOW)
        .connect()
        .await
}

/// The pragmas of every connection. `synchronous=full`: an answered write
/// survives a power cut.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .pragma("temp_store", "memory")
        .pragma("mmap_size", "0")
        .pragma("cache_size", "-16000")
        .pragma("wal_autocheckpoint", "1000")
        .pragma("journal_size_limit", "67108864")
        // The statement's text only: what is bound to it is never logged.
        .log_slow_statements(LevelFilter::Warn, SLOW)
}

fn use_owner_only(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// Which `SQLite` is built in.
pub async fn sqlite_version(db: &Db) -> Result<String, DbError> {
    version_of(db.read()).await
}

async fn version_of(pool: &SqlitePool) -> Result<String, DbError> {
    sqlx::query_scalar("select sqlite_version()")
        .fetch_one(pool)
        .await
}

async fn assert_sqlite_version(pool: &SqlitePool) -> Result<(), OpenError> {
    let version = version_of(pool).await?;
    let mut parts = version.split('.').map(|p| p.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(version));
    }
    Ok(())
}
