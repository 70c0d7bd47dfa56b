//! Finding: what is found, in which order, and what never is.

use crm_jobs::{
    grid, investors, notes,
    search::{self, Dictionary, Found, Group, Hit, Wanted},
    tasks,
    testing::TestDb,
    work::{self, NewInteraction, TaskDraft},
};
use proptest::{prelude::*, strategy::ValueTree};
use serde_json::{Value, json};

use super::grid::{ANA, write};

const COLUMNS: [(&str, &str); 6] = [
    ("Name", "text"),
    ("City", "text"),
    ("Email", "email"),
    ("Notes", "long_text"),
    ("Amount", "number"),
    ("People", "contacts"),
];

async fn drain(t: &TestDb) {
    crm_jobs::queue::drain(&t.db, &tasks::registry())
        .await
        .unwrap();
}

async fn investors_of(t: &TestDb, rows: &[(&str, Value)]) {
    let columns =
        COLUMNS.map(|(name, kind)| json!({"op": "add_column", "name": name, "type": kind}));
    write(t, json!(columns), &ANA).await.unwrap();
    let rows = rows
        .iter()
        .map(|(id, cells)| json!({"op": "add_row", "id": id, "cells": cells}));
    write(t, rows.collect(), &ANA).await.unwrap();
    drain(t).await;
}

async fn some(t: &TestDb) {
    investors_of(
        t,
        &[
            ("r1", json!({"name": "Müller Family Office", "city": "Zürich", "email": "hello@mueller.example"})),
            ("r2", json!({"name": "Berghof Foundation", "city": "Vienna", "people": ["Ada Sample <ada@example.org>"]})),
            ("r3", json!({"name": "Northern Pension", "notes": "Knows the Berghof people.", "amount": "77123"})),
        ],
    )
    .await;
}

async fn find(t: &TestDb, query: &str) -> Found {
    find_with(t, &Dictionary::default(), query, None).await
}

async fn find_with(t: &TestDb, words: &Dictionary, query: &str, kind: Option<&str>) -> Found {
    let wanted = Wanted {
        query,
        kind,
        limit: 8,
        offset: 0,
    };
    search::find(&t.db, words, &wanted).await.unwrap()
}

fn ids(found: &Found) -> Vec<String> {
    let hits = found.groups.iter().flat_map(|group| &group.hits);
    hits.map(|hit| format!("{}:{}", hit.kind, hit.id)).collect()
}

fn group<'a>(found: &'a Found, kind: &str) -> &'a Group {
    found.groups.iter().find(|g| g.kind == kind).unwrap()
}

