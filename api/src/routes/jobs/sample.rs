//! Sample values of the worker's pages, for tests and the style gallery.

use super::{
    Attempt, FailureGroup, JobFact, JobPage, JobRow, JobsPage, KindRow, LogLine, Moment,
    RunningJob, ScheduleRow, Step, WorkerLine,
};
use crate::routes::page::{
    Badge, Chart, Choice, Frame, LinkTo, Paging, Progress, Series, Tile, When,
};

fn at(text: &str) -> When {
    When::new("2025-03-04T08:12:00Z", text)
}

fn job(id: &str, kind: &str, state: Badge, attempt: &str, took: &str, note: &str) -> JobRow {
    JobRow {
        href: "/jobs/sample".to_owned(),
        id: id.to_owned(),
        kind: kind.to_owned(),
        state,
        attempt: attempt.to_owned(),
        created: at("2 min ago"),
        took: took.to_owned(),
        note: note.to_owned(),
    }
}

fn kind(
    name: &str,
    waiting: &str,
    running: &str,
    done: &str,
    discarded: &str,
    paused: bool,
) -> KindRow {
    KindRow {
        kind: name.to_owned(),
        waiting: waiting.to_owned(),
        running: running.to_owned(),
        done: done.to_owned(),
        discarded: discarded.to_owned(),
        paused,
    }
}

fn schedule(name: &str, expression: &str, words: &str, enabled: bool) -> ScheduleRow {
    ScheduleRow {
        name: name.to_owned(),
        expression: expression.to_owned(),
        words: words.to_owned(),
        zone: "Europe/Berlin".to_owned(),
        policies: vec![
            Choice::new("skip", "Skip missed runs", false),
            Choice::new("once", "Catch up once", true),
            Choice::new("all", "Run every missed one", false),
        ],
        policy: "catches up once".to_owned(),
        last: Some(at("6 h ago")),
        next: enabled.then(|| at("in 17 h")),
        enabled,
        error: None,
    }
}

/// The charts of a day, from invented figures.
pub fn charts() -> Vec<Chart> {
    let labels: Vec<String> = (0..24).map(|h| format!("{h:02}:00")).collect();
    let values = |f: fn(u64) -> u64| (0..24_u64).map(f).collect::<Vec<_>>();
    vec![
        Chart::curves(
            "latency",
            "Pick-up latency",
            &|ms| format!("{ms} ms"),
            &labels,
            &[
                Series {
                    name: "median".to_owned(),
                    tone: "info",
                    values: values(|h| 2 + (h * 7) % 5),
                },
                Series {
                    name: "99th percentile".to_owned(),
                    tone: "muted",
                    values: values(|h| 6 + (h * 5) % 12),
                },
            ],
        ),
        Chart::stacked(
            "outcomes",
            "Outcomes by hour",
            &|n| n.to_string(),
            &labels,
            &[
                Series {
                    name: "done".to_owned(),
                    tone: "ok",
                    values: values(|h| 8 + (h * 11) % 37),
                },
                Series {
                    name: "retried".to_owned(),
                    tone: "warn",
                    values: values(|h| if h % 5 == 0 { 4 } else { 0 }),
                },
                Series {
                    name: "discarded".to_owned(),
                    tone: "bad",
                    values: values(|h| if h == 13 { 6 } else { 0 }),
                },
            ],
        ),
    ]
}

impl JobsPage {
    /// A worker on an ordinary day.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "a plain list of sample values")]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Worker", "/jobs"),
            is_admin: true,
            live_href: "/jobs".to_owned(),
            events_href: "/jobs/events".to_owned(),
            tiles: vec![
                Tile::new("Scheduled", "4", "next in 12 min", "").to("/jobs?state=scheduled"),
                Tile::new("Available", "2", "oldest 40 ms", "").to("/jobs?state=available"),
                Tile::new("Running", "2", "of 10 slots", "info").to("/jobs?state=running"),
                Tile::new("Done, 24 h", "1,204", "", "").to("/jobs?state=done"),
                Tile::new("Discarded", "6", "need a look", "bad").to("/jobs?state=discarded"),
                Tile::new("Cancelled", "1", "", "").to("/jobs?state=cancelled"),
            ],
            oldest_waiting: "40 ms".to_owned(),
            workers: vec![WorkerLine {
                name: "box-1".to_owned(),
                detail: "version 0.1.0 · pid 412 · up 3 h".to_owned(),
                slots: "2 of 10 slots busy".to_owned(),
                heartbeat: at("2 s ago"),
                state: Badge::new("Alive", "ok"),
            }],
            running: vec![
                RunningJob {
                    href: "/jobs/sample".to_owned(),
                    kind: "apply_import".to_owned(),
                    started: at("8 s ago"),
                    detail: "attempt 1 · box-1".to_owned(),
                    progress: Progress {
                        done: 240,
                        total: Some(400),
                        text: "240 of 400 rows".to_owned(),
                    },
                },
                RunningJob {
                    href: "/jobs/sample".to_owned(),
                    kind: "take_backup".to_owned(),
                    started: at("1 s ago"),
                    detail: "attempt 1 · box-1".to_owned(),
                    progress: Progress {
                        done: 0,
                        total: None,
                        text: "copying the database".to_owned(),
                    },
                },
            ],
            charts: charts(),
            failures: vec![FailureGroup {
                kind: "send_digest".to_owned(),
                message: "the mail server refused the connection".to_owned(),
                count: "6".to_owned(),
                last: at("41 min ago"),
                href: "/jobs?state=discarded&kind=send_digest".to_owned(),
                key: "send_digest:1f3a".to_owned(),
            }],
            schedules: vec![
                schedule("nightly_backup", "0 2 * * *", "every day at 02:00", true),
                schedule("weekly_drill", "30 3 * * 0", "Sundays at 03:30", true),
                schedule("daily_digest", "0 8 * * 1-5", "weekdays at 08:00", false),
            ],
            kinds: vec![
                kind("sync_relational", "1", "0", "1,102", "0", false),
                kind("apply_import", "0", "1", "3", "0", false),
                kind("take_backup", "0", "1", "2", "0", false),
                kind("send_digest", "1", "0", "0", "6", true),
            ],
            states: vec![
                Choice::new("", "Any state", true),
                Choice::new("running", "Running", false),
                Choice::new("discarded", "Discarded", false),
            ],
            kind_filter: vec![
                Choice::new("", "Any kind", true),
                Choice::new("take_backup", "take_backup", false),
            ],
            jobs: vec![
                job(
                    "01f2…4b70",
                    "sync_relational",
                    Badge::new("Done", "ok"),
                    "1 of 5",
                    "12 ms",
                    "",
                ),
                job(
                    "01f2…4b6e",
                    "apply_import",
                    Badge::new("Running", "info"),
                    "1 of 3",
                    "",
                    "240 of 400 rows",
                ),
                job(
                    "01f2…4b60",
                    "send_digest",
                    Badge::new("Discarded", "bad"),
                    "5 of 5",
                    "30 s",
                    "the mail server refused the connection",
                ),
                job(
                    "01f2…4b5a",
                    "sync_relational",
                    Badge::new("Scheduled", "muted"),
                    "2 of 5",
                    "",
                    "retry in 40 s: the database was busy",
                ),
                job(
                    "01f2…4b58",
                    "take_backup",
                    Badge::new("Cancelled", "warn"),
                    "1 of 3",
                    "2 s",
                    "cancelled by Robin Sample",
                ),
            ],
            paging: Paging::sample("1,219 jobs"),
        }
    }

    /// A worker that has not started and has nothing to do.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            workers: Vec::new(),
            running: Vec::new(),
            failures: Vec::new(),
            jobs: Vec::new(),
            paging: Paging::default(),
            ..Self::sample()
        }
    }
}

