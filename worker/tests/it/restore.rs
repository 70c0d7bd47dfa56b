//! Restores by the real binaries, killed at every step: afterwards the old or
//! the new database is there, whole, and the next start works.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crm_jobs::{
    audit::Actor,
    backup::{self, Manifest, TakeBackup},
    clock::Clock,
    db::{DataDir, Db},
    queue, restore, tasks,
    testing::TestDb,
};

use super::*;

/// A data directory with a backup of one investor and a second investor typed
/// since; nobody has it open.
async fn fixture() -> (TestDb, String) {
    let t = TestDb::on_system_clock().await;
    let mut tx = t.db.write().await.unwrap();
    crm_jobs::grid::begin(&mut tx, "system").await.unwrap();
    tx.commit().await.unwrap();
    add_row(&t.db, "Before Capital").await;
    let mut tx = t.db.write().await.unwrap();
    queue::enqueue(&mut tx, &TakeBackup::default())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    queue::drain(&t.db, &tasks::registry()).await.unwrap();
    add_row(&t.db, "After Capital").await;
    let id = backup::newest_verified(t.db.read())
        .await
        .unwrap()
        .unwrap()
        .id;
    (t, id)
}

async fn add_row(db: &Db, name: &str) {
    let mut tx = db.write().await.unwrap();
    sqlx::query(
        "insert into grid_rows (id, position, version, cells, list_since_at, list_by, created_at, created_by, updated_at, updated_by)
         values (?1, 1, 1, json_object('name', ?1), 1, 'x', 1, 'x', 1, 'x')",
    )
    .bind(name)
    .execute(&mut *tx)
    .await
    .unwrap();
    // Not caught up with, as after any edit: the projection knows nothing of it.
    sqlx::query("update grid_state set version = version + 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

fn copy_of(t: &TestDb) -> tempdir::Dir {
    let to = tempdir::Dir::new();
    let copied = Command::new("cp")
        .args(["-r", &format!("{}/.", t.dir().display())])
        .arg(&to.0)
        .status()
        .unwrap();
    assert!(copied.success());
    to
}

/// A directory removed when dropped.
mod tempdir {
    pub struct Dir(pub std::path::PathBuf);

    impl Dir {
        pub fn new() -> Self {
            let id = crm_jobs::clock::Clock::System.new_id();
            let path = std::env::temp_dir().join(format!("crm-{id}"));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Asks for the restore, as the api does, and closes the database again.
async fn ask(dir: &Path, backup: &str) -> String {
    let db = Db::open(dir, Clock::System).await.unwrap();
    let found = backup::find(db.read(), backup).await.unwrap().unwrap();
    let manifest: Manifest = serde_json::from_str(&found.manifest).unwrap();
    let asked = restore::Asked {
        source: restore::Source {
            file: db.dir().backups().join(&found.file_name),
            manifest: Some(manifest),
        },
        backup_id: Some(found.id),
        user: "shell",
        scratch: None,
        identity: None,
        most: restore::MAX_DATABASE,
    };
    let shown = restore::preview(&db, asked).await.unwrap();
    let (token, confirm) = (&shown.token, &shown.confirm);
    let status = restore::ask(&db, token, confirm, &Actor::Shell, "", None)
        .await
        .unwrap();
    db.close().await;
    status.id
}

fn start(dir: &Path, crash_at: Option<&str>) -> Worker {
    let mut command = command(dir, &["run", "--slots", "2"]);
    if let Some(point) = crash_at {
        command.env("CRM_CRASH_AT", point);
    }
    Worker(
        command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    )
}

fn phase(dir: &Path) -> restore::Phase {
    let dir = DataDir::create(dir).unwrap();
    restore::status(&dir).unwrap().unwrap().phase
}

async fn until_final(dir: &Path) -> restore::Phase {
    let start = Instant::now();
    loop {
        let now = phase(dir);
        if now.is_final() {
            return now;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "stuck at {now:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The database opens, is whole, and is the old or the new one.
async fn is_whole(dir: &Path) -> bool {
    let db = Db::open(dir, Clock::System).await.unwrap();
    let integrity: String = sqlx::query_scalar("pragma integrity_check")
        .fetch_one(db.read())
        .await
        .unwrap();
    assert_eq!(integrity, "ok");
    let names: Vec<String> = sqlx::query_scalar("select id from grid_rows order by id")
        .fetch_all(db.read())
        .await
        .unwrap();
    let restores = restore::list(db.read(), 9).await.unwrap().len();
    let is_new = match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["Before Capital"] => true,
        ["After Capital", "Before Capital"] => false,
        _ => panic!("neither the old nor the new database: {names:?}"),
    };
    assert_eq!(restores, usize::from(is_new), "written down once");
    let open: i64 = sqlx::query_scalar("select count(*) from sessions")
        .fetch_one(db.read())
        .await
        .unwrap();
    assert!(!is_new || open == 0);
    db.close().await;
    is_new
}

/// What was replaced is kept, and lies aside as a whole database.
async fn aside_is_whole(dir: &Path, id: &str) {
    use sqlx::{ConnectOptions, Connection};
    let path: PathBuf = dir.join("replaced").join(id).join("crm.db");
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .connect()
        .await
        .unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from grid_rows")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(rows, 2, "the old database");
    conn.close().await.unwrap();
}

fn api() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_crm-worker")).with_file_name("crm-api");
    assert!(
        path.exists(),
        "build the binaries first: cargo build --bins"
    );
    path
}

/// Kills the worker at a step; then a binary starts as after a power cut.
async fn killed_at(point: &str, next_is_api: bool) {
    let (t, backup) = fixture().await;
    let copy = copy_of(&t);
    drop(t);
    let dir = copy.0.as_path();
    let id = ask(dir, &backup).await;
    let died = start(dir, Some(point)).wait();
    assert!(!died.success(), "the worker dies at {point}");
    // Nobody may start on a database that is half swapped without finishing it.
    if next_is_api {
        let started = Command::new(api())
            .arg("migrate")
            .env("CRM_DATA_DIR", dir)
            .output()
            .unwrap();
        let says = String::from_utf8_lossy(&started.stderr).into_owned();
        assert!(started.status.success(), "{point}: {says}");
    } else {
        let mut worker = start(dir, None);
        until_final(dir).await;
        // Its signals are listened to by then.
        tokio::time::sleep(Duration::from_millis(400)).await;
        worker.signal("-TERM");
        assert!(worker.wait().success(), "{point}");
    }
    let ended = phase(dir);
    let is_new = is_whole(dir).await;
    assert_eq!(
        is_new,
        ended == restore::Phase::Finished,
        "{point}: what is told is what is"
    );
    // From the first move on it is carried to its end, before it is given up.
    let at = restore::TEST_POINTS
        .iter()
        .position(|p| *p == point)
        .unwrap();
    let first_move = restore::TEST_POINTS
        .iter()
        .position(|p| *p == "restore_swapping")
        .unwrap();
    assert_eq!(is_new, at >= first_move, "{point}");
    if is_new {
        aside_is_whole(dir, &id).await;
    }
    // And the next start works, too.
    let mut worker = start(dir, None);
    tokio::time::sleep(Duration::from_millis(300)).await;
    worker.signal("-TERM");
    assert!(worker.wait().success(), "{point}");
    assert_eq!(is_whole(dir).await, is_new);
}

#[tokio::test]
async fn a_worker_killed_at_any_step_leaves_the_old_or_the_new_database() {
    for point in restore::TEST_POINTS {
        killed_at(point, false).await;
    }
}

#[tokio::test]
async fn the_api_finishes_or_gives_up_what_a_killed_worker_left() {
    for point in restore::TEST_POINTS {
        killed_at(point, true).await;
    }
}

#[tokio::test]
async fn a_leftover_log_of_the_old_database_never_meets_the_new_one() {
    let (t, backup) = fixture().await;
    let copy = copy_of(&t);
    let dir = copy.0.as_path();
    ask(dir, &backup).await;
    // Killed before the last move, with a log of the old database planted beside.
    assert!(!start(dir, Some("restore_half_aside")).wait().success());
    std::fs::write(dir.join("crm.db-wal"), vec![7u8; 70_000]).unwrap();
    std::fs::write(dir.join("crm.db-shm"), vec![7u8; 32_768]).unwrap();
    let mut worker = start(dir, None);
    assert_eq!(until_final(dir).await, restore::Phase::Finished);
    worker.signal("-TERM");
    worker.wait();
    assert!(is_whole(dir).await);
    let aside = std::fs::read_dir(dir.join("replaced"))
        .unwrap()
        .next()
        .unwrap();
    let planted = std::fs::read(aside.unwrap().path().join("crm.db-wal")).unwrap();
    assert_eq!(planted, vec![7u8; 70_000], "kept with the old one");
}

#[tokio::test]
async fn the_shell_restores_with_everything_down_and_while_a_worker_lives() {
    let (t, backup) = fixture().await;
    let copy = copy_of(&t);
    let dir = copy.0.as_path();
    let out = command(dir, &["restore", &backup, "--preview"])
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        out.status.success() && says.contains("- After Capital"),
        "{says}"
    );
    let refused = command(dir, &["restore", &backup])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!refused.status.success(), "nobody confirmed it");
    assert!(!is_whole(dir).await);
    let mut worker = start(dir, None);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let done = command(dir, &["restore", &backup, "--yes"])
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success() && says.contains("everybody signs in again"),
        "{says}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    // The worker goes on with the new database.
    let mut healthy = false;
    for _ in 0..100 {
        healthy |= command(dir, &["healthcheck"]).status().unwrap().success();
        if healthy {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(healthy);
    worker.signal("-TERM");
    assert!(worker.wait().success());
    assert!(is_whole(dir).await);
    let drill = command(dir, &["drill"]).output().unwrap();
    assert!(
        drill.status.success(),
        "{}",
        String::from_utf8_lossy(&drill.stderr)
    );
    let db = Db::open(dir, Clock::System).await.unwrap();
    let drills = backup::drill::list(db.read(), 1).await.unwrap();
    db.close().await;
    assert!(
        drills[0]
            .compared
            .contains("the app started on it and read every list"),
        "{}",
        drills[0].compared
    );
}

#[tokio::test]
async fn a_new_box_and_a_broken_one_are_restored_from_a_file() {
    let (t, backup) = fixture().await;
    let found = backup::find(t.db.read(), &backup).await.unwrap().unwrap();
    let file =
        t.db.dir()
            .backups()
            .join(&found.file_name)
            .display()
            .to_string();
    let fresh = tempdir::Dir::new();
    let done = command(&fresh.0, &["restore", &file, "--yes"])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(is_whole(&fresh.0).await);

    let broken = tempdir::Dir::new();
    std::fs::write(broken.0.join("crm.db"), vec![9u8; 40_000]).unwrap();
    let refused = command(&broken.0, &["restore", &file, "--yes"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let done = command(&broken.0, &["restore", &file, "--yes", "--damaged"])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(is_whole(&broken.0).await);
    let aside = std::fs::read_dir(broken.0.join("replaced"))
        .unwrap()
        .next()
        .unwrap();
    let kept = std::fs::read(aside.unwrap().path().join("crm.db")).unwrap();
    assert_eq!(kept, vec![9u8; 40_000], "what was there is kept as it was");
}

/// Says that backups are encrypted to this key from now on, and takes one.
async fn encrypted_backup(t: &TestDb, recipient: &str) -> backup::Backup {
    let mut policy = backup::policy(&t.db).await.unwrap();
    policy.recipient = Some(recipient.to_owned());
    let mut tx = t.db.write().await.unwrap();
    crm_jobs::settings::set(&mut tx, backup::BACKUP_POLICY, &policy, "test")
        .await
        .unwrap();
    queue::enqueue(&mut tx, &TakeBackup::default())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    queue::drain(&t.db, &tasks::registry()).await.unwrap();
    let newest = backup::newest_verified(t.db.read()).await.unwrap();
    newest.unwrap()
}

#[tokio::test]
async fn an_encrypted_backup_opens_on_a_new_box_with_the_admins_key_only() {
    // Another box's key file is as good as one that age-keygen writes.
    let (other, _) = fixture().await;
    let anybody = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    encrypted_backup(&other, anybody).await;
    let key_file = other.dir().join("keys/backup-identity.txt");
    let key = std::fs::read_to_string(&key_file).unwrap();
    let public = key
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "))
        .unwrap();

    let (t, _) = fixture().await;
    let made = encrypted_backup(&t, public).await;
    let stored = t.db.dir().backups().join(&made.file_name);
    assert!(made.file_name.contains(".zst.age"), "{}", made.file_name);
    let bytes = std::fs::read(&stored).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1"));
    let file = stored.display().to_string();

    let fresh = tempdir::Dir::new();
    let shut = command(&fresh.0, &["restore", &file, "--yes"])
        .output()
        .unwrap();
    assert!(
        !shut.status.success(),
        "without the key nothing is restored"
    );
    let done = command(
        &fresh.0,
        &[
            "restore",
            &file,
            "--yes",
            "--identity",
            &key_file.display().to_string(),
        ],
    )
    .output()
    .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let db = Db::open(&fresh.0, Clock::System).await.unwrap();
    let names: Vec<String> = sqlx::query_scalar("select cells ->> 'name' from grid_rows")
        .fetch_all(db.read())
        .await
        .unwrap();
    db.close().await;
    assert!(names.contains(&"After Capital".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_disk_without_room_leaves_no_half_backup() {
    let (t, _) = fixture().await;
    let copy = copy_of(&t);
    let dir = copy.0.as_path();
    let files = |dir: &Path| {
        let mut names: Vec<String> = std::fs::read_dir(dir.join("backups"))
            .unwrap()
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    // Its log folded in, so that only the copy is too large.
    Db::open(dir, Clock::System).await.unwrap().close().await;
    let before = files(dir);
    // No file may grow past 200 kB: the copy does not fit.
    let script = format!(
        "ulimit -f 200; trap '' XFSZ; exec {} enqueue take_backup --wait",
        env!("CARGO_BIN_EXE_crm-worker")
    );
    let mut child = Command::new("bash")
        .args(["-c", &script])
        .env("CRM_DATA_DIR", dir)
        .env("CRM_LOG", "error")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while command(dir, &["jobs", "--kind", "take_backup", "--json"])
        .output()
        .is_ok_and(|o| !String::from_utf8_lossy(&o.stdout).contains("\"last_error\": \""))
    {
        assert!(start.elapsed() < Duration::from_secs(40), "it never failed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(files(dir), before, "nothing half is left");
    // With room again it recovers by itself.
    let out = command(dir, &["backup"]).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(files(dir).len() >= 3);
}