fn marked(hit: &Hit) -> String {
    let parts = hit.title.iter().chain(&hit.text).filter(|part| part.hit);
    parts
        .map(|part| part.text.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn names_stand_before_texts_and_every_word_counts_from_its_beginning() {
    let t = TestDb::new().await;
    some(&t).await;
    let found = find(&t, "berg").await;
    assert_eq!(ids(&found), ["investor:r2", "investor:r3"]);
    assert_eq!(marked(&group(&found, "investor").hits[0]), "Berghof");
    assert_eq!(marked(&group(&found, "investor").hits[1]), "Berghof");
    for (query, expected) in [
        ("MULLER", "investor:r1"),
        ("müll zur", "investor:r1"),
        ("hello@mueller.example", "investor:r1"),
        ("vienna foundation", "investor:r2"),
        ("\"northern\" -pension*", "investor:r3"),
    ] {
        assert_eq!(ids(&find(&t, query).await), [expected], "{query}");
    }
    // Amounts are not for finding; words must all be there.
    for query in [
        "77123",
        "berghof zurich",
        "",
        "  ",
        "…",
        "isinvestor",
        "islive",
    ] {
        assert!(find(&t, query).await.groups.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn people_are_found_by_name_and_address_each_once() {
    let t = TestDb::new().await;
    some(&t).await;
    let people = json!([{"op": "set", "row": "r1", "column": "people", "value": ["Ada Sample <ada@example.org>"], "base": 9}]);
    write(&t, people, &ANA).await.unwrap();
    drain(&t).await;
    for query in ["ada", "ada@example.org", "sample"] {
        let found = find(&t, query).await;
        let people = group(&found, "contact");
        assert_eq!(people.total, 1, "{query}");
        assert_eq!(people.hits[0].title[0].text.split(' ').next(), Some("Ada"));
        assert_eq!(
            group(&found, "investor").total,
            2,
            "where she stands: {query}"
        );
    }
}

#[tokio::test]
async fn a_slip_of_the_finger_is_forgiven_and_told() {
    let t = TestDb::new().await;
    some(&t).await;
    for (query, expected) in [
        ("bregho", "investor:r2"),
        ("nothern", "investor:r3"),
        ("foudnatoin", "investor:r2"),
        ("mulelr offcie", "investor:r1"),
    ] {
        let found = find(&t, query).await;
        assert!(
            ids(&found).contains(&expected.to_owned()),
            "{query}: {:?}",
            ids(&found)
        );
        assert!(!found.near.is_empty(), "{query}");
        assert!(!marked(&found.groups[0].hits[0]).is_empty(), "{query}");
    }
    let exact = find(&t, "zurich").await;
    assert!(exact.near.is_empty() && exact.groups.len() == 1);
    assert!(find(&t, "xylophone").await.groups.is_empty());
}

#[tokio::test]
async fn the_dictionary_follows_the_index() {
    let t = TestDb::new().await;
    some(&t).await;
    let words = Dictionary::default();
    assert!(
        find_with(&t, &words, "sequioa", None)
            .await
            .groups
            .is_empty()
    );
    write(
        &t,
        json!([{"op": "add_row", "id": "r4", "cells": {"name": "Sequoia Sample"}}]),
        &ANA,
    )
    .await
    .unwrap();
    drain(&t).await;
    let found = find_with(&t, &words, "sequioa", None).await;
    assert_eq!(ids(&found), ["investor:r4"]);
    assert_eq!(found.near, ["sequoia"]);
}

/// A note, a task and a call about `r1`; a task of nobody's.
async fn things(t: &TestDb) -> [String; 4] {
    let mut tx = t.db.write().await.unwrap();
    let note = notes::NewNote {
        row: "r1",
        body: "They asked for a **quixotic** clause.",
        by: "user:ana",
        ..notes::NewNote::default()
    };
    let note = notes::add(&mut tx, &note).await.unwrap().id;
    let call = NewInteraction {
        row: "r1",
        kind: "call",
        at: t.db.now(),
        note: "A quixotic call",
        by: "user:ana",
    };
    let call = work::add_interaction(&mut tx, &call).await.unwrap();
    let draft = |row: Option<&str>| TaskDraft {
        row: row.map(str::to_owned),
        title: "Check the quixotic clause".to_owned(),
        ..TaskDraft::default()
    };
    let task = work::add(&mut tx, &draft(Some("r1")), "user:ana")
        .await
        .unwrap()
        .id;
    let loose = work::add(&mut tx, &draft(None), "user:ana")
        .await
        .unwrap()
        .id;
    tx.commit().await.unwrap();
    [note, call, task, loose]
}

#[tokio::test]
async fn notes_tasks_and_calls_are_found_at_once_and_follow_every_change() {
    let t = TestDb::new().await;
    some(&t).await;
    let [note, call, task, loose] = things(&t).await;
    let found = find(&t, "quixotic").await;
    assert_eq!(ids(&found).len(), 4);
    let hit = &group(&found, "note").hits[0];
    assert_eq!(hit.about.as_deref(), Some("Müller Family Office"));
    let text: String = hit.text.iter().map(|p| p.text.as_str()).collect();
    assert_eq!(
        text, "They asked for a quixotic clause.",
        "Markdown is read, not shown"
    );
    assert_eq!(
        group(&found, "task").hits[0].status.as_deref(),
        Some("open")
    );

    let mut tx = t.db.write().await.unwrap();
    let change = notes::NoteChange {
        body: Some("They asked for nothing.".to_owned()),
        pinned: None,
    };
    notes::edit(&mut tx, &note, &change, None, "user:ana")
        .await
        .unwrap();
    work::remove_interaction(&mut tx, &call).await.unwrap();
    work::remove(&mut tx, &task, "user:ana").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids(&find(&t, "quixotic").await), [format!("task:{loose}")]);
    assert_eq!(ids(&find(&t, "nothing").await), [format!("note:{note}")]);

    let mut tx = t.db.write().await.unwrap();
    notes::remove(&mut tx, &note, "user:ana").await.unwrap();
    work::restore(&mut tx, &task, "user:ana").await.unwrap();
    tx.commit().await.unwrap();
    assert!(find(&t, "nothing").await.groups.is_empty());
    assert_eq!(ids(&find(&t, "quixotic").await).len(), 2);
}

#[tokio::test]
async fn archived_things_stand_last_and_deleted_ones_are_never_found() {
    let t = TestDb::new().await;
    some(&t).await;
    things(&t).await;
    write(
        &t,
        json!([{"op": "archive", "row": "r2", "reason": "closed"}]),
        &ANA,
    )
    .await
    .unwrap();
    // At once, before any job ran, and after it.
    for _ in 0..2 {
        let found = find(&t, "berghof").await;
        assert_eq!(ids(&found), ["investor:r3", "investor:r2"]);
        assert!(
            !group(&found, "investor").hits[0].archived
                && group(&found, "investor").hits[1].archived
        );
        drain(&t).await;
    }
    assert!(group(&find(&t, "ada").await, "contact").hits[0].archived);

    write(&t, json!([{"op": "delete", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    for _ in 0..2 {
        assert!(find(&t, "muller").await.groups.is_empty());
        assert_eq!(
            find(&t, "quixotic").await.groups[0].total,
            1,
            "the team's task"
        );
        drain(&t).await;
    }
    write(&t, json!([{"op": "restore", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    drain(&t).await;
    assert_eq!(ids(&find(&t, "quixotic").await).len(), 4);
    write(
        &t,
        json!([{"op": "archive", "row": "r1", "reason": "later"}]),
        &ANA,
    )
    .await
    .unwrap();
    drain(&t).await;
    assert!(group(&find(&t, "quixotic").await, "note").hits[0].archived);
}

type Entries = Vec<(String, String, Option<String>, String, String, bool)>;

async fn entries(t: &TestDb) -> Entries {
    sqlx::query_as("select kind, thing_id, row_id, title, body, archived from search_entries order by kind, thing_id")
        .fetch_all(t.db.read())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_rebuild_gives_the_same_entries_and_a_sound_index() {
    let t = TestDb::new().await;
    some(&t).await;
    things(&t).await;
    for operations in [
        json!([{"op": "set", "row": "r2", "column": "people", "value": ["Bo Sample"], "base": 9}]),
        json!([{"op": "archive", "row": "r1", "reason": "later"}]),
        json!([{"op": "delete", "row": "r3"}]),
        json!([{"op": "update_column", "column": "city", "name": "Town"}]),
        json!([{"op": "restore", "row": "r3"}, {"op": "delete", "row": "r1"}]),
        json!([{"op": "restore", "row": "r1"}, {"op": "delete_column", "column": "people"}]),
    ] {
        write(&t, operations.clone(), &ANA).await.unwrap();
        drain(&t).await;
        let kept = entries(&t).await;
        investors::sync(&t.db, true, |_, _| ()).await.unwrap();
        assert_eq!(entries(&t).await, kept, "{operations}");
        let mut tx = t.db.write().await.unwrap();
        sqlx::query("insert into search_index (search_index, rank) values ('integrity-check', 1)")
            .execute(&mut *tx)
            .await
            .unwrap_or_else(|e| panic!("{operations}: {e}"));
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn a_purged_row_leaves_nothing_to_find() {
    let t = TestDb::new().await;
    some(&t).await;
    let [note, call, task, _] = things(&t).await;
    let mut tx = t.db.write().await.unwrap();
    work::finish(&mut tx, &task, "user:ana").await.unwrap();
    tx.commit().await.unwrap();
    write(&t, json!([{"op": "delete", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    grid::purge(&mut tx, "r1", "Müller Family Office", &ANA)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    drain(&t).await;
    let left = entries(&t).await;
    for gone in [note.as_str(), call.as_str(), task.as_str(), "r1"] {
        assert!(left.iter().all(|entry| entry.1 != gone), "{gone}");
    }
}

#[tokio::test]
async fn more_than_can_be_weighed_is_glanced_at_by_kind() {
    let t = TestDb::new().await;
    let rows: Vec<(String, Value)> = (0..1_200)
        .map(|n| {
            (
                format!("r{n}"),
                json!({"name": format!("Sample Office {n}")}),
            )
        })
        .collect();
    let rows: Vec<(&str, Value)> = rows
        .iter()
        .map(|(id, cells)| (id.as_str(), cells.clone()))
        .collect();
    investors_of(&t, &rows).await;
    let mut tx = t.db.write().await.unwrap();
    let draft = TaskDraft {
        title: "Send a sample".to_owned(),
        ..TaskDraft::default()
    };
    work::add(&mut tx, &draft, "user:ana").await.unwrap();
    tx.commit().await.unwrap();
    let found = find(&t, "sam").await;
    let many = group(&found, "investor");
    assert!(many.is_capped && many.hits.len() == 8);
    let few = group(&found, "task");
    assert!(
        !few.is_capped && few.total == 1,
        "the one task is not crowded out"
    );
    let exact = find(&t, "sample office 1133").await;
    assert_eq!(ids(&exact), ["investor:r1133"]);

    let words = Dictionary::default();
    let last = Wanted {
        query: "sample",
        kind: Some("investor"),
        limit: 8,
        offset: 992,
    };
    let page = search::find(&t.db, &words, &last).await.unwrap();
    assert_eq!(group(&page, "investor").hits.len(), 8);
    let nothing = find_with(&t, &words, "sample", Some("' OR x")).await;
    assert!(nothing.groups.is_empty());
}

/// What nobody should type, and somebody will.
fn odd_queries() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        Just("\"".to_owned()),
        Just(" NEAR(a b, 2) ".to_owned()),
        Just(" AND OR NOT ".to_owned()),
        Just("title:^x*".to_owned()),
        Just("{title body}:".to_owned()),
        Just("--;'\\".to_owned()),
        Just("🚀👩‍👩‍👧 é\u{301}\u{301}\u{200d}".to_owned()),
        Just("sampel ofice".to_owned()),
        Just("x".repeat(10_000)),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

#[tokio::test]
async fn no_text_is_a_syntax_error() {
    let t = TestDb::new().await;
    some(&t).await;
    let words = Dictionary::default();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..400 {
        let query = odd_queries().new_tree(&mut runner).unwrap().current();
        for kind in [None, Some("note"), Some(query.as_str())] {
            let wanted = Wanted {
                query: &query,
                kind,
                limit: 8,
                offset: 0,
            };
            let found = search::find(&t.db, &words, &wanted).await;
            assert!(found.is_ok(), "{query:?}: {found:?}");
        }
    }
}
