//! The worker's dashboard and the story of one job.

use askama::Template;

use crate::routes::page::{Badge, Chart, Choice, Frame, LinkTo, Paging, Progress, Tile, When};

/// What the worker does, did and will do.
#[derive(Debug, Template)]
#[template(path = "pages/jobs.html")]
pub struct JobsPage {
    /// The frame.
    pub frame: Frame,
    /// Whether buttons that change things are shown.
    pub is_admin: bool,
    /// Address of this page for live refresh.
    pub live_href: String,
    /// Address of the event stream.
    pub events_href: String,
    /// Counts by state.
    pub tiles: Vec<Tile>,
    /// Age of the oldest job that waits though due; empty for none.
    pub oldest_waiting: String,
    /// Workers with their heartbeat.
    pub workers: Vec<WorkerLine>,
    /// Jobs running now.
    pub running: Vec<RunningJob>,
    /// Pick-up latency and outcomes by hour.
    pub charts: Vec<Chart>,
    /// Failures by kind and message.
    pub failures: Vec<FailureGroup>,
    /// What recurs.
    pub schedules: Vec<ScheduleRow>,
    /// Kinds of jobs.
    pub kinds: Vec<KindRow>,
    /// The state filter.
    pub states: Vec<Choice>,
    /// The kind filter.
    pub kind_filter: Vec<Choice>,
    /// Jobs that match the filters, newest first.
    pub jobs: Vec<JobRow>,
    /// Where that list stands.
    pub paging: Paging,
}

/// One worker process.
#[derive(Debug, Clone, Default)]
pub struct WorkerLine {
    /// Its name.
    pub name: String,
    /// Such as `"version 0.1.0 · pid 412 · up 3 h"`.
    pub detail: String,
    /// Such as `"3 of 10 slots busy"`.
    pub slots: String,
    /// Its last heartbeat.
    pub heartbeat: When,
    /// Alive, late or gone.
    pub state: Badge,
}

/// A job running now.
#[derive(Debug, Clone, Default)]
pub struct RunningJob {
    /// Its page.
    pub href: String,
    /// Its kind, in words.
    pub kind: String,
    /// When this attempt started.
    pub started: When,
    /// Such as `"attempt 1 · on box-1"`.
    pub detail: String,
    /// How far it is.
    pub progress: Progress,
}

/// Failed jobs that failed alike.
#[derive(Debug, Clone, Default)]
pub struct FailureGroup {
    /// Their kind.
    pub kind: String,
    /// Their error.
    pub message: String,
    /// How many.
    pub count: String,
    /// When the last one failed.
    pub last: When,
    /// The jobs as a list.
    pub href: String,
    /// Posted as `group` to retry or discard them all.
    pub key: String,
}

/// Something that recurs.
#[derive(Debug, Clone, Default)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// Cron expression.
    pub expression: String,
    /// The expression in words.
    pub words: String,
    /// IANA zone.
    pub zone: String,
    /// Policies for missed runs, one selected.
    pub policies: Vec<Choice>,
    /// The policy in words.
    pub policy: String,
    /// Last run.
    pub last: Option<When>,
    /// Next run; none while it is off.
    pub next: Option<When>,
    /// Whether it is on.
    pub enabled: bool,
    /// What is wrong with an edit.
    pub error: Option<String>,
}

/// One kind of job.
#[derive(Debug, Clone, Default)]
pub struct KindRow {
    /// Its name.
    pub kind: String,
    /// Jobs waiting.
    pub waiting: String,
    /// Jobs running.
    pub running: String,
    /// Jobs done in the last day.
    pub done: String,
    /// Jobs discarded.
    pub discarded: String,
    /// Whether it is paused.
    pub paused: bool,
}

/// A job in a list.
#[derive(Debug, Clone, Default)]
pub struct JobRow {
    /// Its page.
    pub href: String,
    /// Its id, shortened.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its state.
    pub state: Badge,
    /// Such as `"1 of 5"`.
    pub attempt: String,
    /// When it was enqueued.
    pub created: When,
    /// How long it took; empty while it has not finished.
    pub took: String,
    /// Error or progress in one line; may be empty.
    pub note: String,
}

/// The whole story of one job.
#[derive(Debug, Template)]
#[template(path = "pages/job.html")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one switch for each button, independent of each other"
)]
pub struct JobPage {
    /// The frame.
    pub frame: Frame,
    /// Whether buttons that change things are shown.
    pub is_admin: bool,
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its state.
    pub state: Badge,
    /// One sentence on where it stands.
    pub sentence: String,
    /// Priority, attempt, keys and the like.
    pub facts: Vec<JobFact>,
    /// What happened when.
    pub timeline: Vec<Moment>,
    /// Payload as indented JSON with secrets masked.
    pub payload: String,
    /// How far it is, while it runs.
    pub progress: Option<Progress>,
    /// Attempts with their errors.
    pub attempts: Vec<Attempt>,
    /// Steps with their stored results.
    pub steps: Vec<Step>,
    /// Its log.
    pub log: Vec<LogLine>,
    /// What it touched.
    pub touched: Vec<LinkTo>,
    /// The job that enqueued it.
    pub parent: Option<LinkTo>,
    /// Jobs it enqueued.
    pub children: Vec<JobRow>,
    /// Whether it can run again.
    pub can_retry: bool,
    /// Whether it can be cancelled.
    pub can_cancel: bool,
    /// Whether a copy can be enqueued.
    pub can_replay: bool,
    /// Address of this page for live refresh; empty once final.
    pub live_href: String,
    /// Address of its event stream.
    pub events_href: String,
}

/// Something known about a job.
#[derive(Debug, Clone, Default)]
pub struct JobFact {
    /// What.
    pub label: String,
    /// How it is.
    pub value: String,
}

/// A moment in a job's life.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// What happened.
    pub what: String,
    /// When.
    pub at: When,
    /// Its tone.
    pub tone: &'static str,
}

/// One attempt.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    /// Its number.
    pub number: i64,
    /// How it ended.
    pub outcome: Badge,
    /// When it started.
    pub started: When,
    /// How long it took.
    pub took: String,
    /// Which worker ran it.
    pub worker: String,
    /// Its error; may be empty.
    pub error: String,
}

/// One durable step.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Its stored result as JSON.
    pub output: String,
    /// When it finished.
    pub at: When,
}

/// One line of a job's log.
#[derive(Debug, Clone, Default)]
pub struct LogLine {
    /// When.
    pub at: When,
    /// `info`, `warn`, `error` or `debug`.
    pub level: &'static str,
    /// The message.
    pub text: String,
}

#[cfg(any(test, debug_assertions))]
#[path = "sample.rs"]
mod sample;
