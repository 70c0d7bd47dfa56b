//! The snapshot: everything, no secret, and back without a difference.

use std::{collections::BTreeSet, path::PathBuf, sync::Mutex};

use crm_jobs::{
    accounts::tokens::{self, Scope},
    audit::Actor,
    demo,
    export::snapshot::{self, LEFT_OUT, LoadError, Snapshot, TABLES, WITHHELD},
    investors, settings,
    testing::TestDb,
};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::user;

pub async fn taken(t: &TestDb) -> String {
    let pieces = Mutex::new(Vec::new());
    let snapshot = Snapshot::open(&t.db).await.unwrap();
    let rows = snapshot.rows();
    let write = snapshot.write(|piece| {
        pieces.lock().unwrap().push(piece);
        async { true }
    });
    write.await.unwrap();
    let text = String::from_utf8(pieces.into_inner().unwrap().concat()).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let tables = document["tables"].as_object().unwrap();
    let found: usize = tables
        .values()
        .map(|t| t["rows"].as_array().unwrap().len())
        .sum();
    assert_eq!(i64::try_from(found).unwrap(), rows);
    text
}

fn put(t: &TestDb, text: &str) -> PathBuf {
    let path = t.dir().join("snapshot.json");
    std::fs::write(&path, text).unwrap();
    path
}

/// But for the time.
fn data(text: &str) -> String {
    let (head, rest) = text.split_once("\"at\":\"").unwrap();
    format!("{head}{}", rest.split_once('"').unwrap().1)
}

pub async fn demo_fund() -> TestDb {
    let t = TestDb::new().await;
    demo::fill(t.dir(), t.db.now()).await.unwrap();
    t
}

#[tokio::test]
async fn a_snapshot_loads_and_is_taken_again_without_a_difference() {
    let t = demo_fund().await;
    let person = user(&t, "admin@example.org", "Sample Admin").await;
    let file = crm_jobs::files::store(&t.db, "deck.txt", b"the deck".to_vec())
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    let row: String = sqlx::query_scalar("select id from grid_rows limit 1")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    crm_jobs::files::attach(&mut tx, &t.db, &file, &row, None, "user:x")
        .await
        .unwrap();
    // A set that refers to a later one, as undo leaves it; text that JSON must escape.
    sqlx::query("update change_sets set undone_by = (select max(id) from change_sets), summary = ?1 where id = 1")
        .bind("\"quoted\" \u{1} \u{2028} \\ 😀")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let first = taken(&t).await;

    let other = TestDb::new().await;
    other.advance(5_000);
    let loaded = snapshot::load(&other.db, &put(&other, &first))
        .await
        .unwrap();
    assert!(loaded.rows > 2_000 && loaded.tables > 12, "{loaded:?}");
    let second = taken(&other).await;
    assert_ne!(first, second, "the time differs");
    assert!(data(&first) == data(&second), "nothing else does");

    // The projection follows, and the person is there without a password.
    let investors: i64 = sqlx::query_scalar("select count(*) from fundraising_investors")
        .fetch_one(other.db.read())
        .await
        .unwrap();
    assert_eq!(investors, 400);
    let overview = investors::overview(&other.db).await.unwrap();
    assert_eq!(
        overview.progress.lag_versions(),
        0,
        "the projection is that of the grid"
    );
    let hash: Option<String> = sqlx::query_scalar("select password_hash from users where id = ?1")
        .bind(&person.id)
        .fetch_one(other.db.read())
        .await
        .unwrap();
    assert_eq!(hash, None);
}

#[tokio::test]
async fn nothing_secret_is_in_it() {
    let t = demo_fund().await;
    let person = user(&t, "admin@example.org", "Sample Admin").await;
    let secrets = plant_secrets(&t, &person.id).await;
    let text = taken(&t).await;
    assert!(text.contains("admin@example.org") && text.contains(settings::FUND_ZONE));
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} left the house");
    }
}

