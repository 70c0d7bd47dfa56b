//! Drills: the newest backup restored where nobody works.

use super::*;

#[tokio::test]
async fn a_drill_proves_the_newest_and_finds_what_is_wrong() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    attach(&t, "one.txt", b"bytes").await;
    let taken = back_up(&t).await;
    let drill = |t: &TestDb| {
        let db = t.db.clone();
        async move {
            let mut tx = db.write().await.unwrap();
            queue::enqueue(&mut tx, &DrillBackup {}).await.unwrap();
            tx.commit().await.unwrap();
            queue::drain(&db, &tasks::registry()).await.unwrap();
            drill::list(db.read(), 1).await.unwrap().remove(0)
        }
    };
    let passed = drill(&t).await;
    assert_eq!(passed.state, "passed", "{:?}", passed.error);
    assert_eq!(passed.backup_id, taken.id);
    assert!(
        passed.compared.contains("sampled investors"),
        "{}",
        passed.compared
    );
    assert!(names_in(&t.db.dir().restore()).is_empty());
    let health = backup::health(&t.db).await.unwrap();
    assert!(health.alarms.is_empty() && health.last_proven_at.is_some());

    // A live record that says the same version and other words is found.
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update grid_rows set cells = '{}'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    t.advance(1_000);
    assert_eq!(drill(&t).await.state, "failed");
    // So is a manifest that lies.
    let mut manifest: Manifest = serde_json::from_str(&taken.manifest).unwrap();
    manifest.facts.audit_head = "0".repeat(64);
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update backups set manifest = ?1")
        .bind(serde_json::to_string(&manifest).unwrap())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    t.advance(1_000);
    let failed = drill(&t).await;
    assert_eq!(failed.state, "failed");
    let health = backup::health(&t.db).await.unwrap();
    assert!(
        health.alarms[0].contains("drill failed"),
        "{:?}",
        health.alarms
    );
}
