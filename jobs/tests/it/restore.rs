//! Restores: what is shown, what is refused, and that the old and the new
//! database are both there afterwards.

use std::path::{Path, PathBuf};

use crm_jobs::{
    audit::Actor,
    backup::{self, Backup, DrillBackup, Manifest, drill},
    db::{DataDir, Db},
    files, queue,
    restore::{
        self, Asked, MAX_DATABASE, Mover, Phase, Preview, RestoreError, Source, Status, Who,
    },
    settings, tasks,
    testing::TestDb,
};

use super::{
    backup::{attach, back_up},
    grid::grid_of_one,
};

mod drills;
mod older;
mod refused;

const BY: &str = "shell";

fn dir(t: &TestDb) -> DataDir {
    DataDir::create(t.dir()).unwrap()
}

fn source_of(t: &TestDb, backup: &Backup) -> Source {
    Source {
        file: t.db.dir().backups().join(&backup.file_name),
        manifest: Some(serde_json::from_str(&backup.manifest).unwrap()),
    }
}

async fn look(t: &TestDb, source: Source) -> Result<Preview, RestoreError> {
    let asked = Asked {
        source,
        backup_id: None,
        user: BY,
        scratch: None,
        identity: None,
        most: MAX_DATABASE,
    };
    restore::preview(&t.db, asked).await
}

async fn ask(t: &TestDb, preview: &Preview) -> Result<Status, RestoreError> {
    let (token, confirm) = (&preview.token, &preview.confirm);
    restore::ask(&t.db, token, confirm, &Actor::Shell, "", None).await
}

/// What the worker does once it has closed the database.
async fn carry_out(t: &mut TestDb) -> Status {
    let (path, clock) = (t.dir().to_owned(), t.db.clock().clone());
    t.while_closed(async {
        let (mover, status) = restore::settle(&path, &clock, Who::Worker)
            .await
            .unwrap()
            .expect("a restore was asked for");
        let dir = DataDir::create(&path).unwrap();
        restore::perform(&dir, &clock, &mover, status)
            .await
            .unwrap()
    })
    .await
}

async fn rows(db: &Db) -> Vec<String> {
    sqlx::query_scalar("select cells ->> 'name' from grid_rows where deleted_at is null order by 1")
        .fetch_all(db.read())
        .await
        .unwrap()
}

/// A row with this name, as if somebody had typed it.
async fn add_row(t: &TestDb, name: &str) {
    let mut tx = t.db.write().await.unwrap();
    sqlx::query(
        "insert into grid_rows (id, position, version, cells, list_since_at, list_by, created_at, created_by, updated_at, updated_by)
         values (?1, 9, (select version + 1 from grid_state), json_object((select id from grid_columns order by position limit 1), ?1), 1, 'x', 1, 'x', 1, 'x')",
    )
    .bind(name)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query("update grid_state set version = version + 1")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db.read()).await.unwrap()
}

fn names_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .map(|d| d.flatten().map(|e| e.path()).collect())
        .unwrap_or_default()
}

/// A copy of the database with a statement run on it.
async fn edited(t: &TestDb, place: &Path, name: &str, sql: &'static str) -> Source {
    use sqlx::ConnectOptions;
    let path = place.join(name);
    let mut tx = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(t.db.dir().database())
        .connect()
        .await
        .unwrap();
    sqlx::query("vacuum into ?1")
        .bind(path.display().to_string())
        .execute(&mut tx)
        .await
        .unwrap();
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    sqlx::query(sql).execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    Source {
        file: path,
        manifest: None,
    }
}

