//! Reading mail with the real worker, from the double of Gmail.

use std::{path::PathBuf, time::Duration};

use crm_jobs::{
    accounts::users,
    email::{self, New},
    grid::{ChangeBy, apply},
};
use serde_json::{Value, json};

use super::*;

mod corpus;
mod drafts;
mod foreign;
mod google;
mod shell;
mod silence;

use google::Google;

const BY: ChangeBy<'static> = ChangeBy {
    actor: "user:jo",
    origin: "edit",
    summary: "",
    job: None,
};
const JO: &str = "jo@ours.example";
const BO: &str = "bo@ours.example";

/// A fund with one investor: Ada at Norwind, whose website is norwind.example.
async fn fund() -> TestDb {
    let t = TestDb::on_system_clock().await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query(
        "insert into users (id, email, name, role, password_hash, created_at) values ('jo', 'jo@ours.example', 'Jo', 'admin', '', 1), ('bo', 'bo@ours.example', 'Bo', 'member', '', 1)",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(users::names(&t.db).await.unwrap().len(), 2);
    write(&t, vec![
        json!({"op": "add_column", "name": "Name", "type": "text"}),
        json!({"op": "add_column", "name": "Website", "type": "url"}),
        json!({"op": "add_column", "name": "People", "type": "contacts"}),
        json!({"op": "add_row", "id": "norwind", "cells": {"name": "Norwind Partners", "website": "https://norwind.example", "people": [{"name": "Ada Lovelace", "email": "ada@norwind.example"}]}}),
    ])
    .await;
    crm_jobs::investors::sync(&t.db, false, |_, _| {})
        .await
        .unwrap();
    t
}

async fn write(t: &TestDb, operations: Vec<Value>) {
    let operations: Vec<_> = serde_json::from_value(Value::Array(operations)).unwrap();
    let mut tx = t.db.write().await.unwrap();
    let applied = apply(&mut tx, &operations, &BY).await.unwrap();
    assert!(applied.conflicts.is_empty());
    tx.commit().await.unwrap();
}

async fn enrol(t: &TestDb, address: &str, privacy: &str) -> String {
    let mut tx = t.db.write().await.unwrap();
    let new = New {
        address: address.to_owned(),
        user_id: None,
        consent: "Said yes at the Monday meeting".to_owned(),
        starts_on: "2024-01-01".to_owned(),
        privacy: privacy.to_owned(),
    };
    let id = email::enrol(&mut tx, &new, "user:jo").await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn sync(t: &TestDb, mailbox: &str) {
    let mut tx = t.db.write().await.unwrap();
    email::sync_now(&mut tx, mailbox, "user:jo").await.unwrap();
    tx.commit().await.unwrap();
}

async fn number(t: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

/// Waits until a query answers a number.
async fn becomes(t: &TestDb, sql: &'static str, wanted: i64) {
    let start = Instant::now();
    loop {
        let found = number(t, sql).await;
        if found == wanted {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "{sql}: {found} instead of {wanted}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until nothing is left to do.
async fn quiet(t: &TestDb) {
    becomes(t, "select count(*) from jobs where kind in ('backfill_mailbox', 'capture_mailbox', 'match_emails', 'sync_relational') and state in ('available', 'running', 'scheduled')", 0).await;
}

fn mail(n: usize, from: &str, to: &str, text: &str) -> String {
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: About {n}\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <m{n}@sample.example>\r\n\r\n{text}\r\n"
    )
}

const ADA: &str = "Ada Lovelace <ada@norwind.example>";

#[tokio::test]
async fn a_backfill_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let t = fund().await;
    let google = Google::start(&t).await;
    for n in 0..450 {
        let from = if n % 3 == 0 {
            ADA
        } else {
            "news@letters.example"
        };
        google.deliver(JO, &mail(n, from, JO, "Hello")).await;
    }
    let id = enrol(&t, JO, "body").await;
    for point in [
        "before_emails_commit",
        "after_emails_commit",
        "before_backfill_page",
        "after_backfill_page",
        "before_emails_commit",
    ] {
        let mut worker = google.worker(&t, Some(point));
        assert!(!worker.wait().success(), "{point} was never passed");
    }
    let between = number(&t, "select count(*) from emails").await;
    assert!((20..450).contains(&between), "{between}");
    let mut worker = google.worker(&t, None);
    tokio::time::sleep(Duration::from_millis(150)).await;
    worker.kill();
    let _worker = google.worker(&t, None);
    becomes(
        &t,
        "select count(*) from mailboxes where backfilled_at is not null",
        1,
    )
    .await;
    assert_eq!(number(&t, "select count(*) from emails").await, 450);
    assert_eq!(
        number(&t, "select count(*) from email_sightings").await,
        450
    );
    assert_eq!(number(&t, "select backfill_done from mailboxes").await, 450);
    assert_eq!(
        number(
            &t,
            "select count(*) from emails where is_matched = 1 and said = 'Hello'"
        )
        .await,
        150
    );
    assert_eq!(
        number(
            &t,
            "select count(*) from emails where is_matched = 0 and subject = '' and body = ''"
        )
        .await,
        300
    );
    assert!(
        google.calls("token").await <= 8,
        "one token for each process"
    );
    // What comes from now on is found by history.
    google.deliver(JO, &mail(999, ADA, JO, "New")).await;
    let lists = google.calls("messages?list").await;
    sync(&t, &id).await;
    becomes(&t, "select count(*) from emails", 451).await;
    assert_eq!(
        google.calls("messages?list").await,
        lists,
        "nothing was listed again"
    );
}

#[tokio::test]
async fn two_mailboxes_see_one_message_and_the_last_deletion_takes_it_away() {
    let t = fund().await;
    let google = Google::start(&t).await;
    let raw = mail(1, ADA, &format!("{JO}, {BO}"), "To both");
    let first_copy = google.deliver(JO, &raw).await;
    let other_copy = google.deliver(BO, &raw).await;
    assert_ne!(first_copy, other_copy);
    let (jo, bo) = (enrol(&t, JO, "metadata").await, enrol(&t, BO, "body").await);
    let _worker = google.worker(&t, None);
    becomes(
        &t,
        "select count(*) from mailboxes where backfilled_at is not null",
        2,
    )
    .await;
    quiet(&t).await;
    assert_eq!(number(&t, "select count(*) from emails").await, 1);
    assert_eq!(number(&t, "select count(*) from email_sightings").await, 2);
    assert_eq!(
        number(&t, "select count(*) from emails where body like 'To both%'").await,
        1,
        "the most that a mailbox allows"
    );
    google
        .control(json!({ "delete": { "from": JO, "id": first_copy } }))
        .await;
    sync(&t, &jo).await;
    becomes(
        &t,
        "select count(*) from email_sightings where deleted_at is not null",
        1,
    )
    .await;
    assert_eq!(
        number(&t, "select count(*) from emails where deleted_at is null").await,
        1,
        "Bo still has it"
    );
    google
        .control(json!({ "delete": { "from": BO, "id": other_copy, "bin": true } }))
        .await;
    sync(&t, &bo).await;
    becomes(
        &t,
        "select count(*) from emails where deleted_at is not null",
        1,
    )
    .await;
    assert_eq!(
        number(
            &t,
            "select count(*) from search_entries where kind = 'email'"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn a_lost_history_is_made_up_for_by_comparing_the_last_weeks() {
    let t = fund().await;
    let google = Google::start(&t).await;
    let now = crm_jobs::clock::Clock::System.now();
    let at = |days: i64| now - days * crm_jobs::clock::DAY;
    let mut ids = Vec::new();
    for n in 0..3 {
        let order = json!({ "deliver": { "to": JO, "raw": mail(n, ADA, JO, "Hi"), "at": at(10) } });
        ids.push(
            google.control(order).await["id"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let id = enrol(&t, JO, "body").await;
    let _worker = google.worker(&t, None);
    becomes(&t, "select count(*) from emails", 3).await;
    quiet(&t).await;
    // A mailbox that was off for a month.
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update mailboxes set synced_at = ?1")
        .bind(at(30))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    google
        .control(json!({ "delete": { "from": JO, "id": ids[0] } }))
        .await;
    google
        .control(json!({ "deliver": { "to": JO, "raw": mail(7, ADA, JO, "New"), "at": at(1) } }))
        .await;
    google.control(json!({ "expire_history": JO })).await;
    sync(&t, &id).await;
    becomes(&t, "select count(*) from emails", 4).await;
    becomes(
        &t,
        "select count(*) from emails where deleted_at is not null",
        1,
    )
    .await;
    quiet(&t).await;
    let resyncs = google.calls("profile").await;
    google.deliver(JO, &mail(8, ADA, JO, "Newer")).await;
    sync(&t, &id).await;
    becomes(&t, "select count(*) from emails", 5).await;
    assert_eq!(
        google.calls("profile").await,
        resyncs,
        "history works again"
    );
}

#[tokio::test]
async fn failures_are_said_in_plain_words_and_end_by_themselves() {
    let t = fund().await;
    let google = Google::start(&t).await;
    google.deliver(JO, &mail(1, ADA, JO, "Hi")).await;
    google.control(json!({ "scopes": [] })).await;
    let id = enrol(&t, JO, "body").await;
    let _worker = google.worker(&t, None);
    becomes(&t, "select count(*) from mailboxes where error_code = 'unauthorized_client' and error like '%24 hours%' and failures = 1", 1).await;
    assert_eq!(number(&t, "select count(*) from jobs where kind = 'backfill_mailbox' and state in ('scheduled', 'running')").await, 1, "it tries again by itself");
    google
        .control(json!({ "scopes": ["https://www.googleapis.com/auth/gmail.readonly"] }))
        .await;
    // Short troubles are sat out within one run.
    google.control(json!({ "fail": [
        { "path": "messages/", "status": 429, "times": 2 }, { "path": "messages/", "status": 403, "times": 1 },
        { "path": "messages?list", "status": 503, "times": 2 }, { "path": "profile", "status": 401, "times": 1 },
        { "path": "/token", "status": 500, "times": 1 },
    ] })).await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update jobs set run_at = 0, state = 'available' where kind = 'backfill_mailbox' and state = 'scheduled'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    becomes(
        &t,
        "select count(*) from mailboxes where error is null and backfilled_at is not null",
        1,
    )
    .await;
    assert_eq!(
        number(&t, "select count(*) from emails where is_matched = 1").await,
        1
    );
    quiet(&t).await;
    // A token that Google ended is replaced.
    google.control(json!({ "revoke": true })).await;
    google.deliver(JO, &mail(2, ADA, JO, "Hi")).await;
    sync(&t, &id).await;
    becomes(&t, "select count(*) from emails", 2).await;
    quiet(&t).await;
    let off = json!({ "error": { "code": 400, "message": "Mail service not enabled", "status": "FAILED_PRECONDITION", "errors": [{ "reason": "failedPrecondition" }] } });
    google
        .control(json!({ "fail": [{ "path": "history", "status": 400, "times": 9, "body": off }] }))
        .await;
    sync(&t, &id).await;
    becomes(
        &t,
        "select count(*) from mailboxes where error_code = 'failed_precondition'",
        1,
    )
    .await;
    assert_eq!(
        number(
            &t,
            "select count(*) from jobs where kind = 'capture_mailbox' and state = 'discarded'"
        )
        .await,
        0,
        "never parked"
    );
}

#[tokio::test]
async fn mail_waits_with_its_metadata_until_its_sender_becomes_a_contact() {
    let t = fund().await;
    let google = Google::start(&t).await;
    let zoe = "Zoe Quinn <zoe@elsewhere.example>";
    google
        .deliver(JO, &mail(1, zoe, JO, "We would like to invest."))
        .await;
    google
        .deliver(JO, &mail(2, "bob@norwind.example", JO, "By domain"))
        .await;
    google
        .deliver(JO, &mail(3, "ada.lovelace@gmail.com", JO, "From home"))
        .await;
    google
        .deliver(
            JO,
            &mail(4, BO, JO, "Among ourselves about ada@norwind.example"),
        )
        .await;
    google
        .control(
            json!({ "deliver": { "to": JO, "raw": mail(5, ADA, JO, "Spam"), "labels": ["SPAM"] } }),
        )
        .await;
    google.control(json!({ "deliver": { "to": JO, "raw": mail(6, ADA, JO, "Unfinished"), "labels": ["DRAFT"] } })).await;
    google.deliver(JO, "").await;
    enrol(&t, JO, "body").await;
    let _worker = google.worker(&t, None);
    becomes(
        &t,
        "select count(*) from mailboxes where backfilled_at is not null",
        1,
    )
    .await;
    quiet(&t).await;
    assert_eq!(
        number(&t, "select count(*) from emails where is_matched = 1").await,
        1
    );
    assert_eq!(
        number(
            &t,
            "select count(*) from email_links where rule = 'domain' and row_id = 'norwind'"
        )
        .await,
        1
    );
    assert_eq!(number(&t, "select count(*) from emails where is_matched = 0 and (subject <> '' or body <> '' or said <> '')").await, 0);
    assert_eq!(
        number(
            &t,
            "select count(*) from emails where parse_error is not null"
        )
        .await,
        1,
        "on record"
    );
    // Zoe becomes a contact: the text is fetched again.
    let version = number(&t, "select version from grid_rows where id = 'norwind'").await;
    write(&t, vec![json!({"op": "set", "row": "norwind", "column": "people", "base": version,
        "value": [{"name": "Ada Lovelace", "email": "ada@norwind.example"}, {"name": "Zoe Quinn", "email": "zoe@elsewhere.example"}]})]).await;
    becomes(
        &t,
        "select count(*) from emails where is_matched = 1 and said = 'We would like to invest.'",
        1,
    )
    .await;
    quiet(&t).await;
    assert_eq!(
        number(
            &t,
            "select count(*) from email_links where rule = 'contact' and contact_id is not null"
        )
        .await,
        1
    );
    assert_eq!(
        number(
            &t,
            "select count(*) from search_entries where kind = 'email'"
        )
        .await,
        2
    );
    assert_eq!(
        number(&t, "select count(*) from emails where is_matched = 0").await,
        3,
        "home, among ourselves and what cannot be read"
    );
    let near: Vec<(String, String)> =
        sqlx::query_as("select n.id, n.address from email_near_matches n where n.state = 'open'")
            .fetch_all(t.db.read())
            .await
            .unwrap();
    assert!(
        near.is_empty(),
        "a first name at home says nothing: {near:?}"
    );
}

/// A mailbox's level of privacy holds for what it alone saw, also later.
#[tokio::test]
async fn less_privacy_is_forgotten_and_more_is_fetched() {
    let t = fund().await;
    let google = Google::start(&t).await;
    google.deliver(JO, &mail(1, ADA, JO, "The text")).await;
    let id = enrol(&t, JO, "subject").await;
    let _worker = google.worker(&t, None);
    becomes(&t, "select count(*) from emails where is_matched = 1 and subject = 'About 1' and body = '' and said = ''", 1).await;
    quiet(&t).await;
    let set = async |privacy: &str| {
        let change = email::Change {
            privacy: Some(privacy.to_owned()),
            ..email::Change::default()
        };
        let mut tx = t.db.write().await.unwrap();
        email::change(&mut tx, &id, &change, "user:jo")
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    set("body").await;
    becomes(&t, "select count(*) from emails where said = 'The text'", 1).await;
    quiet(&t).await;
    set("metadata").await;
    becomes(&t, "select count(*) from emails where subject = '' and body = '' and said = '' and is_matched = 1", 1).await;
    let mut tx = t.db.write().await.unwrap();
    email::remove(&mut tx, &id, "user:jo").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        number(&t, "select count(*) from emails where deleted_at is null").await,
        0
    );
}

#[tokio::test]
async fn conversations_that_turn_out_to_be_one_become_one() {
    let t = fund().await;
    let google = Google::start(&t).await;
    google.deliver(JO, &mail(1, ADA, JO, "First")).await;
    google.deliver(BO, &mail(2, ADA, BO, "Second")).await;
    let (jo, _) = (enrol(&t, JO, "body").await, enrol(&t, BO, "body").await);
    let _worker = google.worker(&t, None);
    becomes(
        &t,
        "select count(*) from mailboxes where backfilled_at is not null",
        2,
    )
    .await;
    quiet(&t).await;
    assert_eq!(number(&t, "select count(*) from email_threads").await, 2);
    let both = mail(3, ADA, JO, "Both").replace(
        "Message-ID",
        "References: <m1@sample.example> <m2@sample.example>\r\nMessage-ID",
    );
    google.deliver(JO, &both).await;
    sync(&t, &jo).await;
    becomes(&t, "select count(*) from emails", 3).await;
    assert_eq!(number(&t, "select count(*) from email_threads").await, 1);
    assert_eq!(
        number(&t, "select count(distinct thread_id) from emails").await,
        1
    );
    // A Message-ID under which another wrote hides nothing.
    google
        .deliver(JO, &mail(1, "mallory@elsewhere.example", JO, "Forged"))
        .await;
    sync(&t, &jo).await;
    becomes(&t, "select count(*) from emails", 4).await;
    assert_eq!(
        number(&t, "select count(*) from emails where said = 'First'").await,
        1
    );
}
