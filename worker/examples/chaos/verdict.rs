//! What was lost, what was doubled, what is broken.

use std::{collections::BTreeMap, time::Duration};

use crm_jobs::{audit, investors, testing::TestDb};

use crate::{clients::Answered, measure::until};

/// How many questions [`judge`] asks.
pub const QUESTIONS: usize = 7;

/// Waits until all work is done, asks, and prints. Returns how many answers are bad.
pub async fn judge(t: &TestDb, answered: &Answered) -> usize {
    until(async || {
        tokio::time::sleep(Duration::from_millis(50)).await;
        open_jobs(t).await == 0
    })
    .await;
    let (lost, doubled, writes) = writes(t, answered).await;
    let (jobs_lost, marks_wrong, dead) = jobs(t, answered).await;
    let integrity: String = sqlx::query_scalar("pragma integrity_check")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    let summary = investors::summary(&t.db).await.unwrap();
    let chain = audit::verify(&t.db).await.unwrap();
    [
        ask(
            &format!("{writes} acknowledged writes: {lost} lost"),
            lost == 0,
        ),
        ask(
            &format!("{writes} acknowledged writes: {doubled} doubled"),
            doubled == 0,
        ),
        ask(
            &format!(
                "{} acknowledged jobs: {jobs_lost} lost ({dead} dead letters kept)",
                answered.jobs.len()
            ),
            jobs_lost == 0,
        ),
        ask(
            &format!(
                "{} acknowledged jobs: {marks_wrong} effects missing or doubled",
                answered.jobs.len()
            ),
            marks_wrong == 0,
        ),
        ask(&format!("integrity_check: {integrity}"), integrity == "ok"),
        ask(
            &format!(
                "relational tables equal a rebuild at version {}",
                summary.grid_version
            ),
            summary.matches,
        ),
        ask(
            "the audit chain is unbroken",
            matches!(chain, audit::Chain::Unbroken { .. }),
        ),
    ]
    .into_iter()
    .filter(|good| !good)
    .count()
}

fn ask(what: &str, good: bool) -> bool {
    println!("  {} {what}", if good { "ok " } else { "BAD" });
    good
}

async fn open_jobs(t: &TestDb) -> i64 {
    sqlx::query_scalar(
        "select count(*) from jobs where state in ('available', 'running', 'scheduled')",
    )
    .fetch_one(t.db.read())
    .await
    .unwrap()
}

/// Lost and doubled writes, and how many there were.
async fn writes(t: &TestDb, answered: &Answered) -> (usize, usize, usize) {
    let (mut lost, mut doubled, mut all) = (0, 0, 0);
    for (row, texts) in &answered.writes {
        let stored: Vec<String> = sqlx::query_scalar(
            "select after ->> '$' from grid_changes where row_id = ?1 and column_id = 'notes' and after like '%chaos%' order by id",
        )
        .bind(row)
        .fetch_all(t.db.read())
        .await
        .unwrap();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in &stored {
            *counts.entry(text).or_default() += 1;
        }
        all += texts.len();
        lost += texts
            .iter()
            .filter(|t| !counts.contains_key(t.as_str()))
            .count();
        doubled += counts.values().filter(|n| **n > 1).count();
    }
    (lost, doubled, all)
}

/// Jobs lost, jobs whose mark is not there exactly once, dead letters.
async fn jobs(t: &TestDb, answered: &Answered) -> (usize, usize, usize) {
    let states: BTreeMap<i64, String> =
        sqlx::query_as("select id, state from jobs where kind = 'probe'")
            .fetch_all(t.db.read())
            .await
            .unwrap()
            .into_iter()
            .collect();
    let marks: BTreeMap<i64, i64> =
        sqlx::query_as("select job_id, count(*) from probe_marks group by job_id")
            .fetch_all(t.db.read())
            .await
            .unwrap()
            .into_iter()
            .collect();
    let lost = answered
        .jobs
        .iter()
        .filter(|id| !states.contains_key(id))
        .count();
    let wrong = states
        .iter()
        .filter(|(id, state)| *state == "done" && marks.get(id) != Some(&1))
        .count();
    let dead = states.values().filter(|s| *s == "discarded").count();
    (lost, wrong, dead)
}
