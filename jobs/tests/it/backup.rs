//! Backups: taken under writes, verified from stored bytes, damage found.

use crm_jobs::{
    backup::{self, TakeBackup, VerifyBackup},
    queue, tasks,
    testing::TestDb,
};

use super::grid::grid_of_one;

async fn back_up(t: &TestDb) -> backup::Backup {
    let mut tx = t.db.write().await.unwrap();
    queue::enqueue(&mut tx, &TakeBackup {}).await.unwrap();
    tx.commit().await.unwrap();
    queue::drain(&t.db, &tasks::registry()).await.unwrap();
    backup::newest_verified(t.db.read()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_backup_is_stored_with_its_manifest_and_reads_back() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let path = t.db.dir().backups().join(&taken.file_name);
    let manifest = backup::verify_file(&path).await.unwrap();
    assert_eq!(manifest.sha256, taken.sha256);
    assert_eq!(manifest.facts.state_version, 1);
    let rows = manifest
        .facts
        .tables
        .iter()
        .find(|c| c.table == "grid_rows")
        .unwrap()
        .rows;
    assert_eq!(rows, 1);
    let left: Vec<_> = std::fs::read_dir(t.db.dir().backups())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(left.len(), 2, "no scratch files stay behind");
}

#[tokio::test]
async fn every_damage_is_found() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let path = t.db.dir().backups().join(&taken.file_name);
    let whole = std::fs::read(&path).unwrap();
    for n in 0..60 {
        let mut damaged = whole.clone();
        let at = n * whole.len() / 60;
        if n % 2 == 0 {
            damaged[at] ^= 1 << (n % 8);
        } else {
            damaged.truncate(at);
        }
        std::fs::write(&path, &damaged).unwrap();
        assert!(
            backup::verify_file(&path).await.is_err(),
            "damage {n} at byte {at}"
        );
    }
    let mut tx = t.db.write().await.unwrap();
    queue::enqueue(
        &mut tx,
        &VerifyBackup {
            backup_id: taken.id.clone(),
        },
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    queue::drain(&t.db, &tasks::registry()).await.unwrap();
    let found = backup::find(t.db.read(), &taken.id).await.unwrap().unwrap();
    assert_eq!(found.state, "failed");
    assert!(found.error.unwrap().contains("damaged"));
    std::fs::write(&path, &whole).unwrap();
    backup::verify_file(&path).await.unwrap();
}

#[tokio::test]
async fn a_manifest_that_lies_is_found() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let mut manifest: backup::Manifest = serde_json::from_str(&taken.manifest).unwrap();
    manifest.facts.state_version += 1;
    let error = backup::verify_stored(&t.db.dir().backups(), &manifest)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("counts or sums"), "{error}");
}

#[tokio::test]
async fn old_backups_go_and_the_newest_stays() {
    let t = TestDb::new().await;
    for _ in 0..3 {
        back_up(&t).await;
        t.advance(60_000);
    }
    let left = backup::list(t.db.read(), None, 10).await.unwrap();
    assert_eq!(left.len(), 1, "one a day");
    assert!(t.db.dir().backups().join(&left[0].file_name).exists());
}
