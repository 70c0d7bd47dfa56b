//! Building the page.

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    clock::{HOUR, MINUTE},
    export::archive::{self, Archive},
    grid::{LISTS, view},
    queue::inspect::{self, JobFilter},
};
use serde::Deserialize;

use super::page::{ArchiveRow, ExportPage, RunningArchive};
use crate::{
    error::AppError,
    extract::Query,
    frame::{frame, html},
    routes::{
        grid::values::list_label,
        jobs::progress,
        page::{Choice, When},
    },
    session::SignedIn,
    show,
    state::App,
};

/// What is chosen beforehand: links lead here from a view.
#[derive(Debug, Default, Deserialize)]
pub struct PageQuery {
    #[serde(default)]
    view: String,
    #[serde(default)]
    list: String,
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<PageQuery>,
) -> Result<Response, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let views = view::list(&mut conn, &who.user.id).await?;
    drop(conn);
    let is_admin = who.user.is_admin();
    let (running, problem) = if is_admin {
        state_of_job(&app).await?
    } else {
        (None, None)
    };
    let views: Vec<Choice> = views
        .iter()
        .map(|v| Choice::new(&v.id, &v.name, v.id == query.view))
        .chain([Choice::new("", "No view: all investors", false)])
        .collect();
    let lists = LISTS
        .iter()
        .map(|list| Choice::new(list, list_label(list), **list == *query.list));
    let anywhere = Choice::new("", "As in the view", query.list.is_empty());
    Ok(html(&ExportPage {
        views,
        lists: std::iter::once(anywhere).chain(lists).collect(),
        is_admin,
        running,
        problem,
        archives: if is_admin {
            archives(&app).await?
        } else {
            Vec::new()
        },
        live_href: "/export".to_owned(),
        events_href: "/events?topics=jobs".to_owned(),
        frame: frame(&app, &who, "Export").await,
    }))
}

/// What the job that was asked for last is doing, or why it ended badly.
async fn state_of_job(app: &App) -> Result<(Option<RunningArchive>, Option<String>), AppError> {
    let filter = JobFilter {
        state: None,
        kind: Some("make_archive".into()),
        limit: Some(1),
        before: None,
    };
    let jobs = inspect::list(app.db.read(), &filter).await?;
    let Some(job) = jobs.first() else {
        return Ok((None, None));
    };
    Ok(match job.state.as_str() {
        "done" | "cancelled" => (None, None),
        "discarded" => {
            let why = job.last_error.clone();
            (None, Some(why.unwrap_or_else(|| "it failed".to_owned())))
        }
        _ => {
            let running = RunningArchive {
                progress: progress(job),
                href: format!("/jobs/{}", job.id),
            };
            (Some(running), None)
        }
    })
}

async fn archives(app: &App) -> Result<Vec<ArchiveRow>, AppError> {
    let names = users::names(&app.db).await?;
    let found = archive::list(&app.db).await.map_err(AppError::internal)?;
    Ok(found
        .iter()
        .map(|a| ArchiveRow {
            by: show::actor(&a.created_by, &names),
            ..row(app.db.now(), a)
        })
        .collect())
}

fn row(now: i64, archive: &Archive) -> ArchiveRow {
    let many = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let lost = many(archive.missing_files.len());
    ArchiveRow {
        id: archive.id.clone(),
        file: archive.file.clone(),
        href: format!("/api/fundraising/archives/{}/file", archive.id),
        contents: format!(
            "{} · {}",
            show::count(many(archive.investors), "investor", "investors"),
            show::count(many(archive.files), "file", "files")
        ),
        warning: if lost == 0 {
            String::new()
        } else {
            format!(
                "{} had lost their bytes; README.txt names them.",
                show::count(lost, "file", "files")
            )
        },
        size: show::bytes(i64::try_from(archive.size_bytes).unwrap_or(i64::MAX)),
        sha256: archive.sha256.clone(),
        sha256_short: archive.sha256.chars().take(8).collect(),
        made: show::ago(now, archive.created_at),
        by: String::new(),
        goes: goes(now, archive.expires_at),
    }
}

fn goes(now: i64, at: i64) -> When {
    let left = at - now;
    let text = if left >= HOUR {
        format!("in {} h", left / HOUR)
    } else {
        format!("in {} min", (left / MINUTE).max(1))
    };
    When {
        iso: show::iso(at),
        text,
    }
}
