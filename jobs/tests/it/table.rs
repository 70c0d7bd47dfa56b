//! The grid in memory: it follows the database, computes formulas, derives
//! columns, and shows the past as it was.

use crm_jobs::{
    clock::DAY,
    grid::{
        self,
        table::{AsOf, Changes, SharedTable, Table, as_of},
    },
    testing::TestDb,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    grid::{ANA, write},
    put_back,
};

/// Row id → all cells.
fn cells(table: &Table) -> Map<String, Value> {
    table
        .order()
        .iter()
        .map(|slot| {
            let head = table.head(*slot).unwrap();
            (head.id.to_string(), Value::Object(table.cells(*slot)))
        })
        .collect()
}

pub async fn read(shared: &SharedTable) -> Map<String, Value> {
    cells(&shared.read().await.unwrap())
}

pub async fn fresh(t: &TestDb) -> Map<String, Value> {
    read(&SharedTable::new(&t.db)).await
}

pub async fn begin(t: &TestDb) {
    write(
        t,
        json!([
            {"op": "add_column", "name": "Name", "type": "text"},
            {"op": "add_column", "name": "Amount", "type": "currency", "options": {"currency": "EUR"}},
            {"op": "add_column", "name": "Share", "type": "percent"},
            {"op": "add_column", "name": "Met on", "type": "date"},
            {"op": "add_column", "name": "Stage", "type": "select", "options": {"choices": [
                {"id": "lead", "name": "Lead", "color": "blue"}, {"id": "lost", "name": "Lost", "color": "red"}]}},
            {"op": "add_row", "id": "r1", "cells": {"name": "Alpha", "amount": "100.10", "share": "50"}},
            {"op": "add_row", "id": "r2", "cells": {"name": "beta", "stage": "lead"}},
        ]),
        &ANA,
    )
    .await
    .unwrap();
}

async fn formula(t: &TestDb, name: &str, formula: &str) {
    let column = json!([{"op": "add_column", "name": name, "type": "formula", "options": {"formula": formula}}]);
    write(t, column, &ANA).await.unwrap();
}

#[tokio::test]
async fn formulas_are_computed_in_order_and_follow_what_they_read() {
    let t = TestDb::new().await;
    begin(&t).await;
    formula(&t, "Expected", "{Amount} * {Share}").await;
    formula(&t, "Label", "{Name} & ': ' & {Expected}").await;
    let shared = SharedTable::new(&t.db);
    let before = read(&shared).await;
    assert_eq!(before["r1"]["expected"], "50.05");
    assert_eq!(before["r1"]["label"], "Alpha: 50.05");
    assert_eq!(before["r2"]["label"], "beta: 0");
    let set = json!([{"op": "set", "row": "r1", "column": "share", "value": "10", "base": 1}]);
    write(&t, set, &ANA).await.unwrap();
    let after = read(&shared).await;
    assert_eq!(after["r1"]["label"], "Alpha: 10.01");
    assert_eq!(after, fresh(&t).await);
}

#[tokio::test]
async fn a_renamed_column_breaks_no_formula_and_one_in_use_is_not_deleted() {
    let t = TestDb::new().await;
    begin(&t).await;
    formula(&t, "Double", "{Amount} * 2").await;
    let rename = json!([{"op": "update_column", "column": "amount", "name": "Ticket {size}"}]);
    write(&t, rename, &ANA).await.unwrap();
    let shared = SharedTable::new(&t.db);
    assert_eq!(read(&shared).await["r1"]["double"], "200.2");
    let table = shared.read().await.unwrap();
    let definitions = table.definitions();
    let shown = definitions.iter().find(|c| c.id == "double").unwrap();
    let shown = shown.options.formula.clone().unwrap();
    assert!(shown.contains("Ticket"), "{shown}");
    drop(table);
    let delete = json!([{"op": "delete_column", "column": "amount"}]);
    let refused = write(&t, delete, &ANA).await.unwrap_err().to_string();
    assert!(refused.contains("Double"), "{refused}");
}

