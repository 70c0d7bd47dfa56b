//! `/jobs/{id}`: one job from beginning to end.

use axum::{extract::State, response::Response};
use crm_jobs::{
    queue::{
        JobId,
        inspect::{self, JobStory},
    },
    settings,
};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    page::{Attempt, JobFact, JobPage, LogLine, Moment, Step},
    visible, words,
};
use crate::{
    error::AppError,
    extract::Path,
    frame::{frame, html},
    routes::page::{Badge, LinkTo},
    session::SignedIn,
    show,
    state::App,
};

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<JobId>,
) -> Result<Response, AppError> {
    let story = visible(&app, &who, id).await?;
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    let now = app.db.now();
    let job = &story.job;
    let open = !inspect::is_final(&job.state);
    Ok(html(&JobPage {
        is_admin: who.user.is_admin(),
        id: job.id.to_string(),
        kind: job.kind.clone(),
        state: words::state(job),
        sentence: sentence(now, job),
        facts: facts(&story),
        timeline: timeline(&story, &zone),
        payload: pretty(&story.payload),
        progress: (job.state == "running").then(|| words::progress(job)),
        attempts: attempts(&story, &zone),
        steps: story.steps.iter().map(|s| step(s, &zone)).collect(),
        log: story.log.iter().map(|l| line(l, &zone)).collect(),
        touched: touched(&story),
        parent: job
            .parent_id
            .map(|p| LinkTo::new(&format!("Job {p}"), &format!("/jobs/{p}"))),
        children: story.children.iter().map(|c| words::row(now, c)).collect(),
        can_retry: matches!(job.state.as_str(), "discarded" | "cancelled" | "scheduled"),
        can_cancel: open && job.cancel_requested_at.is_none(),
        can_replay: !open,
        live_href: if open {
            format!("/jobs/{id}")
        } else {
            String::new()
        },
        events_href: "/events?topics=jobs".to_owned(),
        frame: frame(&app, &who, &format!("Job {id}")).await,
    }))
}

fn sentence(now: i64, job: &inspect::JobRow) -> String {
    let error = job.last_error.as_deref().unwrap_or("no reason given");
    match job.state.as_str() {
        "done" => format!(
            "Done{}.",
            words::took(job).map_or_else(String::new, |t| format!(" in {t}"))
        ),
        "running" if job.cancel_requested_at.is_some() => {
            "Asked to stop; it ends at its next safe point, or is aborted after 30 s.".to_owned()
        }
        "running" => "Running now.".to_owned(),
        "available" => "Waiting for a free worker.".to_owned(),
        "scheduled" if job.last_error.is_some() => format!(
            "Tries again in {}: {error}",
            words::duration(job.run_at - now)
        ),
        "scheduled" => format!("Runs in {}.", words::duration(job.run_at - now)),
        "discarded" => format!("Given up: {error}"),
        _ => "Cancelled.".to_owned(),
    }
}

fn facts(story: &JobStory) -> Vec<JobFact> {
    let job = &story.job;
    let fact = |label: &str, value: String| JobFact {
        label: label.to_owned(),
        value,
    };
    let mut facts = vec![
        fact(
            "Attempt",
            format!("{} of {}", job.attempt, job.max_attempts),
        ),
        fact("Priority", job.priority.to_string()),
        fact("Caused by", job.created_by.clone()),
    ];
    facts.extend(job.worker_id.as_ref().map(|w| fact("Worker", w.clone())));
    facts.extend(
        story
            .unique_key
            .as_ref()
            .map(|k| fact("Unique key", k.clone())),
    );
    facts.extend(
        story
            .group_key
            .as_ref()
            .map(|k| fact("Concurrency key", k.clone())),
    );
    facts.extend(story.output.as_ref().map(|o| fact("Result", o.to_string())));
    facts
}

fn timeline(story: &JobStory, zone: &TimeZone) -> Vec<Moment> {
    let job = &story.job;
    let moment = |what: &str, at: Option<i64>, tone| {
        at.map(|at| Moment {
            what: what.to_owned(),
            at: show::instant(zone, at),
            tone,
        })
    };
    let due = Some(job.run_at).filter(|at| *at != job.created_at);
    let end = match job.state.as_str() {
        "done" => ("Done", "ok"),
        "discarded" => ("Discarded", "bad"),
        _ => ("Cancelled", "muted"),
    };
    [
        moment("Enqueued", Some(job.created_at), "muted"),
        moment("Due", due, "muted"),
        moment("Last attempt started", job.started_at, "info"),
        moment("Stop asked for", job.cancel_requested_at, "warn"),
        moment(end.0, job.finished_at, end.1),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn attempts(story: &JobStory, zone: &TimeZone) -> Vec<Attempt> {
    let failed = story.attempts.iter().map(|a| Attempt {
        number: a.attempt,
        outcome: outcome(&a.outcome),
        started: show::instant(zone, a.started_at.unwrap_or(a.finished_at)),
        took: a
            .started_at
            .map(|s| words::duration(a.finished_at - s))
            .unwrap_or_default(),
        worker: a.worker_id.clone().unwrap_or_default(),
        error: a.error.clone(),
    });
    let job = &story.job;
    let last = job
        .started_at
        .filter(|_| job.state == "done")
        .map(|started| Attempt {
            number: job.attempt,
            outcome: Badge::new("Succeeded", "ok"),
            started: show::instant(zone, started),
            took: words::took(job).unwrap_or_default(),
            worker: job.worker_id.clone().unwrap_or_default(),
            error: String::new(),
        });
    failed.chain(last).collect()
}

fn outcome(stored: &str) -> Badge {
    match stored {
        "failed" => Badge::new("Failed", "bad"),
        "panicked" => Badge::new("Panicked", "bad"),
        "timed_out" => Badge::new("Timed out", "bad"),
        "worker_died" => Badge::new("Worker died", "bad"),
        "gave_up" => Badge::new("Gave up", "bad"),
        "snoozed" => Badge::new("Waits", "muted"),
        "released" => Badge::new("Given back", "muted"),
        _ => Badge::new("Cancelled", "muted"),
    }
}

fn step(s: &inspect::StepRow, zone: &TimeZone) -> Step {
    Step {
        name: s.name.clone(),
        output: serde_json::from_str(&s.output).map_or_else(|_| s.output.clone(), |v| pretty(&v)),
        at: show::instant(zone, s.at),
    }
}

fn line(l: &inspect::LogLine, zone: &TimeZone) -> LogLine {
    LogLine {
        at: show::second(zone, l.at),
        level: "info",
        text: l.line.clone(),
    }
}

/// Pages of what the payload and the result name by id.
fn touched(story: &JobStory) -> Vec<LinkTo> {
    let named = |key: &str| {
        story.payload[key]
            .as_str()
            .or_else(|| story.output.as_ref().and_then(|o| o[key].as_str()))
            .map(str::to_owned)
    };
    let import = named("import_id").map(|id| LinkTo::new("The import", &format!("/imports/{id}")));
    let backup = named("backup_id").map(|_| LinkTo::new("The backups", "/backups"));
    import.into_iter().chain(backup).collect()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
