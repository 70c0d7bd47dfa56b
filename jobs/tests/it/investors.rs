//! The relational projection: catching up and building anew give the same tables.

use crm_jobs::{funds, investors, tasks, testing::TestDb};
use serde_json::json;

use super::grid::{ANA, grid_of_one, write};

async fn drain(t: &TestDb) {
    crm_jobs::queue::drain(&t.db, &tasks::registry())
        .await
        .unwrap();
}

/// Two investors who share a person, and commitments to one fund.
async fn fund_and_people(t: &TestDb) -> String {
    grid_of_one(t).await;
    let mut tx = t.db.write().await.unwrap();
    let fund = funds::find_or_create(&mut tx, "Sample Fund III", "EUR")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let options = json!({"currency": "EUR", "commitment": {"fund": fund, "stage": "signed"}});
    write(
        t,
        json!([
            {"op": "add_column", "name": "Fund III signed", "type": "currency", "options": options},
            {"op": "add_row", "id": "r2", "cells": {"name": "Second", "fund_iii_signed": "0.1", "people": ["Ada Sample <ada@example.org>"]}},
            {"op": "set", "row": "r1", "column": "fund_iii_signed", "value": "0.2", "base": 1},
            {"op": "set", "row": "r1", "column": "people", "value": ["Ada Sample <ada@example.org>", "Bo Sample"], "base": 1},
        ]),
        &ANA,
    )
    .await
    .unwrap();
    fund
}

#[tokio::test]
async fn the_projection_counts_each_person_once_and_sums_exactly() {
    let t = TestDb::new().await;
    fund_and_people(&t).await;
    let behind = investors::summary(&t.db).await.unwrap();
    assert!(!behind.matches && behind.lag_versions == 2);
    drain(&t).await;
    let s = investors::summary(&t.db).await.unwrap();
    assert_eq!(
        (s.investors, s.contacts, s.contact_links, s.commitments),
        (2, 2, 3, 2)
    );
    assert_eq!(s.sums[0].stages[0].amount, "0.3");
    assert_eq!((s.lag_versions, s.lag_seconds, s.matches), (0, 0, true));
}

#[tokio::test]
async fn incremental_and_rebuilt_tables_are_equal_after_every_kind_of_change() {
    let t = TestDb::new().await;
    fund_and_people(&t).await;
    drain(&t).await;
    for operations in [
        json!([{"op": "set", "row": "r1", "column": "people", "value": ["Bo Sample"], "base": 9}]),
        json!([{"op": "move", "row": "r2", "list": "graveyard", "reason": "silence"}]),
        json!([{"op": "archive", "row": "r2", "reason": "closed"}]),
        json!([{"op": "delete", "row": "r1"}]),
        json!([{"op": "restore", "row": "r1"}, {"op": "restore", "row": "r2"}]),
        json!([{"op": "delete_column", "column": "fund_iii_signed"}]),
        json!([{"op": "restore_column", "column": "fund_iii_signed"}]),
    ] {
        write(&t, operations.clone(), &ANA).await.unwrap();
        drain(&t).await;
        let incremental = investors::summary(&t.db).await.unwrap();
        assert!(incremental.matches, "{operations}");
        investors::sync(&t.db, true, |_, _| ()).await.unwrap();
        assert_eq!(
            investors::summary(&t.db).await.unwrap().checksum,
            incremental.checksum,
            "{operations}"
        );
    }
}
