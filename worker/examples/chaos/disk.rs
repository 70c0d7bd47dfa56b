//! `ops/chaos disk`: backups on a file system that has room for a random part of what
//! they need, while somebody writes. Counted: what is half there afterwards, what was
//! answered and is gone, and whether everything works once there is room again.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crm_jobs::{
    backup::{self, TakeBackup},
    clock::{Clock, random_fraction},
    db::{self, Db},
    queue::{self, JobId},
    testing::SmallDisk,
};
use sqlx::Connection as _;

use crate::measure::binary;

/// The file system, MiB: enough for the database, its log and a copy.
const DISK: usize = 96;
const MIB: usize = 1024 * 1024;
/// How long a backup may take, with room.
const WITH_ROOM: Duration = Duration::from_secs(20);
/// Without any, the worker cannot even take the job up: not worth more waiting.
const ON_A_FULL_DISK: Duration = Duration::from_secs(3);

#[derive(Default)]
struct Tally {
    taken: usize,
    full: usize,
    refused: usize,
    half: usize,
    /// Backups that had not ended long after there was room again.
    stuck: usize,
    /// Writes that were answered.
    written: usize,
    writes_refused: usize,
}

pub async fn main(rounds: usize) -> usize {
    let disk = match SmallDisk::mount(DISK) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("a small file system cannot be mounted, this needs root: {reason}");
            return 1;
        }
    };
    let db = Db::open(disk.path(), Clock::System).await.unwrap();
    db::migrate(&db).await.unwrap();
    for n in 0..600 {
        assert!(write(&db, &format!("base-{n}"), 4_000).await);
    }
    let mut worker = Command::new(binary("crm-worker"))
        .args(["run", "--slots", "2"])
        .env("CRM_DATA_DIR", disk.path())
        .env(
            "CRM_LOG",
            std::env::var("CRM_LOG").unwrap_or("off".to_owned()),
        )
        .spawn()
        .unwrap();
    let start = Instant::now();
    while queue::inspect::workers(db.read()).await.unwrap().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(20), "no worker");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let first = take(&db).await.expect("there is room");
    assert!(
        ended(&db, first, WITH_ROOM).await,
        "the first backup, with room"
    );
    let mut tally = Tally::default();
    for n in 0..rounds {
        round(&db, &disk, n, &mut tally).await;
    }
    let survived = worker.try_wait().unwrap().is_none();
    let last = take(&db).await.expect("there is room");
    let works = ended(&db, last, WITH_ROOM).await;
    if !works {
        let told: Option<String> = sqlx::query_scalar(
            "select state || ' ' || coalesce(last_error, '') from jobs where id = ?1",
        )
        .bind(last)
        .fetch_optional(db.read())
        .await
        .unwrap();
        println!("  the last backup: {}", told.unwrap_or_default());
    }
    let _ = worker.kill();
    let _ = worker.wait();
    let wrong = judge(&db, &tally, rounds, survived && works).await;
    db.close().await;
    wrong
}

async fn round(db: &Db, disk: &SmallDisk, n: usize, tally: &mut Tally) {
    // Every third time there is no room even for the log of what is written.
    let most = if n % 3 == 2 { 0.05 } else { 20.0 };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a small disk"
    )]
    let room = (random_fraction() * most * MIB as f64) as usize;
    // The log must grow again, and may not.
    let mut conn = db::connect_writer(db).await.unwrap();
    sqlx::query("pragma wal_checkpoint(truncate)")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    disk.fill(room);
    let job = take(db).await;
    for _ in 0..20 {
        let key = format!("more-{}", tally.written);
        if write(db, &key, 20_000).await {
            tally.written += 1;
        } else {
            tally.writes_refused += 1;
        }
    }
    let fitted = match job {
        None => false,
        Some(job) => ended(db, job, ON_A_FULL_DISK).await,
    };
    disk.make_room();
    match job {
        None => tally.refused += 1,
        Some(_) if fitted => tally.taken += 1,
        Some(job) => {
            tally.full += 1;
            tally.stuck += usize::from(!given_up(db, job).await);
        }
    }
    // What grew is given back, so that each round begins alike.
    let mut tx = db.write().await.unwrap();
    sqlx::query("update grid_rows set cells = '{}' where id like 'more-%'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    tally.half += half(db).await;
}

