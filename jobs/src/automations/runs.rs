//! Runs: reading them, answering, replaying, taking back.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use super::{fire::enqueue_runs, run};
use crate::{
    db::{DbError, WriteTx},
    grid::{self, ChangeBy, Conflict, GridError, REVERTED_AT_ONCE, table::Table},
    notes,
    queue::inspect,
    work,
};

/// Runs on one page at most.
pub const MOST: i64 = 200;

/// One thing a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunStep {
    /// In words.
    pub says: String,
    /// Where what it made is; may be empty.
    pub href: String,
}

/// A firing and what came of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Run {
    /// Counts up.
    pub id: i64,
    /// The rule.
    pub rule_id: String,
    /// Name and definition of the rule as it was.
    pub rule: Value,
    /// The row.
    pub row_id: String,
    /// Its name as it was.
    pub row_title: String,
    /// What makes it one firing: rule, row and this.
    pub cause: String,
    /// The change set that caused it, if one did.
    pub cause_change_set_id: Option<i64>,
    /// What the trigger saw.
    pub facts: Value,
    /// How many runs led to this one.
    pub depth: i64,
    /// `queued`, `running`, `asked`, `declined`, `done`, `failed`, `cancelled`,
    /// `skipped` or `reverted`.
    pub state: String,
    /// The job that does it.
    pub job_id: Option<i64>,
    /// Attempts so far.
    pub attempts: i64,
    /// What it changed in the grid.
    pub change_set_id: Option<i64>,
    /// What it did, in order.
    pub steps: Vec<RunStep>,
    /// In words.
    pub outcome: String,
    /// The run it is a replay of.
    pub replay_of: Option<i64>,
    /// `system`, or the person who started it.
    pub started_by: String,
    /// Who answered it.
    pub decided_by: Option<String>,
    /// When; UTC milliseconds.
    pub decided_at: Option<i64>,
    /// Who took it back.
    pub reverted_by: Option<String>,
    /// When; UTC milliseconds.
    pub reverted_at: Option<i64>,
    /// When it fired; UTC milliseconds.
    pub created_at: i64,
    /// When it ended; UTC milliseconds.
    pub finished_at: Option<i64>,
}

impl Run {
    /// The rule's name as it was.
    pub fn rule_name(&self) -> &str {
        self.rule["name"].as_str().unwrap_or_default()
    }

    /// What it would do now, in words: for questions.
    pub fn would_do(&self, table: &Table) -> Vec<String> {
        run::would_do(table, &self.rule, &self.row_id)
    }
}

#[derive(FromRow)]
struct Record {
    id: i64,
    rule_id: String,
    rule: String,
    row_id: String,
    row_title: String,
    cause: String,
    cause_change_set_id: Option<i64>,
    facts: String,
    depth: i64,
    state: String,
    job_id: Option<i64>,
    attempts: i64,
    change_set_id: Option<i64>,
    steps: String,
    outcome: String,
    replay_of: Option<i64>,
    started_by: String,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    reverted_by: Option<String>,
    reverted_at: Option<i64>,
    created_at: i64,
    finished_at: Option<i64>,
}

impl Record {
    fn into_run(self) -> Run {
        Run {
            id: self.id,
            rule_id: self.rule_id,
            rule: serde_json::from_str(&self.rule).unwrap_or_default(),
            row_id: self.row_id,
            row_title: self.row_title,
            cause: self.cause,
            cause_change_set_id: self.cause_change_set_id,
            facts: serde_json::from_str(&self.facts).unwrap_or_default(),
            depth: self.depth,
            state: self.state,
            job_id: self.job_id,
            attempts: self.attempts,
            change_set_id: self.change_set_id,
            steps: serde_json::from_str(&self.steps).unwrap_or_default(),
            outcome: self.outcome,
            replay_of: self.replay_of,
            started_by: self.started_by,
            decided_by: self.decided_by,
            decided_at: self.decided_at,
            reverted_by: self.reverted_by,
            reverted_at: self.reverted_at,
            created_at: self.created_at,
            finished_at: self.finished_at,
        }
    }
}

/// Which runs.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this rule.
    pub rule: Option<String>,
    /// Of this row.
    pub row: Option<String>,
    /// In this state.
    pub state: Option<String>,
    /// Older than this run.
    pub before: Option<i64>,
    /// At most so many, 200 at the most.
    pub limit: i64,
}

/// A page of runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunPage {
    /// The newest first.
    pub runs: Vec<Run>,
    /// Send it back as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// Runs, the newest first. What a job knows better than its run is asked of the
