//! The page of all backups: which are proven, what runs, what happens by itself.

use axum::{extract::State, response::Response};
use crm_jobs::{
    backup::{self, Backup, Drill, Manifest, Policy, drill::Compared},
    queue::inspect::{self, JobFilter},
    restore, settings,
};
use jiff::tz::TimeZone;

use super::{
    BackupsQuery, PER_PAGE,
    page::{BackupRow, BackupsPage, DrillRow, RestoredRow, RunningBackup},
};
use crate::{
    error::AppError,
    extract::Query,
    frame::{frame, html},
    routes::{
        jobs::progress,
        page::{Badge, Paging, Tile},
    },
    session::SignedIn,
    show,
    state::App,
};

/// Drills and restores shown.
const FEW: i64 = 5;

pub(super) async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<BackupsQuery>,
) -> Result<Response, AppError> {
    let zone_name = settings::fund_zone(&app.db).await?;
    let zone = show::zone(&zone_name);
    let policy = backup::policy(&app.db).await?;
    let backups = backup::list(app.db.read(), query.before, PER_PAGE).await?;
    let newest = backup::newest_verified(app.db.read()).await?.map(|b| b.id);
    let directory = app.db.dir().backups().display().to_string();
    let file = backups
        .first()
        .map_or("crm-….db.zst", |b| b.file_name.as_str())
        .to_owned();
    let failed = restore::status(app.db.dir())
        .ok()
        .flatten()
        .filter(|s| s.phase == restore::Phase::Failed)
        .and_then(|s| s.error);
    Ok(html(&BackupsPage {
        tiles: tiles(&app, &backups).await?,
        alarms: backup::health(&app.db).await?.alarms,
        failed_restore: failed,
        mail_held: settings::get(&app.db, backup::MAIL_HELD).await? == Some(true),
        running: running(&app).await?,
        paging: paging(&backups, query.before),
        backups: backups
            .iter()
            .map(|b| row(&app, b, &backups, &zone, &policy, newest.as_deref()))
            .collect(),
        drills: backup::drill::list(app.db.read(), FEW)
            .await?
            .iter()
            .map(|d| drill_row(app.db.now(), d))
            .collect(),
        restores: restores(&app).await?,
        policy: words(&policy, &zone_name),
        check_commands: check_commands(&file),
        directory,
        live_href: "/backups".to_owned(),
        events_href: "/events?topics=backups".to_owned(),
        frame: frame(&app, &who, "Backups").await,
    }))
}

fn check_commands(file: &str) -> String {
    match file.strip_suffix(".age") {
        Some(packed) => format!(
            "sha256sum -c {file}.sha256\nage -d -i key.txt -o {packed} {file}\nzstd -d {packed} -o copy.db\nsqlite3 copy.db 'pragma integrity_check'"
        ),
        None => format!(
            "sha256sum -c {file}.sha256\nzstd -d {file} -o copy.db\nsqlite3 copy.db 'pragma integrity_check'"
        ),
    }
}

fn words(policy: &Policy, fund_zone: &str) -> Vec<String> {
    let zone = policy.zone.as_deref().unwrap_or(fund_zone);
    vec![
        format!(
            "Every night at {} ({zone}), and whenever somebody asks.",
            policy.time
        ),
        format!(
            "Kept: the newest of each of {} days, {} weeks and {} months. The newest verified one is never removed, and nothing is removed while any backup fails.",
            policy.daily, policy.weekly, policy.monthly
        ),
        format!(
            "Every {} the newest is restored into a scratch folder, opened and compared.",
            policy.drill_day.name()
        ),
        match &policy.recipient {
            None => "Not encrypted: whoever has a file can read it.".to_owned(),
            Some(_) => "Encrypted to your key.".to_owned(),
        },
        match &policy.second_directory {
            None => "No second directory: a backup on the same disk goes with the disk.".to_owned(),
            Some(second) => format!("Each is copied to {second}."),
        },
    ]
}

async fn tiles(app: &App, backups: &[Backup]) -> Result<Vec<Tile>, AppError> {
    let now = app.db.now();
    let health = backup::health(&app.db).await?;
    let policy = backup::policy(&app.db).await?;
    let hour = crm_jobs::clock::HOUR;
    let last = match health.last_verified_at {
        None => Tile::new("Last verified", "never", "take the first one now", "bad"),
        Some(at) => {
            let is_old = now - at > i64::from(policy.alarm_hours) * hour;
            let tone = if is_old { "bad" } else { "ok" };
            Tile::new("Last verified", &show::ago(now, at).text, "", tone)
        }
    };
    let proven = match health.last_proven_at {
        None => Tile::new("Last proven restore", "never", "run a drill", "warn"),
        Some(at) => {
            let is_old = now - at > i64::from(policy.drill_alarm_days) * 24 * hour;
            let tone = if is_old { "bad" } else { "ok" };
            Tile::new("Last proven restore", &show::ago(now, at).text, "", tone)
        }
    };
    let space: i64 = backups.iter().map(|b| b.size_bytes).sum();
    Ok(vec![
        last,
        proven,
        Tile::new(
            "Kept",
            &show::number(i64::try_from(backups.len()).unwrap_or(0)),
            "",
            "",
        ),
        Tile::new("Space", &show::bytes(space), "compressed", ""),
    ])
}

