//! Taking in what a look has found: runs, their jobs and the place come to, in
//! one transaction; and the guard against rules that feed themselves.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    LookForFirings, Rule, RunAutomation,
    look::{Firing, Mark, Plan},
    marks::{Cursor, Origin},
    store,
};
use crate::{
    clock::MINUTE,
    db::{DbError, WriteTx},
    queue::{EnqueueOptions, Prepared, enqueue_many, enqueue_with},
};

/// How deep runs may cause runs. A person's change is at 0.
pub const MAX_DEPTH: i64 = 5;
/// How often in ten minutes a rule may fire again for a row on changes that go
/// back to one and the same beginning. A person's change of ten thousand rows
/// has ten thousand firings and none of these.
pub const MOST_EXCESS: i64 = 1_000;
const EXCESS_WITHIN: i64 = 10 * MINUTE;
/// Firings stored by one statement.
const AT_ONCE: usize = 1_000;

/// What became of a look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// Runs that are new.
    pub fired: usize,
    /// Rules that were switched off.
    pub switched_off: Vec<String>,
    /// Another look was quicker: nothing was taken in.
    pub was_late: bool,
}

/// Takes in what a look has found, once.
pub async fn take_in(tx: &mut WriteTx, plan: &Plan) -> Result<Looked, DbError> {
    if Cursor::read(tx).await? != plan.seen {
        return Ok(Looked {
            was_late: true,
            ..Looked::default()
        });
    }
    let valid = valid(tx, &plan.rules).await?;
    let firings = plan.firings.iter().filter(|f| valid.contains(&f.rule));
    let (deep, firings): (Vec<&Firing>, Vec<&Firing>) =
        firings.partition(|f| f.origin.depth > MAX_DEPTH);
    let fired = store_runs(tx, &firings, "system", true).await?;
    let mut switched_off = BTreeMap::new();
    for firing in deep {
        let why = format!(
            "It kept feeding itself: a chain of runs went more than {MAX_DEPTH} deep at {}.",
            firing.title
        );
        switched_off.entry(firing.rule.clone()).or_insert(why);
    }
    let chained: BTreeSet<&str> = firings
        .iter()
        .filter(|f| f.origin.depth > 0)
        .map(|f| f.rule.as_str())
        .collect();
    for rule in chained {
        if excess(tx, rule).await? > MOST_EXCESS {
            let why = format!(
                "It kept feeding itself: within ten minutes it fired more than {MOST_EXCESS} times again for rows it had fired for already, on changes that automations made."
            );
            switched_off.entry(rule.to_owned()).or_insert(why);
        }
    }
    for (rule, why) in &switched_off {
        store::switch_off(tx, rule, why).await?;
    }
    for mark in plan.rules.iter().filter(|m| valid.contains(&m.rule)) {
        remember(tx, mark).await?;
    }
    plan.next.write(tx).await?;
    wake_for_slots(tx).await?;
    let names = plan.rules.iter();
    Ok(Looked {
        fired,
        switched_off: names
            .filter(|mark| switched_off.contains_key(&mark.rule))
            .map(|mark| mark.name.clone())
            .collect(),
        was_late: false,
    })
}

/// Rules that are still as the look saw them.
async fn valid(tx: &mut WriteTx, marks: &[Mark]) -> Result<HashSet<String>, DbError> {
    let known: Vec<(String, i64)> = sqlx::query_as(
        "select id, updated_at from automation_rules where enabled = 1 and deleted_at is null",
    )
    .fetch_all(&mut **tx)
    .await?;
    let is_same = |(id, updated_at): &(String, i64)| {
        let same = |mark: &Mark| mark.rule == *id && mark.updated_at == *updated_at;
        marks.iter().any(same)
    };
    Ok(known
        .into_iter()
        .filter(is_same)
        .map(|(id, _)| id)
        .collect())
}

async fn remember(tx: &mut WriteTx, mark: &Mark) -> Result<(), DbError> {
    if mark.seen_day.is_some() || mark.next_at.is_some() {
        sqlx::query(
            "update automation_rules set seen_day = coalesce(?2, seen_day), next_at = coalesce(?3, next_at) where id = ?1",
        )
        .bind(&mark.rule)
        .bind(&mark.seen_day)
        .bind(mark.next_at)
        .execute(&mut **tx)
        .await?;
    }
    let Some((entered, left)) = &mark.watch else {
        return Ok(());
    };
    sqlx::query("update automation_rules set is_watching = 1 where id = ?1 and is_watching = 0")
        .bind(&mark.rule)
        .execute(&mut **tx)
        .await?;
    for (sql, rows) in [
        (
            "insert into automation_watch (rule_id, row_id) select ?1, value from json_each(?2) where true
             on conflict (rule_id, row_id) do nothing",
            entered,
        ),
        (
            "delete from automation_watch where rule_id = ?1 and row_id in (select value from json_each(?2))",
            left,
        ),
    ] {
        if !rows.is_empty() {
            sqlx::query(sql)
                .bind(&mark.rule)
                .bind(Value::from(rows.as_slice()).to_string())
                .execute(&mut **tx)
                .await?;
        }
    }
    Ok(())
}

