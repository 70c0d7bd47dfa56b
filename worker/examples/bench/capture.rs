//! Mail: what the processor does for each message that is captured. What Gmail takes
//! is Gmail's own affair: about 300 messages a minute and mailbox.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crm_jobs::{
    accounts::{Role, users},
    audit::Actor,
    email::{self, Message, Taken},
    grid::{ChangeBy, apply},
    testing::TestDb,
};
use serde_json::{Value, json};

use crate::measure::{ms, row};

/// As capture keeps them: so many in one transaction.
const BATCH: usize = 20;
const BY: ChangeBy<'static> = ChangeBy {
    actor: "system",
    origin: "edit",
    summary: "",
    job: None,
};

/// Parses, strips, matches and keeps the messages that `ops/checks/mail-corpus --fetch`
/// laid out.
pub async fn run() {
    let mut raw = Vec::new();
    for folder in ["ops/out/mail/found", "ops/out/mail/hostile"] {
        read(Path::new(folder), &mut raw);
    }
    if raw.is_empty() {
        println!(
            "\nemail: no messages in ops/out/mail; ops/checks/mail-corpus --fetch puts them there"
        );
        return;
    }
    println!(
        "\nemail: {} messages of {:.1} MB through capture, without Gmail",
        raw.len(),
        raw.iter().map(Vec::len).sum::<usize>() as f64 / 1e6
    );
    let start = Instant::now();
    let bare = raw
        .iter()
        .filter(|m| mail_parser::MessageParser::default().parse(*m).is_some())
        .count();
    let ceiling = start.elapsed();
    let t = TestDb::on_system_clock().await;
    let mailbox = fund(&t).await;
    let mut conn = t.db.read().acquire().await.unwrap();
    let mailbox = email::find_mailbox(&mut conn, &mailbox)
        .await
        .unwrap()
        .unwrap();
    let team = email::Team::load(&mut conn).await.unwrap();
    drop(conn);
    let (mut parsing, mut keeping) = (Duration::ZERO, Duration::ZERO);
    let (mut matched, mut broken, mut number) = (0, 0, 0);
    let start = Instant::now();
    for batch in raw.chunks(BATCH) {
        let mut messages = Vec::with_capacity(BATCH);
        let begun = Instant::now();
        for bytes in batch {
            number += 1;
            let taken = match email::parse(bytes.clone()).await {
                Ok(parsed) => Taken::Parsed(Box::new(parsed)),
                Err(why) => {
                    broken += 1;
                    Taken::Broken(why, format!("broken {number}"), bytes.len())
                }
            };
            messages.push(Message {
                gmail_id: format!("{number:016x}"),
                gmail_thread_id: format!("{number:016x}"),
                labels: vec!["INBOX".to_owned()],
                internal_date: Some(t.db.now()),
                taken,
            });
        }
        parsing += begun.elapsed();
        let begun = Instant::now();
        let mut tx = t.db.write().await.unwrap();
        for message in &messages {
            let stored = email::store(&mut tx, &mailbox, &team, message)
                .await
                .unwrap();
            matched += usize::from(stored.is_newly_matched);
        }
        tx.commit().await.unwrap();
        keeping += begun.elapsed();
    }
    let whole = start.elapsed();
    assert!(
        matched > 0,
        "nothing was matched: that is not what is measured"
    );
    row(
        "parser alone, on one core (ceiling)",
        &per_second(raw.len(), ceiling),
        &format!("{bare} parsed"),
    );
    row(
        "parse, text of HTML, strip quotations",
        &per_second(raw.len(), parsing),
        &format!("{} in all", ms(parsing)),
    );
    row(
        "match and keep, 20 in a transaction",
        &per_second(raw.len(), keeping),
        &format!("{} in all", ms(keeping)),
    );
    row(
        "capture",
        &per_second(raw.len(), whole),
        &format!("{matched} matched, {broken} errors"),
    );
}

fn read(folder: &Path, into: &mut Vec<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    into.extend(paths.iter().map(|path| std::fs::read(path).unwrap()));
}

/// Some of the senders are investors; returns the mailbox that has the mail.
pub async fn fund(t: &TestDb) -> String {
    let mut tx = t.db.write().await.unwrap();
    let new = users::NewUser {
        email: "jo@ours.example".to_owned(),
        name: "Jo".to_owned(),
        role: Role::Admin,
        password_hash: None,
    };
    users::create(&mut tx, new, &Actor::System, "")
        .await
        .unwrap();
    let mut operations = vec![
        json!({"op": "add_column", "name": "Name", "type": "text"}),
        json!({"op": "add_column", "name": "Website", "type": "url"}),
    ];
    for (n, site) in ["linux.ie", "https://www.cnet.com", "xent.com"]
        .iter()
        .enumerate()
    {
        operations.push(json!({"op": "add_row", "id": format!("r{n}"), "cells": {"name": format!("Sample {n}"), "website": site}}));
    }
    let operations: Vec<_> = serde_json::from_value(Value::Array(operations)).unwrap();
    let applied = apply(&mut tx, &operations, &BY).await.unwrap();
    assert!(applied.conflicts.is_empty());
    let new = email::New {
        address: "jo@ours.example".to_owned(),
        consent: "yes".to_owned(),
        starts_on: "2024-01-01".to_owned(),
        privacy: "body".to_owned(),
        ..email::New::default()
    };
    let id = email::enrol(&mut tx, &new, "system").await.unwrap();
    tx.commit().await.unwrap();
    crm_jobs::investors::sync(&t.db, false, |_, _| {})
        .await
        .unwrap();
    email::catch_up(&t.db).await.unwrap();
    id
}

fn per_second(messages: usize, took: Duration) -> String {
    format!("{:.0} messages/s", messages as f64 / took.as_secs_f64())
}
