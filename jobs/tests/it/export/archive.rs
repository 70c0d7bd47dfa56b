//! "Take everything with you": what is in it, what is not, and that there is one
//! good archive or none.

use std::{
    fs::{self, File},
    io::Read,
    path::PathBuf,
};

use crm_jobs::{
    clock::{DAY, HOUR},
    export::archive::{self, Archive, MakeArchive},
    files, queue, tasks,
    testing::TestDb,
};
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::{
    snapshot::{demo_fund, plant_secrets},
    user,
};
use crate::grid::{ANA, grid_of_one, write};

async fn ask(t: &TestDb) {
    let mut tx = t.db.write().await.unwrap();
    queue::enqueue(&mut tx, &MakeArchive {}).await.unwrap();
    tx.commit().await.unwrap();
}

async fn make(t: &TestDb) -> Archive {
    ask(t).await;
    queue::drain(&t.db, &tasks::registry()).await.unwrap();
    archive::list(&t.db).await.unwrap().remove(0)
}

fn path(t: &TestDb, archive: &Archive) -> PathBuf {
    archive::path_of(t.db.dir(), archive)
}

fn entry(zip: &mut ZipArchive<File>, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn text(zip: &mut ZipArchive<File>, name: &str) -> String {
    String::from_utf8(entry(zip, name)).unwrap()
}

async fn attach(t: &TestDb, row: &str, name: &str, content: &[u8]) -> files::File {
    let stored = files::store(&t.db, name, content.to_vec()).await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    let file = files::attach(&mut tx, &t.db, &stored, row, None, "user:x")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // Files are named in the order of their time: no two share one.
    t.advance(1);
    file
}

fn left(t: &TestDb) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(t.db.dir().exports())
        .unwrap()
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_archive_has_everything_and_no_secret() {
    let t = demo_fund().await;
    let person = user(&t, "admin@example.org", "Sample Admin").await;
    let secrets = plant_secrets(&t, &person.id).await;
    let row: String = sqlx::query_scalar("select id from grid_rows order by position limit 1")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    attach(&t, &row, "Deck.txt", b"the first").await;
    attach(&t, &row, "deck.txt", b"the second").await;
    let lost = attach(&t, &row, "Lost.txt", b"the third").await;
    fs::remove_file(files::path_of(t.db.dir(), &lost.sha256)).unwrap();
    let archive = make(&t).await;
    assert_eq!((archive.investors, archive.files), (400, 2));
    assert_eq!(archive.missing_files, ["Lost.txt: its bytes are lost"]);
    assert_eq!(archive.expires_at - archive.created_at, DAY);

    let bytes = fs::read(path(&t, &archive)).unwrap();
    assert_eq!(bytes.len() as u64, archive.size_bytes);
    let sum = crm_jobs::hex(&Sha256::digest(&bytes));
    assert_eq!(sum, archive.sha256);
    let mut zip = ZipArchive::new(File::open(path(&t, &archive)).unwrap()).unwrap();
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.unwrap().into_owned())
        .collect();
    for name in [
        "README.txt",
        "crm.db",
        "SHA256SUMS",
        "reader/index.html",
        "reader/data.js",
        "reader/data/rows-1.js",
        "reader/data/more-1.js",
        "files/Deck.txt",
        "files/deck (2).txt",
        "csv/investors.csv",
        "csv/contacts.csv",
        "csv/funds.csv",
        "csv/commitments.csv",
        "csv/stages.csv",
        "csv/tasks.csv",
        "csv/notes.csv",
        "csv/interactions.csv",
        "csv/files.csv",
        "csv/changes.csv",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
    // Every entry is as SHA256SUMS says, and none tells a secret.
    let sums = text(&mut zip, "SHA256SUMS");
    assert_eq!(sums.lines().count(), names.len() - 1);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        let content = entry(&mut zip, name);
        assert_eq!(crm_jobs::hex(&Sha256::digest(&content)), sum, "{name}");
        for secret in &secrets {
            let found = content
                .windows(secret.len())
                .any(|w| w == secret.as_bytes());
            assert!(!found, "{secret} is in {name}");
        }
    }
    assert_eq!(entry(&mut zip, "files/deck (2).txt"), b"the second");
    let readme = text(&mut zip, "README.txt");
    assert!(readme.contains("Lost.txt: its bytes are lost"), "{readme}");
    assert!(readme.contains("investors.csv: 400 rows"), "{readme}");
    let investors = text(&mut zip, "csv/investors.csv");
    assert!(investors.starts_with("\u{feff}Investor ID,Archived,"));
    let files_csv = text(&mut zip, "csv/files.csv");
    assert!(
        files_csv.contains("deck (2).txt,in the archive"),
        "{files_csv}"
    );

    opens_and_is_whole(&t, &entry(&mut zip, "crm.db")).await;
    // And the live one still knows everybody.
    let hashes: i64 =
        sqlx::query_scalar("select count(*) from users where password_hash is not null")
            .fetch_one(t.db.read())
            .await
            .unwrap();
    assert_eq!(hashes, 1);
    assert_eq!(left(&t).len(), 2, "{:?}", left(&t));
}

