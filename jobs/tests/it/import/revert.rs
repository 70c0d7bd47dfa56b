//! Imports that are taken back: the grid is as it was, and what somebody built on
//! the import stays and is told.

use crm_jobs::{
    funds,
    grid::{self, ChangeBy, Operation, table::SharedTable},
    import::{self, ImportError, ImportState, Overrides, Reverted, Taken},
    testing::TestDb,
};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{ACTOR, apply, bring_in, drain, exports, load, rows, upload};
use crate::raise::{in_the_grid, in_the_ledger};

/// All that people see of the grid and its funds, but for versions and times of
/// rows.
async fn state(t: &TestDb) -> String {
    let mut stream = Box::pin(grid::stream(&t.db, &SharedTable::new(&t.db)));
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk.unwrap());
    }
    let mut document: Value = serde_json::from_slice(&bytes).unwrap();
    let forget = |value: &mut Value| {
        let map = value.as_object_mut().unwrap();
        map.retain(|key, _| !["version", "updated_at", "updated_by"].contains(&key.as_str()));
        if let Some(derived) = map.get_mut("derived").and_then(Value::as_object_mut) {
            derived.retain(|key, _| !key.starts_with("@modified"));
        }
    };
    forget(&mut document);
    document["rows"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(forget);
    let mut conn = t.db.read().acquire().await.unwrap();
    let funds = serde_json::to_string(&funds::list(&mut conn).await.unwrap()).unwrap();
    let people: Vec<(String, String)> = sqlx::query_as("select id, name from contacts order by id")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    format!("{document}\n{funds}\n{people:?}")
}

async fn take_back(t: &TestDb, id: &str) -> Reverted {
    let (taken, tx) = import::revert(&t.db, id, ACTOR).await.unwrap();
    tx.commit().await.unwrap();
    match taken {
        Taken::Back(done) => done,
        Taken::ByJob(_) => panic!("this one is small"),
    }
}

async fn edit(t: &TestDb, operations: &[Operation]) {
    let by = ChangeBy {
        actor: "user:somebody",
        origin: "edit",
        summary: "",
        job: None,
    };
    let mut tx = t.db.write().await.unwrap();
    let applied = grid::apply(&mut tx, operations, &by).await.unwrap();
    assert!(applied.conflicts.is_empty());
    tx.commit().await.unwrap();
}

fn set(row: &str, column: &str, value: &str) -> Operation {
    Operation::Set {
        row: row.to_owned(),
        column: column.to_owned(),
        value: value.into(),
        base: i64::MAX,
    }
}

#[tokio::test]
async fn three_exports_arrive_repeat_to_nothing_and_revert_to_what_was() {
    for (name, export) in exports::ALL {
        let t = TestDb::new().await;
        for week in [1, 2] {
            let before = state(&t).await;
            t.advance(1_000);
            let import = upload(&t, &export(week)).await;
            let report = apply(&t, &import.id).await;
            assert_eq!(
                (report.rejected, report.conflicting),
                (0, 0),
                "{name}: {report:?}"
            );
            assert!(report.new > 0, "{name}");
            assert_eq!(report.changed > 0, week == 2, "{name}");
            let arrived = state(&t).await;
            assert_ne!(arrived, before, "{name}");
            let again = bring_in(&t, &export(week)).await;
            assert_eq!(
                (again.new, again.changed),
                (0, 0),
                "{name}: {:?}",
                again.changes
            );
            assert_eq!(
                state(&t).await,
                arrived,
                "{name}: the same file changes nothing"
            );

            t.advance(1_000);
            let done = take_back(&t, &import.id).await;
            assert_eq!(
                (done.rows, done.cells),
                (report.new, report.changed_cells),
                "{name}"
            );
            assert_eq!(done.kept, [], "{name}");
            assert_eq!(done.funds.len(), report.new_funds.len(), "{name}");
            assert_eq!(done.contacts, report.new_contacts, "{name}");
            let after = state(&t).await;
            assert!(after == before, "{name}, week {week}:\n{before}\n\n{after}");
            let now = load(&t, &import.id).await;
            assert_eq!(now.state, ImportState::Reverted, "{name}");
            assert_eq!(now.reverted_by.as_deref(), Some(ACTOR));
            let refused = import::revert(&t.db, &import.id, ACTOR).await.map(|_| ());
            assert!(
                matches!(refused, Err(ImportError::State { .. })),
                "{refused:?}"
            );

            // And it can be brought in once more, for the week that follows.
            let report = bring_in(&t, &export(week)).await;
            assert!(report.new > 0);
        }
    }
}

