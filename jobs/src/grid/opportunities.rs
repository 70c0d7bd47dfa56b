//! What a write means for the pipeline: an investor with a stage has one live
//! opportunity, and every step from stage to stage is an event. Run again on the
//! same grid it changes nothing.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use sqlx::FromRow;

use super::{
    ChangeBy, Column,
    apply::Work,
    table::{pipeline_column, pipeline_stage},
    touch::{Made, Touch},
};
use crate::db::{DbError, WriteTx};

/// Rows handled by one statement.
const CHUNK: usize = 2_000;

/// An investor's newest opportunity.
#[derive(Clone, Debug, FromRow)]
struct Newest {
    id: String,
    row_id: String,
    choice: String,
    stage: Option<String>,
    is_live: bool,
}

/// The column that says where investors stand, as it will be.
pub(super) fn pipeline(work: &Work) -> Option<&Column> {
    let mut columns: Vec<&Column> = work.columns.values().collect();
    columns.sort_by_key(|c| (c.position, &c.id));
    pipeline_column(columns.into_iter())
}

/// Takes the stages that a write set into the opportunities.
pub(super) async fn follow(
    tx: &mut WriteTx,
    work: &Work,
    touches: &[Touch],
    by: &ChangeBy<'_>,
) -> Result<(), DbError> {
    let pipeline = pipeline(work);
    // The meaning of a stage may be another one: everybody is looked at.
    let standing = if stages_changed(work) {
        everybody(tx, pipeline).await?
    } else if let Some(pipeline) = pipeline {
        let of_stages = touches.iter().filter(|t| t.column == pipeline.id);
        of_stages
            .map(|t| (t.row.clone(), t.after.clone()))
            .collect()
    } else {
        return Ok(());
    };
    if standing.is_empty() {
        return Ok(());
    }
    let steps = Steps {
        stages: pipeline.map(stages).unwrap_or_default(),
        is_taking_back: matches!(by.origin, "undo" | "redo" | "revert"),
        ..Steps::default()
    };
    steps.take(tx, work, standing, by).await
}

fn stages_changed(work: &Work) -> bool {
    let is_select = |text: Option<&str>| text.is_some_and(|t| t.contains("\"type\":\"select\""));
    !work.changed_columns.is_empty()
        && Made::of_columns(work)
            .any(|change| is_select(change.before()) || is_select(change.after()))
}

/// Choice id → the standard stage it stands for.
fn stages(pipeline: &Column) -> HashMap<String, Option<&'static str>> {
    let choices = pipeline.options.choices.iter();
    choices
        .map(|c| (c.id.clone(), pipeline_stage(&c.name)))
        .collect()
}

/// Every live row with its choice, none where there is no pipeline.
async fn everybody(
    tx: &mut WriteTx,
    pipeline: Option<&Column>,
) -> Result<BTreeMap<String, Option<String>>, DbError> {
    let path = pipeline.map(|c| format!("$.{}", c.id));
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "select id, cells ->> ?1 from grid_rows where deleted_at is null order by position, id",
    )
    .bind(path.as_deref().unwrap_or("$.no_such_column"))
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().collect())
}

/// What is to be written, gathered.
#[derive(Default)]
struct Steps {
    stages: HashMap<String, Option<&'static str>>,
    is_taking_back: bool,
    opened: Vec<Value>,
    moved: Vec<Value>,
    closed: Vec<Value>,
    events: Vec<Value>,
}

impl Steps {
    async fn take(
        mut self,
        tx: &mut WriteTx,
        work: &Work,
        standing: BTreeMap<String, Option<String>>,
        by: &ChangeBy<'_>,
    ) -> Result<(), DbError> {
        let ids: Vec<&String> = standing.keys().collect();
        let mut newest = HashMap::new();
        for chunk in ids.chunks(CHUNK) {
            for one in load(tx, chunk).await? {
                newest.insert(one.row_id.clone(), one);
            }
        }
        for (row, choice) in &standing {
            self.step(tx, row, choice.as_deref(), newest.get(row));
        }
        self.write(tx, work, by).await
    }