/// job. One query for each index that leads there.
const ALL: &str = "select u.id, u.rule_id, u.rule, u.row_id, u.row_title, u.cause, u.cause_change_set_id, u.facts, u.depth,
                case when u.state <> 'queued' or j.id is null then u.state when j.state = 'running' then 'running'
                     when j.state = 'discarded' then 'failed' when j.state = 'cancelled' then 'cancelled' else 'queued' end as state,
                u.job_id, coalesce(j.attempt, 0) as attempts, u.change_set_id, u.steps,
                iif(u.outcome = '' and u.state = 'queued', coalesce(j.last_error, ''), u.outcome) as outcome, u.replay_of,
                u.started_by, u.decided_by, u.decided_at, u.reverted_by, u.reverted_at, u.created_at, u.finished_at
         from automation_runs u left join jobs j on j.id = u.job_id
         where u.id < coalesce(?1, 9223372036854775807) and ?2 is null and ?3 is null
           and (?4 is null or case when u.state <> 'queued' or j.id is null then u.state when j.state = 'running' then 'running'
                     when j.state = 'discarded' then 'failed' when j.state = 'cancelled' then 'cancelled' else 'queued' end = ?4)
         order by u.id desc limit ?5";
const OF_RULE: &str = "select u.id, u.rule_id, u.rule, u.row_id, u.row_title, u.cause, u.cause_change_set_id, u.facts, u.depth,
                case when u.state <> 'queued' or j.id is null then u.state when j.state = 'running' then 'running'
                     when j.state = 'discarded' then 'failed' when j.state = 'cancelled' then 'cancelled' else 'queued' end as state,
                u.job_id, coalesce(j.attempt, 0) as attempts, u.change_set_id, u.steps,
                iif(u.outcome = '' and u.state = 'queued', coalesce(j.last_error, ''), u.outcome) as outcome, u.replay_of,
                u.started_by, u.decided_by, u.decided_at, u.reverted_by, u.reverted_at, u.created_at, u.finished_at
         from automation_runs u left join jobs j on j.id = u.job_id
         where u.rule_id = ?2 and u.id < coalesce(?1, 9223372036854775807) and (?3 is null or u.row_id = ?3)
           and (?4 is null or case when u.state <> 'queued' or j.id is null then u.state when j.state = 'running' then 'running'
                     when j.state = 'discarded' then 'failed' when j.state = 'cancelled' then 'cancelled' else 'queued' end = ?4)
         order by u.id desc limit ?5";
const OF_ROW: &str = "select u.id, u.rule_id, u.rule, u.row_id, u.row_title, u.cause, u.cause_change_set_id, u.facts, u.depth,
                case when u.state <> 'queued' or j.id is null then u.state when j.state = 'running' then 'running'
                     when j.state = 'discarded' then 'failed' when j.state = 'cancelled' then 'cancelled' else 'queued' end as state,
                u.job_id, coalesce(j.attempt, 0) as attempts, u.change_set_id, u.steps,
                iif(u.outcome = '' and u.state = 'queued', coalesce(j.last_error, ''), u.outcome) as outcome, u.replay_of,
                u.started_by, u.decided_by, u.decided_at, u.reverted_by, u.reverted_at, u.created_at, u.finished_at
         from automation_runs u left join jobs j on j.id = u.job_id
         where u.row_id = ?3 and u.id < coalesce(?1, 9223372036854775807) and ?2 is null
           and (?4 is null or case when u.state <> 'queued' or j.id is null then u.state when j.state = 'running' then 'running'
                     when j.state = 'discarded' then 'failed' when j.state = 'cancelled' then 'cancelled' else 'queued' end = ?4)
         order by u.id desc limit ?5";

/// Runs, the newest first.
pub async fn list(conn: &mut SqliteConnection, filter: &RunFilter) -> Result<RunPage, DbError> {
    let limit = filter.limit.clamp(1, MOST);
    let sql = match (&filter.rule, &filter.row) {
        (Some(_), _) => OF_RULE,
        (None, Some(_)) => OF_ROW,
        (None, None) => ALL,
    };
    let records: Vec<Record> = sqlx::query_as(sql)
        .bind(filter.before)
        .bind(&filter.rule)
        .bind(&filter.row)
        .bind(&filter.state)
        .bind(limit + 1)
        .fetch_all(conn)
        .await?;
    let mut runs: Vec<Run> = records.into_iter().map(Record::into_run).collect();
    let has_more = runs.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    runs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = runs.last().filter(|_| has_more).map(|r| r.id.to_string());
    Ok(RunPage { runs, next_cursor })
}

