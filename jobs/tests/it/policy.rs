//! The backup policy: what is taken, what is refused; encryption, the second
//! directory, retention, what stays out of a backup.

use std::{io::Read, path::Path, process::Command};

use crm_jobs::{
    backup::{self, DrillDay, Keys, Manifest, Policy, PolicyError, RemoveError},
    clock::{DAY, HOUR},
    queue::{self, schedules},
    tasks,
    testing::TestDb,
};

use super::{
    backup::{attach, back_up},
    export::snapshot::plant_secrets,
    grid::grid_of_one,
};

async fn set(t: &TestDb, policy: Policy, phrase: Option<&str>) -> Result<Policy, PolicyError> {
    let mut tx = t.db.write().await.unwrap();
    let set = backup::set_policy(&mut tx, &t.db, policy, phrase, "user:x").await;
    if set.is_ok() {
        tx.commit().await.unwrap();
    }
    set
}

async fn install(t: &TestDb) {
    let mut tx = t.db.write().await.unwrap();
    schedules::install(&mut tx, tasks::SCHEDULES, "UTC")
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

fn field(result: Result<Policy, PolicyError>) -> &'static str {
    match result.unwrap_err() {
        PolicyError::Field { field, .. } => field,
        PolicyError::Db(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_policy_names_the_field_that_is_wrong() {
    let t = TestDb::new().await;
    let outside = tempfile::tempdir().unwrap();
    let inside = t.dir().join("backups").display().to_string();
    let file = outside.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let second = |text: &str| Policy {
        second_directory: Some(text.to_owned()),
        ..Policy::default()
    };
    for (policy, wrong) in [
        (
            Policy {
                time: "25:00".into(),
                ..Policy::default()
            },
            "time",
        ),
        (
            Policy {
                time: "2".into(),
                ..Policy::default()
            },
            "time",
        ),
        (
            Policy {
                zone: Some("Mars/Olympus".into()),
                ..Policy::default()
            },
            "zone",
        ),
        (
            Policy {
                daily: 0,
                ..Policy::default()
            },
            "daily",
        ),
        (
            Policy {
                alarm_hours: 0,
                ..Policy::default()
            },
            "alarm_hours",
        ),
        (
            Policy {
                recipient: Some("age1nonsense".into()),
                ..Policy::default()
            },
            "recipient",
        ),
        (second("relative/path"), "second_directory"),
        (second("/there/is/no/such/place"), "second_directory"),
        (second(&inside), "second_directory"),
        (second("/"), "second_directory"),
        (second(&file.display().to_string()), "second_directory"),
    ] {
        assert_eq!(
            field(set(&t, policy.clone(), None).await),
            wrong,
            "{policy:?}"
        );
    }
    assert_eq!(backup::policy(&t.db).await.unwrap(), Policy::default());
    install(&t).await;
    let policy = Policy {
        time: "04:15".into(),
        zone: Some("Europe/Vienna".into()),
        drill_day: DrillDay::Wednesday,
        second_directory: Some(outside.path().display().to_string()),
        ..Policy::default()
    };
    assert_eq!(set(&t, policy.clone(), None).await.unwrap(), policy);
    let all = schedules::list(t.db.read()).await.unwrap();
    let of = |name: &str| all.iter().find(|s| s.name == name).unwrap();
    assert_eq!(of("nightly-backup").expression, "15 4 * * *");
    assert_eq!(of("nightly-backup").zone.as_deref(), Some("Europe/Vienna"));
    assert_eq!(of("weekly-drill").expression, "45 4 * * 3");
}

/// Keys of one's own, and the policy that uses them.
async fn encrypted(t: &TestDb, keys: &Path) -> Policy {
    let (secret, public) = backup_keys(keys);
    let policy = Policy {
        recipient: Some(public.clone()),
        ..Policy::default()
    };
    assert_eq!(field(set(t, policy.clone(), None).await), "phrase");
    let mut tx = t.db.write().await.unwrap();
    let made = backup::challenge(&mut tx, &public, "user:x").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        field(set(t, policy.clone(), Some("a guess")).await),
        "phrase"
    );
    let mut phrase = String::new();
    let key: age::x25519::Identity = secret.parse().unwrap();
    age::Decryptor::new(age::armor::ArmoredReader::new(made.armored.as_bytes()))
        .unwrap()
        .decrypt(std::iter::once(&key as &dyn age::Identity))
        .unwrap()
        .read_to_string(&mut phrase)
        .unwrap();
    set(t, policy, Some(&format!(" {phrase}\n"))).await.unwrap()
}

fn backup_keys(path: &Path) -> (String, String) {
    use age::secrecy::ExposeSecret;
    let key = age::x25519::Identity::generate();
    let secret = key.to_string().expose_secret().to_owned();
    std::fs::write(path, format!("# created\n{secret}\n")).unwrap();
    (secret, key.to_public().to_string())
}

#[tokio::test]
async fn an_encrypted_backup_opens_with_the_admins_key_and_with_the_boxs() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let file = attach(&t, "deck.txt", b"the confidential deck").await;
    let keys = t.dir().join("key.txt");
    encrypted(&t, &keys).await;
    let taken = back_up(&t).await;
    assert!(taken.file_name.ends_with(".db.zst.age") && taken.recipient.is_some());
    let dir = t.db.dir().backups();
    let manifest: Manifest = serde_json::from_str(&taken.manifest).unwrap();
    let kept = backup::find_kept(&dir, &manifest, &manifest.files[0]);
    assert_eq!(manifest.files[0].sha256, file.sha256);
    for path in [dir.join(&taken.file_name), kept] {
        let bytes = std::fs::read(path).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/v1"));
        assert!(!bytes.windows(12).any(|w| w == b"confidential"));
    }
    backup::verify_stored(&dir, &manifest).await.unwrap();
    // On another box, with the admin's key alone.
    let admin = Keys::from_file(&keys).unwrap();
    backup::verify_with(&dir, &manifest, &admin).await.unwrap();
    assert!(
        backup::verify_with(&dir, &manifest, &Keys::default())
            .await
            .is_err()
    );
    // The box's key is nobody else's and in no backup.
    assert!(t.dir().join("keys/backup-identity.txt").exists());

    // Damage is found here too.
    let path = dir.join(&taken.file_name);
    let whole = std::fs::read(&path).unwrap();
    for n in 0..40 {
        let mut bytes = whole.clone();
        let at = n * whole.len() / 40;
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(backup::verify_file(&path).await.is_err(), "{n}");
    }
    std::fs::write(&path, whole).unwrap();
    // A second one shares the sealed file, and it goes with the last that names it.
    t.advance(DAY);
    back_up(&t).await;
    let sealed = walk(&dir.join("files"));
    assert_eq!(sealed.len(), 1, "{sealed:?}");
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[tokio::test]
async fn no_secret_is_in_a_backup_that_anybody_can_read() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let person = super::export::user(&t, "admin@example.org", "Sample Admin").await;
    let secrets = plant_secrets(&t, &person.id).await;
    let stays: Vec<String> = sqlx::query_scalar(
        "select token_hash from api_tokens union all select password_hash from users where password_hash is not null union all select token_hash from calendar_feeds",
    )
    .fetch_all(t.db.read())
    .await
    .unwrap();
    let taken = back_up(&t).await;
    let path = t.db.dir().backups().join(&taken.file_name);
    let bytes = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    let mut gone = 0;
    for secret in secrets {
        // Hashes of passwords and tokens stay: people sign in after a restore.
        if !stays.contains(&secret) {
            assert!(!holds(&secret), "{secret} is in the backup");
            gone += 1;
        }
    }
    assert!(gone >= 4 && stays.iter().all(|s| holds(s)));
}

#[tokio::test]
async fn a_person_checks_a_backup_with_tools_of_their_own() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let taken = back_up(&t).await;
    // As docs/backups.md says.
    let script = format!(
        "set -e; cd {dir}; sha256sum -c {file}.sha256; zstd -q -d {file} -o copy.db; sqlite3 copy.db 'pragma integrity_check; select count(*) from grid_rows'; rm copy.db",
        dir = t.db.dir().backups().display(),
        file = taken.file_name
    );
    let done = Command::new("sh").args(["-c", &script]).output().unwrap();
    let says = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{says}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(says.contains(": OK") && says.ends_with("ok\n1\n"), "{says}");
}

