//! How far a restore is: a page and JSON for everybody, because all sessions end
//! on the way. They name nobody and nothing of the data.

use askama::Template;
use axum::{extract::State, response::Response};
use crm_jobs::{
    db::DataDir,
    restore::{self, Phase},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    extract::Json,
    frame::{bare, html},
    request::RequestInfo,
    routes::page::Frame,
    state::App,
};

/// How far a restore is.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Progress {
    /// `none`, `asked`, `securing`, `maintenance`, `swapping`, `swapped`, `finished` or `failed`.
    pub phase: &'static str,
    /// Steps done.
    pub done: u8,
    /// Steps in all.
    pub steps: u8,
    /// When it was asked for, UTC milliseconds.
    pub asked_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// How long nobody could work, milliseconds.
    pub downtime_ms: Option<i64>,
}

const STEPS: [&str; 5] = [
    "The backup is checked and brought to this release",
    "The present database is backed up and that backup read back",
    "Everybody closes the database",
    "The present database moves aside, the backup takes its place",
    "Sessions end, waiting jobs are cancelled, mail is held",
];

impl Progress {
    /// As it is now.
    pub fn now(dir: &DataDir) -> Self {
        let Ok(Some(status)) = restore::status(dir) else {
            return Self {
                phase: "none",
                steps: 5,
                ..Self::default()
            };
        };
        let (phase, done) = match status.phase {
            Phase::Asked => ("asked", 1),
            Phase::Securing => ("securing", 1),
            Phase::Maintenance => ("maintenance", 2),
            Phase::Swapping => ("swapping", 3),
            Phase::Swapped => ("swapped", 4),
            Phase::Finished => ("finished", 5),
            Phase::Failed => ("failed", 0),
        };
        Self {
            phase,
            done,
            steps: 5,
            asked_at: Some(status.asked_at),
            finished_at: status.finished_at,
            downtime_ms: status.downtime_ms(),
        }
    }
}

/// The page that stays through a restore.
#[derive(Debug, Template)]
#[template(path = "pages/restore_progress.html")]
pub struct ProgressPage {
    /// The frame.
    pub frame: Frame,
    /// What is going on, in a few words.
    pub title: String,
    /// And in a sentence.
    pub sentence: String,
    /// Whether the page asks again by itself.
    pub goes_on: bool,
    /// Where to go when it is over: words and address.
    pub way_out: Option<(&'static str, &'static str)>,
    /// The steps, and `done`, `now` or `later`.
    pub steps: Vec<(&'static str, &'static str)>,
    /// Steps done.
    pub done: u8,
}

/// The page of a state.
pub fn page(frame: Frame, progress: &Progress) -> ProgressPage {
    let (title, sentence, way_out) = match progress.phase {
        "none" => (
            "Nothing is being restored".to_owned(),
            "All is as it was.".to_owned(),
            Some(("Go to the home page", "/")),
        ),
        "finished" => (
            "The backup is in its place".to_owned(),
            format!(
                "Everybody was signed out, so please sign in again. Nobody could work for {}.",
                seconds(progress.downtime_ms.unwrap_or(0))
            ),
            Some(("Sign in again", "/login")),
        ),
        "failed" => (
            "Nothing was restored".to_owned(),
            "The database is as it was, and nothing is lost. An admin sees the reason on the backups page.".to_owned(),
            Some(("Go to the backups", "/backups")),
        ),
        _ => (
            "Restoring a backup".to_owned(),
            "This takes a moment. The page follows along by itself, and ends at signing in again.".to_owned(),
            None,
        ),
    };
    let steps = STEPS
        .iter()
        .enumerate()
        .map(|(n, label)| {
            let state = match usize::from(progress.done) {
                done if n < done => "done",
                done if n == done => "now",
                _ => "later",
            };
            (*label, state)
        })
        .collect();
    ProgressPage {
        frame: Frame {
            title: title.clone(),
            ..frame
        },
        title,
        sentence,
        goes_on: way_out.is_none(),
        way_out,
        steps: if matches!(progress.phase, "none" | "failed") {
            Vec::new()
        } else {
            steps
        },
        done: progress.done,
    }
}

fn seconds(ms: i64) -> String {
    match ms {
        ..1_000 => "less than a second".to_owned(),
        _ => format!("{}.{} seconds", ms / 1_000, ms % 1_000 / 100),
    }
}

pub(super) async fn show(State(app): State<App>, info: RequestInfo) -> Response {
    let frame = bare(&app, &info, "").await;
    html(&page(frame, &Progress::now(app.db.dir())))
}

pub(super) async fn json(State(app): State<App>) -> Json<Progress> {
    Json(Progress::now(app.db.dir()))
}

#[cfg(any(test, debug_assertions))]
impl ProgressPage {
    /// In the middle of it.
    #[must_use]
    pub fn sample() -> Self {
        page(
            Frame::sample_signed_out("", "/restore"),
            &Progress {
                phase: "maintenance",
                done: 2,
                steps: 5,
                ..Progress::default()
            },
        )
    }

    /// At its end.
    #[must_use]
    pub fn sample_finished() -> Self {
        page(
            Frame::sample_signed_out("", "/restore"),
            &Progress {
                phase: "finished",
                done: 5,
                steps: 5,
                downtime_ms: Some(2_300),
                ..Progress::default()
            },
        )
    }

    /// When nothing came of it.
    #[must_use]
    pub fn sample_failed() -> Self {
        page(
            Frame::sample_signed_out("", "/restore"),
            &Progress {
                phase: "failed",
                steps: 5,
                ..Progress::default()
            },
        )
    }
}