#[tokio::test]
async fn formulas_that_go_round_or_name_nothing_are_refused() {
    let t = TestDb::new().await;
    begin(&t).await;
    formula(&t, "A", "{Amount} + 1").await;
    formula(&t, "B", "{A} + 1").await;
    let round = json!([{"op": "update_column", "column": "a", "options": {"formula": "{B} + 1"}}]);
    let refused = write(&t, round, &ANA).await.unwrap_err().to_string();
    assert!(
        refused.contains('A') && refused.contains('B') && refused.contains("→"),
        "{refused}"
    );
    let unknown = json!([{"op": "add_column", "name": "C", "type": "formula", "options": {"formula": "{Amuont}"}}]);
    let refused = write(&t, unknown, &ANA).await.unwrap_err().to_string();
    assert!(refused.contains("Amount"), "{refused}");
    let written = json!([{"op": "set", "row": "r1", "column": "a", "value": "5", "base": 1}]);
    let refused = write(&t, written, &ANA).await.unwrap_err().to_string();
    assert!(refused.contains("computed"), "{refused}");
}

#[tokio::test]
async fn a_day_turns_what_depends_on_it() {
    let t = TestDb::new().await;
    begin(&t).await;
    formula(&t, "Age", "DATETIME_DIFF(TODAY(), {Met on}, 'days')").await;
    let today = {
        let shared = SharedTable::new(&t.db);
        shared.read().await.unwrap().moment.today.to_string()
    };
    let set = json!([{"op": "set", "row": "r1", "column": "met_on", "value": today, "base": 1}]);
    write(&t, set, &ANA).await.unwrap();
    let shared = SharedTable::new(&t.db);
    let first = read(&shared).await;
    assert_eq!(
        (&first["r1"]["age"], &first["r1"]["@staleness"]),
        (&json!("0"), &json!("fresh"))
    );
    t.db.clock().advance(61 * DAY);
    let later = read(&shared).await;
    assert_eq!(
        (&later["r1"]["age"], &later["r1"]["@staleness"]),
        (&json!("61"), &json!("stale"))
    );
}

#[tokio::test]
async fn tasks_and_lists_show_in_derived_columns_without_a_version() {
    let t = TestDb::new().await;
    begin(&t).await;
    let shared = SharedTable::new(&t.db);
    let stamp = shared.read().await.unwrap().stamp;
    let mut tx = t.db.write().await.unwrap();
    let task = crm_jobs::work::NewTask {
        row: "r1",
        title: "Call",
        due_on: "2001-01-01",
        by: "user:ana",
    };
    crm_jobs::work::add_task(&mut tx, &task).await.unwrap();
    tx.commit().await.unwrap();
    let table = shared.read().await.unwrap();
    let row = &cells(&table)["r1"];
    assert_eq!(
        (&row["@tasks"], &row["@reminder"], &row["@list"]),
        (&json!("1"), &json!("overdue"), &json!("main"))
    );
    assert_eq!(row["@created_by"], "ana");
    let Changes::Changes(changed) = table.changes_since(&table.epoch, stamp) else {
        panic!("a reload for one row");
    };
    assert_eq!(changed.rows.len(), 1, "only the row it is about");
}

#[tokio::test]
async fn the_past_reads_as_it_was_rows_columns_and_all() {
    let t = TestDb::new().await;
    begin(&t).await;
    formula(&t, "Double", "{Amount} * 2").await;
    let shared = SharedTable::new(&t.db);
    let mut snapshots = vec![(2, read(&shared).await)];
    for (version, operations) in (3..).zip([
        json!([{"op": "set", "row": "r1", "column": "amount", "value": "7", "base": 2}]),
        json!([{"op": "add_row", "id": "r3", "cells": {"name": "Gamma"}, "after": "r1"}]),
        json!([{"op": "move", "row": "r2", "list": "graveyard", "reason": "declined"}]),
        json!([{"op": "delete", "row": "r1"}]),
        json!([{"op": "retype_column", "column": "name", "type": "long_text"}]),
        json!([{"op": "update_column", "column": "double", "options": {"formula": "{Amount} * 3"}}]),
        json!([{"op": "restore", "row": "r1"}, {"op": "delete_column", "column": "met_on"}]),
        json!([{"op": "retype_column", "column": "stage", "type": "text"}]),
    ]) {
        t.db.clock().advance(1_000);
        let applied = write(&t, operations, &ANA).await.unwrap();
        assert_eq!(applied.version, version);
        snapshots.push((version, read(&shared).await));
    }
    for (version, wanted) in snapshots {
        let past = as_of(&t.db, &shared, AsOf::Version(version)).await.unwrap();
        // When a row was last modified is not reconstructed.
        let strip = |rows: Map<String, Value>| -> Map<String, Value> {
            rows.into_iter()
                .map(|(id, mut row)| {
                    row.as_object_mut()
                        .unwrap()
                        .retain(|c, _| !c.starts_with("@modified"));
                    (id, row)
                })
                .collect()
        };
        assert_eq!(strip(cells(&past)), strip(wanted), "as of {version}");
    }
    assert!(as_of(&t.db, &shared, AsOf::Version(99)).await.is_err());
}