/// Stores runs that are not there yet, with their jobs. Returns how many.
async fn store_runs(
    tx: &mut WriteTx,
    firings: &[&Firing],
    by: &str,
    asks: bool,
) -> Result<usize, DbError> {
    if firings.is_empty() {
        return Ok(0);
    }
    let now = tx.now();
    let last: i64 = sqlx::query_scalar("select coalesce(max(id), 0) from automation_runs")
        .fetch_one(&mut **tx)
        .await?;
    let mut stored = 0;
    for chunk in firings.chunks(AT_ONCE) {
        let rows: Value = chunk
            .iter()
            .map(|f| {
                json!([
                    f.rule,
                    f.row,
                    f.title,
                    f.cause,
                    f.set,
                    f.origin.root,
                    f.facts.to_string(),
                    f.origin.depth
                ])
            })
            .collect();
        let done = sqlx::query(
            "insert into automation_runs (rule_id, rule, row_id, row_title, cause, cause_change_set_id, root, facts, depth,
                                          state, started_by, created_at)
             select a.id, json_object('name', a.name, 'definition', json(a.definition)), f.value ->> 1, f.value ->> 2, f.value ->> 3,
                    f.value ->> 4, f.value ->> 5, f.value ->> 6, f.value ->> 7,
                    iif(?4 and coalesce(a.definition ->> '$.ask_first', 0), 'asked', 'queued'), ?3, ?2
             from json_each(?1) f join automation_rules a on a.id = f.value ->> 0
             where true order by f.key
             on conflict (rule_id, row_id, cause) do nothing",
        )
        .bind(rows.to_string())
        .bind(now)
        .bind(by)
        .bind(asks)
        .execute(&mut **tx)
        .await?;
        stored += usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
    }
    enqueue_runs(tx, last).await?;
    Ok(stored)
}

/// Gives a job to each queued run behind this one.
pub(super) async fn enqueue_runs(tx: &mut WriteTx, after: i64) -> Result<(), DbError> {
    let queued: Vec<i64> = sqlx::query_scalar(
        "select id from automation_runs where id > ?1 and state = 'queued' and job_id is null order by id",
    )
    .bind(after)
    .fetch_all(&mut **tx)
    .await?;
    if queued.is_empty() {
        return Ok(());
    }
    let last: i64 = sqlx::query_scalar("select coalesce(max(id), 0) from jobs")
        .fetch_one(&mut **tx)
        .await?;
    for chunk in queued.chunks(AT_ONCE) {
        let jobs: Vec<RunAutomation> = chunk
            .iter()
            .map(|run| RunAutomation { run: *run })
            .collect();
        enqueue_many(tx, &jobs).await?;
    }
    // Nobody else writes while this does: the jobs behind the last are ours.
    sqlx::query(
        "update automation_runs set job_id = j.id from jobs j
         where j.id > ?1 and j.kind = 'run_automation' and automation_runs.id = j.payload ->> '$.run'",
    )
    .bind(last)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How often a rule has fired lately beyond once for each row and beginning.
async fn excess(tx: &mut WriteTx, rule: &str) -> Result<i64, DbError> {
    let since = tx.now() - EXCESS_WITHIN;
    sqlx::query_scalar(
        "select count(*) - count(distinct row_id || ' ' || root) from automation_runs
         where rule_id = ?1 and created_at >= ?2 and depth > 0",
    )
    .bind(rule)
    .bind(since)
    .fetch_one(&mut **tx)
    .await
}

/// Asks for a look at the next slot of a schedule.
async fn wake_for_slots(tx: &mut WriteTx) -> Result<(), DbError> {
    let next: Option<i64> = sqlx::query_scalar(
        "select min(next_at) from automation_rules
         where enabled = 1 and deleted_at is null and definition ->> '$.trigger.on' = 'schedule'",
    )
    .fetch_one(&mut **tx)
    .await?;
    if let Some(at) = next {
        let job = Prepared::new(&LookForFirings { at: Some(at) })?;
        let options = EnqueueOptions {
            run_at: Some(at),
            ..EnqueueOptions::default()
        };
        enqueue_with(tx, &job, &options).await?;
    }
    Ok(())
}

/// Starts a rule for these rows (id and title), because a person says so: nobody
/// is asked again. Returns how many runs it made.
pub async fn start_by_hand(
    tx: &mut WriteTx,
    rule: &Rule,
    rows: &[(String, String)],
    by: &str,
) -> Result<usize, DbError> {
    let cause = format!("hand:{}", tx.new_id());
    let firings: Vec<Firing> = rows
        .iter()
        .map(|(row, title)| Firing {
            rule: rule.id.clone(),
            row: row.clone(),
            title: title.clone(),
            cause: cause.clone(),
            set: None,
            facts: json!({"what": "manual", "by": by}),
            origin: Origin {
                depth: 0,
                root: cause.clone(),
            },
        })
        .collect();
    store_runs(tx, &firings.iter().collect::<Vec<_>>(), by, false).await
}
