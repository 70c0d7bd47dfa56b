//! The pipeline in figures: how many stand at each stage, how long they stay,
//! and how many go on.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::{clock::DAY, db::DbError, grid};

/// The pipeline over a stretch of days.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Pipeline {
    /// The column it goes by; null if no column says where investors stand.
    pub column: Option<String>,
    /// Days looked back for steps.
    pub days: i64,
    /// In the order of the column's options.
    pub stages: Vec<StageFigures>,
    /// Opportunities that ended as lost in these days.
    pub lost: usize,
    /// Why, the most frequent first; empty text where nobody said.
    pub exit_reasons: Vec<ReasonCount>,
}

/// One stage of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StageFigures {
    /// The option's id.
    pub choice: String,
    /// Its name.
    pub name: String,
    /// Its colour.
    pub color: String,
    /// The standard stage it stands for, if any.
    pub stage: Option<String>,
    /// Investors there now, archived ones left out.
    pub now: usize,
    /// Days the middle one of them has been there.
    pub median_days_now: Option<i64>,
    /// Steps into it in these days.
    pub entered: usize,
    /// Of those who entered in these days: how many stand, or stood, further on.
    pub went_on: usize,
    /// Of those who entered in these days: how many were lost.
    pub lost: usize,
    /// Days the middle one stayed, of those who left in these days.
    pub median_days_stayed: Option<i64>,
}

/// How often a reason was given.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct ReasonCount {
    /// In words; empty where nobody said.
    pub reason: String,
    /// Opportunities.
    pub count: i64,
}

#[derive(FromRow)]
struct Step {
    opportunity_id: String,
    from_choice: Option<String>,
    to_choice: Option<String>,
    at: i64,
}

/// Figures of the last `days` days.
pub async fn pipeline(
    conn: &mut SqliteConnection,
    now: i64,
    days: i64,
) -> Result<Pipeline, DbError> {
    let since = now - days * DAY;
    let columns = grid::columns(conn).await?;
    let column = grid::pipeline_column(&columns).cloned();
    let standing: Vec<(String, i64)> = sqlx::query_as(
        "select o.choice, o.stage_since_at
         from opportunities o join grid_rows r on r.id = o.row_id and r.deleted_at is null and r.archived_at is null
         where o.closed_at is null",
    )
    .fetch_all(&mut *conn)
    .await?;
    let steps = steps(conn, since).await?;
    let exit_reasons: Vec<ReasonCount> = sqlx::query_as(
        "select o.exit_reason as reason, count(*) as count
         from opportunities o join grid_rows r on r.id = o.row_id and r.deleted_at is null
         where o.closed_at >= ?1 and o.outcome = 'lost' group by o.exit_reason order by count(*) desc, o.exit_reason limit 50",
    )
    .bind(since)
    .fetch_all(conn)
    .await?;
    let choices = column.as_ref().map_or(&[][..], |c| &c.options.choices);
    let order: HashMap<&str, usize> = choices
        .iter()
        .enumerate()
        .map(|(at, c)| (c.id.as_str(), at))
        .collect();
    let lost: HashSet<&str> = choices
        .iter()
        .filter(|c| grid::table::pipeline_stage(&c.name) == Some("lost"))
        .map(|c| c.id.as_str())
        .collect();
    let walks = Walks {
        order,
        lost,
        since,
        steps: &steps,
    };
    Ok(Pipeline {
        days,
        stages: choices
            .iter()
            .map(|choice| {
                let here: Vec<i64> = standing
                    .iter()
                    .filter(|(c, _)| *c == choice.id)
                    .map(|(_, since)| (now - since) / DAY)
                    .collect();
                let (entered, went_on, lost) = walks.through(&choice.id);
                StageFigures {
                    choice: choice.id.clone(),
                    name: choice.name.clone(),
                    color: choice.color.clone(),
                    stage: grid::table::pipeline_stage(&choice.name).map(str::to_owned),
                    now: here.len(),
                    median_days_now: median(here),
                    entered,
                    went_on,
                    lost,
                    median_days_stayed: median(walks.stays(&choice.id)),
                }
            })
            .collect(),
        lost: exit_reasons
            .iter()
            .filter_map(|r| usize::try_from(r.count).ok())
            .sum(),
        exit_reasons,
        column: column.map(|c| c.id),
    })
}

/// All steps of opportunities that made one since then, by opportunity.
async fn steps(conn: &mut SqliteConnection, since: i64) -> Result<Vec<Vec<Step>>, DbError> {
    let steps: Vec<Step> = sqlx::query_as(
        "select s.opportunity_id, s.from_choice, s.to_choice, s.at
         from stage_events s join grid_rows r on r.id = s.row_id and r.deleted_at is null
         where s.opportunity_id in (select opportunity_id from stage_events where at >= ?1)
         order by s.id",
    )
    .bind(since)
    .fetch_all(conn)
    .await?;
    let mut by: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for step in steps {
        by.entry(step.opportunity_id.clone())
            .or_default()
            .push(step);
    }
    Ok(by.into_values().collect())
}

struct Walks<'a> {
    order: HashMap<&'a str, usize>,
    lost: HashSet<&'a str>,
    since: i64,
    steps: &'a [Vec<Step>],
}

impl Walks<'_> {
    /// Opportunities that entered a stage, went on from it, and were lost since.
    fn through(&self, choice: &str) -> (usize, usize, usize) {
        let place = |c: &Option<String>| self.order.get(c.as_deref()?).copied();
        let own = self.order.get(choice).copied();
        let (mut entered, mut went_on, mut lost) = (0, 0, 0);
        for walk in self.steps {
            let first = walk
                .iter()
                .position(|s| s.at >= self.since && s.to_choice.as_deref() == Some(choice));
            let Some(first) = first else { continue };
            entered += 1;
            let after = &walk[first + 1..];
            let is_lost = |s: &Step| {
                s.to_choice
                    .as_deref()
                    .is_some_and(|c| self.lost.contains(c))
            };
            went_on += usize::from(
                after
                    .iter()
                    .any(|s| !is_lost(s) && place(&s.to_choice) > own),
            );
            lost += usize::from(after.last().is_some_and(is_lost));
        }
        (entered, went_on, lost)
    }

    /// Days of each stay at a stage that ended since.
    fn stays(&self, choice: &str) -> Vec<i64> {
        let mut days = Vec::new();
        for walk in self.steps {
            for pair in walk.windows(2) {
                let was_here = pair[0].to_choice.as_deref() == Some(choice)
                    && pair[1].from_choice.as_deref() == Some(choice);
                if was_here && pair[1].at >= self.since {
                    days.push((pair[1].at - pair[0].at) / DAY);
                }
            }
        }
        days
    }
}

fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