#[tokio::test]
async fn the_second_directory_gets_all_and_loses_what_is_gone_here() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    attach(&t, "one.txt", b"bytes").await;
    let first = back_up(&t).await;
    let second = tempfile::tempdir().unwrap();
    std::fs::write(second.path().join("somebody-elses.txt"), "stays").unwrap();
    let place = second.path().join("mounted");
    std::fs::create_dir(&place).unwrap();
    let policy = Policy {
        second_directory: Some(place.display().to_string()),
        ..Policy::default()
    };
    set(&t, policy, None).await.unwrap();
    // Unmounted: the backup counts all the same, and the failure is told.
    std::fs::remove_dir(&place).unwrap();
    t.advance(DAY);
    let other = back_up(&t).await;
    let db = t.db.clone();
    let state = |id: String| {
        let db = db.clone();
        async move { backup::find(db.read(), &id).await.unwrap().unwrap() }
    };
    let failed = state(other.id.clone()).await;
    assert_eq!(failed.second_state.as_deref(), Some("failed"));
    assert!(backup::health(&t.db).await.unwrap().alarms[0].contains("second copy"));
    // Mounted again: the next backup makes up for it.
    std::fs::create_dir(&place).unwrap();
    t.advance(DAY);
    let third = back_up(&t).await;
    for backup in [&first, &other, &third] {
        assert_eq!(
            state(backup.id.clone()).await.second_state.as_deref(),
            Some("copied")
        );
        backup::verify_file(&place.join(&backup.file_name))
            .await
            .unwrap();
    }
    // Thinned out here, thinned out there; nobody else's file is touched.
    t.advance(2 * HOUR);
    back_up(&t).await;
    t.advance(DAY);
    back_up(&t).await;
    assert!(!place.join(&third.file_name).exists());
    assert!(second.path().join("somebody-elses.txt").exists());
}

