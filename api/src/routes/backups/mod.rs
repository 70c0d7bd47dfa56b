//! Backups: take one, verify one, see which are proven.

use axum::{extract::State, response::Response};
use crm_jobs::{
    backup::{self, Backup, Manifest, TakeBackup, VerifyBackup},
    queue::{
        self, EnqueueOptions, Enqueued, Prepared,
        inspect::{self, JobFilter},
    },
    settings,
};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

use self::page::{BackupRow, BackupsPage, RunningBackup};
use crate::{
    access::Access,
    error::AppError,
    extract::{Json, Path, Query},
    flash::Done,
    frame::{frame, html},
    route::{Route, get, post},
    routes::{
        jobs::{Accepted, progress, record},
        page::{Badge, FlashKind, Paging, Tile},
    },
    session::SignedIn,
    show,
    state::App,
};

pub mod page;
pub mod progress;

const PER_PAGE: i64 = 50;
/// The last verified backup may be this old before the page says so.
const STALE_MS: i64 = 26 * crm_jobs::clock::HOUR;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/backups", Access::Admin, show_page),
        post("/backups", Access::Admin, take_form),
        post("/backups/{id}/verify", Access::Admin, verify_form),
        get("/restore", Access::Public, progress::show),
        get("/restore/progress", Access::Public, progress::json)
            .json("backups", "How far a restore is; also answered while the database is closed")
            .answers::<progress::Progress>(200),
        get("/api/fundraising/backups", Access::Admin, list)
            .json("backups", "Backups that exist, newest first")
            .query::<BackupsQuery>()
            .answers::<Vec<Backup>>(200),
        post("/api/fundraising/backup", Access::Admin, take)
            .json("backups", "Take a verified backup")
            .answers::<Accepted>(202),
        post(
            "/api/fundraising/backups/{id}/verify",
            Access::Admin,
            verify,
        )
        .json("backups", "Read a backup back from its stored bytes")
        .answers::<Accepted>(202)
        .problems(&[404]),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct BackupsQuery {
    /// Older than this time (UTC milliseconds): the next page.
    before: Option<i64>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<BackupsQuery>,
) -> Result<Json<Vec<Backup>>, AppError> {
    Ok(Json(
        backup::list(app.db.read(), query.before, PER_PAGE).await?,
    ))
}

async fn take(State(app): State<App>, who: SignedIn) -> Result<Accepted, AppError> {
    let job = Prepared::new(&TakeBackup::default())?;
    Ok(Accepted::of(
        enqueue(&app, &who, &job, "backup.asked").await?,
    ))
}

async fn take_form(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let job = Prepared::new(&TakeBackup::default())?;
    enqueue(&app, &who, &job, "backup.asked").await?;
    Ok(Done::to("/backups").saying(FlashKind::Ok, "A backup is being taken."))
}

async fn verify(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Accepted, AppError> {
    Ok(Accepted::of(ask_verify(&app, &who, &id).await?))
}

async fn verify_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    ask_verify(&app, &who, &id).await?;
    Ok(Done::to("/backups").saying(FlashKind::Ok, "The backup is being read back."))
}

async fn ask_verify(app: &App, who: &SignedIn, id: &str) -> Result<Enqueued, AppError> {
    let found = backup::find(app.db.read(), id).await?;
    let found = found.ok_or_else(|| AppError::not_found("There is no such backup."))?;
    let job = Prepared::new(&VerifyBackup {
        backup_id: found.id,
    })?;
    enqueue(app, who, &job, "backup.verification_asked").await
}

async fn enqueue(
    app: &App,
    who: &SignedIn,
    job: &Prepared,
    action: &str,
) -> Result<Enqueued, AppError> {
    let mut tx = app.db.write().await?;
    let options = EnqueueOptions {
        priority: Some(-10),
        ..EnqueueOptions::by(who.actor().to_string())
    };
    let enqueued = queue::enqueue_with(&mut tx, job, &options).await?;
    record(&mut tx, who, action, enqueued.id).await?;
    tx.commit().await?;
    Ok(enqueued)
}

async fn show_page(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<BackupsQuery>,
) -> Result<Response, AppError> {
    let zone_name = settings::fund_zone(&app.db).await?;
    let zone = show::zone(&zone_name);
    let backups = backup::list(app.db.read(), query.before, PER_PAGE).await?;
    let directory = app.db.dir().backups().display().to_string();
    let policy = backup::policy(&app.db).await?;
    let rows: Vec<BackupRow> = backups
        .iter()
        .map(|b| row(&app, b, &backups, &zone, &policy))
        .collect();
    let file = backups
        .first()
        .map_or("crm-….db.zst", |b| b.file_name.as_str())
        .to_owned();
    Ok(html(&BackupsPage {
        tiles: tiles(&app, &backups).await?,
        running: running(&app).await?,
        paging: paging(&backups, query.before),
        backups: rows,
        policy: vec![
            format!("Every night by the schedule nightly-backup ({zone_name}), and whenever somebody asks."),
            "Kept: the newest of each of 7 days, 4 weeks and 12 months. The newest verified one is never removed, and nothing is removed while any backup fails.".to_owned(),
        ],
        check_commands: format!("sha256sum {file}\nzstd -d {file} -o copy.db\nsqlite3 copy.db 'pragma integrity_check'"),
        directory,
        live_href: "/backups".to_owned(),
        events_href: "/events?topics=backups".to_owned(),
        frame: frame(&app, &who, "Backups").await,
    }))
}

async fn tiles(app: &App, backups: &[Backup]) -> Result<Vec<Tile>, AppError> {
    let now = app.db.now();
    let last = match backup::newest_verified(app.db.read()).await? {
        None => Tile::new("Last verified", "never", "take the first one now", "bad"),
        Some(newest) => {
            let at = newest.verified_at.unwrap_or(newest.created_at);
            let tone = if now - newest.created_at > STALE_MS {
                "warn"
            } else {
                "ok"
            };
            Tile::new(
                "Last verified",
                &show::ago(now, at).text,
                &newest.file_name,
                tone,
            )
        }
    };
    let space: i64 = backups.iter().map(|b| b.size_bytes).sum();
    Ok(vec![
        last,
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

fn row(
    app: &App,
    b: &Backup,
    all: &[Backup],
    zone: &TimeZone,
    policy: &backup::Policy,
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
        file: b.file_name.clone(),
        size: show::bytes(b.size_bytes),
        sha256: b.sha256.clone(),
        sha256_short: b.sha256.chars().take(8).collect(),
        verified: b.verified_at.map(|at| show::ago(now, at)),
        state,
        contents,
        tier: tier.to_owned(),
    }
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
