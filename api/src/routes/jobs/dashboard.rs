//! `/jobs`: what waits, what runs, what failed, and what comes next.

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode, response::Response};
use crm_jobs::{
    clock::{DAY, HOUR},
    queue::{
        inspect::{self, JobFilter},
        schedules::{self, Schedule, ScheduleEdit},
        stats::{self, HourStats},
    },
    settings,
};
use serde::Deserialize;

use super::{
    forms::group_key,
    page::{FailureGroup, JobsPage, KindRow, RunningJob, ScheduleRow, WorkerLine},
    words,
};
use crate::{
    error::AppError,
    extract::Query,
    frame::{frame, html, html_with},
    routes::page::{Badge, Chart, Choice, Paging, Series, Tile},
    session::SignedIn,
    show,
    state::App,
};

/// States, in the order tiles and filters show them.
const STATES: [(&str, &str, &str); 6] = [
    ("available", "Waiting", "info"),
    ("running", "Running", "info"),
    ("scheduled", "Scheduled", ""),
    ("discarded", "Discarded", "bad"),
    ("done", "Done", "ok"),
    ("cancelled", "Cancelled", ""),
];
const PER_PAGE: i64 = 25;

#[derive(Default, Deserialize)]
pub struct DashboardQuery {
    #[serde(default)]
    state: String,
    #[serde(default)]
    kind: String,
    before: Option<i64>,
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<DashboardQuery>,
) -> Result<Response, AppError> {
    Ok(html(&build(&app, &who, &query).await?))
}