#[tokio::test]
async fn quirks_are_read_as_they_were_meant() {
    let t = TestDb::new().await;
    let import = upload(&t, &exports::ALL[0].1(1)).await;
    let order = |at: usize| import.profile[at].date_order;
    assert_eq!(order(6), Some(import::DateOrder::DayFirst));
    assert_eq!(order(7), Some(import::DateOrder::MonthFirst));
    let headers: Vec<&str> = import.profile.iter().map(|p| p.header.as_str()).collect();
    assert_eq!(headers[1], "Url");
    assert_eq!(&headers[11..], ["Notes", "Notes (2)"]);
    let report = apply(&t, &import.id).await;
    assert!(
        report.warnings.iter().any(|w| w.starts_with("AUM: 2")),
        "{:?}",
        report.warnings
    );
    let rows = rows(&t).await;
    let cells = &rows[0].cells;
    assert_eq!(cells["investor"], "Sample, Roe & Co 1");
    assert_eq!(cells["key_contacts"][1]["name"], "Bo Roe 1, Jr.");
    assert_eq!(cells["first_met"], "2024-02-02");
    assert_eq!(rows[1].cells["last_call"], "2025-03-03T15:02:00Z");
    assert_eq!(
        rows[5].cells["notes"],
        "Met in spring.\n\n\"Send the deck\", week 1."
    );
    let other = TestDb::new().await;
    let import = upload(&other, &exports::ALL[1].1(1)).await;
    assert_eq!(import.encoding, import::Encoding::Cp1252);
    assert!(
        import.first_lines[0].contains("Kürzel"),
        "{:?}",
        import.first_lines
    );
    apply(&other, &import.id).await;
    let rows = super::rows(&other).await;
    assert_eq!(rows[1].cells["firma"], "Müster–Bank „Süd“ 2");
    assert_eq!(rows[1].cells["betrag_eur"], "3014.02");
    assert_eq!(rows[1].cells["postleitzahl"], "01093");
}

#[tokio::test]
async fn what_somebody_built_on_an_import_stays_and_is_told() {
    let t = TestDb::new().await;
    bring_in(&t, b"Name,Type\nA,X\nB,X\nC,X\nD,Y\nE,Y\nF,Y\n").await;
    t.advance(1_000);
    let import = upload(
        &t,
        b"Name,Type,Ticket,Fund,Contact\nA,Z,$1,Fund I,Ada\nB,Z,$2,Fund II,Bo\nG,X,$3,Fund I,Cleo\nH,X,$4,,\n",
    )
    .await;
    apply(&t, &import.id).await;
    t.advance(1_000);
    let found = rows(&t).await;
    let id = |name: &str| {
        found
            .iter()
            .find(|r| r.cells["name"] == name)
            .unwrap()
            .id
            .clone()
    };
    edit(
        &t,
        &[set(&id("A"), "ticket", "99"), set(&id("G"), "ticket", "77")],
    )
    .await;
    let done = take_back(&t, &import.id).await;
    // H goes; G was edited and stays as a whole; of A, only the edited cell stays.
    assert_eq!((done.rows, done.cells), (1, 7), "{done:?}");
    let kept: Vec<(&str, &str)> = done
        .kept
        .iter()
        .map(|k| (k.what.as_str(), k.name.as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            ("cell", "A"),
            ("row", "G"),
            ("column", "Contact"),
            ("column", "Fund"),
            ("column", "Ticket")
        ]
    );
    assert_eq!(done.kept[0].by.as_deref(), Some("user:somebody"));
    assert_eq!(done.funds, ["Fund II"], "Fund I stands in G");
    assert_eq!(done.contacts, 2, "Cleo stands in G");
    let now = rows(&t).await;
    let names: Vec<&str> = now
        .iter()
        .filter_map(|r| r.cells["name"].as_str())
        .collect();
    assert_eq!(names, ["A", "B", "C", "D", "E", "F", "G"]);
    assert_eq!(now[0].cells["ticket"], "99");
    assert_eq!(now[0].cells["type"], "x");
    assert!(!now[1].cells.contains_key("ticket"));
    let mut conn = t.db.read().acquire().await.unwrap();
    let columns = grid::columns(&mut conn).await.unwrap();
    let choices: Vec<&str> = columns[1]
        .options
        .choices
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(choices, ["X", "Y"], "nobody has Z any more");
}