#[tokio::test]
async fn the_newest_verified_backup_cannot_be_removed() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let older = back_up(&t).await;
    t.advance(DAY);
    let newest = back_up(&t).await;
    let mut tx = t.db.write().await.unwrap();
    let refused = backup::remove(&mut tx, &newest.id).await;
    assert!(matches!(refused, Err(RemoveError::NewestVerified)));
    assert!(matches!(
        backup::remove(&mut tx, "x").await,
        Err(RemoveError::Missing)
    ));
    let file = backup::remove(&mut tx, &older.id).await.unwrap();
    tx.commit().await.unwrap();
    backup::remove_files(t.db.dir(), &file).unwrap();
    let left = backup::list(t.db.read(), None, 9).await.unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn rotation_stops_while_anything_fails_and_alarms_come_in_time() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    assert!(backup::health(&t.db).await.unwrap().alarms[0].contains("no verified backup"));
    back_up(&t).await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update backups set state = 'failed', error = 'x'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for _ in 0..3 {
        t.advance(60_000);
        back_up(&t).await;
    }
    assert_eq!(backup::list(t.db.read(), None, 9).await.unwrap().len(), 4);
    t.advance(27 * HOUR);
    let alarms = backup::health(&t.db).await.unwrap().alarms;
    assert!(
        alarms[0].contains("older than 26 hours") && alarms[1].contains("damaged"),
        "{alarms:?}"
    );
}

#[tokio::test]
async fn a_clock_that_jumps_takes_no_backup_twice_and_removes_none_too_early() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    install(&t).await;
    let nightly = |t: &TestDb| {
        let db = t.db.clone();
        async move {
            queue::drain(&db, &tasks::registry()).await.unwrap();
            let n: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'take_backup'")
                .fetch_one(db.read())
                .await
                .unwrap();
            n
        }
    };
    assert_eq!(nightly(&t).await, 0);
    t.advance(10 * DAY);
    assert_eq!(nightly(&t).await, 1, "ten missed nights make one backup");
    t.advance(-10 * DAY);
    assert_eq!(nightly(&t).await, 1, "back in time nothing is due");
    for nights in 2..=4 {
        t.advance(DAY);
        assert_eq!(nightly(&t).await, nights, "every night has its backup");
    }
    assert!(!backup::list(t.db.read(), None, 9).await.unwrap().is_empty());
    // The night of a DST change has one backup, also at an hour that is left out
    // (29 March 2026, Berlin) or comes twice (25 October).
    for (day, zone) in [
        ("2026-03-28T12:00:00Z", "Europe/Berlin"),
        ("2026-10-24T12:00:00Z", "Europe/Berlin"),
    ] {
        let from: jiff::Timestamp = day.parse().unwrap();
        let first = schedules::next_slot("30 2 * * *", zone, from.as_millisecond()).unwrap();
        let second = schedules::next_slot("30 2 * * *", zone, first).unwrap();
        assert!(
            second - first >= 22 * HOUR,
            "{day}: {}",
            (second - first) / HOUR
        );
    }
}