    /// One investor's step, if it is one.
    fn step(&mut self, tx: &WriteTx, row: &str, choice: Option<&str>, newest: Option<&Newest>) {
        let stage = choice.and_then(|c| self.stages.get(c).copied().flatten());
        let is_lost = stage == Some("lost");
        let live = newest.filter(|n| n.is_live);
        let id = match (live, choice) {
            (None, None) => return,
            (Some(live), Some(choice)) if live.choice == choice => {
                // The choice stands for another stage now; nobody moved.
                if live.stage.as_deref() != stage {
                    self.moved.push(json!([live.id, choice, stage, false]));
                }
                return;
            }
            (Some(live), Some(choice)) if is_lost => {
                self.closed.push(json!([live.id, choice, stage, "lost"]));
                live.id.clone()
            }
            (Some(live), Some(choice)) => {
                self.moved.push(json!([live.id, choice, stage, true]));
                live.id.clone()
            }
            (Some(live), None) => {
                let (choice, stage) = (&live.choice, &live.stage);
                self.closed
                    .push(json!([live.id, choice, stage, "withdrawn"]));
                live.id.clone()
            }
            (None, Some(choice)) => match newest {
                Some(ended) if ended.choice == choice && is_lost => return,
                Some(ended) if self.is_taking_back && !is_lost => {
                    self.moved.push(json!([ended.id, choice, stage, true]));
                    ended.id.clone()
                }
                _ => {
                    let id = tx.new_id();
                    self.opened
                        .push(json!([id, row, choice, stage, is_lost.then_some("lost")]));
                    id
                }
            },
        };
        let from = live.or(newest.filter(|n| n.id == id));
        self.events.push(json!([
            row,
            id,
            from.map(|n| &n.choice),
            choice,
            from.map(|n| &n.stage),
            stage
        ]));
    }

    async fn write(self, tx: &mut WriteTx, work: &Work, by: &ChangeBy<'_>) -> Result<(), DbError> {
        for chunk in self.opened.chunks(CHUNK) {
            sqlx::query(
                "insert into opportunities (id, row_id, choice, stage, stage_since_at, opened_at, opened_by, closed_at, closed_by, outcome)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?2, ?2, ?3,
                        iif(value ->> 4 is null, null, ?2), iif(value ->> 4 is null, null, ?3), value ->> 4
                 from json_each(?1)",
            )
            .bind(Value::from(chunk).to_string())
            .bind(work.now)
            .bind(by.actor)
            .execute(&mut **tx)
            .await?;
        }
        for chunk in self.moved.chunks(CHUNK) {
            sqlx::query(
                "update opportunities
                 set choice = d.value ->> 1, stage = d.value ->> 2, stage_since_at = iif(d.value ->> 3, ?2, stage_since_at),
                     closed_at = null, closed_by = null, outcome = null
                 from json_each(?1) d where opportunities.id = d.value ->> 0",
            )
            .bind(Value::from(chunk).to_string())
            .bind(work.now)
            .execute(&mut **tx)
            .await?;
        }
        for chunk in self.closed.chunks(CHUNK) {
            sqlx::query(
                "update opportunities
                 set choice = d.value ->> 1, stage = d.value ->> 2, stage_since_at = ?2,
                     closed_at = ?2, closed_by = ?3, outcome = d.value ->> 3
                 from json_each(?1) d where opportunities.id = d.value ->> 0",
            )
            .bind(Value::from(chunk).to_string())
            .bind(work.now)
            .bind(by.actor)
            .execute(&mut **tx)
            .await?;
        }
        for chunk in self.events.chunks(CHUNK) {
            sqlx::query(
                "insert into stage_events (row_id, opportunity_id, from_choice, to_choice, from_stage, to_stage, at, by, change_set_id)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, ?2, ?3, ?4 from json_each(?1)",
            )
            .bind(Value::from(chunk).to_string())
            .bind(work.now)
            .bind(by.actor)
            .bind(work.version)
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}

/// The newest opportunity of each row: the live one, else the last that ended.
async fn load(tx: &mut WriteTx, rows: &[&String]) -> Result<Vec<Newest>, DbError> {
    sqlx::query_as(
        "select id, row_id, choice, stage, closed_at is null as is_live
         from opportunities o
         where row_id in (select value from json_each(?1))
           and id = (select n.id from opportunities n where n.row_id = o.row_id
                     order by n.closed_at is null desc, n.opened_at desc, n.id desc limit 1)",
    )
    .bind(json!(rows).to_string())
    .fetch_all(&mut **tx)
    .await
}
