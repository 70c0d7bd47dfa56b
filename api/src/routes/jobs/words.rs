//! How the queue reads on pages.

use crm_jobs::queue::inspect;

use super::page::JobRow;
use crate::{
    routes::page::{Badge, Progress},
    show,
};

/// A state with its tone.
pub fn state(job: &inspect::JobRow) -> Badge {
    match job.state.as_str() {
        "done" => Badge::new("Done", "ok"),
        "running" if job.cancel_requested_at.is_some() => Badge::new("Stopping", "warn"),
        "running" => Badge::new("Running", "info"),
        "available" => Badge::new("Waiting", "info"),
        "scheduled" if job.last_error.is_some() => Badge::new("Retrying", "warn"),
        "scheduled" => Badge::new("Scheduled", "muted"),
        "discarded" => Badge::new("Discarded", "bad"),
        _ => Badge::new("Cancelled", "muted"),
    }
}

/// A job in a list.
pub fn row(now: i64, job: &inspect::JobRow) -> JobRow {
    JobRow {
        href: format!("/jobs/{}", job.id),
        id: job.id.to_string(),
        kind: job.kind.clone(),
        state: state(job),
        attempt: format!("{} of {}", job.attempt, job.max_attempts),
        created: show::ago(now, job.created_at),
        took: took(job).unwrap_or_default(),
        note: note(job),
    }
}

fn note(job: &inspect::JobRow) -> String {
    let text = if job.state == "running" {
        job.progress_message.as_deref()
    } else {
        job.last_error.as_deref()
    };
    text.unwrap_or_default().to_owned()
}

/// How long the last attempt took.
pub fn took(job: &inspect::JobRow) -> Option<String> {
    Some(duration(job.finished_at? - job.started_at?))
}

/// Milliseconds as people say them.
pub fn duration(ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..1_000 => format!("{ms} ms"),
        ms @ 1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        ms @ 60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        ms => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// How far a job is.
pub fn progress(job: &inspect::JobRow) -> Progress {
    let units = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
    let message = job
        .progress_message
        .clone()
        .unwrap_or_else(|| "working".to_owned());
    let (done, total) = (
        units(job.progress_done).unwrap_or(0),
        units(job.progress_total),
    );
    Progress {
        done,
        total: total.filter(|t| *t > 0),
        text: match total {
            Some(total) => format!("{message} · {done} of {total}"),
            None => message,
        },
    }
}
