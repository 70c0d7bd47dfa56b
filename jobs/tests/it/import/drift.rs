//! Where a file and the grid differ, and who changed ours.

use crm_jobs::{
    grid::{self, ChangeBy, Operation},
    import::{self, DriftKind},
    testing::TestDb,
};

use super::{bring_in, map, rows, upload};

const FILE: &[u8] =
    b"Name,Type,Ticket,Contact\nA,X,$1,Ada\nB,X,$2,Bo\nC,X,$3,\nD,Y,$4,\nE,Y,$5,\nF,Y,$6,\n";

#[tokio::test]
async fn both_sides_and_the_last_change_are_told_and_nothing_is_written() {
    let t = TestDb::new().await;
    bring_in(&t, FILE).await;
    let same = upload(&t, FILE).await;
    let drift = import::drift(&t.db, &same.id, None, 1).await.unwrap();
    assert_eq!(
        (drift.counts.same_rows, drift.counts.of(None)),
        (6, 0),
        "{drift:?}"
    );

    t.advance(5_000);
    let row = rows(&t).await[1].id.clone();
    let set = Operation::Set {
        row: row.clone(),
        column: "ticket".to_owned(),
        value: "200".into(),
        base: i64::MAX,
    };
    let by = ChangeBy {
        actor: "user:somebody",
        origin: "edit",
        summary: "",
        job: None,
    };
    let mut tx = t.db.write().await.unwrap();
    grid::apply(&mut tx, &[set], &by).await.unwrap();
    tx.commit().await.unwrap();

    let import = upload(
        &t,
        b"Name,Type,Ticket,Contact,More\nA,X,,Ada,1\nB,X,$2,Bo,\nC,Z,$3,,\nD,Y,lots,,\nNew,Y,$5,,\n",
    )
    .await;
    let drift = import::drift(&t.db, &import.id, None, 1).await.unwrap();
    assert_eq!(drift.columns_only_in_file, ["More"]);
    let told: Vec<(DriftKind, &str, &str, &str, &str)> = drift
        .differences
        .iter()
        .map(|d| {
            (
                d.kind,
                d.row.as_str(),
                d.column.as_str(),
                d.file.as_str(),
                d.grid.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (DriftKind::Differs, "A", "Ticket", "", "USD 1"),
            (DriftKind::Differs, "B", "Ticket", "USD 2", "USD 200"),
            (DriftKind::Differs, "C", "Type", "Z", "X"),
            (
                DriftKind::Unreadable,
                "D",
                "Ticket",
                "lots",
                "\"lots\" is not a number"
            ),
            (DriftKind::OnlyInFile, "New", "", "", ""),
            (DriftKind::OnlyInGrid, "E", "", "", ""),
            (DriftKind::OnlyInGrid, "F", "", "", ""),
        ]
    );
    let (import_made, somebody) = (&drift.differences[0], &drift.differences[1]);
    assert_eq!(import_made.changed.as_ref().unwrap().origin, "import");
    let changed = somebody.changed.as_ref().unwrap();
    assert_eq!(
        (changed.by.as_str(), somebody.row_id.as_deref()),
        ("user:somebody", Some(row.as_str()))
    );
    assert_eq!(changed.at, t.db.now());
    let c = drift.counts;
    assert_eq!(
        (c.file_rows, c.grid_rows, c.same_rows, c.differing_rows),
        (5, 6, 0, 3)
    );

    let only = import::drift(&t.db, &import.id, Some(DriftKind::OnlyInGrid), 1)
        .await
        .unwrap();
    assert_eq!(only.differences.len(), 2);
    assert_eq!(only.counts, c, "counts are of all kinds");
    let csv = import::drift_csv(&t.db, &import.id, None).await.unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), 8);
    assert!(
        csv.contains("differs,3,B,Ticket,USD 2,USD 200,user:somebody,2026-"),
        "{csv}"
    );
    let version = sqlx::query_scalar::<_, i64>("select version from grid_state");
    assert_eq!(version.fetch_one(t.db.read()).await.unwrap(), 2);
}

#[tokio::test]
async fn pages_hold_a_hundred_and_a_key_is_needed() {
    let t = TestDb::new().await;
    bring_in(&t, b"Name,X\nA,1\n").await;
    let rows: Vec<String> = (0..250).map(|n| format!("Row {n},1")).collect();
    let import = upload(&t, format!("Name,X\n{}\n", rows.join("\n")).as_bytes()).await;
    let mut seen = Vec::new();
    for page in 1..=3 {
        let drift = import::drift(&t.db, &import.id, None, page).await.unwrap();
        assert_eq!((drift.page, drift.pages), (page, 3));
        seen.extend(drift.differences.into_iter().map(|d| d.row));
    }
    assert_eq!(seen.len(), 251);
    assert_eq!(
        (seen[0].as_str(), seen[100].as_str(), seen[250].as_str()),
        ("Row 0", "Row 100", "A")
    );
    assert!(
        import::drift(&t.db, &import.id, None, 4)
            .await
            .unwrap()
            .differences
            .is_empty()
    );
    let mut mapping = import.mapping.clone();
    mapping.key = None;
    map(&t, &import.id, &mapping).await;
    let drift = import::drift(&t.db, &import.id, None, 1).await.unwrap();
    assert!(drift.errors[0].contains("key"), "{drift:?}");
    assert!(drift.differences.is_empty());
}