#[tokio::test]
async fn retyping_keeps_what_converts_and_undo_brings_the_rest_back() {
    let t = TestDb::new().await;
    begin(&t).await;
    let set = json!([
        {"op": "set", "row": "r1", "column": "name", "value": "12.5", "base": 1},
        {"op": "set", "row": "r2", "column": "name", "value": "twelve", "base": 1},
    ]);
    write(&t, set, &ANA).await.unwrap();
    let mut conn = t.db.read().acquire().await.unwrap();
    let preview = grid::retype_preview(&mut conn, "name", grid::ColumnType::Number, None)
        .await
        .unwrap();
    assert_eq!((preview.total, preview.converts, preview.fails), (2, 1, 1));
    assert_eq!(preview.examples[0].value, "twelve");
    drop(conn);
    let shared = SharedTable::new(&t.db);
    let before = read(&shared).await;
    let retype = json!([{"op": "retype_column", "column": "name", "type": "number"}]);
    write(&t, retype, &ANA).await.unwrap();
    let after = read(&shared).await;
    assert_eq!(
        (&after["r1"]["name"], &after["r2"].get("name")),
        (&json!("12.5"), &None)
    );
    assert_eq!(after, fresh(&t).await);
    let mut tx = t.db.write().await.unwrap();
    let undone = grid::undo(&mut tx, "user:ana").await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert!(undone.applied.conflicts.is_empty(), "{undone:?}");
    let back = read(&shared).await;
    assert_eq!(
        (&back["r1"]["name"], &back["r2"]["name"]),
        (&before["r1"]["name"], &before["r2"]["name"])
    );
    assert_eq!(back, fresh(&t).await);
}

#[tokio::test]
async fn undo_and_redo_walk_back_and_forth_and_stop_at_what_others_did() {
    let t = TestDb::new().await;
    begin(&t).await;
    for (name, base) in [("one", 1), ("two", 2), ("three", 3)] {
        let set =
            json!([{"op": "set", "row": "r1", "column": "name", "value": name, "base": base}]);
        write(&t, set, &ANA).await.unwrap();
    }
    let shared = SharedTable::new(&t.db);
    let walk = async |back: bool| {
        let mut tx = t.db.write().await.unwrap();
        let done = if back {
            grid::undo(&mut tx, "user:ana").await.unwrap()
        } else {
            grid::redo(&mut tx, "user:ana").await.unwrap()
        };
        tx.commit().await.unwrap();
        let now = read(&shared).await["r1"]["name"].clone();
        done.map(|d| (d.applied.conflicts.len(), now))
    };
    assert!(walk(false).await.is_none(), "nothing to redo yet");
    assert_eq!(walk(true).await, Some((0, json!("two"))));
    assert_eq!(walk(true).await, Some((0, json!("one"))));
    assert_eq!(walk(false).await, Some((0, json!("two"))));
    assert_eq!(walk(false).await, Some((0, json!("three"))));
    assert!(walk(false).await.is_none());
    assert_eq!(walk(true).await, Some((0, json!("two"))));
    let edit = json!([{"op": "set", "row": "r1", "column": "name", "value": "four", "base": 99}]);
    write(&t, edit, &ANA).await.unwrap();
    assert!(
        walk(false).await.is_none(),
        "an edit ends what could be redone"
    );
    let other = crm_jobs::grid::ChangeBy {
        actor: "user:ben",
        ..ANA
    };
    let edit = json!([{"op": "set", "row": "r1", "column": "name", "value": "ben's", "base": 99}]);
    write(&t, edit, &other).await.unwrap();
    assert_eq!(
        walk(true).await,
        Some((1, json!("ben's"))),
        "what another wrote stays"
    );
}

