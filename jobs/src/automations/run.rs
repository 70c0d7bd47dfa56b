//! One run: all that a rule does for one row, in one transaction with the run's
//! own state. So it is done once, however often it is tried.

use serde::Deserialize;
use serde_json::Value;
use sqlx::FromRow;

use super::{
    Definition, actor_of,
    acts::{self, Doing},
    runs::RunStep,
};
use crate::{
    db::{DbError, WriteTx},
    grid::{
        self, ChangeBy, GridError,
        table::{SharedTable, Table},
        view::{Viewer, compile, why},
    },
    queue::JobId,
};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It did what it says.
    Done(String),
    /// There was no call for it any more.
    Skipped(String),
    /// A former attempt did it, or somebody said no.
    Already,
}

impl Ran {
    /// In words.
    pub fn text(&self) -> &str {
        match self {
            Self::Done(text) | Self::Skipped(text) => text,
            Self::Already => "this run has ended already",
        }
    }
}

#[derive(FromRow)]
struct Record {
    rule_id: String,
    rule: String,
    row_id: String,
    state: String,
    depth: i64,
    is_runaway: bool,
}

/// The rule as it was when it fired.
#[derive(Deserialize)]
pub(super) struct Snapshot {
    pub(super) name: String,
    pub(super) definition: Definition,
}

/// Does what the run's rule says, if the row still asks for it. The caller
/// commits; on an error nothing may be committed, see [`failed`].
pub async fn carry_out(
    tx: &mut WriteTx,
    shared: &SharedTable,
    run: i64,
    job: Option<JobId>,
) -> Result<Ran, GridError> {
    let record: Option<Record> = sqlx::query_as(
        "select u.rule_id, u.rule, u.row_id, u.state, u.depth,
                a.enabled = 0 and a.switched_off_at is not null as is_runaway
         from automation_runs u join automation_rules a on a.id = u.rule_id where u.id = ?1",
    )
    .bind(run)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(record) = record.filter(|r| matches!(r.state.as_str(), "queued" | "failed")) else {
        return Ok(Ran::Already);
    };
    if record.is_runaway && record.depth > 0 {
        let why = "the rule was switched off because it kept feeding itself";
        return skip(tx, run, why).await;
    }
    let snapshot: Snapshot = serde_json::from_str(&record.rule)
        .map_err(|e| GridError::Db(sqlx::Error::Decode(Box::new(e))))?;
    // Under the write lock: this is the row as nobody can change it now.
    let table = shared.read().await?;
    let slot = match call_for(&table, &snapshot, &record.row_id)? {
        Ok(slot) => slot,
        Err(why) => {
            drop(table);
            return skip(tx, run, &why).await;
        }
    };
    let actions = &snapshot.definition.actions;
    let doing = Doing::work_out(&table, slot, actions)?;
    drop(table);
    let actor = actor_of(&record.rule_id);
    let (steps, change_set) = {
        let summary = format!("Rule “{}”", snapshot.name);
        let by = ChangeBy {
            actor: &actor,
            origin: "automation",
            summary: &summary,
            job,
        };
        let applied = grid::apply(tx, &doing.operations, &by).await?;
        if let Some(conflict) = applied.conflicts.first() {
            return Err(GridError::invalid(
                "conflict",
                "row",
                format!(
                    "somebody changed {} meanwhile: replay the run",
                    conflict.column.as_deref().unwrap_or("the row")
                ),
            ));
        }
        let steps = doing
            .finish(tx, run, &record.row_id, &actor, &applied)
            .await?;
        (steps, (applied.changes > 0).then_some(applied.version))
    };
    let outcome = told(&steps);
    finish(tx, run, "done", &outcome, &steps, change_set).await?;
    Ok(Ran::Done(outcome))
}

/// The row's slot, or why there is nothing to do for it.
fn call_for(
    table: &Table,
    snapshot: &Snapshot,
    row: &str,
) -> Result<Result<u32, String>, GridError> {
    let Some(slot) = table.slot(row) else {
        return Ok(Err("the investor was deleted".to_owned()));
    };
    if table.head(slot).is_some_and(|head| head.archived) {
        return Ok(Err("the investor is archived".to_owned()));
    }
    let Some(filter) = &snapshot.definition.conditions else {
        return Ok(Ok(slot));
    };
    if compile(table, filter, Viewer::default())?.holds(slot) {
        return Ok(Ok(slot));
    }
    let (_, reasons) = why(table, filter, slot, Viewer::default())?;
    let failing = reasons.iter().rfind(|reason| !reason.holds);
    Ok(Err(failing.map_or_else(
        || "its conditions no longer hold".to_owned(),
        |reason| {
            let actual = if reason.actual.is_empty() {
                "empty"
            } else {
                &reason.actual
            };
            format!(
                "a condition no longer holds: {} (it is {actual})",
                reason.text
            )
        },
    )))
}

fn told(steps: &[RunStep]) -> String {
    let done: Vec<&str> = steps.iter().map(|step| step.says.as_str()).collect();
    done.join("; ")
}

async fn skip(tx: &mut WriteTx, run: i64, why: &str) -> Result<Ran, GridError> {
    finish(tx, run, "skipped", why, &[], None).await?;
    Ok(Ran::Skipped(why.to_owned()))
}

async fn finish(
    tx: &mut WriteTx,
    run: i64,
    state: &str,
    outcome: &str,
    steps: &[RunStep],
    change_set: Option<i64>,
) -> Result<(), DbError> {
    let steps = serde_json::to_string(steps).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let now = tx.now();
    sqlx::query(
        "update automation_runs set state = ?2, outcome = ?3, steps = ?4, change_set_id = ?5, finished_at = ?6 where id = ?1",
    )
    .bind(run)
    .bind(state)
    .bind(outcome)
    .bind(steps)
    .bind(change_set)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes down that a run cannot succeed as things are.
pub(crate) async fn failed(tx: &mut WriteTx, run: i64, why: &str) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "update automation_runs set state = 'failed', outcome = ?2, finished_at = ?3
         where id = ?1 and state in ('queued', 'failed')",
    )
    .bind(run)
    .bind(why)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a run would do for a row as it is now, in words.
pub(super) fn would_do(table: &Table, snapshot: &Value, row: &str) -> Vec<String> {
    let Ok(snapshot) = serde_json::from_value::<Snapshot>(snapshot.clone()) else {
        return Vec::new();
    };
    let Some(slot) = table.slot(row) else {
        return vec!["Nothing: the investor was deleted".to_owned()];
    };
    acts::in_words(table, slot, &snapshot.definition.actions)
}
