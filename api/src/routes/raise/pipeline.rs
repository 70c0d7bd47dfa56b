//! The pipeline: who stands where, how long, who goes on, and why others went.

use axum::{extract::State, response::Response};
use crm_jobs::{
    grid::table::Table,
    raise::{self, Opportunity, Pipeline, StageFigures},
};
use serde::Deserialize;

use super::{
    audit,
    fund::title,
    page::{LostLine, PipelinePage, StageRow},
};
use crate::{
    error::AppError,
    extract::{Form, Path, Query},
    flash::Done,
    frame::{frame, html},
    routes::page::{Chart, FlashKind, LinkTo, Series},
    session::{SignedIn, safe_next},
    show,
    state::App,
};

/// Stretches to look back over, in days.
const STRETCHES: [(i64, &str); 4] = [
    (30, "30 days"),
    (90, "90 days"),
    (365, "A year"),
    (3_650, "Ever"),
];
/// Lost investors shown.
const MOST_LOST: i64 = 20;

#[derive(Deserialize)]
pub struct PipelineQuery {
    days: Option<i64>,
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<PipelineQuery>,
) -> Result<Response, AppError> {
    let known = STRETCHES.iter().find(|(days, _)| Some(*days) == query.days);
    let days = known.map_or(90, |(days, _)| *days);
    let now = app.db.now();
    let mut conn = app.db.read().acquire().await?;
    let pipeline = raise::pipeline(&mut conn, now, days).await?;
    let lost = raise::lost(&mut conn, MOST_LOST).await?;
    drop(conn);
    let table = app.grid.read().await?;
    Ok(html(&PipelinePage {
        has_column: pipeline.column.is_some(),
        stretches: STRETCHES
            .iter()
            .map(|(d, label)| {
                (
                    LinkTo::new(label, &format!("/pipeline?days={d}")),
                    *d == days,
                )
            })
            .collect(),
        days,
        funnel: funnel(&pipeline),
        stages: pipeline.stages.iter().map(row).collect(),
        reasons: pipeline
            .exit_reasons
            .iter()
            .map(|r| {
                let said = if r.reason.is_empty() {
                    "No reason given"
                } else {
                    &r.reason
                };
                (said.to_owned(), r.count)
            })
            .collect(),
        lost: lost.iter().map(|o| lost_line(&table, now, o)).collect(),
        frame: frame(&app, &who, "Pipeline").await,
    }))
}

/// The standing of today as bars, lost ones left out.
pub fn funnel(pipeline: &Pipeline) -> Option<Chart> {
    let on_the_way: Vec<&StageFigures> = pipeline
        .stages
        .iter()
        .filter(|s| s.stage.as_deref() != Some("lost"))
        .collect();
    if on_the_way.iter().all(|s| s.now == 0) {
        return None;
    }
    let labels: Vec<String> = on_the_way.iter().map(|s| s.name.clone()).collect();
    let series = Series {
        name: "investors".to_owned(),
        tone: "info",
        values: on_the_way.iter().map(|s| s.now as u64).collect(),
    };
    let words = |n: u64| n.to_string();
    let mut chart = Chart::stacked("funnel", "Who stands where", &words, &labels, &[series]);
    // A bar for each stage wants its name below it, not every fourth.
    chart.x_labels = labels;
    chart.is_by_bar = true;
    Some(chart)
}

fn row(stage: &StageFigures) -> StageRow {
    let count = |n: usize| show::number(i64::try_from(n).unwrap_or(i64::MAX));
    let share = |part: usize| {
        if stage.entered == 0 {
            return "–".to_owned();
        }
        format!(
            "{part} of {} · {} %",
            stage.entered,
            part * 100 / stage.entered
        )
    };
    let days =
        |median: Option<i64>| median.map_or_else(String::new, |d| show::count(d, "day", "days"));
    let is_lost = stage.stage.as_deref() == Some("lost");
    StageRow {
        name: stage.name.clone(),
        colour: stage.color.clone(),
        href: "/grid/board".to_owned(),
        now: if is_lost {
            "–".to_owned()
        } else {
            count(stage.now)
        },
        median_now: days(stage.median_days_now),
        entered: count(stage.entered),
        went_on: if is_lost {
            "–".to_owned()
        } else {
            share(stage.went_on)
        },
        lost: if is_lost {
            "–".to_owned()
        } else {
            share(stage.lost)
        },
        stayed: days(stage.median_days_stayed),
    }
}

fn lost_line(table: &Table, now: i64, opportunity: &Opportunity) -> LostLine {
    let row = &opportunity.row_id;
    let name = title(table, row);
    let name = if name.is_empty() { "(no name)" } else { &name };
    LostLine {
        id: opportunity.id.clone(),
        investor: LinkTo::new(name, &format!("/investors/{row}")),
        when: show::ago(
            now,
            opportunity.closed_at.unwrap_or(opportunity.stage_since_at),
        ),
        reason: opportunity.exit_reason.clone(),
    }
}

#[derive(Deserialize)]
pub struct Reason {
    #[serde(default)]
    exit_reason: String,
    #[serde(default)]
    next: String,
}

pub async fn explain(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Reason>,
) -> Result<Done, AppError> {
    let back = if form.next.is_empty() {
        Done::to("/pipeline#lost")
    } else {
        Done::to(safe_next(&form.next))
    };
    let mut tx = app.db.write().await?;
    let found = match raise::set_exit_reason(&mut tx, &id, &form.exit_reason)
        .await
        .map_err(AppError::from)
    {
        Ok(found) => found.ok_or_else(|| AppError::not_found("There is no such opportunity."))?,
        Err(refused) if refused.status().as_u16() == 422 => {
            return Ok(back.saying(FlashKind::Bad, refused.detail()));
        }
        Err(other) => return Err(other),
    };
    audit(
        &mut tx,
        &who,
        "opportunity.explained",
        format!("row:{}", found.row_id),
    )
    .await?;
    tx.commit().await?;
    Ok(back.saying(FlashKind::Ok, "The reason is kept."))
}