#[tokio::test]
async fn required_unique_and_default_hold() {
    let t = TestDb::new().await;
    begin(&t).await;
    let rules = json!([
        {"op": "update_column", "column": "name", "options": {"required": true, "unique": true}},
        {"op": "update_column", "column": "share", "options": {"default": "20"}},
    ]);
    write(&t, rules, &ANA).await.unwrap();
    for (operation, says) in [
        (
            json!({"op": "set", "row": "r1", "column": "name", "value": null, "base": 1}),
            "required",
        ),
        (
            json!({"op": "set", "row": "r1", "column": "name", "value": " BETA", "base": 1}),
            "unique",
        ),
        (
            json!({"op": "add_row", "cells": {"amount": "1"}}),
            "required",
        ),
        (
            json!({"op": "add_row", "cells": {"name": "alpha"}}),
            "unique",
        ),
    ] {
        let refused = write(&t, json!([operation]), &ANA)
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains(says), "{operation}: {refused}");
    }
    let add = json!([{"op": "add_row", "id": "r9", "cells": {"name": "Gamma"}}]);
    write(&t, add, &ANA).await.unwrap();
    assert_eq!(fresh(&t).await["r9"]["share"], "20");
    let twice = json!([{"op": "set", "row": "r9", "column": "stage", "value": "lead", "base": 1}]);
    write(&t, twice, &ANA).await.unwrap();
    let unique = json!([{"op": "update_column", "column": "share", "options": {"unique": true}}]);
    assert!(
        write(&t, unique, &ANA).await.is_err(),
        "a percent cannot be unique"
    );
}

#[tokio::test]
async fn rows_and_columns_can_be_put_between_others() {
    let t = TestDb::new().await;
    begin(&t).await;
    let shared = SharedTable::new(&t.db);
    read(&shared).await;
    for n in 0..24 {
        let add = json!([{"op": "add_row", "id": format!("n{n}"), "after": "r1"}]);
        write(&t, add, &ANA).await.unwrap();
    }
    let order = |table: &Table| -> Vec<String> {
        let ids = table
            .order()
            .iter()
            .map(|slot| table.head(*slot).unwrap().id.to_string());
        ids.collect()
    };
    let mut wanted = vec!["r1".to_owned()];
    wanted.extend((0..24).rev().map(|n| format!("n{n}")));
    wanted.push("r2".to_owned());
    assert_eq!(order(&shared.read().await.unwrap()), wanted);
    assert_eq!(
        order(&SharedTable::new(&t.db).read().await.unwrap()),
        wanted
    );
    let place = json!([{"op": "move_column", "column": "stage", "before": "amount"}]);
    write(&t, place, &ANA).await.unwrap();
    let table = shared.read().await.unwrap();
    let columns: Vec<&str> = table
        .columns()
        .iter()
        .take(3)
        .map(|c| c.column.id.as_str())
        .collect();
    assert_eq!(columns, ["name", "stage", "amount"]);
}

