//! Carrying a restore out: steps 2 to 5, by one process.

use std::{fs, io, time::Duration};

use sqlx::{Connection, SqliteConnection};

use super::{
    Mover, Phase, RestoreError, Status, after, carry::Carried, prepare, preview::Meta, refused,
    swap, swap::Swapped,
};
use crate::{
    backup::{self, Keys, Kind, Taken},
    clock::Clock,
    db::{
        self, DataDir, Db, DbError,
        gate::{self, Alone},
    },
    queue::reached,
};

/// Where a test can make the process die, in order.
pub const TEST_POINTS: [&str; 11] = [
    "restore_securing",
    "restore_secured",
    "restore_maintenance",
    "restore_alone",
    "restore_swapping",
    "restore_half_aside",
    "restore_moved_aside",
    "restore_moved_in",
    "restore_swapped",
    "restore_settled",
    "restore_finished",
];

/// How long everybody has to close the database.
const CLOSING: Duration = Duration::from_mins(1);
/// How long workers may take to end what they run.
const SIGNING_OFF: Duration = Duration::from_secs(25);
/// Everybody looks four times a second.
const HEARD_WITHIN: Duration = Duration::from_millis(600);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Carries out what was asked for. The answer is how it ended: `finished` with
/// the new database in place, or `failed` with the old one.
pub async fn perform(
    dir: &DataDir,
    clock: &Clock,
    mover: &Mover,
    mut status: Status,
) -> Result<Status, RestoreError> {
    tracing::warn!(
        restore = status.id,
        "restoring {}: the present database is kept",
        status.file
    );
    match until_swapping(dir, clock, &mut status).await {
        Ok(alone) => finish(dir, clock, mover, &alone, status).await,
        Err(error) => {
            give_up(dir, clock, &mut status, &error.to_string())?;
            Ok(status)
        }
    }
}

/// From the fourth step on: also after a crash.
pub(super) async fn finish(
    dir: &DataDir,
    clock: &Clock,
    _mover: &Mover,
    _alone: &Alone,
    mut status: Status,
) -> Result<Status, RestoreError> {
    if status.phase == Phase::Swapping {
        let (place, seen) = (dir.clone(), status.clone());
        let swapped = backup::blocking(move || swap::swap(&place, &seen))
            .await
            .map_err(RestoreError::file("move the databases"))?;
        if swapped == Swapped::Old {
            give_up(
                dir,
                clock,
                &mut status,
                "the new database was damaged before it was in its place",
            )?;
            return Ok(status);
        }
        step(dir, &mut status, Phase::Swapped)?;
        reached("restore_swapped");
    }
    after::settle_in(dir, clock, &status).await?;
    status.finished_at = Some(clock.now());
    step(dir, &mut status, Phase::Finished)?;
    let _ = fs::remove_dir_all(swap::scratch(dir, &status.id));
    reached("restore_finished");
    tracing::warn!(
        restore = status.id,
        downtime_ms = status.downtime_ms(),
        "restored {}",
        status.file
    );
    Ok(status)
}

/// The old database stays. What was prepared goes.
pub(super) fn give_up(
    dir: &DataDir,
    clock: &Clock,
    status: &mut Status,
    why: &str,
) -> Result<(), RestoreError> {
    tracing::error!(restore = status.id, "nothing was restored: {why}");
    status.error = Some(why.to_owned());
    status.finished_at = Some(clock.now());
    step(dir, status, Phase::Failed)?;
    let _ = fs::remove_dir_all(swap::scratch(dir, &status.id));
    Ok(())
}

fn step(dir: &DataDir, status: &mut Status, phase: Phase) -> Result<(), RestoreError> {
    status.phase = phase;
    status
        .save(dir)
        .map_err(RestoreError::file("write down the restore's step"))
}

