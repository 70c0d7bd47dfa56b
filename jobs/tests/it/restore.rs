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
async fn what_cannot_be_restored_is_refused_and_changes_nothing() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let whole = std::fs::read(t.db.dir().backups().join(&taken.file_name)).unwrap();
    let place = t.dir().join("uploaded");
    std::fs::create_dir_all(&place).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = place.join(name);
        std::fs::write(&path, bytes).unwrap();
        Source {
            file: path,
            manifest: None,
        }
    };
    let foreign = {
        let path = place.join("foreign.db");
        let mut conn = {
            use sqlx::ConnectOptions;
            sqlx::sqlite::SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(true)
                .connect()
                .await
                .unwrap()
        };
        sqlx::query("create table x (y)")
            .execute(&mut conn)
            .await
            .unwrap();
        sqlx::Connection::close(conn).await.unwrap();
        Source {
            file: path,
            manifest: None,
        }
    };
    let mut middle = whole.clone();
    let at = middle.len() / 2;
    middle[at] ^= 64;
    let newer = edited(&t, &place, "newer.db", "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', 1, x'00', 0)").await;
    let trigger = edited(
        &t,
        &place,
        "trigger.db",
        "create trigger evil after insert on audit_log begin delete from users; end",
    )
    .await;
    let changed = edited(
        &t,
        &place,
        "changed.db",
        "update _sqlx_migrations set checksum = x'00' where version = 3",
    )
    .await;
    let zeros = zstd::encode_all(std::io::repeat(0).take_some(40_000_000), 3).unwrap();
    for (source, says) in [
        (put("empty", b""), "neither"),
        (put("text.csv", b"a,b,c\n1,2,3\n"), "neither"),
        (put("cut.zst", &whole[..whole.len() / 2]), ""),
        (put("flipped.zst", &middle), ""),
        (put("half.db", b"SQLite format 3\0 and then nothing"), ""),
        (put("bomb.zst", &zeros), "more than"),
        (foreign, "not one of Venture CRM"),
        (newer, "install that release first"),
        (trigger, "evil"),
        (changed, "today's schema"),
    ] {
        let name = source.name();
        let asked = Asked {
            source,
            backup_id: None,
            user: BY,
            scratch: None,
            identity: None,
            most: 20_000_000,
        };
        let error = restore::preview(&t.db, asked).await.expect_err(&name);
        assert!(error.to_string().contains(says), "{name}: {error}");
    }
    assert!(names_in(&t.db.dir().restore()).is_empty());
    assert!(restore::status(&dir(&t)).unwrap().is_none());
    // The same bytes whole, without a manifest, may be restored, with a warning.
    let shown = look(&t, put("whole.db.zst", &whole)).await.unwrap();
    assert!(shown.warnings[0].contains("no manifest"));
}

trait TakeSome: Sized {
    fn take_some(self, n: u64) -> std::io::Take<Self>;
}

impl<R: std::io::Read> TakeSome for R {
    fn take_some(self, n: u64) -> std::io::Take<Self> {
        self.take(n)
    }
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
async fn a_damaged_backup_is_refused_before_anything_is_asked() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let path = t.db.dir().backups().join(&taken.file_name);
    let whole = std::fs::read(&path).unwrap();
    // `ops/chaos damage` tries a thousand.
    for n in 0..200 {
        let mut damaged = whole.clone();
        let at = n * whole.len() / 200;
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
    let error = look(&t, source_of(&t, &taken)).await.unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    std::fs::write(&path, &whole).unwrap();
    look(&t, source_of(&t, &taken)).await.unwrap();
}

#[tokio::test]
async fn an_older_schema_is_migrated_in_the_scratch_folder() {
    let mut t = TestDb::new().await;
    grid_of_one(&t).await;
    let before = rows(&t.db).await;
    // As the release before this migration left it.
    let older = as_before(
        &t,
        12,
        &[
            "drop index commitment_events_by_time",
            "drop index backups_verified",
            "alter table backups drop column kind",
            "alter table backups drop column recipient",
            "alter table backups drop column second_state",
            "alter table backups drop column second_error",
        ],
    )
    .await;
    add_row(&t, "Later").await;
    let shown = look(&t, older).await.unwrap();
    assert!(shown.schema_version < shown.migrated_to);
    assert!(
        shown.warnings.iter().any(|w| w.contains("older release")),
        "{:?}",
        shown.warnings
    );
    ask(&t, &shown).await.unwrap();
    assert_eq!(carry_out(&mut t).await.phase, Phase::Finished);
    assert_eq!(rows(&t.db).await, before);
    crm_jobs::db::check_schema(&t.db).await.unwrap();
}

/// A copy with the tables of migration `last` and none of later ones; `undone`
/// takes back what those did to tables that were there before.
async fn as_before(t: &TestDb, last: i64, undone: &[&'static str]) -> Source {
    use sqlx::ConnectOptions;
    let source = edited(t, t.dir(), "older.db", "select 1").await;
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&source.file)
        .foreign_keys(false)
        .connect()
        .await
        .unwrap();
    let there: Vec<String> =
        sqlx::query_scalar("select name from sqlite_schema where type = 'table'")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    for table in there.iter().filter(|table| begins_after(table, last)) {
        let sql = sqlx::AssertSqlSafe(format!("drop table {table}"));
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
    for sql in undone {
        sqlx::query(*sql).execute(&mut conn).await.unwrap();
    }
    sqlx::query("delete from _sqlx_migrations where version > ?1")
        .bind(last)
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    source
}

/// Whether a migration after `last` makes this table.
fn begins_after(table: &str, last: i64) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    std::fs::read_dir(folder).unwrap().any(|file| {
        let path = file.unwrap().path();
        let number: Option<i64> = path
            .file_name()
            .and_then(|name| name.to_str()?.split('_').next()?.parse().ok());
        number.is_some_and(|number| number > last)
            && std::fs::read_to_string(&path)
                .unwrap()
                .contains(&format!("create table {table} ("))
    })
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
