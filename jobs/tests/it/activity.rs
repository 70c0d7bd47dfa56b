//! The feed: everything once, in order, page by page.

use crm_jobs::{
    activity::{self, Cursor, Entry, Source, Wanted},
    audit::{self, Actor},
    clock::DAY,
    testing::TestDb,
};
use serde_json::{Value, json};

use super::grid::{ANA, grid_of_one, write};

async fn read(t: &TestDb, wanted: &Wanted) -> Vec<Entry> {
    let wanted = Wanted {
        limit: if wanted.limit == 0 { 100 } else { wanted.limit },
        ..wanted.clone()
    };
    activity::page(&t.db, &wanted).await.unwrap().entries
}

async fn all(t: &TestDb) -> Vec<Entry> {
    read(t, &Wanted::default()).await
}

fn actions(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.action.as_str()).collect()
}

async fn audited(t: &TestDb, who: &str, action: &str, target: &str) {
    let mut tx = t.db.write().await.unwrap();
    let actor = Actor::User(who.to_owned());
    audit::record(&mut tx, &actor, action, target, json!({}), "192.0.2.1")
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn change(t: &TestDb, operations: Value) {
    t.advance(1_000);
    write(t, operations, &ANA).await.unwrap();
}

#[tokio::test]
async fn changes_of_the_grid_say_what_they_did() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    change(
        &t,
        json!([{"op": "set", "row": "r1", "column": "stage", "value": "lead", "base": 9}]),
    )
    .await;
    change(
        &t,
        json!([{"op": "move", "row": "r1", "list": "graveyard", "reason": "silence"}]),
    )
    .await;
    change(
        &t,
        json!([{"op": "archive", "row": "r1", "reason": "closed"}]),
    )
    .await;
    change(&t, json!([{"op": "restore", "row": "r1"}])).await;
    change(&t, json!([{"op": "delete", "row": "r1"}])).await;
    change(&t, json!([{"op": "restore", "row": "r1"}, {"op": "add_row", "id": "r2", "cells": {"name": "Second"}}])).await;
    crm_jobs::queue::drain(&t.db, &crm_jobs::tasks::registry())
        .await
        .unwrap();
    let entries = all(&t).await;
    assert_eq!(
        actions(&entries),
        [
            "row.added",
            "row.deleted",
            "row.restored",
            "row.archived",
            "row.moved",
            "cells.changed",
            "row.added"
        ]
    );
    let edit = &entries[5];
    assert_eq!(
        (edit.changes, edit.rows, edit.target.as_str()),
        (Some(1), Some(1), "row:r1")
    );
    assert_eq!(edit.name.as_deref(), Some("Sample Family Office"));
    assert_eq!(entries[0].rows, Some(2));
    assert_eq!(entries[0].target, "");
}

#[tokio::test]
async fn what_a_change_set_tells_the_log_does_not_tell_again() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    audited(&t, "ana", "row.added", "row:r1").await;
    audited(&t, "ana", "note.added", "row:r1").await;
    assert_eq!(actions(&all(&t).await), ["row.added", "note.added"]);
    assert_eq!(all(&t).await[0].source, Source::Changes);
    // The log itself is whole, with addresses.
    let log = Wanted {
        source: Some(Source::Audit),
        ..Wanted::default()
    };
    let log = read(&t, &log).await;
    assert_eq!(actions(&log), ["note.added", "row.added"]);
    assert_eq!(log[0].ip, "192.0.2.1");
    let one = Wanted {
        action: Some("row.added".to_owned()),
        ..Wanted::default()
    };
    assert_eq!(actions(&read(&t, &one).await), ["row.added"]);
}

#[tokio::test]
async fn an_import_is_told_once_and_its_failure_by_the_job() {
    let t = TestDb::new().await;
    let csv = "Name,City\nSample One,Vienna\nSample Two,Graz\n";
    let import = super::import::upload(&t, csv.as_bytes()).await.id;
    super::import::apply(&t, &import).await;
    for action in ["import.created", "import.read_again", "import.started"] {
        audited(&t, "ana", action, &format!("import:{import}")).await;
    }
    audited(&t, "ana", "import.created", "import:another").await;
    let entries = all(&t).await;
    let of_imports: Vec<&Entry> = entries
        .iter()
        .filter(|e| e.action.contains("import"))
        .collect();
    assert_eq!(of_imports.len(), 2, "{entries:?}");
    assert_eq!(of_imports[0].action, "import.applied");
    assert!(of_imports[0].note.contains('2'), "{}", of_imports[0].note);
    assert_eq!(of_imports[1].target, "import:another", "a draft is told of");
    assert!(
        entries.iter().all(|e| e.source != Source::Changes),
        "{entries:?}"
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps_or_repeats() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    // Many at one moment, of several sources.
    for n in 0..30 {
        audited(
            &t,
            if n % 3 == 0 { "ben" } else { "ana" },
            "note.added",
            "row:r1",
        )
        .await;
        write(&t, json!([{"op": "set", "row": "r1", "column": "amount", "value": n.to_string(), "base": 99}]), &ANA)
            .await
            .unwrap();
        if n % 7 == 6 {
            t.advance(DAY / 2);
        }
    }
    let key = |e: &Entry| format!("{}.{}", e.source.word(), e.id);
    for actor in [None, Some("user:ben".to_owned())] {
        let wanted = |after: Option<Cursor>, limit| Wanted {
            actor: actor.clone(),
            after,
            limit,
            ..Wanted::default()
        };
        let whole = activity::page(&t.db, &wanted(None, 200)).await.unwrap();
        assert!(whole.next.is_none());
        let expected: Vec<String> = whole.entries.iter().map(key).collect();
        assert_eq!(expected.len(), if actor.is_some() { 10 } else { 61 });
        for limit in [1, 3, 7] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = activity::page(&t.db, &wanted(after, limit)).await.unwrap();
                found.extend(page.entries.iter().map(key));
                // As it travels.
                after = page.next.map(|next| next.to_string().parse().unwrap());
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{limit} at a time");
        }
    }
}

#[tokio::test]
async fn days_bound_the_feed_on_both_sides() {
    let t = TestDb::new().await;
    let start = t.db.now();
    for _ in 0..3 {
        audited(&t, "ana", "note.added", "").await;
        t.advance(DAY);
    }
    let between = |from, to| Wanted {
        from,
        to,
        ..Wanted::default()
    };
    for (from, to, count) in [
        (None, None, 3),
        (Some(start), Some(start + DAY), 1),
        (Some(start + 1), None, 2),
        (None, Some(start), 0),
        (None, Some(start + 1), 1),
        (Some(start + DAY), Some(start + 3 * DAY), 2),
    ] {
        assert_eq!(
            read(&t, &between(from, to)).await.len(),
            count,
            "{from:?} {to:?}"
        );
    }
    for wrong in [
        "",
        "1",
        "1.audit",
        "1.nowhere.2",
        "x.audit.2",
        "1.audit.",
        "1.audit.'",
    ] {
        assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
    }
}