#[tokio::test]
async fn a_deleted_row_is_purged_by_name_and_leaves_no_trace() {
    let t = TestDb::new().await;
    begin(&t).await;
    let purge = async |typed: &str| {
        let mut tx = t.db.write().await.unwrap();
        let done = grid::purge(&mut tx, "r1", typed, &ANA).await;
        tx.commit().await.unwrap();
        done.map(|_| ()).map_err(|e| e.to_string())
    };
    assert!(
        purge("Alpha")
            .await
            .unwrap_err()
            .contains("delete it first")
    );
    write(&t, json!([{"op": "delete", "row": "r1"}]), &ANA)
        .await
        .unwrap();
    assert!(purge("alpha").await.unwrap_err().contains("Alpha"));
    let mut tx = t.db.write().await.unwrap();
    let task = crm_jobs::work::NewTask {
        row: "r1",
        title: "Call",
        due_on: "2030-01-01",
        by: "x",
    };
    crm_jobs::work::add_task(&mut tx, &task).await.unwrap();
    tx.commit().await.unwrap();
    assert!(purge("Alpha").await.unwrap_err().contains("open tasks"));
    let mut tx = t.db.write().await.unwrap();
    sqlx::query("update tasks set status = 'done'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    purge("Alpha").await.unwrap();
    let mut conn = t.db.read().acquire().await.unwrap();
    assert!(
        grid::trash(&mut conn, None, 10)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    let left: i64 = sqlx::query_scalar(
        "select count(*) from grid_changes where row_id = 'r1' and what <> 'purged'",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!(left, 0);
}

/// One step of a random life.
fn step() -> impl Strategy<Value = Value> {
    let row = prop::sample::select(vec!["r1", "r2", "r3", "r4"]);
    let text = prop::sample::select(vec!["", "a", "B", "12", "2026-03-31", "Lead"]);
    prop_oneof![
        4 => (row.clone(), text.clone()).prop_map(|(row, value)| json!({"op": "set", "row": row, "column": "name", "value": value, "base": 9_999})),
        3 => (row.clone(), 0_u32..50).prop_map(|(row, n)| json!({"op": "set", "row": row, "column": "amount", "value": n.to_string(), "base": 9_999})),
        2 => row.clone().prop_map(|row| json!({"op": "delete", "row": row})),
        2 => row.clone().prop_map(|row| json!({"op": "restore", "row": row})),
        2 => (row.clone(), row.clone()).prop_map(|(id, after)| json!({"op": "add_row", "id": id, "after": after, "cells": {"name": id}})),
        1 => row.clone().prop_map(|row| json!({"op": "archive", "row": row, "reason": "why not"})),
        1 => row.prop_map(|row| json!({"op": "move", "row": row, "list": "longshot"})),
        1 => prop::sample::select(vec!["text", "long_text", "number", "select", "multi_select", "date"])
            .prop_map(|kind| json!({"op": "retype_column", "column": "name", "type": kind})),
        1 => prop::sample::select(vec!["{Amount} + 1", "{Name} & 'x'", "IF({Amount} > 10, {Name})"])
            .prop_map(|f| json!({"op": "update_column", "column": "f", "options": {"formula": f}})),
        1 => Just(json!({"op": "delete_column", "column": "share"})),
        1 => Just(json!({"op": "restore_column", "column": "share"})),
        1 => Just(json!({"op": "move_column", "column": "stage", "before": "name"})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever happens, a table that followed along is the one a restart loads,
    /// the past reads as it did then, and undoing a step restores it.
    #[test]
    fn a_table_that_follows_is_the_one_that_is_loaded(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let t = TestDb::new().await;
            begin(&t).await;
            formula(&t, "F", "{Amount} * 2").await;
            let shared = SharedTable::new(&t.db);
            let mut known = vec![(2, read(&shared).await)];
            for step in steps {
                // Many are refused: a row that is there, a column that is gone.
                if let Ok(applied) = write(&t, json!([step]), &ANA).await
                    && applied.changes > 0
                {
                    known.push((applied.version, read(&shared).await));
                }
            }
            assert_eq!(read(&shared).await, fresh(&t).await);
            put_back::to_each(&t, &shared, &known).await;
            for (version, wanted) in known {
                let past = cells(&as_of(&t.db, &shared, AsOf::Version(version)).await.unwrap());
                let names = |rows: &Map<String, Value>| -> Vec<(String, Value, Value, Value)> {
                    let mut all: Vec<_> = rows.iter().map(|(id, r)| (id.clone(), r["name"].clone(), r["f"].clone(), r["@list"].clone())).collect();
                    all.sort_by(|a, b| a.0.cmp(&b.0));
                    all
                };
                assert_eq!(names(&past), names(&wanted), "as of {version}");
            }
        });
    }
}

#[tokio::test]
async fn another_zone_changes_what_formulas_write() {
    let t = TestDb::new().await;
    write(
        &t,
        json!([
            {"op": "add_column", "name": "Name", "type": "text"},
            {"op": "add_column", "name": "Call at", "type": "date_time"},
            {"op": "add_row", "id": "r1", "cells": {"name": "Alpha", "call_at": "2026-03-03T23:30:00Z"}},
        ]),
        &ANA,
    )
    .await
    .unwrap();
    formula(&t, "Day", "DAY({Call at}) & ''").await;
    let shared = SharedTable::new(&t.db);
    assert_eq!(read(&shared).await["r1"]["day"], "3");
    let mut tx = t.db.write().await.unwrap();
    crm_jobs::settings::set(
        &mut tx,
        crm_jobs::settings::FUND_ZONE,
        &"Europe/Berlin",
        "test",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    // Readers learn of settings with the next change.
    write(&t, json!([{"op": "add_row", "id": "r2"}]), &ANA)
        .await
        .unwrap();
    assert_eq!(read(&shared).await["r1"]["day"], "4");
    assert_eq!(read(&shared).await, fresh(&t).await);
}
