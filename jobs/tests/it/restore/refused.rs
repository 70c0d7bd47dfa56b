//! What is no backup, is damaged or comes from elsewhere.

use crm_jobs::testing::damaged;

use super::*;

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

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_asked() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    let path = t.db.dir().backups().join(&taken.file_name);
    let whole = std::fs::read(&path).unwrap();
    // `ops/chaos damage` tries a thousand.
    for n in 0..200 {
        let at = n * whole.len() / 200;
        std::fs::write(&path, damaged(&whole, n, at)).unwrap();
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
