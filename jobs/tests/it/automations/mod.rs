//! Rules that fire once, do one thing, and can be taken back.

mod firing;
mod guard;
mod running;

use crm_jobs::{
    automations::{self, Definition, Looked, Run, RunFilter},
    grid::{self, view},
    tasks,
    testing::TestDb,
};
use serde_json::{Value, json};

use crate::grid::{ANA, write};

/// Columns name, stage (Lead, Engaged, Lost), flag, amount, close, email, people, echo;
/// rows r0 … r(n-1).
pub async fn grid_of(t: &TestDb, rows: usize) {
    let choices = json!([
        {"id": "lead", "name": "Lead", "color": "blue"},
        {"id": "engaged", "name": "Engaged", "color": "green"},
        {"id": "lost", "name": "Lost", "color": "red"},
    ]);
    let mut operations = vec![
        json!({"op": "add_column", "name": "Name", "type": "text"}),
        json!({"op": "add_column", "name": "Stage", "type": "select", "options": {"choices": choices}}),
        json!({"op": "add_column", "name": "Flag", "type": "checkbox"}),
        json!({"op": "add_column", "name": "Amount", "type": "number"}),
        json!({"op": "add_column", "name": "Close", "type": "date"}),
        json!({"op": "add_column", "name": "People", "type": "contacts"}),
        json!({"op": "add_column", "name": "Echo", "type": "text"}),
    ];
    operations.extend((0..rows).map(|n| {
        json!({"op": "add_row", "id": format!("r{n}"), "cells": {"name": format!("Sample {n}"), "stage": "lead"}})
    }));
    write(t, Value::Array(operations), &ANA).await.unwrap();
}

/// Adds a rule that is on, checked as the API checks it. Returns its id.
pub async fn rule(t: &TestDb, name: &str, definition: Value) -> String {
    let definition: Definition = serde_json::from_value(definition).unwrap();
    let definition = checked(t, &definition).await.unwrap();
    let mut tx = t.db.write().await.unwrap();
    let id = automations::add(&mut tx, name, &definition, true, None, "user:ana")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // Views are known from the first look on.
    look(t).await;
    id
}

pub async fn checked(t: &TestDb, definition: &Definition) -> Result<Definition, grid::GridError> {
    let mut conn = t.db.read().acquire().await.unwrap();
    let views = view::list(&mut conn, "").await.unwrap();
    let table = automations::table_of(&t.db).read().await.unwrap();
    automations::check(&table, &views, definition)
}

/// One look, without its job: nothing is run.
pub async fn look(t: &TestDb) -> Looked {
    let mut all = Looked::default();
    loop {
        let plan = automations::plan(&t.db).await.unwrap();
        let mut tx = t.db.write().await.unwrap();
        let looked = automations::take_in(&mut tx, &plan).await.unwrap();
        tx.commit().await.unwrap();
        all.fired += looked.fired;
        all.switched_off.extend(looked.switched_off);
        if !plan.more {
            return all;
        }
    }
}

pub async fn drain(t: &TestDb) -> usize {
    crm_jobs::queue::drain(&t.db, &tasks::registry())
        .await
        .unwrap()
}

/// All runs, the oldest first.
pub async fn runs(t: &TestDb) -> Vec<Run> {
    let mut conn = t.db.read().acquire().await.unwrap();
    let filter = RunFilter {
        limit: 200,
        ..RunFilter::default()
    };
    let mut page = automations::runs(&mut conn, &filter).await.unwrap();
    page.runs.reverse();
    page.runs
}

pub async fn count(t: &TestDb, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(t.db.read())
        .await
        .unwrap()
}

pub fn set(row: &str, column: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    json!({"op": "set", "row": row, "column": column, "value": value, "base": i64::MAX})
}

pub async fn edit(t: &TestDb, operations: Vec<Value>) -> i64 {
    write(t, Value::Array(operations), &ANA)
        .await
        .unwrap()
        .version
}

#[allow(clippy::needless_pass_by_value, reason = "always given a literal")]
pub fn note(on: Value) -> Value {
    json!({"trigger": on, "actions": [{"do": "append_note", "text": "Seen {Name}"}]})
}