/// One run.
pub async fn find_run(conn: &mut SqliteConnection, id: i64) -> Result<Option<Run>, DbError> {
    let filter = RunFilter {
        before: Some(id.saturating_add(1)),
        limit: 1,
        ..RunFilter::default()
    };
    let page = list(conn, &filter).await?;
    Ok(page.runs.into_iter().find(|run| run.id == id))
}

/// Questions that wait for an answer, the oldest first, about rows that are there.
pub async fn asked(conn: &mut SqliteConnection, limit: i64) -> Result<Vec<Run>, DbError> {
    let records: Vec<Record> = sqlx::query_as(
        "select u.id, u.rule_id, u.rule, u.row_id, u.row_title, u.cause, u.cause_change_set_id, u.facts, u.depth, u.state,
                u.job_id, 0 as attempts, u.change_set_id, u.steps, u.outcome, u.replay_of,
                u.started_by, u.decided_by, u.decided_at, u.reverted_by, u.reverted_at, u.created_at, u.finished_at
         from automation_runs u where u.state = 'asked' order by u.id limit ?1",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(records.into_iter().map(Record::into_run).collect())
}

/// Change set → the run that made it.
pub async fn by_change_sets(
    conn: &mut SqliteConnection,
    sets: &[i64],
) -> Result<HashMap<i64, i64>, DbError> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "select change_set_id, id from automation_runs
         where change_set_id is not null and change_set_id in (select value from json_each(?1))",
    )
    .bind(Value::from(sets).to_string())
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// What a person says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Do it.
    Yes,
    /// Leave it.
    No,
}

fn no_run(id: i64) -> GridError {
    GridError::Missing {
        what: "run",
        id: id.to_string(),
    }
}

async fn known(tx: &mut WriteTx, id: i64) -> Result<Run, GridError> {
    find_run(tx, id).await?.ok_or_else(|| no_run(id))
}

/// Answers a question. Answering twice is refused.
pub async fn decide(tx: &mut WriteTx, id: i64, answer: Answer, by: &str) -> Result<Run, GridError> {
    let run = known(tx, id).await?;
    if run.state != "asked" {
        return Err(GridError::invalid(
            "already_decided",
            "id",
            "this run waits for no answer: somebody gave one already",
        ));
    }
    let now = tx.now();
    let (state, outcome) = match answer {
        Answer::Yes => ("queued", ""),
        Answer::No => ("declined", "somebody said no"),
    };
    sqlx::query(
        "update automation_runs set state = ?2, outcome = ?3, decided_by = ?4, decided_at = ?5,
                finished_at = iif(?2 = 'declined', ?5, null) where id = ?1",
    )
    .bind(id)
    .bind(state)
    .bind(outcome)
    .bind(by)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    enqueue_runs(tx, id - 1).await?;
    known(tx, id).await
}

/// Runs the rule as it was once more, for the row as it is now. The run that is
/// replayed stays as it is.
pub async fn replay(tx: &mut WriteTx, id: i64, by: &str) -> Result<i64, GridError> {
    let run = known(tx, id).await?;
    if ["queued", "running", "asked"].contains(&run.state.as_str()) {
        return Err(GridError::invalid(
            "not_ended",
            "id",
            "this run has not ended yet: replay it once it has",
        ));
    }
    let now = tx.now();
    // One count over all replays of one firing, whichever of them is replayed.
    let first = run.replay_of.unwrap_or(id);
    let new: i64 = sqlx::query_scalar(
        "insert into automation_runs (rule_id, rule, row_id, row_title, cause, cause_change_set_id, root, facts, depth, state,
                                      replay_of, started_by, created_at)
         select rule_id, rule, row_id, row_title,
                cause || '#' || (1 + (select count(*) from automation_runs n where n.replay_of = u.id)),
                cause_change_set_id, 'replay', facts, 0, 'queued', u.id, ?2, ?3
         from automation_runs u where u.id = ?1 returning id",
    )
    .bind(first)
    .bind(by)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query("update automation_runs set root = cause where id = ?1")
        .bind(new)
        .execute(&mut **tx)
        .await?;
    enqueue_runs(tx, new - 1).await?;
    Ok(new)
}

/// What taking a run back did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reverted {
    /// The run.
    pub run: i64,
    /// The change set that took its changes back; null if it had none.
    pub change_set: Option<i64>,
    /// Cells that somebody changed since: they stay.
    pub conflicts: Vec<Conflict>,
    /// Tasks, notes, drafts and notices that were deleted with it.
    pub removed: usize,
}