/// What must never leave: hashes, and a setting nobody said may.
pub async fn plant_secrets(t: &TestDb, user: &str) -> Vec<String> {
    let mut tx = t.db.write().await.unwrap();
    let token = tokens::create(&mut tx, user, "test", Scope::All, None, &Actor::Shell, "")
        .await
        .unwrap();
    let link = crm_jobs::accounts::links::reset(&mut tx, user, &Actor::Shell, "")
        .await
        .unwrap();
    settings::set(&mut tx, "mail_password", &"hunter2-hunter2", "user:x")
        .await
        .unwrap();
    // As the Google key and the mail server's password are kept.
    for (key, field) in [("gmail_credentials", "sealed"), ("smtp", "password")] {
        let kept = serde_json::json!({ field: format!("sealed-hunter2-{key}"), "client_email": "crm@sample.example" });
        settings::set(&mut tx, key, &kept, "user:x").await.unwrap();
    }
    settings::set(&mut tx, settings::FUND_ZONE, &"Europe/Berlin", "user:x")
        .await
        .unwrap();
    sqlx::query(
        "insert into sessions (token_hash, user_id, created_at, last_seen_at, expires_at, ip, user_agent)
         values ('5e55105e55105e5510', ?1, 1, 1, 1, '', '')",
    )
    .bind(user)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query(
        "insert into calendar_feeds (id, user_id, token_hash, created_at) values ('c', ?1, 'ca1e0da7ca1e0da7', 1)",
    )
    .bind(user)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query("insert into idempotency_keys (actor, key, request_hash, answer, created_at) values ('a', 'k', 'h', 'an-answer-once-given', 1)")
        .execute(&mut *tx)
        .await
        .unwrap();
    let mut secrets: Vec<String> = sqlx::query_scalar(
        "select token_hash from api_tokens union all select token_hash from links union all select password_hash from users where password_hash is not null",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert!(secrets.len() >= 3);
    secrets.extend([token.1, link.secret]);
    secrets.extend(
        [
            "hunter2-hunter2",
            "sealed-hunter2-gmail_credentials",
            "sealed-hunter2-smtp",
            "5e55105e55105e5510",
            "ca1e0da7ca1e0da7",
            "an-answer-once-given",
        ]
        .map(str::to_owned),
    );
    secrets
}

#[tokio::test]
async fn what_cannot_be_loaded_changes_nothing() {
    let t = demo_fund().await;
    let whole = taken(&t).await;
    let full = snapshot::load(&t.db, &put(&t, &whole)).await.unwrap_err();
    assert!(matches!(full, LoadError::NotEmpty(_)), "{full}");

    let empty = TestDb::new().await;
    let newer = whole.replacen("\"schema\":", "\"schema\":9", 1);
    let no_owner = whole.replacen("\"contacts\":{", "\"people\":{", 1);
    let orphan = {
        let mut document: Value = serde_json::from_str(&whole).unwrap();
        document["tables"]["contacts"]["rows"]
            .as_array_mut()
            .unwrap()
            .clear();
        document["tables"]["contact_addresses"]["rows"] =
            serde_json::json!([["a@example.org", "nobody"]]);
        document.to_string()
    };
    for (text, why) in [
        (newer, "install the newer release"),
        (whole[..whole.len() / 2].to_owned(), "EOF"),
        (whole[..whole.len() - 4].to_owned(), "EOF"),
        (no_owner, "no table \"people\""),
        (orphan, "refers to"),
        (
            whole.replacen("\"lead\"", "[1]", 1),
            "one text, whole number or null",
        ),
        ("[]".to_owned(), "expected a snapshot"),
        ("{\"tables\":{}}".to_owned(), "no snapshot"),
        (
            "{\"format\":\"venture-crm-snapshot\",\"schema\":1,\"tables\":{}}".to_owned(),
            "not whole",
        ),
        (String::new(), "EOF"),
        (format!("{whole}x"), "trailing"),
    ] {
        let error = snapshot::load(&empty.db, &put(&empty, &text))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
    let gone = snapshot::load(&empty.db, &empty.dir().join("none"))
        .await
        .unwrap_err();
    assert!(gone.to_string().contains("cannot read"), "{gone}");
    // After all of that it is still empty, and takes the whole one.
    snapshot::load(&empty.db, &put(&empty, &whole))
        .await
        .unwrap();
}

#[tokio::test]
async fn every_table_and_column_is_decided_on() {
    let t = TestDb::new().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> '_sqlx_migrations'",
    )
    .fetch_all(t.db.read())
    .await
    .unwrap();
    let known: BTreeSet<&str> = TABLES
        .iter()
        .map(|t| t.name)
        .chain(LEFT_OUT.iter().map(|(name, _)| *name))
        .collect();
    assert_eq!(known.len(), TABLES.len() + LEFT_OUT.len());
    let found: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
    assert_eq!(
        found, known,
        "a new table belongs in TABLES or in LEFT_OUT, with the reason"
    );
    for table in TABLES {
        let columns: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "select name from pragma_table_xinfo('{}')",
            table.name
        )))
        .fetch_all(t.db.read())
        .await
        .unwrap();
        let withheld = WITHHELD.iter().filter(|w| w.0 == table.name).map(|w| w.1);
        let known: BTreeSet<&str> = table.column_names().chain(withheld).collect();
        let found: BTreeSet<&str> = columns.iter().map(String::as_str).collect();
        assert_eq!(found, known, "columns of {}", table.name);
    }
}
