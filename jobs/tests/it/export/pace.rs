//! How long a large grid takes. Run in release mode:
//! `cargo test --release -p crm-jobs --test it -- --ignored --nocapture a_large_grid_goes_out`.

use std::time::Instant;

use crm_jobs::{
    export::{Sheet, Wanted, archive, snapshot::Snapshot},
    grid::{self, table::SharedTable, view::Viewer},
    testing::TestDb,
};
use serde_json::{Map, json};

use crate::grid::{ANA, write};

async fn fill(t: &TestDb, rows: usize) {
    let mut columns = vec![json!({"op": "add_column", "name": "Name", "type": "text"})];
    for n in 1..40 {
        let kind = ["text", "number", "date", "percent"][n % 4];
        columns.push(json!({"op": "add_column", "name": format!("Column {n}"), "type": kind}));
    }
    write(t, json!(columns), &ANA).await.unwrap();
    for chunk in (0..rows).collect::<Vec<_>>().chunks(10_000) {
        let added = chunk.iter().map(|row| {
            let mut cells = Map::new();
            cells.insert("name".to_owned(), format!("Sample {row}").into());
            for n in 1..40 {
                let value = match n % 4 {
                    0 => format!("note {} of {n}", row % 977),
                    1 => format!("{}", row * n),
                    2 => format!("2025-03-{:02}", row % 28 + 1),
                    _ => format!("{}.5", row % 100),
                };
                cells.insert(format!("column_{n}"), value.into());
            }
            json!({"op": "add_row", "cells": cells})
        });
        write(t, added.collect::<Vec<_>>().into(), &ANA)
            .await
            .unwrap();
    }
}

#[tokio::test]
#[ignore = "takes its time; for figures"]
async fn a_large_grid_goes_out() {
    let t = TestDb::new().await;
    fill(&t, 50_000).await;
    let mut conn = t.db.read().acquire().await.unwrap();
    eprintln!("version {}", grid::state(&mut conn).await.unwrap().version);
    drop(conn);
    let shared = SharedTable::new(&t.db);
    let table = shared.read().await.unwrap();
    let at = Instant::now();
    let take = || Sheet::take(&table, &Wanted::default(), Viewer { user: None }).unwrap();
    let sheet = take();
    eprintln!("taken in {:?}", at.elapsed());
    let bytes = super::csv(sheet, 500).len();
    eprintln!("csv: {:?}, {} MB", at.elapsed(), bytes / 1_000_000);
    let at = Instant::now();
    let path = t.dir().join("large.xlsx");
    take().write_workbook(&path, t.dir(), "Large").unwrap();
    eprintln!("workbook: {:?}", at.elapsed());
    drop(table);
    let at = Instant::now();
    let snapshot = Snapshot::open(&t.db).await.unwrap();
    snapshot.write(|_| async { true }).await.unwrap();
    eprintln!("snapshot: {:?}", at.elapsed());
    let at = Instant::now();
    let made = archive::make(&t.db, "x", t.db.now(), "shell", |_, _| true).await;
    let archive = made.unwrap().publish().unwrap();
    eprintln!(
        "archive: {:?}, {} MB",
        at.elapsed(),
        archive.size_bytes / 1_000_000
    );
}
