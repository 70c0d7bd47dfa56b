//! Who is alive, and taking over from those who are not.
//!
//! A worker holds an flock on `run/worker-ID.lock` for as long as its process
//! lives: the kernel drops it however the process dies, so peers (and the next
//! start) know at once. The lease covers the rest: a worker that lives but no
//! longer beats (stopped, starved, another machine's container).

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use sqlx::{FromRow, SqliteConnection};

use crate::{
    clock::random_bytes,
    db::{DataDir, DbError},
};

/// This process as the queue knows it.
pub(super) struct Identity {
    pub id: String,
    pub socket_path: PathBuf,
    lock_path: PathBuf,
    // Held, never read: dropping it tells the peers that this worker is gone.
    _lock: File,
}

impl Identity {
    /// A new identity with its lock taken. Do this before [`register`], or a
    /// peer could think the worker dead.
    pub(super) fn new(dir: &DataDir) -> std::io::Result<Self> {
        let bytes: [u8; 5] = random_bytes();
        let id = crate::hex(&bytes);
        let lock_path = lock_path(&dir.run(), &id);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)?;
        lock.try_lock().map_err(std::io::Error::other)?;
        Ok(Self {
            socket_path: dir.run().join(format!("worker-{id}.sock")),
            id,
            lock_path,
            _lock: lock,
        })
    }

    /// Removes the files; the lock goes with the value.
    pub(super) fn remove_files(&self) {
        let _ = std::fs::remove_file(&self.socket_path);
        let _ = std::fs::remove_file(&self.lock_path);
    }
}

fn lock_path(run_dir: &Path, id: &str) -> PathBuf {
    run_dir.join(format!("worker-{id}.lock"))
}

/// True if no process holds the worker's lock any more.
fn lock_is_free(run_dir: &Path, id: &str) -> bool {
    File::open(lock_path(run_dir, id)).map_or(true, |file| file.try_lock().is_ok())
}

pub(super) async fn register(
    conn: &mut SqliteConnection,
    id: &str,
    slots: usize,
    now: i64,
    lease_ms: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "insert into workers (id, pid, version, slots, started_at, heartbeat_at, lease_until)
         values (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
    )
    .bind(id)
    .bind(i64::from(std::process::id()))
    .bind(env!("CARGO_PKG_VERSION"))
    .bind(i64::try_from(slots).unwrap_or(i64::MAX))
    .bind(now)
    .bind(now + lease_ms)
    .execute(conn)
    .await?;
    Ok(())
}

/// Extends the lease. False: a peer has declared this worker dead, and its jobs
/// belong to others now.
pub(super) async fn heartbeat(
    conn: &mut SqliteConnection,
    id: &str,
    now: i64,
    lease_ms: i64,
) -> Result<bool, DbError> {
    let done = sqlx::query("update workers set heartbeat_at = ?2, lease_until = ?3 where id = ?1")
        .bind(id)
        .bind(now)
        .bind(now + lease_ms)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

#[derive(FromRow)]
struct Peer {
    id: String,
    lease_until: i64,
}

/// Takes running jobs from workers that are dead. They run again at once; the
/// attempt counts, so a job that kills its worker is discarded at its maximum.
/// Returns how many were rescued.
pub(super) async fn rescue(
    conn: &mut SqliteConnection,
    own_id: &str,
    run_dir: &Path,
    now: i64,
) -> Result<u64, DbError> {
    // Running jobs of a worker without a row (a restored database) count as orphans.
    let peers: Vec<Peer> = sqlx::query_as(
        "select id, lease_until from workers where id <> ?1
         union all
         select distinct worker_id, 0 from jobs
         where state = 'running' and worker_id <> ?1 and worker_id not in (select id from workers)",
    )
    .bind(own_id)
    .fetch_all(&mut *conn)
    .await?;
    let mut rescued = 0;
    for peer in peers {
        if peer.lease_until >= now && !lock_is_free(run_dir, &peer.id) {
            continue;
        }
        let count = rescue_from(conn, &peer.id, now).await?;
        let _ = std::fs::remove_file(lock_path(run_dir, &peer.id));
        let _ = std::fs::remove_file(run_dir.join(format!("worker-{}.sock", peer.id)));
        tracing::warn!(
            worker.id = peer.id,
            count,
            "worker {} is gone; rescued {count} jobs",
            peer.id
        );
        rescued += count;
    }
    Ok(rescued)
}

async fn rescue_from(conn: &mut SqliteConnection, id: &str, now: i64) -> Result<u64, DbError> {
    sqlx::query(
        "insert into job_attempts (job_id, fence, attempt, outcome, worker_id, started_at, finished_at, error)
         select id, fence, attempt, 'worker_died', worker_id, started_at, ?2, 'the worker died while the job ran'
         from jobs where state = 'running' and worker_id = ?1",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query(
        "update jobs
         set state = case when cancel_requested_at is not null then 'cancelled'
                          when attempt >= max_attempts then 'discarded'
                          else 'available' end,
             finished_at = case when cancel_requested_at is not null or attempt >= max_attempts then ?2 end,
             last_error = 'the worker died while the job ran'
         where state = 'running' and worker_id = ?1",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    sqlx::query("delete from workers where id = ?1")
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Gives unfinished jobs back, without costing an attempt, and signs off.
pub(super) async fn sign_off(
    conn: &mut SqliteConnection,
    id: &str,
    now: i64,
) -> Result<u64, DbError> {
    sqlx::query(
        "insert into job_attempts (job_id, fence, attempt, outcome, worker_id, started_at, finished_at, error)
         select id, fence, attempt, 'released', worker_id, started_at, ?2, 'the worker shut down; the attempt does not count'
         from jobs where state = 'running' and worker_id = ?1",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query(
        "update jobs set state = 'available', attempt = attempt - 1 where state = 'running' and worker_id = ?1",
    )
    .bind(id)
    .execute(&mut *conn)
    .await?;
    sqlx::query("delete from workers where id = ?1")
        .bind(id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