/// The database opens, is whole, and has no work waiting.
async fn opens_and_is_whole(t: &TestDb, bytes: &[u8]) {
    let copy = t.dir().join("copy.db");
    fs::write(&copy, bytes).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&copy)
        .read_only(true)
        .immutable(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let whole: String = sqlx::query_scalar("pragma integrity_check")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(whole, "ok");
    let rows: i64 = sqlx::query_scalar("select count(*) from fundraising_investors")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rows, 400);
    let unfinished: i64 = sqlx::query_scalar("select count(*) from jobs where finished_at is null")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(unfinished, 0);
    pool.close().await;
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let evil = "</script><img src=x onerror=alert(1)>\u{2028}=1+1";
    write(
        &t,
        serde_json::json!([{"op": "set", "row": "r1", "column": "name", "value": evil, "base": 1},
            {"op": "add_row", "id": "r2", "cells": {"name": "=cmd|' /C calc'!A0"}}]),
        &ANA,
    )
    .await
    .unwrap();
    let archive = make(&t).await;
    let mut zip = ZipArchive::new(File::open(path(&t, &archive)).unwrap()).unwrap();
    let rows = text(&mut zip, "reader/data/rows-1.js");
    let json = rows
        .trim()
        .strip_prefix("crmRows(1,")
        .unwrap()
        .strip_suffix(");")
        .unwrap();
    let rows: Vec<Vec<serde_json::Value>> = serde_json::from_str(json).unwrap();
    assert_eq!(rows[0][2], evil);
    let changes = text(&mut zip, "csv/changes.csv");
    assert!(!changes.contains(",=cmd"), "{changes}");
    let investors = text(&mut zip, "csv/investors.csv");
    assert!(investors.contains(",'=cmd"), "{investors}");
}

#[tokio::test]
async fn an_archive_goes_after_a_day() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let first = make(&t).await;
    t.advance(23 * HOUR);
    queue::drain(&t.db, &tasks::registry()).await.unwrap();
    assert!(archive::find(&t.db, &first.id).await.unwrap().is_some());
    let second = make(&t).await;
    assert_eq!(archive::list(&t.db).await.unwrap().len(), 2);
    t.advance(HOUR + 2_000);
    assert!(
        archive::find(&t.db, &first.id).await.unwrap().is_none(),
        "not handed out"
    );
    queue::drain(&t.db, &tasks::registry()).await.unwrap();
    assert!(!path(&t, &first).exists(), "and removed");
    assert!(path(&t, &second).exists());
    archive::remove(&t.db, &second).await.unwrap();
    assert_eq!(left(&t), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_killed_attempt_left_is_gone_after_the_next() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let exports = t.db.dir().exports();
    fs::create_dir(exports.join("archive-0.tmp")).unwrap();
    fs::write(exports.join("archive-0.tmp/crm.db"), b"half").unwrap();
    fs::write(exports.join("archive-0.json.tmp"), b"half").unwrap();
    // It got as far as the ZIP, and no further.
    fs::write(
        exports.join("venture-crm-20200101-000000-dead.zip"),
        b"half",
    )
    .unwrap();
    assert!(archive::list(&t.db).await.unwrap().is_empty());
    let archive = make(&t).await;
    let stem = archive.file.trim_end_matches(".zip");
    assert_eq!(left(&t), [format!("{stem}.json"), archive.file.clone()]);
}

#[tokio::test]
async fn an_attempt_that_is_not_published_leaves_nothing() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let at = t.db.now();
    let first = archive::make(&t.db, "one", at, "shell", |_, _| true)
        .await
        .unwrap();
    let second = archive::make(&t.db, "one", at, "shell", |_, _| true)
        .await
        .unwrap();
    drop(first);
    let archive = second.publish().unwrap();
    assert_eq!(left(&t).len(), 2, "{:?}", left(&t));
    assert_eq!(archive::list(&t.db).await.unwrap(), [archive]);
    // Each step can be the last.
    for stop in 1..=7 {
        let stopped = archive::make(&t.db, "two", at, "shell", move |done, _| done < stop).await;
        assert!(stopped.is_err(), "step {stop}");
        assert_eq!(left(&t).len(), 2, "step {stop}: {:?}", left(&t));
    }
}