/// Files in the folder of backups that no verified backup stands for.
async fn half(db: &Db) -> usize {
    let known = backup::list(db.read(), None, 1_000).await.unwrap();
    let mut bad = 0;
    for entry in std::fs::read_dir(db.dir().backups()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let stands = known.iter().any(|b| {
            name.starts_with(b.file_name.trim_end_matches(".db.zst")) && b.state == "verified"
        });
        if !stands {
            println!("  half: {name}");
        }
        bad += usize::from(!stands);
    }
    bad
}

/// Cancels a job; whether it obeys, or has ended before.
async fn given_up(db: &Db, job: JobId) -> bool {
    let mut tx = db.write().await.unwrap();
    let _ = queue::control::cancel(&mut tx, job).await;
    tx.commit().await.unwrap();
    let begun = Instant::now();
    while begun.elapsed() < WITH_ROOM {
        let state: String = sqlx::query_scalar("select state from jobs where id = ?1")
            .bind(job)
            .fetch_one(db.read())
            .await
            .unwrap();
        if matches!(state.as_str(), "done" | "cancelled") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("  stuck: the backup of job {job}");
    false
}

async fn take(db: &Db) -> Option<JobId> {
    let mut tx = db.write().await.ok()?;
    let job = queue::enqueue(&mut tx, &TakeBackup::default()).await.ok()?;
    tx.commit().await.ok()?;
    Some(job.id)
}

/// Whether a job was done; not, once it failed for the first time.
async fn ended(db: &Db, job: JobId, within: Duration) -> bool {
    let begun = Instant::now();
    loop {
        let (state, error): (String, Option<String>) =
            sqlx::query_as("select state, last_error from jobs where id = ?1")
                .bind(job)
                .fetch_one(db.read())
                .await
                .unwrap();
        if state == "done" {
            return true;
        }
        if error.is_some() || begun.elapsed() > within {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn write(db: &Db, key: &str, bytes: i64) -> bool {
    let written = async {
        let mut tx = db.write().await?;
        sqlx::query("insert into grid_rows (id, position, version, cells, list_since_at, list_by, created_at, created_by, updated_at, updated_by) values (?1, 1, 1, json_object('name', hex(randomblob(?2))), 0, 'x', 0, 'x', 0, 'x')")
            .bind(key)
            .bind(bytes)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    match written.await {
        Ok(()) => true,
        Err(error) => {
            assert!(db::is_full(&error), "{error}");
            false
        }
    }
}

async fn judge(db: &Db, tally: &Tally, rounds: usize, works: bool) -> usize {
    let Tally {
        taken,
        full,
        refused,
        half,
        stuck,
        written,
        writes_refused,
    } = tally;
    println!(
        "{rounds} backups on a nearly full disk: {taken} fitted, {full} did not, {refused} could not even be asked for"
    );
    let kept: i64 = sqlx::query_scalar("select count(*) from grid_rows where id like 'more-%'")
        .fetch_one(db.read())
        .await
        .unwrap();
    let whole: String = sqlx::query_scalar("pragma integrity_check")
        .fetch_one(db.read())
        .await
        .unwrap();
    let newest = backup::newest_verified(db.read()).await.unwrap();
    let path = newest.map(|b| db.dir().backups().join(b.file_name));
    let verified = match &path {
        Some(path) => backup::verify_file(path).await.is_ok(),
        None => false,
    };
    let mut wrong = 0;
    for (holds, what) in [
        (*half == 0, format!("{half} files left half")),
        (
            *stuck == 0,
            format!("{stuck} backups did not end once there was room"),
        ),
        (
            usize::try_from(kept).unwrap() == *written,
            format!("{kept} of {written} answered writes are there; {writes_refused} were refused"),
        ),
        (
            // The third round is the first that leaves no room for the log.
            *writes_refused > 0 || rounds < 3,
            "the disk was full for some of them".to_owned(),
        ),
        (whole == "ok", format!("integrity_check: {whole}")),
        (
            works,
            "the worker lived through it and backs up again".to_owned(),
        ),
        (verified, "the newest backup reads back".to_owned()),
    ] {
        println!("  {} {what}", if holds { "ok " } else { "BAD" });
        wrong += usize::from(!holds);
    }
    println!("{} passed, {wrong} failed", 7 - wrong);
    wrong
}