#[tokio::test]
async fn a_restore_brings_back_the_old_and_keeps_the_new() {
    let mut t = TestDb::new().await;
    grid_of_one(&t).await;
    let file = attach(&t, "deck.txt", b"the deck").await;
    let before = rows(&t.db).await;
    let taken = back_up(&t).await;
    t.advance(60_000);
    add_row(&t, "Later Capital").await;
    std::fs::remove_file(files::path_of(t.db.dir(), &file.sha256)).unwrap();
    // Of the time after the backup: nobody may stay signed in by them.
    let mut tx = t.db.write().await.unwrap();
    queue::enqueue(&mut tx, &tasks::Probe::default())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let shown = look(&t, source_of(&t, &taken)).await.unwrap();
    let investors = &shown.differences.things[0];
    assert_eq!(
        (
            investors.what.as_str(),
            investors.lost,
            &investors.lost_names[..]
        ),
        ("investors", 1, &["Later Capital".to_owned()][..])
    );
    assert!(shown.has_manifest && shown.warnings.is_empty(), "{shown:?}");
    assert_eq!(rows(&t.db).await.len(), before.len() + 1, "nothing changed");
    let status = ask(&t, &shown).await.unwrap();
    let ended = carry_out(&mut t).await;
    assert_eq!(ended.phase, Phase::Finished, "{:?}", ended.error);
    assert_eq!(rows(&t.db).await, before);

    // Written down, in the new database and beside it.
    let restored = restore::list(t.db.read(), 5).await.unwrap();
    assert_eq!(restored[0].id, status.id);
    let safety = restored[0].safety_backup.clone().unwrap();
    assert_eq!(count(&t.db, "select count(*) from sessions").await, 0);
    assert_eq!(
        count(&t.db, "select count(*) from jobs where finished_at is null").await,
        0
    );
    let held: Option<bool> = settings::get(&t.db, backup::MAIL_HELD).await.unwrap();
    assert_eq!(held, Some(true));
    assert!(matches!(
        crm_jobs::audit::verify(&t.db).await.unwrap(),
        crm_jobs::audit::Chain::Unbroken { .. }
    ));
    assert_eq!(
        std::fs::read(files::path_of(t.db.dir(), &file.sha256)).unwrap(),
        b"the deck",
        "attached files come back"
    );

    // The old database is aside, whole, and the safety backup leads back to it.
    let aside = t.db.dir().replaced().join(&status.id).join("crm.db");
    assert!(aside.exists());
    assert!(
        names_in(&t.db.dir().restore()).is_empty(),
        "scratch is gone"
    );
    let listed = backup::list(t.db.read(), None, 10).await.unwrap();
    assert_eq!(
        listed.len(),
        2,
        "both backups are known to the new database"
    );
    let safety = backup::find(t.db.read(), &safety).await.unwrap().unwrap();
    assert_eq!(safety.kind, "before_restore");
    let back = look(&t, source_of(&t, &safety)).await.unwrap();
    ask(&t, &back).await.unwrap();
    assert_eq!(carry_out(&mut t).await.phase, Phase::Finished);
    assert_eq!(rows(&t.db).await.len(), before.len() + 1, "and forth again");
    assert_eq!(restore::list(t.db.read(), 5).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_token_is_good_once_for_one_person_and_one_version() {
    let mut t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let source = source_of(&t, &taken);
    let code = |r: Result<Status, RestoreError>| match r.unwrap_err() {
        RestoreError::Refused { code, .. } => code,
        other => panic!("{other}"),
    };
    let shown = look(&t, source.clone()).await.unwrap();
    let wrong = Preview {
        confirm: "something else".into(),
        ..shown.clone()
    };
    assert_eq!(code(ask(&t, &wrong).await), "confirm");
    let guessed = format!(
        "{}.{}",
        shown.token.split('.').next().unwrap(),
        "0".repeat(64)
    );
    for token in [guessed.as_str(), "", "..", "../../x.y", "nonsense"] {
        let wrong = Preview {
            token: token.to_owned(),
            ..shown.clone()
        };
        assert_eq!(code(ask(&t, &wrong).await), "token", "{token}");
    }
    let other = Actor::User("somebody".into());
    let asked = restore::ask(&t.db, &shown.token, &shown.confirm, &other, "", None).await;
    assert_eq!(code(asked), "token", "another person");
    add_row(&t, "Meanwhile").await;
    assert_eq!(code(ask(&t, &shown).await), "changed");
    let shown = look(&t, source.clone()).await.unwrap();
    t.advance(3_600_001);
    assert_eq!(code(ask(&t, &shown).await), "token", "an hour is over");
    let shown = look(&t, source.clone()).await.unwrap();
    let second = look(&t, source).await.unwrap();
    ask(&t, &shown).await.unwrap();
    assert_eq!(code(ask(&t, &shown).await), "token", "used");
    assert_eq!(code(ask(&t, &second).await), "busy");
    assert_eq!(carry_out(&mut t).await.phase, Phase::Finished);
}

#[tokio::test]
async fn who_has_the_database_open_keeps_it() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let shown = look(&t, source_of(&t, &taken)).await.unwrap();
    ask(&t, &shown).await.unwrap();
    let held = dir(&t);
    let mover = Mover::try_take(&held).unwrap().unwrap();
    assert!(Mover::try_take(&held).unwrap().is_none());
    // A crash in the middle of closing: the next start gives up.
    drop(mover);
    let mut status = restore::status(&held).unwrap().unwrap();
    status.phase = Phase::Maintenance;
    let path = held.run().join("restore.json");
    std::fs::write(&path, serde_json::to_vec(&status).unwrap()).unwrap();
    let none = restore::settle(t.dir(), t.db.clock(), Who::Other)
        .await
        .unwrap();
    assert!(none.is_none());
    let ended = restore::status(&held).unwrap().unwrap();
    assert_eq!(ended.phase, Phase::Failed);
    assert_eq!(rows(&t.db).await.len(), 1);
    // A half-swapped one opens for nobody before it is carried to its end.
    status.phase = Phase::Swapping;
    std::fs::write(&path, serde_json::to_vec(&status).unwrap()).unwrap();
    let error = Db::open(t.dir(), t.db.clock().clone()).await.unwrap_err();
    assert!(error.to_string().contains("cut off"), "{error}");
}

/// Somebody, and the text that stands for the secret of their second factor.
async fn person(t: &TestDb, id: &str, factor: Option<&str>) {
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("insert into users (id, email, name, role, created_at) values (?1, ?1 || '@example.org', ?1, 'admin', 1) on conflict do nothing")
        .bind(id)
        .execute(&mut *tx)
        .await
        .unwrap();
    for sql in [
        "delete from second_factors where user_id = ?1",
        "delete from recovery_codes where user_id = ?1",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *tx).await.unwrap();
    }
    if let Some(factor) = factor {
        sqlx::query("insert into second_factors (user_id, sealed, last_step, created_at, confirmed_at) values (?1, ?2, 7, 1, 1)")
            .bind(id)
            .bind(factor)
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query("insert into recovery_codes (user_id, code_hash, used_at) values (?1, ?2, 5)")
            .bind(id)
            .bind(factor)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn second_factors_stay_as_they_are_now() {
    let mut t = TestDb::new().await;
    grid_of_one(&t).await;
    person(&t, "added", None).await;
    person(&t, "dropped", Some("old")).await;
    person(&t, "renewed", Some("old")).await;
    let taken = back_up(&t).await;
    t.advance(60_000);
    person(&t, "added", Some("new")).await;
    person(&t, "dropped", None).await;
    person(&t, "renewed", Some("new")).await;
    person(&t, "unknown to the backup", Some("new")).await;
    let shown = look(&t, source_of(&t, &taken)).await.unwrap();
    ask(&t, &shown).await.unwrap();
    assert_eq!(carry_out(&mut t).await.phase, Phase::Finished);
    let held: Vec<(String, String, i64, String, i64)> = sqlx::query_as(
        "select f.user_id, f.sealed, f.last_step, c.code_hash, c.used_at
         from second_factors f join recovery_codes c using (user_id) order by 1",
    )
    .fetch_all(t.db.read())
    .await
    .unwrap();
    let new = |id: &str| (id.to_owned(), "new".to_owned(), 7, "new".to_owned(), 5);
    assert_eq!(held, [new("added"), new("renewed")]);
}
