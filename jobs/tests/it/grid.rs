//! Cell operations, conflicts, history and the whole document.

use std::collections::BTreeMap;

use crm_jobs::{
    grid::{self, Applied, ChangeBy, ColumnType, Document, GridError, Operation, Row, apply},
    testing::TestDb,
};
use serde_json::{Map, Value, json};

pub const ANA: ChangeBy<'static> = ChangeBy {
    actor: "user:ana",
    origin: "edit",
    summary: "",
    job: None,
};
const BEN: ChangeBy<'static> = ChangeBy {
    actor: "user:ben",
    ..ANA
};

pub async fn write(t: &TestDb, operations: Value, by: &ChangeBy<'_>) -> Result<Applied, GridError> {
    let operations: Vec<Operation> = serde_json::from_value(operations).unwrap();
    let mut tx = t.db.write().await.unwrap();
    let applied = apply(&mut tx, &operations, by).await?;
    tx.commit().await.unwrap();
    Ok(applied)
}

/// Columns name, stage, amount, people; one row `r1`.
pub async fn grid_of_one(t: &TestDb) {
    let choices = json!([{"id": "lead", "name": "Lead", "color": "blue"}, {"id": "lost", "name": "Lost", "color": "red"}]);
    write(
        t,
        json!([
            {"op": "add_column", "name": "Name", "type": "text"},
            {"op": "add_column", "name": "Stage", "type": "select", "options": {"choices": choices}},
            {"op": "add_column", "name": "Amount", "type": "currency", "options": {"currency": "EUR"}},
            {"op": "add_column", "name": "People", "type": "contacts"},
            {"op": "add_row", "id": "r1", "cells": {"name": "Sample Family Office", "amount": "1000"}},
        ]),
        &ANA,
    )
    .await
    .unwrap();
}

pub async fn row(t: &TestDb, id: &str) -> Option<Row> {
    let mut conn = t.db.read().acquire().await.unwrap();
    grid::row(&mut conn, id).await.unwrap()
}

async fn version(t: &TestDb) -> i64 {
    let mut conn = t.db.read().acquire().await.unwrap();
    grid::state(&mut conn).await.unwrap().version
}

fn set(row: &str, column: &str, value: impl Into<Value>, base: i64) -> Value {
    let value: Value = value.into();
    json!([{"op": "set", "row": row, "column": column, "value": value, "base": base}])
}

#[tokio::test]
async fn a_write_raises_the_version_and_enqueues_one_sync() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let applied = write(&t, set("r1", "amount", json!("2,500.50"), 1), &ANA)
        .await
        .unwrap();
    assert_eq!((applied.version, applied.changes), (2, 1));
    assert_eq!(row(&t, "r1").await.unwrap().cells["amount"], "2500.5");
    let syncs: i64 = sqlx::query_scalar("select count(*) from jobs where kind = 'sync_relational'")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(syncs, 1, "writes before it starts share one sync");
}

#[tokio::test]
async fn the_same_value_changes_nothing() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let applied = write(&t, set("r1", "amount", json!("€1.000,00"), 1), &ANA)
        .await
        .unwrap();
    assert_eq!((applied.version, applied.changes), (1, 0));
}

#[tokio::test]
async fn a_stale_write_to_the_same_cell_is_a_conflict_and_to_another_merges() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    write(&t, set("r1", "amount", json!("2000"), 1), &ANA)
        .await
        .unwrap();
    let late = json!([
        {"op": "set", "row": "r1", "column": "amount", "value": "3000", "base": 1},
        {"op": "set", "row": "r1", "column": "stage", "value": "Lost", "base": 1},
    ]);
    let applied = write(&t, late, &BEN).await.unwrap();
    let conflict = &applied.conflicts[0];
    assert_eq!(conflict.column.as_deref(), Some("amount"));
    assert_eq!(
        (&conflict.yours, &conflict.theirs, conflict.by.as_str()),
        (&json!("3000"), &json!("2000"), "user:ana")
    );
    let cells = row(&t, "r1").await.unwrap().cells;
    assert_eq!(
        (&cells["amount"], &cells["stage"]),
        (&json!("2000"), &json!("lost"))
    );
}

