//! The rules of the demo fund, and a few runs that the engine made.

use serde_json::{Value, json};

use super::DemoError;
use crate::{
    automations::{self, RuleChange},
    db::{Db, DbError},
    grid::{ChangeBy, apply},
};

/// Switches some of the shipped rules on, does what they go by, and lets them.
pub(super) async fn let_them_run(db: &Db) -> Result<(), DemoError> {
    automations::install_shipped(db).await?;
    let mut tx = db.write().await?;
    for rule in automations::list(&mut tx).await? {
        if rule.name == "Lost investors to Graveyard" {
            let on = RuleChange {
                enabled: Some(true),
                ..RuleChange::default()
            };
            automations::change(&mut tx, &rule, &on, "demo").await?;
        }
    }
    tx.commit().await?;
    let mut conn = db.read().acquire().await?;
    let promised: Vec<String> = sqlx::query_scalar(
        "select id from grid_rows where deleted_at is null and list = 'main' and cells ->> 'follow_up' is null
         order by position, id limit 3 offset 20",
    )
    .fetch_all(&mut *conn)
    .await?;
    let lost: Vec<String> = sqlx::query_scalar(
        "select id from grid_rows where deleted_at is null and list = 'main' and cells ->> 'stage' <> 'lost'
         order by position, id limit 2 offset 60",
    )
    .fetch_all(&mut *conn)
    .await?;
    drop(conn);
    let set = |row: &String, column: &str, value: Value| json!({"op": "set", "row": row, "column": column, "value": value, "base": i64::MAX});
    let mut operations: Vec<Value> = promised
        .iter()
        .map(|row| set(row, "follow_up", true.into()))
        .collect();
    operations.extend(lost.iter().map(|row| set(row, "stage", "Lost".into())));
    let operations: Vec<_> = serde_json::from_value(Value::Array(operations))
        .map_err(|e| DbError::Decode(Box::new(e)))?;
    let by = ChangeBy {
        actor: "demo",
        origin: "demo",
        summary: "Promises and refusals at the sample fund",
        job: None,
    };
    let mut tx = db.write().await?;
    apply(&mut tx, &operations, &by).await?;
    tx.commit().await?;
    run_all(db).await
}

/// What the worker would do, here and now.
async fn run_all(db: &Db) -> Result<(), DemoError> {
    let plan = automations::plan(db).await?;
    let mut tx = db.write().await?;
    automations::take_in(&mut tx, &plan).await?;
    tx.commit().await?;
    let queued: Vec<i64> =
        sqlx::query_scalar("select id from automation_runs where state = 'queued' order by id")
            .fetch_all(db.read())
            .await?;
    let table = automations::table_of(db);
    for run in queued {
        let mut tx = db.write().await?;
        automations::carry_out(&mut tx, &table, run, None).await?;
        // The job that was asked for is done with it.
        sqlx::query(
            "update jobs set state = 'done', started_at = ?2, finished_at = ?2
             where id = (select job_id from automation_runs where id = ?1)",
        )
        .bind(run)
        .bind(tx.now())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
    }
    Ok(())
}