impl JobPage {
    /// An import that failed once and is running again.
    #[must_use]
    pub fn sample() -> Self {
        let fact = |label: &str, value: &str| JobFact {
            label: label.to_owned(),
            value: value.to_owned(),
        };
        let moment = |what: &str, text: &str, tone| Moment {
            what: what.to_owned(),
            at: at(text),
            tone,
        };
        let line = |text: &str, level, message: &str| LogLine {
            at: When::new("2025-03-04T08:12:00Z", text),
            level,
            text: message.to_owned(),
        };
        Self {
            frame: Frame::sample("apply_import", "/jobs"),
            is_admin: true,
            id: "0190f2a4-7d1c-7b3e-9a55-2f6c1e8d4b70".to_owned(),
            kind: "apply_import".to_owned(),
            state: Badge::new("Running", "info"),
            sentence: "Attempt 2 of 3 is running on box-1.".to_owned(),
            facts: vec![
                fact("Priority", "0 (normal)"),
                fact("Queue", "default"),
                fact("Concurrency key", "import"),
                fact("Unique key", "import:sample"),
                fact("Enqueued by", "Robin Sample"),
            ],
            timeline: vec![
                moment("Enqueued by Robin Sample", "08:11:02", "info"),
                moment("Attempt 1 started", "08:11:02", "info"),
                moment("Attempt 1 failed", "08:11:31", "bad"),
                moment("Attempt 2 started", "08:11:52", "info"),
            ],
            payload:
                "{\n  \"import\": \"sample\",\n  \"requested_by\": \"u1\",\n  \"token\": \"•••\"\n}"
                    .to_owned(),
            progress: Some(Progress {
                done: 240,
                total: Some(400),
                text: "240 of 400 rows".to_owned(),
            }),
            attempts: vec![
                Attempt {
                    number: 2,
                    outcome: Badge::new("Running", "info"),
                    started: at("8 s ago"),
                    took: String::new(),
                    worker: "box-1".to_owned(),
                    error: String::new(),
                },
                Attempt {
                    number: 1,
                    outcome: Badge::new("Failed", "bad"),
                    started: at("58 s ago"),
                    took: "29 s".to_owned(),
                    worker: "box-1".to_owned(),
                    error: "could not read part 3 of the upload: the disk answered with an error"
                        .to_owned(),
                },
            ],
            steps: vec![Step {
                name: "read_file".to_owned(),
                output: "{\"rows\": 400, \"columns\": 18}".to_owned(),
                at: at("57 s ago"),
            }],
            log: vec![
                line("08:11:02", "info", "reading prospects-spring.csv"),
                line(
                    "08:11:31",
                    "error",
                    "attempt 1 failed: could not read part 3 of the upload",
                ),
                line("08:11:52", "warn", "continuing at step apply_rows"),
                line("08:11:58", "info", "240 of 400 rows applied"),
            ],
            touched: vec![
                LinkTo::new("Import prospects-spring.csv", "/imports/sample"),
                LinkTo::new("Change set 1,284", "/activity"),
            ],
            parent: None,
            children: vec![job(
                "01f2…4b70",
                "sync_relational",
                Badge::new("Available", "muted"),
                "0 of 5",
                "",
                "",
            )],
            can_retry: true,
            can_cancel: true,
            can_replay: true,
            live_href: "/jobs/sample".to_owned(),
            events_href: "/jobs/sample/events".to_owned(),
        }
    }
}
