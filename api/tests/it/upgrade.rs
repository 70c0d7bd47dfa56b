//! The first start of a newer release on the database of an older one: fixtures
//! that the older release itself made.

use std::{collections::BTreeMap, path::Path};

use crm_api::{config::Config, look::look};
use crm_jobs::{
    audit::{self, Chain},
    backup::{self, Facts, Kind},
    clock::Clock,
    db::{self, Db, SCHEMA_VERSION},
    upgrade::{Before, upgrade},
};

/// Release and schema of each fixture; its file is named after them.
const RELEASES: &[(&str, i64)] = &[("0.1.0", 13)];

async fn database_of(release: &str, schema: i64) -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(
        "../jobs/tests/fixtures/releases/{release}-schema-{schema}.db.zst"
    ));
    let file = std::fs::File::open(packed).unwrap();
    let mut database = std::fs::File::create(dir.path().join("crm.db")).unwrap();
    zstd::stream::copy_decode(file, &mut database).unwrap();
    let db = Db::open(dir.path(), Clock::System).await.unwrap();
    assert_eq!(db::schema_version(&db).await.unwrap(), schema);
    (dir, db)
}

fn rows(facts: &Facts) -> BTreeMap<&str, i64> {
    let tables = facts.tables.iter();
    tables.map(|t| (t.table.as_str(), t.rows)).collect()
}

async fn facts_now(db: &Db) -> Facts {
    let id = db.clock().new_id();
    let taken = backup::take(db, &id, db.now(), Kind::Manual, |_, _| {}).await;
    taken.unwrap().manifest.facts
}

#[tokio::test]
async fn every_older_release_is_backed_up_migrated_and_reads_as_before() {
    for (release, schema) in RELEASES {
        let (dir, db) = database_of(release, *schema).await;
        let taken = upgrade(&db, Before::Backup).await.unwrap().unwrap();
        assert_eq!(db::schema_version(&db).await.unwrap(), SCHEMA_VERSION);

        // What was backed up is the old release's database, read back from its bytes.
        let old = &taken.manifest;
        assert_eq!(
            (old.kind, old.facts.schema_version),
            (Kind::BeforeUpgrade, *schema)
        );
        let file = dir.path().join("backups").join(&old.file);
        assert_eq!(&backup::verify_file(&file).await.unwrap(), old);
        let on_record = backup::newest_verified(db.read()).await.unwrap().unwrap();
        assert_eq!(
            (on_record.id, on_record.kind.as_str()),
            (old.id.clone(), "before_upgrade")
        );

        // Nothing is lost: every table of then has its rows, every fund its sum.
        let new = facts_now(&db).await;
        let (then, now) = (rows(&old.facts), rows(&new));
        assert!(
            then["grid_rows"] > 50 && then["fundraising_commitments"] > 20,
            "{then:?}"
        );
        for (table, count) in &then {
            let added = match *table {
                "_sqlx_migrations" => SCHEMA_VERSION - schema,
                "audit_log" | "backups" => 1,
                _ => 0,
            };
            assert_eq!(now.get(table), Some(&(count + added)), "{table}");
        }
        assert_eq!(new.commitments, old.facts.commitments);
        assert!(!new.commitments.is_empty());
        assert_eq!(new.state_version, old.facts.state_version);
        assert!(matches!(
            audit::verify(&db).await.unwrap(),
            Chain::Unbroken { .. }
        ));

        // And everything reads.
        let config = Config::from_lookup(|_| None).unwrap();
        let looked = look(&db, config).await.unwrap();
        assert!(
            looked.answered > 30,
            "only {} lists answered",
            looked.answered
        );

        // The next start has nothing to do.
        assert!(upgrade(&db, Before::Backup).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn without_a_good_backup_nothing_is_migrated_unless_somebody_says_so() {
    let (release, schema) = RELEASES[0];
    let (dir, db) = database_of(release, schema).await;
    // A row that points nowhere: the copy does not pass its check.
    let mut conn = db::connect_writer(&db).await.unwrap();
    for sql in [
        "pragma foreign_keys = off",
        "insert into job_log (job_id, fence, at, line) values (987654321, 1, 1, 'orphan')",
    ] {
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
    drop(conn);
    let refused = upgrade(&db, Before::Backup).await.unwrap_err().to_string();
    assert!(
        refused.contains("point nowhere")
            && refused.contains("nothing was changed")
            && refused.contains("--without-backup"),
        "{refused}"
    );
    assert_eq!(db::schema_version(&db).await.unwrap(), schema);
    let left = std::fs::read_dir(dir.path().join("backups"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "a failed backup leaves nothing behind");

    assert!(upgrade(&db, Before::Nothing).await.unwrap().is_none());
    assert_eq!(db::schema_version(&db).await.unwrap(), SCHEMA_VERSION);
}

#[tokio::test]
async fn a_failing_migration_names_the_backup_and_keeps_one_of_them() {
    let (release, schema) = RELEASES[0];
    let (dir, db) = database_of(release, schema).await;
    // In the way of a table that a later migration makes.
    let mut tx = db.write().await.unwrap();
    sqlx::query("create table mailboxes (x) ")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for _ in 0..3 {
        let failed = upgrade(&db, Before::Backup).await.unwrap_err().to_string();
        assert!(
            failed.contains("crm-worker restore") && failed.contains("backups/crm-"),
            "{failed}"
        );
    }
    assert_eq!(db::schema_version(&db).await.unwrap(), schema);
    let kept = std::fs::read_dir(dir.path().join("backups"))
        .unwrap()
        .flatten();
    let kept = kept
        .filter(|e| e.file_name().to_string_lossy().ends_with(".zst"))
        .count();
    assert_eq!(kept, 1, "attempts do not fill the disk");

    let mut tx = db.write().await.unwrap();
    sqlx::query("drop table mailboxes")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(upgrade(&db, Before::Backup).await.unwrap().is_some());
}