/// The dashboard with a refused edit in its place.
pub async fn with_schedule_error(
    app: &App,
    who: &SignedIn,
    name: &str,
    change: &ScheduleEdit,
    refused: &AppError,
) -> Result<Response, AppError> {
    let mut page = build(app, who, &DashboardQuery::default()).await?;
    if let Some(row) = page.schedules.iter_mut().find(|s| s.name == name) {
        row.expression.clone_from(&change.expression);
        row.zone = change.zone.clone().unwrap_or_default();
        row.error = Some(refused.detail().to_owned());
    }
    Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn build(app: &App, who: &SignedIn, query: &DashboardQuery) -> Result<JobsPage, AppError> {
    let (db, now) = (app.db.read(), app.db.now());
    let fund_zone = settings::fund_zone(&app.db).await?;
    let counts = inspect::counts(db).await?;
    let kinds = inspect::kinds(db).await?;
    let day = stats::by_hour(db, now - DAY).await?;
    let running = JobFilter {
        state: Some("running".into()),
        ..JobFilter::default()
    };
    let (jobs, paging) = jobs(app, query).await?;
    Ok(JobsPage {
        is_admin: who.user.is_admin(),
        live_href: "/jobs".to_owned(),
        events_href: "/events?topics=jobs".to_owned(),
        tiles: tiles(&counts, &day),
        oldest_waiting: inspect::oldest_waiting(db)
            .await?
            .map(|at| words::duration(now - at))
            .unwrap_or_default(),
        workers: inspect::workers(db)
            .await?
            .iter()
            .map(|w| worker(now, w))
            .collect(),
        running: inspect::list(db, &running)
            .await?
            .iter()
            .map(|job| running_job(now, job))
            .collect(),
        charts: charts(now, &day, &fund_zone),
        failures: inspect::failures(db)
            .await?
            .into_iter()
            .map(|f| failure(now, f))
            .collect(),
        schedules: schedules::list(db)
            .await?
            .into_iter()
            .map(|s| schedule(now, s, &fund_zone))
            .collect(),
        kind_filter: kind_filter(&kinds, &query.kind),
        kinds: kind_rows(app, &kinds, &stats::done_by_kind(db, now - DAY).await?),
        states: state_filter(&query.state),
        jobs,
        paging,
        frame: frame(app, who, "Worker").await,
    })
}

fn tiles(counts: &BTreeMap<String, i64>, day: &[HourStats]) -> Vec<Tile> {
    STATES
        .iter()
        .map(|(state, label, tone)| {
            let count = counts.get(*state).copied().unwrap_or(0);
            let (value, hint) = match *state {
                "done" => (day.iter().map(|h| h.done).sum(), "in 24 h"),
                _ => (count, ""),
            };
            let tone = if value == 0 { "" } else { tone };
            Tile::new(label, &show::number(value), hint, tone)
                .to(&format!("/jobs?state={state}#list"))
        })
        .collect()
}

fn worker(now: i64, w: &inspect::WorkerRow) -> WorkerLine {
    WorkerLine {
        name: w.id.clone(),
        detail: format!(
            "version {} · pid {} · up {}",
            w.version,
            w.pid,
            words::duration(now - w.started_at)
        ),
        slots: format!("{} of {} slots busy", w.running, w.slots),
        heartbeat: show::ago(now, w.heartbeat_at),
        state: if w.lease_until >= now {
            Badge::new("Alive", "ok")
        } else {
            Badge::new("Silent", "bad")
        },
    }
}

fn running_job(now: i64, job: &inspect::JobRow) -> RunningJob {
    RunningJob {
        href: format!("/jobs/{}", job.id),
        kind: job.kind.clone(),
        started: show::ago(now, job.started_at.unwrap_or(now)),
        detail: format!(
            "attempt {} · worker {}",
            job.attempt,
            job.worker_id.as_deref().unwrap_or("?")
        ),
        progress: words::progress(job),
    }
}

fn failure(now: i64, f: inspect::FailureGroup) -> FailureGroup {
    FailureGroup {
        href: format!("/jobs/{}", f.newest_id),
        count: show::number(f.count),
        last: show::ago(now, f.newest_at),
        key: group_key(&f.kind, &f.error),
        kind: f.kind,
        message: f.error,
    }
}

fn schedule(now: i64, s: Schedule, fund_zone: &str) -> ScheduleRow {
    let policies = [
        ("skip", "Skip them", "skips missed runs"),
        ("once", "Catch up once", "catches up once"),
        ("all", "Run every one", "runs every missed one"),
    ];
    ScheduleRow {
        words: schedules::in_words(&s.expression),
        zone: s.zone.clone().unwrap_or_else(|| fund_zone.to_owned()),
        policies: policies
            .iter()
            .map(|(v, label, _)| Choice::new(v, label, *v == s.catch_up))
            .collect(),
        policy: policies
            .iter()
            .find(|(v, ..)| *v == s.catch_up)
            .map_or_else(String::new, |p| p.2.to_owned()),
        last: s.last_at.map(|at| show::ago(now, at)),
        next: s
            .enabled
            .then(|| show::moment(&show::zone(fund_zone), s.next_at)),
        enabled: s.enabled,
        error: None,
        name: s.name,
        expression: s.expression,
    }
}

fn kind_rows(app: &App, kinds: &[inspect::KindRow], done: &BTreeMap<String, i64>) -> Vec<KindRow> {
    let mut names: Vec<&str> = kinds.iter().map(|k| k.kind.as_str()).collect();
    for name in app.registry.names() {
        names.push(name);
    }
    names.sort_unstable();
    names.dedup();
    let none = inspect::KindRow::default();
    names
        .into_iter()
        .map(|name| {
            let kind = kinds.iter().find(|k| k.kind == name).unwrap_or(&none);
            let count = |state: &str| kind.counts.get(state).copied().unwrap_or(0);
            KindRow {
                kind: name.to_owned(),
                waiting: show::number(count("available") + count("scheduled")),
                running: show::number(count("running")),
                done: show::number(done.get(name).copied().unwrap_or(0)),
                discarded: show::number(count("discarded")),
                paused: kind.paused,
            }
        })
        .collect()
}

fn state_filter(chosen: &str) -> Vec<Choice> {
    let all = Choice::new("", "Every state", chosen.is_empty());
    let each = STATES
        .iter()
        .map(|(state, label, _)| Choice::new(state, label, *state == chosen));
    std::iter::once(all).chain(each).collect()
}

fn kind_filter(kinds: &[inspect::KindRow], chosen: &str) -> Vec<Choice> {
    let all = Choice::new("", "Every kind", chosen.is_empty());
    let each = kinds
        .iter()
        .map(|k| Choice::new(&k.kind, &k.kind, k.kind == chosen));
    std::iter::once(all).chain(each).collect()
}

async fn jobs(
    app: &App,
    query: &DashboardQuery,
) -> Result<(Vec<super::page::JobRow>, Paging), AppError> {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter = JobFilter {
        state: given(&query.state),
        kind: given(&query.kind),
        before: query.before,
        limit: Some(PER_PAGE),
    };
    let found = inspect::list(app.db.read(), &filter).await?;
    let here = format!("/jobs?state={}&kind={}", query.state, query.kind);
    let more = found.len() == usize::try_from(PER_PAGE).unwrap_or(0);
    let paging = Paging {
        page: 1 + u64::from(query.before.is_some()),
        pages: 1 + u64::from(query.before.is_some()) + u64::from(more),
        total: "newest first".to_owned(),
        prev: query.before.map(|_| format!("{here}#list")),
        next: found
            .last()
            .filter(|_| more)
            .map(|last| format!("{here}&before={}#list", last.id)),
    };
    let now = app.db.now();
    Ok((
        found.iter().map(|job| words::row(now, job)).collect(),
        paging,
    ))
}

fn charts(now: i64, day: &[HourStats], zone: &str) -> Vec<Chart> {
    let zone = show::zone(zone);
    let first = now - now.rem_euclid(HOUR) - 23 * HOUR;
    let hours: Vec<i64> = (0..24).map(|h| first + h * HOUR).collect();
    let labels: Vec<String> = hours.iter().map(|at| show::time(&zone, *at).text).collect();
    let values = |pick: fn(&HourStats) -> i64| -> Vec<u64> {
        hours
            .iter()
            .map(|at| {
                day.iter()
                    .find(|h| h.hour_at == *at)
                    .map_or(0, |h| u64::try_from(pick(h)).unwrap_or(0))
            })
            .collect()
    };
    let series = |name: &str, tone, pick| Series {
        name: name.to_owned(),
        tone,
        values: values(pick),
    };
    vec![
        Chart::curves(
            "latency",
            "Wait before a job starts",
            &|ms| format!("{ms} ms"),
            &labels,
            &[
                series("mean", "info", |h| h.wait_ms / h.started.max(1)),
                series("longest", "muted", |h| h.wait_max_ms),
            ],
        ),
        Chart::stacked(
            "outcomes",
            "Outcomes by hour",
            &|n| n.to_string(),
            &labels,
            &[
                series("done", "ok", |h| h.done),
                series("retried", "warn", |h| h.failed),
                series("discarded", "bad", |h| h.discarded),
            ],
        ),
    ]
}
