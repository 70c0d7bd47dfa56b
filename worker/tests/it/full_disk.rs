//! A disk that is really full: a small file system of its own, filled to the last
//! bytes. Needs the right to mount one, which CI has.

use crm_jobs::{
    clock::Clock,
    db::{self, Db},
    testing::SmallDisk,
};

use super::*;

const MIB: usize = 1024 * 1024;

/// None if this user may not mount one, which CI may.
fn small_disk(mib: usize) -> Option<SmallDisk> {
    match SmallDisk::mount(mib) {
        Ok(disk) => Some(disk),
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "cannot mount: {reason}");
            eprintln!("skipped: this user may not mount a file system");
            None
        }
    }
}

fn backups(disk: &SmallDisk) -> Vec<String> {
    let listed = std::fs::read_dir(disk.path().join("backups"));
    let mut names: Vec<String> = listed
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A database of a few MiB on it.
async fn grown(disk: &SmallDisk) {
    let db = Db::open(disk.path(), Clock::System).await.unwrap();
    db::migrate(&db).await.unwrap();
    let mut tx = db.write().await.unwrap();
    for n in 0..400 {
        sqlx::query("insert into settings (key, value, updated_at, updated_by) values (?1, json_quote(hex(randomblob(4000))), 0, 'x')")
            .bind(format!("filler-{n}"))
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn a_backup_that_does_not_fit_leaves_the_disk_as_it_was() {
    let Some(disk) = small_disk(24) else {
        return;
    };
    grown(&disk).await;
    let took = command(disk.path(), &["backup"]).output().unwrap();
    assert!(took.status.success());
    let before = backups(&disk);
    // Enough for the queue to work, not for a copy of the database.
    disk.fill(MIB);
    let mut child = command(disk.path(), &["enqueue", "take_backup", "--wait"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while command(disk.path(), &["jobs", "--kind", "take_backup", "--json"])
        .output()
        .is_ok_and(|o| !String::from_utf8_lossy(&o.stdout).contains("\"last_error\": \""))
    {
        assert!(start.elapsed() < Duration::from_secs(40), "it never failed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(backups(&disk), before, "nothing half is left");
    // Reading one back unpacks it, which takes room too.
    disk.make_room();
    let verified = command(disk.path(), &["verify"]).output().unwrap();
    assert!(verified.status.success(), "the backup before still holds");
    let took = command(disk.path(), &["backup"]).output().unwrap();
    assert!(
        took.status.success(),
        "{}",
        String::from_utf8_lossy(&took.stderr)
    );
    // Of one day only the newest is kept.
    assert_ne!(backups(&disk), before);
}

#[tokio::test]
async fn a_full_disk_refuses_the_write_keeps_the_rest_and_recovers() {
    let Some(disk) = small_disk(16) else {
        return;
    };
    grown(&disk).await;
    let db = Db::open(disk.path(), Clock::System).await.unwrap();
    let write = async |n: usize| {
        let mut tx = db.write().await?;
        sqlx::query("insert into settings (key, value, updated_at, updated_by) values (?1, json_quote(hex(randomblob(100000))), 0, 'x')")
            .bind(format!("more-{n}"))
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    };
    disk.fill(MIB);
    let mut kept = 0;
    let refused = loop {
        match write(kept).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 100, "the disk never filled up");
    };
    assert!(db::is_full(&refused), "{refused}");
    let count = async || -> i64 {
        sqlx::query_scalar("select count(*) from settings where key like 'more-%'")
            .fetch_one(db.read())
            .await
            .unwrap()
    };
    assert_eq!(count().await, i64::try_from(kept).unwrap());
    disk.make_room();
    write(kept).await.unwrap();
    assert_eq!(count().await, i64::try_from(kept).unwrap() + 1);
    let whole: String = sqlx::query_scalar("pragma integrity_check")
        .fetch_one(db.read())
        .await
        .unwrap();
    assert_eq!(whole, "ok");
    db.close().await;
}
