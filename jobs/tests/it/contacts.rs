//! People: each once, merged by a person, parted by undo.

use crm_jobs::{
    contacts::{self, ContactFilter, Details, MergeWanted},
    grid::{self, GridError},
    investors,
    testing::TestDb,
};
use serde_json::{Value, json};

use crate::grid::{ANA, row, write};

/// Ana twice, at two investors; Ben once.
async fn people() -> (TestDb, String, String) {
    let t = TestDb::new().await;
    let ana = |name: &str, email: &str| json!([{"name": name, "email": email, "role": "Partner"}]);
    let operations = json!([
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "People", "type": "contacts"},
        {"op": "add_row", "id": "r1", "cells": {"name": "Alpha", "people": ana("Ana Doe", "ana@alpha.example")}},
        {"op": "add_row", "id": "r2", "cells": {"name": "Beta", "people": ana("Ana Doe", "ana.doe@beta.example")}},
        {"op": "add_row", "id": "r3", "cells": {"name": "Gamma", "people": [{"name": "Ben Roe", "email": "ben@gamma.example"}]}},
    ]);
    write(&t, operations, &ANA).await.unwrap();
    sync(&t).await;
    let (one, two) = (person(&t, "r1").await, person(&t, "r2").await);
    (t, one, two)
}

async fn sync(t: &TestDb) {
    investors::sync(&t.db, false, |_, _| {}).await.unwrap();
}

async fn pills(t: &TestDb, id: &str) -> Vec<Value> {
    let row = row(t, id).await.unwrap();
    row.cells["people"].as_array().cloned().unwrap_or_default()
}

async fn person(t: &TestDb, row: &str) -> String {
    pills(t, row).await[0]["id"].as_str().unwrap().to_owned()
}

async fn names(t: &TestDb) -> Vec<(String, i64)> {
    let mut conn = t.db.read().acquire().await.unwrap();
    let all = contacts::contacts(&mut conn, &ContactFilter::default(), 100)
        .await
        .unwrap();
    all.into_iter()
        .map(|c| (c.name, c.investor_count))
        .collect()
}

async fn merge(t: &TestDb, keep: &str, merge: &str) -> Result<i64, GridError> {
    let wanted = MergeWanted {
        keep: keep.to_owned(),
        merge: merge.to_owned(),
    };
    let mut tx = t.db.write().await.unwrap();
    let applied = contacts::merge(&mut tx, &wanted, &ANA).await?;
    tx.commit().await.unwrap();
    sync(t).await;
    Ok(applied.version)
}

async fn take_back(t: &TestDb) {
    let mut tx = t.db.write().await.unwrap();
    grid::undo(&mut tx, ANA.actor).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    sync(t).await;
}