async fn running(app: &App) -> Result<Option<RunningBackup>, AppError> {
    for (kind, label) in [
        ("take_backup", "Taking a backup"),
        ("verify_backup", "Reading a backup back"),
        ("drill_backup", "Drilling a restore"),
    ] {
        for state in ["running", "available"] {
            let filter = JobFilter {
                state: Some(state.into()),
                kind: Some(kind.into()),
                limit: Some(1),
                before: None,
            };
            if let Some(job) = inspect::list(app.db.read(), &filter).await?.first() {
                return Ok(Some(RunningBackup {
                    label: label.to_owned(),
                    progress: progress(job),
                    href: format!("/jobs/{}", job.id),
                }));
            }
        }
    }
    Ok(None)
}

/// Why it was taken, as people read it.
pub(super) fn kind(stored: &str) -> &'static str {
    match stored {
        "nightly" => "Nightly",
        "before_restore" => "Before a restore",
        "before_upgrade" => "Before an upgrade",
        _ => "By hand",
    }
}

fn row(
    app: &App,
    b: &Backup,
    all: &[Backup],
    zone: &TimeZone,
    policy: &Policy,
    newest: Option<&str>,
) -> BackupRow {
    let now = app.db.now();
    let missing = !app.db.dir().backups().join(&b.file_name).exists();
    let state = match b.state.as_str() {
        _ if missing => Badge::new("File is missing", "bad"),
        "verified" => Badge::new("Verified", "ok"),
        _ => Badge::new("Damaged", "bad"),
    };
    let contents = serde_json::from_str::<Manifest>(&b.manifest).map_or_else(
        |_| String::new(),
        |m| {
            format!(
                "{} tables · {} rows",
                m.facts.tables.len(),
                show::number(m.facts.rows())
            )
        },
    );
    let tier = backup::keep(all, zone, policy)
        .into_iter()
        .find(|(k, _)| k.id == b.id)
        .map_or("", |(_, tier)| tier);
    BackupRow {
        id: b.id.clone(),
        created: show::ago(now, b.created_at),
        kind: kind(&b.kind).to_owned(),
        file: b.file_name.clone(),
        size: show::bytes(b.size_bytes),
        sha256: b.sha256.clone(),
        sha256_short: b.sha256.chars().take(8).collect(),
        verified: b.verified_at.map(|at| show::ago(now, at)),
        can_restore: b.state == "verified" && !missing,
        can_delete: newest != Some(b.id.as_str()),
        second: match b.second_state.as_deref() {
            Some("copied") => Some(Badge::new("Copied", "ok")),
            Some(_) => Some(Badge::new("Copy failed", "bad")),
            None => None,
        },
        second_error: b.second_error.clone().unwrap_or_default(),
        state,
        error: b.error.clone().unwrap_or_default(),
        encrypted: b.recipient.is_some(),
        contents,
        tier: tier.to_owned(),
    }
}

fn drill_row(now: i64, d: &Drill) -> DrillRow {
    let compared: Vec<Compared> = serde_json::from_str(&d.compared).unwrap_or_default();
    let equal = compared.iter().filter(|c| c.ok).count();
    DrillRow {
        when: show::ago(now, d.finished_at),
        state: if d.state == "passed" {
            Badge::new("Passed", "ok")
        } else {
            Badge::new("Failed", "bad")
        },
        summary: format!("{equal} of {} comparisons equal", compared.len()),
        error: d.error.clone().unwrap_or_default(),
        took: format!("{} s", (d.finished_at - d.started_at + 999) / 1_000),
        lines: compared
            .into_iter()
            .map(|c| {
                if c.ok {
                    (format!("{}: {}", c.what, c.found), true)
                } else {
                    let says = format!("{}: {} expected, {} found", c.what, c.expected, c.found);
                    (says, false)
                }
            })
            .collect(),
    }
}

async fn restores(app: &App) -> Result<Vec<RestoredRow>, AppError> {
    let names = crm_jobs::accounts::users::names(&app.db).await?;
    let now = app.db.now();
    let past = restore::list(app.db.read(), FEW).await?;
    Ok(past
        .into_iter()
        .map(|r| RestoredRow {
            when: show::ago(now, r.at),
            file: r.file,
            by: show::actor(&r.by, &names),
            downtime: format!(
                "{}.{} s",
                r.downtime_ms / 1_000,
                r.downtime_ms % 1_000 / 100
            ),
        })
        .collect())
}

fn paging(backups: &[Backup], before: Option<i64>) -> Paging {
    let more = i64::try_from(backups.len()).unwrap_or(0) == PER_PAGE;
    Paging {
        page: 1 + u64::from(before.is_some()),
        pages: 1 + u64::from(before.is_some()) + u64::from(more),
        total: "newest first".to_owned(),
        prev: before.map(|_| "/backups".to_owned()),
        next: backups
            .last()
            .filter(|_| more)
            .map(|b| format!("/backups?before={}", b.created_at)),
    }
}