/// Takes back all that a run did: its change set, and what it made beside it.
pub async fn revert(tx: &mut WriteTx, id: i64, by: &str) -> Result<Reverted, GridError> {
    let run = known(tx, id).await?;
    if run.state != "done" {
        return Err(GridError::invalid(
            "not_done",
            "id",
            "only a run that did something can be taken back, and only once",
        ));
    }
    let mut reverted = Reverted {
        run: id,
        change_set: None,
        conflicts: Vec::new(),
        removed: 0,
    };
    if let Some(set) = run.change_set_id {
        let undone: Option<i64> =
            sqlx::query_scalar("select undone_by from change_sets where id = ?1")
                .bind(set)
                .fetch_optional(&mut **tx)
                .await?
                .flatten();
        if undone.is_none() {
            let summary = format!("Take back what the rule “{}” did", run.rule_name());
            let by = ChangeBy {
                actor: by,
                origin: "undo",
                summary: &summary,
                job: None,
            };
            let applied = grid::revert(tx, set, &by, REVERTED_AT_ONCE).await?;
            reverted.change_set = (applied.changes > 0).then_some(applied.version);
            reverted.conflicts = applied.conflicts;
        }
    }
    reverted.removed = unmake(tx, id, by).await?;
    let now = tx.now();
    sqlx::query(
        "update automation_runs set state = 'reverted', reverted_by = ?2, reverted_at = ?3 where id = ?1",
    )
    .bind(id)
    .bind(by)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(reverted)
}

/// Deletes (softly) what a run made and nobody deleted since.
async fn unmake(tx: &mut WriteTx, run: i64, by: &str) -> Result<usize, GridError> {
    let made: Vec<(String, String)> =
        sqlx::query_as("select what, thing_id from automation_made where run_id = ?1")
            .bind(run)
            .fetch_all(&mut **tx)
            .await?;
    let mut removed = 0;
    let now = tx.now();
    for (what, thing) in made {
        let gone = match what.as_str() {
            "task" => is_gone(work::remove(tx, &thing, by).await.map(|_| ()))?,
            "note" => is_gone(notes::remove(tx, &thing, by).await.map(|_| ()))?,
            "draft" => {
                let done = sqlx::query(
                    "update email_drafts set deleted_at = ?2 where id = ?1 and deleted_at is null",
                )
                .bind(&thing)
                .bind(now)
                .execute(&mut **tx)
                .await?;
                done.rows_affected() == 0
            }
            _ => {
                let done = sqlx::query("update digest_notices set deleted_at = ?2 where id = ?1 and deleted_at is null")
                    .bind(&thing)
                    .bind(now)
                    .execute(&mut **tx)
                    .await?;
                done.rows_affected() == 0
            }
        };
        removed += usize::from(!gone);
    }
    Ok(removed)
}

/// What somebody deleted before needs no deleting.
fn is_gone(removed: Result<(), GridError>) -> Result<bool, GridError> {
    match removed {
        Ok(()) => Ok(false),
        Err(GridError::Missing { .. }) => Ok(true),
        Err(other) => Err(other),
    }
}

impl Run {
    /// Its job's attempts, log and steps, while the queue keeps them.
    pub async fn story(&self, db: &sqlx::SqlitePool) -> Result<Option<inspect::JobStory>, DbError> {
        match self.job_id {
            Some(job) => inspect::story(db, job).await,
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, SqlSafeStr};

    use super::*;
    use crate::testing::TestDb;

    /// However many runs there are: each page walks one index and sorts nothing.
    #[tokio::test]
    async fn runs_are_read_in_order_of_an_index() {
        let t = TestDb::new().await;
        let mut conn = t.db.read().acquire().await.unwrap();
        for (sql, index) in [
            (ALL, "INTEGER PRIMARY KEY"),
            (OF_RULE, "automation_runs_by_rule ("),
            (OF_ROW, "automation_runs_by_row ("),
        ] {
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(AssertSqlSafe(format!("explain query plan {sql}")).into_sql_str())
                    .fetch_all(&mut *conn)
                    .await
                    .unwrap();
            let plan: Vec<String> = plan.into_iter().map(|step| step.3).collect();
            let plan = plan.join("; ");
            assert!(plan.contains(index), "{sql}\n{plan}");
            assert!(!plan.contains("USE TEMP B-TREE"), "{sql}\n{plan}");
        }
    }
}