async fn until_swapping(
    dir: &DataDir,
    clock: &Clock,
    status: &mut Status,
) -> Result<Alone, RestoreError> {
    step(dir, status, Phase::Securing)?;
    reached("restore_securing");
    let scratch = swap::scratch(dir, &status.id);
    let meta = Meta::load(&scratch)?;
    quiet(dir).await;
    let mut secured = if status.without_safety_backup || !dir.database().exists() {
        None
    } else {
        Some(Secured::take(dir, clock, &scratch).await?)
    };
    status.safety_backup = secured.as_ref().map(|s| s.taken.manifest.id.clone());
    if let Some(manifest) = &meta.manifest {
        let keys = Keys::of_box(dir.path())
            .map_err(RestoreError::file("read the box's key"))?
            .and(meta.keys()?);
        let (files, own) = (dir.files(), dir.backups());
        let mut missing = backup::bring_back(
            meta.folder.clone(),
            manifest.clone(),
            files.clone(),
            keys.clone(),
        )
        .await?;
        if missing > 0 && meta.folder != own {
            // An uploaded file came alone; what it names may be kept here too.
            missing = backup::bring_back(own, manifest.clone(), files, keys).await?;
        }
        if missing > 0 {
            tracing::error!(missing, "attached files are in no backup and stay lost");
        }
    }
    reached("restore_secured");
    status.closed_at = Some(clock.now());
    step(dir, status, Phase::Maintenance)?;
    reached("restore_maintenance");
    let alone = wait_alone(dir).await;
    if let Some(secured) = secured.take() {
        secured.write_down(alone.is_ok()).await?;
    }
    let alone = alone?;
    fold(dir, status).await?;
    reached("restore_alone");
    step(dir, status, Phase::Swapping)?;
    reached("restore_swapping");
    Ok(alone)
}

/// Lets workers give back what they run and sign off, and the api hear that it
/// is to take no more writes: all of that needs the lock that is taken next.
async fn quiet(dir: &DataDir) {
    let start = tokio::time::Instant::now();
    tokio::time::sleep(HEARD_WITHIN).await;
    while start.elapsed() < SIGNING_OFF && workers_live(dir) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Each holds a lock for as long as it lives.
fn workers_live(dir: &DataDir) -> bool {
    let Ok(entries) = fs::read_dir(dir.run()) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_lock =
            name.starts_with("worker-") && entry.path().extension().is_some_and(|x| x == "lock");
        is_lock && fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_err())
    })
}

/// The old database, backed up while nobody can write.
struct Secured {
    db: Db,
    /// Holds the write lock from before the copy until everybody has closed:
    /// whatever was answered with success is in the copy.
    guard: SqliteConnection,
    taken: Taken,
}

impl Secured {
    async fn take(
        dir: &DataDir,
        clock: &Clock,
        scratch: &std::path::Path,
    ) -> Result<Self, RestoreError> {
        let db = Db::open_alone(dir.path(), clock.clone()).await?;
        let mut guard = db::connect_writer(&db).await?;
        lock(&mut guard).await?;
        let mut carried = Carried::collect(&mut guard).await?;
        let (id, now) = (clock.new_id(), clock.now());
        let taken = backup::take(&db, &id, now, Kind::BeforeRestore, |_, _| {}).await?;
        carried.safety = Some(taken.clone());
        carried.save(scratch)?;
        Ok(Self { db, guard, taken })
    }

    /// Records it in the old database, which is kept, and closes that.
    async fn write_down(mut self, alone: bool) -> Result<(), RestoreError> {
        let recorded = backup::record(&mut self.guard, &self.taken, None).await;
        let ended = match recorded {
            Ok(()) => sqlx::query("commit")
                .execute(&mut self.guard)
                .await
                .map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, alone, "the safety backup is on the disk, but not in the old database");
        }
        self.guard.close().await?;
        self.db.close().await;
        Ok(())
    }
}

/// Takes the write lock; writers under way end first.
async fn lock(conn: &mut SqliteConnection) -> Result<(), DbError> {
    let start = tokio::time::Instant::now();
    loop {
        match sqlx::query("begin immediate").execute(&mut *conn).await {
            Ok(_) => return Ok(()),
            Err(error) if db::is_busy(&error) && start.elapsed() < CLOSING => {}
            Err(error) => return Err(error),
        }
    }
}

async fn wait_alone(dir: &DataDir) -> Result<Alone, RestoreError> {
    let start = tokio::time::Instant::now();
    loop {
        match gate::try_alone(dir) {
            Ok(Some(alone)) => return Ok(alone),
            Ok(None) if start.elapsed() > CLOSING => {
                return Err(refused(
                    "still_open",
                    "a program still has the database open after a minute: stop it and try again",
                ));
            }
            Ok(None) => tokio::time::sleep(LOOK_EVERY).await,
            Err(error) => return Err(RestoreError::file("lock the database")(error)),
        }
    }
}

/// The last proof that no program, ours or not, has it open.
async fn fold(dir: &DataDir, status: &Status) -> Result<(), RestoreError> {
    let path = dir.database();
    if status.without_safety_backup || !path.exists() {
        return Ok(());
    }
    prepare::fold(&path).await
}

impl From<io::Error> for RestoreError {
    fn from(error: io::Error) -> Self {
        Self::File {
            what: "restore",
            error,
        }
    }
}
