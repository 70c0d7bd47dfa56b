//! Files: what is kept and refused, stored once, deleted, brought back, swept.

use super::*;
use crate::{
    clock::DAY,
    grid::{self, ChangeBy, Operation},
    testing::TestDb,
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

#[test]
fn kinds_go_by_content() {
    for (name, content, kind) in [
        ("a.pdf", &b"%PDF-1.7\n..."[..], "application/pdf"),
        ("a.txt", b"%PDF-1.7\n...", "application/pdf"),
        ("photo.pdf", PNG, "image/png"),
        ("a.zip", b"PK\x03\x04\x14\0\0\0\0\0", "application/zip"),
        ("a.csv", b"a;b\r\n1;2", "text/csv"),
        (
            "a.eml",
            b"From: a@example.org\n\n<html>hello",
            "message/rfc822",
        ),
        ("a", "Grüße\n".as_bytes(), "text/plain"),
        ("a.txt", b"Gr\xfc\xdfe", "text/plain"),
        ("a.txt", b"1 < 2", "text/plain"),
        ("utf16.csv", b"\xff\xfea\0;\0b\0", "text/csv"),
    ] {
        assert_eq!(media_type(name, content).unwrap(), kind, "{name}");
    }
}

#[test]
fn what_could_run_is_refused() {
    for (name, content) in [
        ("a.pdf", &b"MZ\x90\0\x03\0\0\0"[..]),
        ("a.pdf", b"\x7fELF\x02\x01\x01\0"),
        ("a.txt", b"#!/bin/sh\nrm"),
        ("a.txt", b"\xef\xbb\xbf#!/bin/sh\nrm"),
        ("a.txt", b"<!DOCTYPE html><p>"),
        ("a.txt", b"  \n<HTML><script>"),
        ("a.csv", b"\xef\xbb\xbf<svg onload=x>"),
        ("a.txt", b"hello\n<script>alert(1)</script>"),
        ("a.txt", b"\xff\xfe<\0s\0v\0g\0"),
        ("a.png", b"<?xml version=\"1.0\"?><svg/>"),
        ("a.html", b"plain"),
        ("a.SVG", b"plain"),
        ("run.exe", b"plain"),
        ("a.bin", b"\0\x01\x02\x03"),
        ("a.txt", b""),
        ("a.mp3", b"ID3\x03\0\0\0\0\0\0"),
    ] {
        let why = media_type(name, content);
        assert!(why.is_err(), "{name} was kept as {why:?}");
    }
}

#[test]
fn names_lead_nowhere() {
    for (name, clean) in [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\Deck.pdf", "Deck.pdf"),
        ("..", "file"),
        ("", "file"),
        (".htaccess", "htaccess"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie x.pdf"),
        ("rechnung\u{202e}fdp.exe", "rechnungfdp.exe"),
        ("Über \"uns\".pdf", "Über uns.pdf"),
    ] {
        assert_eq!(clean_name(name), clean);
    }
    let long = clean_name(&format!("{}.pdf", "ä".repeat(400)));
    assert!(long.rsplit('.').next() == Some("pdf") && long.chars().count() <= 150);
    assert!(
        bytes::in_folder(std::path::Path::new("/x"), "../../etc/passwd").ends_with("no-such-file")
    );
}

async fn set_up() -> TestDb {
    let t = TestDb::new().await;
    let mut tx = t.db.write().await.unwrap();
    grid::begin(&mut tx, "system").await.unwrap();
    let by = ChangeBy {
        actor: "system",
        origin: "edit",
        summary: "",
        job: None,
    };
    let add = Operation::AddRow {
        id: Some("r1".to_owned()),
        after: None,
        cells: [("name".to_owned(), "Sample".into())].into_iter().collect(),
        list: None,
    };
    grid::apply(&mut tx, &[add], &by).await.unwrap();
    tx.commit().await.unwrap();
    t
}

async fn put(t: &TestDb, name: &str, content: &[u8]) -> File {
    let stored = store(&t.db, name, content.to_vec()).await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    let file = attach(&mut tx, &t.db, &stored, "r1", None, "user:x")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    file
}

#[tokio::test]
async fn bytes_are_stored_once_and_go_when_nothing_names_them() {
    let t = set_up().await;
    let (one, two) = (put(&t, "a.png", PNG).await, put(&t, "b.png", PNG).await);
    assert_eq!(one.sha256, two.sha256);
    assert_eq!(read(t.db.dir(), &one).await.unwrap(), PNG);
    // Bytes stored and never recorded.
    let left = store(&t.db, "c.txt", b"left behind".to_vec())
        .await
        .unwrap();
    assert_eq!(sweep(&t.db).await.unwrap(), Swept::default(), "too young");
    t.advance(2 * DAY);
    assert_eq!(sweep(&t.db).await.unwrap().removed, 1);
    assert!(!path_of(t.db.dir(), &left.sha256).exists());
    let mut tx = t.db.write().await.unwrap();
    let late = attach(&mut tx, &t.db, &left, "r1", None, "user:x").await;
    assert!(
        matches!(late, Err(FileError::Disk { .. })),
        "its bytes are gone"
    );
    remove(&mut tx, &one.id, "user:x").await.unwrap();
    remove(&mut tx, &two.id, "user:x").await.unwrap();
    restore(&mut tx, &two.id).await.unwrap();
    tx.commit().await.unwrap();
    t.advance(31 * DAY);
    assert_eq!(
        sweep(&t.db).await.unwrap(),
        Swept {
            forgotten: 1,
            removed: 0
        }
    );
    let mut tx = t.db.write().await.unwrap();
    assert!(restore(&mut tx, &one.id).await.is_err(), "forgotten");
    remove(&mut tx, &two.id, "user:x").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        sweep(&t.db).await.unwrap(),
        Swept::default(),
        "deleted just now"
    );
    t.advance(31 * DAY);
    assert_eq!(
        sweep(&t.db).await.unwrap(),
        Swept {
            forgotten: 1,
            removed: 1
        }
    );
    assert!(!path_of(t.db.dir(), &one.sha256).exists());
}

#[tokio::test]
async fn a_damaged_file_is_not_handed_out() {
    let t = set_up().await;
    let file = put(&t, "a.png", PNG).await;
    std::fs::write(path_of(t.db.dir(), &file.sha256), b"other").unwrap();
    assert!(read(t.db.dir(), &file).await.is_err());
    // The same bytes attached again mend it.
    put(&t, "again.png", PNG).await;
    assert_eq!(read(t.db.dir(), &file).await.unwrap(), PNG);
    let large = store(&t.db, "a.txt", vec![b'a'; MAX_BYTES + 1]).await;
    assert!(matches!(large, Err(FileError::TooLarge)));
}

#[tokio::test]
async fn a_purged_row_takes_its_files_with_it() {
    let t = set_up().await;
    let file = put(&t, "a.png", PNG).await;
    let mut tx = t.db.write().await.unwrap();
    let by = ChangeBy {
        actor: "system",
        origin: "edit",
        summary: "",
        job: None,
    };
    let delete = Operation::Delete {
        row: "r1".to_owned(),
    };
    grid::apply(&mut tx, &[delete], &by).await.unwrap();
    assert!(
        find(&mut tx, &file.id).await.unwrap().is_none(),
        "its row is deleted"
    );
    grid::purge(&mut tx, "r1", "Sample", &by).await.unwrap();
    tx.commit().await.unwrap();
    t.advance(2 * DAY);
    assert_eq!(sweep(&t.db).await.unwrap().removed, 1);
}
