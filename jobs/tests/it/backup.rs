//! Backups: taken under writes, verified from stored bytes, damage found.

use crm_jobs::{
    backup::{self, TakeBackup, VerifyBackup},
    files, queue, tasks,
    testing::{TestDb, damaged},
};

use super::grid::grid_of_one;

pub async fn back_up(t: &TestDb) -> backup::Backup {
    let mut tx = t.db.write().await.unwrap();
    queue::enqueue(&mut tx, &TakeBackup::default())
        .await
        .unwrap();
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
    assert_eq!(
        left.len(),
        3,
        "the file, its checksum, its manifest, no scratch files"
    );
}

#[tokio::test]
async fn the_job_that_reads_a_backup_again_finds_damage() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let path = t.db.dir().backups().join(&taken.file_name);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, damaged(&whole, 0, whole.len() / 2)).unwrap();
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

pub async fn attach(t: &TestDb, name: &str, content: &[u8]) -> files::File {
    let stored = files::store(&t.db, name, content.to_vec()).await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    let file = files::attach(&mut tx, &t.db, &stored, "r1", None, "user:x")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    file
}

fn kept(t: &TestDb, file: &files::File) -> std::path::PathBuf {
    let folder = t.db.dir().backups().join("files");
    folder.join(&file.sha256[..2]).join(&file.sha256)
}

#[tokio::test]
async fn attached_files_are_kept_verified_and_rotated() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let (one, two) = (
        attach(&t, "one.txt", b"the first").await,
        attach(&t, "two.txt", b"the second").await,
    );
    let taken = back_up(&t).await;
    let path = t.db.dir().backups().join(&taken.file_name);
    let manifest = backup::verify_file(&path).await.unwrap();
    let mut sums: Vec<&str> = manifest.files.iter().map(|f| f.sha256.as_str()).collect();
    let mut expected = vec![one.sha256.as_str(), two.sha256.as_str()];
    sums.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sums, expected);
    assert!(manifest.missing_files.is_empty());

    // The store losing a file loses nothing that was backed up.
    std::fs::remove_file(files::path_of(t.db.dir(), &one.sha256)).unwrap();
    assert_eq!(std::fs::read(kept(&t, &one)).unwrap(), b"the first");
    t.advance(86_400_000);
    let again = back_up(&t).await;
    let manifest: backup::Manifest = serde_json::from_str(&again.manifest).unwrap();
    assert_eq!(manifest.files.len(), 2, "found among the kept ones");

    // Damage and loss are found.
    std::fs::remove_file(kept(&t, &two)).unwrap();
    std::fs::write(kept(&t, &two), b"the other!").unwrap();
    let damaged = backup::verify_file(&path).await.unwrap_err().to_string();
    assert!(damaged.contains("is damaged"), "{damaged}");
    std::fs::remove_file(kept(&t, &two)).unwrap();
    let missing = backup::verify_file(&path).await.unwrap_err().to_string();
    assert!(missing.contains("is missing"), "{missing}");
}

#[tokio::test]
async fn a_lost_file_is_told_of_and_does_not_stop_the_backup() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let file = attach(&t, "one.txt", b"gone").await;
    std::fs::remove_file(files::path_of(t.db.dir(), &file.sha256)).unwrap();
    let taken = back_up(&t).await;
    let manifest: backup::Manifest = serde_json::from_str(&taken.manifest).unwrap();
    assert_eq!(manifest.missing_files, [file.sha256]);
    assert!(manifest.files.is_empty());
}

#[tokio::test]
async fn kept_files_go_with_the_last_backup_that_names_them() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let file = attach(&t, "one.txt", b"short-lived").await;
    back_up(&t).await;
    assert!(kept(&t, &file).exists());
    let mut tx = t.db.write().await.unwrap();
    files::remove(&mut tx, &file.id, "user:x").await.unwrap();
    tx.commit().await.unwrap();
    t.advance(60_000);
    back_up(&t).await;
    assert!(
        kept(&t, &file).exists(),
        "deleted, but it can be brought back"
    );
    t.advance(32 * 86_400_000);
    files::sweep(&t.db).await.unwrap();
    // In time every backup that names it is thinned out but one a month.
    for _ in 0..14 {
        t.advance(32 * 86_400_000);
        back_up(&t).await;
    }
    assert!(!kept(&t, &file).exists());
}
