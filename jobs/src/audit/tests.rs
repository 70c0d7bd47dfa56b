use serde_json::json;

use super::*;
use crate::clock::Clock;

async fn log_of_three() -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(dir.path(), Clock::test(1_700_000_000_000))
        .await
        .unwrap();
    crate::db::migrate(&db).await.unwrap();
    for n in 0..3 {
        let mut tx = db.write().await.unwrap();
        let actor = Actor::User(format!("u{n}"));
        record(
            &mut tx,
            &actor,
            "thing.done",
            "thing:1",
            json!({ "n": n }),
            "192.0.2.1",
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }
    (dir, db)
}

#[tokio::test]
async fn the_chain_holds_and_its_head_is_the_newest_row() {
    let (_dir, db) = log_of_three().await;
    let head = head(&db).await.unwrap();
    assert_eq!(head.id, 3);
    assert_eq!(
        verify(&db).await.unwrap(),
        Chain::Unbroken { rows: 3, head }
    );
}

#[tokio::test]
async fn a_changed_row_breaks_the_chain_there() {
    let (_dir, db) = log_of_three().await;
    let mut tx = db.write().await.unwrap();
    sqlx::query("drop trigger audit_log_no_update")
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("update audit_log set actor = 'user:x' where id = 2")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(verify(&db).await.unwrap(), Chain::Broken { id: 2 });
}

#[tokio::test]
async fn rows_can_be_neither_changed_nor_removed() {
    let (_dir, db) = log_of_three().await;
    for sql in ["update audit_log set ip = ''", "delete from audit_log"] {
        let mut tx = db.write().await.unwrap();
        let error = sqlx::query(sql).execute(&mut *tx).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[tokio::test]
async fn filters_and_pages() {
    let (_dir, db) = log_of_three().await;
    let filter = Filter {
        actor: Some("user:u1".to_owned()),
        ..Filter::default()
    };
    assert_eq!(list(&db, &filter).await.unwrap()[0].id, 2);
    let older = Filter {
        before: Some((1_700_000_000_000, 3)),
        limit: Some(1),
        ..Filter::default()
    };
    assert_eq!(list(&db, &older).await.unwrap()[0].id, 2);
    let until = Filter {
        until: Some(1_700_000_000_000),
        ..Filter::default()
    };
    assert!(list(&db, &until).await.unwrap().is_empty());
    let from = Filter {
        from: Some(1_700_000_000_000),
        action: Some("thing.done".to_owned()),
        ..Filter::default()
    };
    assert_eq!(list(&db, &from).await.unwrap().len(), 3);
    assert_eq!(actions(&db).await.unwrap(), ["thing.done"]);
    let (first, rest) = (
        sealings(&db, 0, 1).await.unwrap(),
        sealings(&db, 1, 9).await.unwrap(),
    );
    assert_eq!((first[0].id, rest.len()), (1, 2));
    assert_eq!(rest[0].prev_hash, first[0].hash);
    assert_eq!(with_hash(&db, &rest[1].hash).await.unwrap(), Some(3));
    assert_eq!(with_hash(&db, "nothing").await.unwrap(), None);
}

#[tokio::test]
async fn a_token_counts_as_its_person_and_is_named() {
    let (_dir, db) = log_of_three().await;
    let mut tx = db.write().await.unwrap();
    let actor = Actor::Token {
        user: "u1".to_owned(),
        token: "t1".to_owned(),
    };
    record(&mut tx, &actor, "thing.done", "", json!({}), "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let newest = &list(&db, &Filter::default()).await.unwrap()[0];
    assert_eq!(newest.actor, "user:u1");
    assert_eq!(newest.detail, r#"{"token":"t1"}"#);
}
