//! The way back from an upgrade, with the real binary.

use std::{collections::BTreeMap, path::Path};

use crm_jobs::{
    backup::{self, Facts, Kind, Manifest},
    clock::Clock,
    db::{self, Db, SCHEMA_VERSION},
    upgrade::{Before, upgrade},
};

use super::*;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn old_release(dir: &Path) -> Manifest {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../jobs/tests/fixtures/releases/0.1.0-schema-13.db.zst");
    let unpacked = Command::new("zstd")
        .args(["-q", "-d", "-o"])
        .arg(dir.join("crm.db"))
        .arg(packed)
        .status();
    assert!(unpacked.unwrap().success());
    let db = Db::open(dir, Clock::System).await.unwrap();
    let taken = upgrade(&db, Before::Backup).await.unwrap().unwrap();
    db.close().await;
    taken.manifest
}

async fn counts(db: &Db) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for table in TABLES {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(sql).fetch_one(db.read()).await.unwrap();
        counts.insert((*table).to_owned(), count);
    }
    counts
}

/// What people care for; a restore itself adds to the others.
const TABLES: &[&str] = &[
    "grid_rows",
    "grid_changes",
    "change_sets",
    "fundraising_commitments",
    "fundraising_contacts",
    "tasks",
    "notes",
    "users",
];

fn in_manifest(facts: &Facts) -> BTreeMap<String, i64> {
    let tables = facts.tables.iter();
    tables
        .filter(|t| TABLES.contains(&t.table.as_str()))
        .map(|t| (t.table.clone(), t.rows))
        .collect()
}

#[tokio::test]
async fn the_backup_before_an_upgrade_brings_back_what_there_was() {
    let dir = tempfile::tempdir().unwrap();
    let old = old_release(dir.path()).await;
    // The new release was worked with, and badly.
    let db = Db::open(dir.path(), Clock::System).await.unwrap();
    let mut tx = db.write().await.unwrap();
    for sql in ["delete from notes", "delete from tasks"] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_ne!(counts(&db).await, in_manifest(&old.facts));
    db.close().await;

    let file = dir.path().join("backups").join(&old.file);
    let file = file.display().to_string();
    let restored = command(dir.path(), &["restore", &file, "--yes"])
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", text(&restored));
    let db = Db::open(dir.path(), Clock::System).await.unwrap();
    assert_eq!(counts(&db).await, in_manifest(&old.facts));
    let new = backup::take(&db, "check", 1, Kind::Manual, |_, _| {})
        .await
        .unwrap();
    assert_eq!(new.manifest.facts.commitments, old.facts.commitments);
}

/// This release in the part of the older one: the database was upgraded by a
/// release that is not written yet, and its owner wants to go back.
#[tokio::test]
async fn an_older_release_puts_its_backup_in_the_place_of_a_newer_database() {
    let t = TestDb::on_system_clock().await;
    put(
        &t,
        &Probe {
            work_ms: 0,
            mark: Some("before".into()),
        },
    )
    .await;
    let id = t.db.clock().new_id();
    let taken = backup::take(&t.db, &id, t.db.now(), Kind::BeforeUpgrade, |_, _| {}).await;
    let file = t.db.dir().backups().join(taken.unwrap().manifest.file);
    let mut tx = t.db.write().await.unwrap();
    for sql in [
        "create table of_the_future (id text primary key) strict",
        "alter table notes add column of_the_future integer",
        "insert into of_the_future values ('x')",
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', 1, x'00', 0)",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let dir = t.dir().to_owned();
    let mut t = t;
    let (refused, restored) = t
        .while_closed(async {
            let refused = command(&dir, &["status"]).output().unwrap();
            let file = file.display().to_string();
            let restored = command(&dir, &["restore", &file, "--yes"])
                .output()
                .unwrap();
            (refused, restored)
        })
        .await;
    assert!(
        text(&refused).contains("install the newer release"),
        "{}",
        text(&refused)
    );
    assert!(restored.status.success(), "{}", text(&restored));
    assert_eq!(db::schema_version(&t.db).await.unwrap(), SCHEMA_VERSION);
    let left: i64 =
        sqlx::query_scalar("select count(*) from sqlite_schema where name = 'of_the_future'")
            .fetch_one(t.db.read())
            .await
            .unwrap();
    assert_eq!(left, 0);
    let jobs: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'probe'")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(jobs, 1);
}