#[tokio::test]
async fn an_option_or_column_somebody_uses_by_now_stays() {
    let t = TestDb::new().await;
    bring_in(&t, b"Name,Type\nA,X\nB,X\nC,X\nD,Y\nE,Y\nF,Y\n").await;
    let import = upload(&t, b"Name,Type,Extra\nA,Z,\nB,W,more\n").await;
    apply(&t, &import.id).await;
    let found = rows(&t).await;
    edit(&t, &[set(&found[2].id, "type", "z")]).await;
    let formula = json!({"op": "add_column", "name": "Loud", "type": "formula", "options": {"formula": "UPPER({Extra})"}});
    edit(&t, &[serde_json::from_value(formula).unwrap()]).await;
    let done = take_back(&t, &import.id).await;
    let kept: Vec<(&str, &str)> = done
        .kept
        .iter()
        .map(|k| (k.what.as_str(), k.name.as_str()))
        .collect();
    assert_eq!(kept, [("column", "Extra"), ("option", "Z")], "{done:?}");
    assert!(done.kept[0].reason.contains("Loud"));
    let now = rows(&t).await;
    assert_eq!(now[2].cells["type"], "z");
    assert!(!now[1].cells.contains_key("extra"));
}

#[tokio::test]
async fn an_edit_that_was_undone_does_not_keep_a_row() {
    let t = TestDb::new().await;
    let before = state(&t).await;
    let import = upload(&t, b"Name,Note\nA,one\n").await;
    apply(&t, &import.id).await;
    let id = rows(&t).await[0].id.clone();
    edit(&t, &[set(&id, "note", "two")]).await;
    let mut tx = t.db.write().await.unwrap();
    grid::undo(&mut tx, "user:somebody").await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let done = take_back(&t, &import.id).await;
    assert_eq!((done.rows, done.kept_count), (1, 0));
    assert_eq!(state(&t).await, before);
}

#[tokio::test]
async fn a_revert_that_is_undone_leaves_the_import_applied() {
    let t = TestDb::new().await;
    let import = upload(&t, b"Name,Note\nA,one\n").await;
    apply(&t, &import.id).await;
    take_back(&t, &import.id).await;
    let mut tx = t.db.write().await.unwrap();
    grid::undo(&mut tx, ACTOR).await.unwrap();
    let by = ChangeBy {
        actor: ACTOR,
        origin: "redo",
        summary: "",
        job: None,
    };
    let version = grid::state(&mut tx).await.unwrap().version;
    grid::revert(&mut tx, version, &by, 100).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(load(&t, &import.id).await.state, ImportState::Applied);
    assert_eq!(rows(&t).await.len(), 1);
    assert_eq!(take_back(&t, &import.id).await.rows, 1);
    assert_eq!(load(&t, &import.id).await.state, ImportState::Reverted);
}