fn code(error: &GridError) -> &'static str {
    match error {
        GridError::Invalid { code, .. } => code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_likely_duplicate_is_proposed_merged_and_parted_by_undo() {
    let (t, one, two) = people().await;
    assert_eq!(
        names(&t).await,
        [
            ("Ana Doe".to_owned(), 1),
            ("Ana Doe".to_owned(), 1),
            ("Ben Roe".to_owned(), 1)
        ]
    );
    let mut conn = t.db.read().acquire().await.unwrap();
    let pairs = contacts::duplicates(&mut conn, 10).await.unwrap();
    assert_eq!(
        (pairs.len(), pairs[0].reason.as_str()),
        (1, "the same name at different investors")
    );
    drop(conn);
    merge(&t, &one, &two).await.unwrap();
    assert_eq!(
        names(&t).await,
        [("Ana Doe".to_owned(), 2), ("Ben Roe".to_owned(), 1)]
    );
    assert_eq!(person(&t, "r2").await, one);
    assert_eq!(pills(&t, "r2").await[0]["role"], "Partner");
    let mut conn = t.db.read().acquire().await.unwrap();
    assert_eq!(
        contacts::find_kept(&mut conn, &two).await.unwrap(),
        Some(one.clone())
    );
    assert_eq!(contacts::duplicates(&mut conn, 10).await.unwrap(), []);
    drop(conn);
    take_back(&t).await;
    assert_eq!(person(&t, "r2").await, two);
    let mut conn = t.db.read().acquire().await.unwrap();
    assert_eq!(contacts::find_kept(&mut conn, &two).await.unwrap(), None);
    drop(conn);
    let mut tx = t.db.write().await.unwrap();
    grid::redo(&mut tx, ANA.actor).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let mut conn = t.db.read().acquire().await.unwrap();
    assert_eq!(
        contacts::find_kept(&mut conn, &two).await.unwrap(),
        Some(one),
        "done again, merged again"
    );
}

#[tokio::test]
async fn both_addresses_of_a_merged_person_are_theirs() {
    let (t, one, two) = people().await;
    merge(&t, &one, &two).await.unwrap();
    let cell = json!([{"name": "A. Doe", "email": "ana.doe@beta.example"}]);
    let set = json!([{"op": "set", "row": "r3", "column": "people", "value": cell, "base": 9_999}]);
    write(&t, set, &ANA).await.unwrap();
    assert_eq!(
        person(&t, "r3").await,
        one,
        "the merged entry's address finds the one who stays"
    );
}

#[tokio::test]
async fn merged_at_one_investor_they_stand_there_once_with_what_either_had() {
    let t = TestDb::new().await;
    let cell = json!([{"name": "Ana Doe", "email": "ana@alpha.example"}, {"name": "A. Doe", "phone": "+49 30 1234567"}]);
    let operations = json!([
        {"op": "add_column", "name": "Name", "type": "text"},
        {"op": "add_column", "name": "People", "type": "contacts"},
        {"op": "add_row", "id": "r1", "cells": {"name": "Alpha", "people": cell}},
    ]);
    write(&t, operations, &ANA).await.unwrap();
    sync(&t).await;
    let pair = pills(&t, "r1").await;
    let id = |at: usize| pair[at]["id"].as_str().unwrap().to_owned();
    merge(&t, &id(0), &id(1)).await.unwrap();
    let left = pills(&t, "r1").await;
    assert_eq!(left.len(), 1);
    assert_eq!(
        (&left[0]["email"], &left[0]["phone"]),
        (&json!("ana@alpha.example"), &json!("+49 30 1234567"))
    );
    assert_eq!(
        code(&merge(&t, &id(0), &id(1)).await.unwrap_err()),
        "no_such_contact"
    );
    assert_eq!(
        code(&merge(&t, &id(0), &id(0)).await.unwrap_err()),
        "same_contact"
    );
}

#[tokio::test]
async fn who_is_said_to_be_two_is_not_proposed_again() {
    let (t, one, two) = people().await;
    let mut tx = t.db.write().await.unwrap();
    contacts::keep_apart(&mut tx, &two, &one, ANA.actor)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut conn = t.db.read().acquire().await.unwrap();
    assert_eq!(contacts::duplicates(&mut conn, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_change_reaches_every_cell_and_an_address_of_somebody_else_is_refused() {
    let (t, one, two) = people().await;
    merge(&t, &one, &two).await.unwrap();
    let details = |email: &str| Details {
        name: Some("Ana Roe".to_owned()),
        email: Some(email.to_owned()),
        ..Details::default()
    };
    let mut tx = t.db.write().await.unwrap();
    let refused = contacts::edit(&mut tx, &one, &details("ben@gamma.example"), &ANA).await;
    assert_eq!(code(&refused.unwrap_err()), "address_taken");
    let done = contacts::edit(&mut tx, &one, &details("Ana@Roe.example"), &ANA)
        .await
        .unwrap();
    assert_eq!(done.unwrap().changes, 2);
    assert!(
        contacts::edit(&mut tx, "nobody", &details("x@y.example"), &ANA)
            .await
            .unwrap()
            .is_none()
    );
    tx.commit().await.unwrap();
    for id in ["r1", "r2"] {
        let pill = &pills(&t, id).await[0];
        assert_eq!(
            (&pill["name"], &pill["email"]),
            (&json!("Ana Roe"), &json!("ana@roe.example"))
        );
    }
    let cell = json!([{"name": "?", "email": "ana@roe.example"}]);
    write(
        &t,
        json!([{"op": "set", "row": "r3", "column": "people", "value": cell, "base": 9_999}]),
        &ANA,
    )
    .await
    .unwrap();
    assert_eq!(person(&t, "r3").await, one, "the new address is known too");
}
