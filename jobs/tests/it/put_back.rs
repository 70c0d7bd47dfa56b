//! The table put back to what it was, as one change set that can be taken back.

use crm_jobs::{
    grid::{
        self,
        table::{AsOf, SharedTable},
    },
    testing::TestDb,
};
use serde_json::{Map, Value, json};

use crate::{
    grid::{ANA, write},
    table::{begin, fresh, read},
};

/// What is stored of each row, by id: what a put-back gives back.
fn stored(rows: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut all: Vec<_> = rows
        .iter()
        .map(|(id, row)| {
            let cells = row.as_object().unwrap().iter();
            let kept = cells.filter(|(c, _)| !c.starts_with('@') || *c == "@list");
            (
                id.clone(),
                kept.map(|(c, v)| (c.clone(), v.clone())).collect(),
            )
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

async fn put_back(t: &TestDb, version: i64) -> grid::Applied {
    let mut tx = t.db.write().await.unwrap();
    let until = grid::state(&mut tx).await.unwrap().version;
    let by = grid::ChangeBy {
        origin: "put_back",
        ..ANA
    };
    let applied = grid::put_back(&mut tx, version, until, &by).await.unwrap();
    tx.commit().await.unwrap();
    applied
}

/// Any version can be put back, and putting back is itself taken back.
pub async fn to_each(t: &TestDb, shared: &SharedTable, known: &[(i64, Map<String, Value>)]) {
    let columns = async || -> Vec<grid::Column> {
        let mut conn = t.db.read().acquire().await.unwrap();
        let mut all = grid::columns(&mut conn).await.unwrap();
        for column in &mut all {
            column.position = 0;
        }
        all
    };
    let last = stored(&read(shared).await);
    let last_columns = columns().await;
    for (version, wanted) in known.iter().step_by(3) {
        let mut conn = t.db.read().acquire().await.unwrap();
        let preview = grid::put_back_preview(&mut conn, AsOf::Version(*version))
            .await
            .unwrap();
        drop(conn);
        let applied = put_back(t, *version).await;
        assert_eq!(applied.conflicts.len(), 0);
        assert_eq!(
            stored(&read(shared).await),
            stored(wanted),
            "put back to {version}"
        );
        if preview.is_empty() {
            assert_eq!(applied.changes, 0);
            continue;
        }
        let mut tx = t.db.write().await.unwrap();
        grid::revert(&mut tx, applied.version, &ANA, 1_000)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            stored(&read(shared).await),
            last,
            "the put-back to {version} taken back"
        );
        assert_eq!(columns().await, last_columns);
    }
}

#[tokio::test]
async fn a_past_is_put_back_but_for_what_was_changed_meanwhile() {
    let t = TestDb::new().await;
    begin(&t).await;
    let then = {
        let mut conn = t.db.read().acquire().await.unwrap();
        grid::state(&mut conn).await.unwrap().version
    };
    write(
        &t,
        json!([
            {"op": "set", "row": "r1", "column": "name", "value": "Wrong", "base": then},
            {"op": "set", "row": "r2", "column": "name", "value": "Wrong too", "base": then},
            {"op": "delete", "row": "r2"},
            {"op": "add_row", "id": "r3", "cells": {"name": "New"}},
            {"op": "archive", "row": "r1", "reason": "by mistake"},
            {"op": "add_column", "name": "Extra", "type": "text"},
        ]),
        &ANA,
    )
    .await
    .unwrap();
    let mut conn = t.db.read().acquire().await.unwrap();
    let preview = grid::put_back_preview(&mut conn, AsOf::Version(then))
        .await
        .unwrap();
    drop(conn);
    assert_eq!(
        (preview.rows_back, preview.rows_away, preview.rows_moved),
        (1, 1, 1)
    );
    assert_eq!(
        (preview.cells, preview.columns.as_slice()),
        (2, &["Extra".to_owned()][..])
    );
    assert_eq!(
        (&preview.back[0][..], &preview.away[0][..]),
        ("Wrong too", "New")
    );
    let example = preview.examples.iter().find(|e| e.now == "Wrong").unwrap();
    assert_eq!((&example.row[..], &example.then[..]), ("Wrong", "Alpha"));

    // Somebody goes on between the look and the deed.
    let base = preview.until;
    write(&t, json!([{"op": "restore", "row": "r1"}, {"op": "set", "row": "r1", "column": "name", "value": "Mine", "base": base}]), &ANA)
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    let applied = grid::put_back(&mut tx, then, preview.until, &ANA)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(applied.conflicts.len(), 1);
    let now = fresh(&t).await;
    assert_eq!(
        (&now["r1"]["name"], &now["r2"]["name"]),
        (&json!("Mine"), &json!("beta"))
    );
    assert!(!now.contains_key("r3"));

    // Columns that changed meanwhile are not guessed at.
    write(
        &t,
        json!([{"op": "add_column", "name": "Later", "type": "text"}]),
        &ANA,
    )
    .await
    .unwrap();
    let mut tx = t.db.write().await.unwrap();
    let refused = grid::put_back(&mut tx, then, preview.until, &ANA)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("columns were changed"),
        "{refused}"
    );
}