#[tokio::test]
async fn a_large_import_is_taken_back_by_a_job() {
    let t = TestDb::new().await;
    let week = |note: &str| -> String {
        let rows: Vec<String> = (0..7_000)
            .map(|n| format!("Row {n},{note},{note},{note}"))
            .collect();
        format!("Name,A,B,C\n{}\n", rows.join("\n"))
    };
    bring_in(&t, week("one").as_bytes()).await;
    let before = state(&t).await;
    let import = upload(&t, week("two").as_bytes()).await;
    let report = apply(&t, &import.id).await;
    assert_eq!(report.changed_cells, 21_000);
    let (taken, tx) = import::revert(&t.db, &import.id, ACTOR).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(taken, Taken::ByJob(_)), "{taken:?}");
    assert_eq!(load(&t, &import.id).await.state, ImportState::Reverting);
    drain(&t).await;
    let after = load(&t, &import.id).await;
    assert_eq!(after.state, ImportState::Reverted);
    assert_eq!(after.revert.unwrap().cells, 21_000);
    assert!(state(&t).await == before);
}

#[tokio::test]
async fn a_commit_between_working_out_and_writing_is_seen() {
    let t = TestDb::new().await;
    bring_in(&t, b"Name,Note\nA,one\n").await;
    let id = rows(&t).await[0].id.clone();
    let mut bulk = grid::Bulk::begin(&t.db).await.unwrap();
    let people = grid::people::People::everybody(bulk.connection())
        .await
        .unwrap();
    bulk.expect(&[], &[], people).await.unwrap();
    let by = ChangeBy {
        actor: ACTOR,
        origin: "import",
        summary: "",
        job: None,
    };
    bulk.take(&[set(&id, "note", "import")], &by).await.unwrap();
    let prepared = bulk.prepared().await.unwrap();
    edit(&t, &[set(&id, "note", "somebody")]).await;
    let mut tx = t.db.write().await.unwrap();
    assert!(!prepared.still_holds(&mut tx).await.unwrap());
    let _ = Overrides::default();
}

#[tokio::test]
async fn the_ledger_and_the_pipeline_follow_an_import_and_its_revert() {
    let t = TestDb::new().await;
    let columns = json!([
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "Stage", "type": "select"},
    ]);
    let columns: Vec<Operation> = serde_json::from_value(columns).unwrap();
    edit(&t, &columns).await;
    let first =
        "Name,Stage,Fund III soft\nAlpha,Lead,\"€1,000,000\"\nBeta,Engaged,\"€2,000,000\"\n";
    bring_in(&t, first.as_bytes()).await;
    assert_eq!(in_the_ledger(&t).await.len(), 2);
    let ledger = in_the_ledger(&t).await;
    let second = "Name,Stage,Fund III soft,Fund III hard\nAlpha,Lost,,\"€900,000\"\nGamma,Lead,,\"€50,000\"\n";
    let import = upload(&t, second.as_bytes()).await;
    apply(&t, &import.id).await;
    assert_eq!(in_the_ledger(&t).await, in_the_grid(&t).await);
    assert_eq!(in_the_ledger(&t).await.len(), 4);
    let live = || async {
        let live: Vec<(String, String)> = sqlx::query_as(
            "select f.cells ->> '$.name', o.stage from opportunities o
             join grid_rows f on f.id = o.row_id and f.deleted_at is null where o.closed_at is null order by 1",
        )
        .fetch_all(t.db.read())
        .await
        .unwrap();
        live.into_iter()
            .map(|(name, stage)| format!("{name} {stage}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(live().await, ["Beta engaged", "Gamma lead"]);
    take_back(&t, &import.id).await;
    assert_eq!(in_the_ledger(&t).await, ledger);
    assert_eq!(in_the_grid(&t).await, ledger);
    assert_eq!(live().await, ["Alpha lead", "Beta engaged"]);
}