#[tokio::test]
async fn bad_input_names_the_place_and_changes_nothing() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let mixed = json!([
        {"op": "set", "row": "r1", "column": "name", "value": "Changed", "base": 1},
        {"op": "set", "row": "r1", "column": "stage", "value": "Nowhere", "base": 1},
    ]);
    let error = write(&t, mixed, &ANA).await.unwrap_err();
    let GridError::Invalid {
        code,
        field,
        detail,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (code, field.as_str()),
        ("invalid_value", "operations[1].value")
    );
    assert!(
        detail.contains("Stage") && detail.contains("Lead, Lost"),
        "{detail}"
    );
    assert_eq!(
        row(&t, "r1").await.unwrap().cells["name"],
        "Sample Family Office"
    );
    assert!(matches!(
        write(&t, set("nobody", "name", json!("x"), 1), &ANA).await,
        Err(GridError::Missing { .. })
    ));
    assert_eq!(version(&t).await, 1);
}

#[tokio::test]
async fn one_person_is_one_contact_wherever_they_stand() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    write(
        &t,
        json!([
            {"op": "set", "row": "r1", "column": "people", "value": ["Ada Sample <ada@example.org>", "Bo Sample"], "base": 1},
            {"op": "add_row", "id": "r2", "cells": {"name": "Second", "people": [{"name": "Ada S.", "email": "ADA@example.org"}, "bo  sample"]}},
        ]),
        &ANA,
    )
    .await
    .unwrap();
    let ids = |row: &Row| -> Vec<String> {
        row.cells["people"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (r1, r2) = (row(&t, "r1").await.unwrap(), row(&t, "r2").await.unwrap());
    assert_eq!(ids(&r1), ids(&r2));
    let people: i64 = sqlx::query_scalar("select count(*) from contacts")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(people, 2);
}

#[tokio::test]
async fn archive_is_not_delete_and_both_come_back() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    assert!(
        write(
            &t,
            json!([{"op": "archive", "row": "r1", "reason": " "}]),
            &ANA
        )
        .await
        .is_err()
    );
    write(
        &t,
        json!([{"op": "archive", "row": "r1", "reason": "fund closed"}]),
        &ANA,
    )
    .await
    .unwrap();
    assert_eq!(
        row(&t, "r1").await.unwrap().archive_reason.as_deref(),
        Some("fund closed")
    );
    write(&t, json!([{"op": "delete", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    assert!(
        row(&t, "r1").await.is_none(),
        "a deleted row is nowhere, get-by-id included"
    );
    let applied = write(&t, set("r1", "name", json!("x"), 1), &BEN)
        .await
        .unwrap();
    assert_eq!(
        (
            applied.conflicts.len(),
            applied.conflicts[0].column.as_deref()
        ),
        (1, None)
    );
    write(&t, json!([{"op": "restore", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    let back = row(&t, "r1").await.unwrap();
    assert_eq!(
        (back.archived_at, back.cells["name"].as_str()),
        (None, Some("Sample Family Office"))
    );
}

#[tokio::test]
async fn history_tells_who_changed_what_and_pages() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    for n in 1..=5 {
        let base = row(&t, "r1").await.unwrap().version;
        write(&t, set("r1", "amount", json!(n * 7), base), &BEN)
            .await
            .unwrap();
    }
    let mut conn = t.db.read().acquire().await.unwrap();
    let sets = grid::history_of_row(&mut conn, "r1", None, 2)
        .await
        .unwrap();
    assert_eq!(sets.iter().map(|s| s.id).collect::<Vec<_>>(), [6, 5]);
    assert_eq!(sets[0].actor, "user:ben");
    let change = &sets[0].changes[0];
    assert_eq!(
        (change.before.as_deref(), change.after.as_deref()),
        (Some("\"28\""), Some("\"35\""))
    );
    let first = grid::history_of_row(&mut conn, "r1", Some(2), 9)
        .await
        .unwrap();
    assert_eq!(first[0].changes[0].what, "row_added");
}

#[tokio::test]
async fn columns_are_renamed_deleted_and_restored_without_losing_cells() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    write(
        &t,
        json!([{"op": "update_column", "column": "amount", "name": "Ticket"}]),
        &ANA,
    )
    .await
    .unwrap();
    assert!(
        write(
            &t,
            json!([{"op": "add_column", "name": "ticket", "type": "text"}]),
            &ANA
        )
        .await
        .is_err()
    );
    write(
        &t,
        json!([{"op": "delete_column", "column": "amount"}]),
        &ANA,
    )
    .await
    .unwrap();
    let applied = write(
        &t,
        json!([{"op": "add_column", "name": "Amount", "type": "text"}]),
        &ANA,
    )
    .await
    .unwrap();
    assert_eq!(applied.columns, ["amount_2"], "an id is never given twice");
    write(
        &t,
        json!([{"op": "restore_column", "column": "amount"}]),
        &ANA,
    )
    .await
    .unwrap();
    assert_eq!(row(&t, "r1").await.unwrap().cells["amount"], "1000");
    let mut conn = t.db.read().acquire().await.unwrap();
    let columns = grid::columns(&mut conn).await.unwrap();
    assert!(
        columns
            .iter()
            .any(|c| c.id == "amount" && c.name == "Ticket" && c.kind == ColumnType::Currency)
    );
}

#[tokio::test]
async fn the_streamed_document_may_be_polled_after_its_end() {
    use futures_util::StreamExt;
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let table = grid::table::SharedTable::new(&t.db);
    let mut chunks = Box::pin(grid::stream(&t.db, &table));
    while chunks.next().await.is_some() {}
    assert!(chunks.next().await.is_none());
}

#[tokio::test]
async fn a_streamed_document_put_back_changes_nothing_and_a_late_one_is_refused() {
    use futures_util::StreamExt;
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let table = grid::table::SharedTable::new(&t.db);
    let chunks: Vec<_> = grid::stream(&t.db, &table).collect().await;
    let text: Vec<u8> = chunks.into_iter().flat_map(Result::unwrap).collect();
    let mut loaded: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(loaded["version"], 1);
    loaded["expected_version"] = loaded["version"].clone();
    let document: Document = serde_json::from_value(loaded.clone()).unwrap();
    let put = async |document: Document| {
        let mut tx = t.db.write().await.unwrap();
        let applied = grid::replace(&mut tx, &document, &ANA).await;
        tx.commit().await.unwrap();
        applied
    };
    assert_eq!(put(document.clone()).await.unwrap().changes, 0);

    loaded["rows"][0]["cells"]["name"] = json!("Renamed");
    loaded["rows"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "r2", "cells": {"name": "New"}, "stage": "derived, ignored"}));
    assert_eq!(
        put(serde_json::from_value(loaded).unwrap())
            .await
            .unwrap()
            .changes,
        2
    );
    let late = put(document).await.unwrap_err();
    let GridError::Stale { expected: 1, now } = late else {
        panic!("{late}");
    };
    assert_eq!(
        (now.version, now.differing, now.cells[0].theirs.as_str()),
        (2, 1, Some("Renamed"))
    );

    let empty = Document {
        expected_version: 2,
        columns: None,
        rows: Vec::new(),
    };
    assert_eq!(
        put(empty).await.unwrap().changes,
        2,
        "rows left out are deleted, softly"
    );
}

/// Replays the stored history from nothing: it must end at the present cells.
async fn replayed(t: &TestDb) -> BTreeMap<String, Map<String, Value>> {
    type Change = (String, Option<String>, Option<String>, Option<String>);
    let changes: Vec<Change> =
        sqlx::query_as("select what, row_id, column_id, after from grid_changes order by id")
            .fetch_all(t.db.read())
            .await
            .unwrap();
    let mut rows: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (what, row, column, after) in changes {
        let after = after.map(|a| serde_json::from_str::<Value>(&a).unwrap());
        match (what.as_str(), row) {
            ("row_added", Some(row)) => {
                rows.insert(row, after.unwrap().as_object().unwrap().clone());
            }
            ("cell", Some(row)) => {
                let cells = rows.get_mut(&row).unwrap();
                match after {
                    Some(value) => cells.insert(column.unwrap(), value),
                    None => cells.remove(&column.unwrap()),
                };
            }
            _ => {}
        }
    }
    rows
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// Any sequence of writes, stale ones included: history replays to the
    /// present, and every write that was not answered as a conflict is there.
    #[test]
    fn history_replays_to_the_present(writes in proptest::collection::vec((0usize..3, 0usize..2, 0u8..5, 0i64..4), 1..30)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let t = TestDb::new().await;
            grid_of_one(&t).await;
            write(&t, json!([{"op": "add_row", "id": "r2"}, {"op": "add_row", "id": "r3"}]), &ANA).await.unwrap();
            for (row_index, column, value, behind) in writes {
                let id = ["r1", "r2", "r3"][row_index];
                let column = ["name", "amount"][column];
                let now = row(&t, id).await.unwrap();
                let value = if value == 0 { Value::Null } else { json!(value.to_string()) };
                let applied = write(&t, set(id, column, value.clone(), now.version - behind), &ANA).await.unwrap();
                let cell = row(&t, id).await.unwrap().cells.get(column).cloned().unwrap_or(Value::Null);
                if applied.conflicts.is_empty() {
                    assert_eq!(cell, value);
                } else {
                    assert_eq!(cell, applied.conflicts[0].theirs);
                }
            }
            let replay = replayed(&t).await;
            for id in ["r1", "r2", "r3"] {
                assert_eq!(replay[id], row(&t, id).await.unwrap().cells);
            }
        });
    }
}

#[tokio::test]
async fn the_demo_fund_is_the_same_each_time_and_projects_well() {
    let (a, b) = (TestDb::new().await, TestDb::new().await);
    let now = a.db.now() + 1;
    let mut sums = Vec::new();
    for t in [&a, &b] {
        crm_jobs::demo::fill(t.dir(), now).await.unwrap();
        crm_jobs::queue::drain(&t.db, &crm_jobs::tasks::registry())
            .await
            .unwrap();
        let summary = crm_jobs::investors::summary(&t.db).await.unwrap();
        assert_eq!((summary.investors, summary.matches), (400, true));
        assert!(
            summary.contacts < summary.contact_links,
            "advisers are one person"
        );
        sums.push(
            summary
                .sums
                .into_iter()
                .map(|f| (f.name, f.stages))
                .collect::<BTreeMap<_, _>>(),
        );
    }
    assert_eq!(sums[0], sums[1]);
    assert!(
        crm_jobs::demo::fill(a.dir(), now).await.is_err(),
        "only on a fresh database"
    );
}

#[tokio::test]
async fn a_change_set_is_taken_back_unless_somebody_went_on() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    write(
        &t,
        json!([
            {"op": "set", "row": "r1", "column": "name", "value": "Other", "base": 1},
            {"op": "set", "row": "r1", "column": "amount", "value": null, "base": 1},
            {"op": "move", "row": "r1", "list": "longshot", "reason": "far"},
        ]),
        &ANA,
    )
    .await
    .unwrap();
    let mut tx = t.db.write().await.unwrap();
    let applied = grid::revert(&mut tx, 2, &ANA, grid::REVERTED_AT_ONCE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!((applied.version, applied.changes), (3, 3));
    let back = row(&t, "r1").await.unwrap();
    assert_eq!(
        (back.cells["amount"].as_str(), back.list.as_str()),
        (Some("1000"), "main")
    );

    write(&t, set("r1", "name", "Mine", 3), &ANA).await.unwrap();
    write(&t, set("r1", "name", "Yours", 4), &BEN)
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    let applied = grid::revert(&mut tx, 4, &ANA, grid::REVERTED_AT_ONCE)
        .await
        .unwrap();
    assert_eq!((applied.changes, applied.conflicts.len()), (0, 1));
    let refused = grid::revert(&mut tx, 2, &ANA, grid::REVERTED_AT_ONCE)
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        GridError::Invalid {
            code: "changed_since",
            ..
        }
    ));
    assert!(matches!(
        grid::revert(&mut tx, 99, &ANA, grid::REVERTED_AT_ONCE)
            .await
            .unwrap_err(),
        GridError::Missing { .. }
    ));
}

#[tokio::test]
async fn undo_of_a_very_large_change_is_left_to_one_job() {
    let t = TestDb::new().await;
    grid_of_one(&t).await;
    let rows: Vec<Value> = (0..=grid::REVERTED_AT_ONCE)
        .map(|n| json!({"op": "add_row", "id": format!("n{n}")}))
        .collect();
    write(&t, rows.into(), &ANA).await.unwrap();
    for _ in 0..2 {
        let mut tx = t.db.write().await.unwrap();
        let undone = grid::undo(&mut tx, ANA.actor).await.unwrap().unwrap();
        assert!(undone.refused.unwrap().contains("job"));
        tx.commit().await.unwrap();
    }
    let jobs: i64 =
        sqlx::query_scalar("select count(*) from jobs where kind = 'revert_change_set'")
            .fetch_one(t.db.read())
            .await
            .unwrap();
    assert_eq!(jobs, 1);
}
