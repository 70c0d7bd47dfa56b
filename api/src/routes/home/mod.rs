//! The home page: where the raise stands and whether the box is well.

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    automations as rules, backup,
    grid::{self, ListCounts},
    investors::{self, Overview},
    queue::inspect,
    settings, spark, work,
};

use self::page::{ChecklistStep, HealthLine, HomePage, RecentEntry};
use crate::{
    access::Access,
    error::AppError,
    frame::{frame, html},
    route::{Route, get},
    routes::{
        page::Tile,
        reminders::item::{Known, TaskItem},
    },
    session::SignedIn,
    show,
    state::App,
};

pub mod page;
mod raise;

/// Tasks looked through for those that are due.
const MOST_TASKS: i64 = 200;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![get("/", Access::Member, show)]
}

async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let first_name = who.user.name.split_whitespace().next().unwrap_or_default();
    let mut conn = app.db.read().acquire().await?;
    let counts = grid::list_counts(&mut conn).await?;
    let recent = grid::recent_changes(&mut conn, None, 8).await?;
    drop(conn);
    let overview = investors::overview(&app.db).await?;
    let figures = raise::figures(&app).await?;
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    Ok(html(&HomePage {
        greeting: format!("Hello, {first_name}"),
        subtitle: format!(
            "{} · version {} of the grid",
            show::day(&zone, app.db.now()),
            show::number(overview.progress.grid_version)
        ),
        tiles: tiles(&counts, &overview),
        charts: figures.charts,
        stale: figures.stale,
        tasks: tasks(&app, &who).await?,
        funds: figures.funds,
        alarms: backup_alarms(&app, &who).await?,
        health: health(&app, &who, &overview.progress).await?,
        recent: entries(&app, recent).await?,
        checklist: checklist(&app, &who, &counts).await?,
        frame: frame(&app, &who, "Home").await,
    }))
}

fn tiles(counts: &ListCounts, overview: &Overview) -> Vec<Tile> {
    let list = |name: &str, label: &str| {
        let count = counts.lists.get(name).copied().unwrap_or(0);
        Tile::new(label, &show::number(count), "", "").to(&format!("/grid?list={name}"))
    };
    vec![
        Tile::new("Investors", &show::number(counts.all()), "in all lists", "").to("/grid"),
        list("main", "Main"),
        list("follow_up", "Follow-up"),
        list("longshot", "Longshot"),
        list("graveyard", "Graveyard"),
        Tile::new(
            "Contacts",
            &show::number(overview.contacts),
            "each person once",
            "",
        )
        .to("/contacts"),
    ]
}

/// What asks for this person today or this week, the soonest first.
async fn tasks(app: &App, who: &SignedIn) -> Result<Vec<TaskItem>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let today = work::today(&mut conn, app.db.now()).await?;
    let open = work::open_for(&mut conn, &who.user.id, today, MOST_TASKS).await?;
    drop(conn);
    let sunday = work::end_of_week(today).to_string();
    let due: Vec<_> = open
        .into_iter()
        .filter(|t| t.status == "open" && t.day.as_deref().is_some_and(|day| *day <= *sunday))
        .collect();
    let rows = due.iter().filter_map(|t| t.row_id.as_deref());
    let known = Known::load(app, rows).await?;
    Ok(due
        .iter()
        .take(6)
        .map(|task| known.item(task, None))
        .collect())
}

/// For admins, who can do something about it.
async fn backup_alarms(app: &App, who: &SignedIn) -> Result<Vec<String>, AppError> {
    // A new installation is told by its checklist.
    let is_new = backup::newest_verified(app.db.read()).await?.is_none();
    if !who.user.is_admin() || is_new {
        return Ok(Vec::new());
    }
    Ok(backup::health(&app.db).await?.alarms)
}

async fn health(
    app: &App,
    who: &SignedIn,
    synced: &investors::Progress,
) -> Result<Vec<HealthLine>, AppError> {
    let (db, now) = (app.db.read(), app.db.now());
    let href = |path: &str| {
        if who.user.is_admin() {
            path.to_owned()
        } else {
            String::new()
        }
    };
    let line = |label: &str, value: String, tone: &'static str, href: String| HealthLine {
        label: label.to_owned(),
        value,
        tone,
        word: match tone {
            "ok" => "well",
            "warn" => "look",
            _ => "act",
        }
        .to_owned(),
        href,
    };
    let alive = inspect::workers(db)
        .await?
        .iter()
        .filter(|w| w.lease_until >= now)
        .count();
    let failing = inspect::counts(db)
        .await?
        .get("discarded")
        .copied()
        .unwrap_or(0);
    let backups = backup::health(&app.db).await?;
    let (backup_text, backup_tone) = match backups.last_verified_at {
        None => ("none yet".to_owned(), "bad"),
        Some(at) => (
            format!("verified {}", show::ago(now, at).text),
            if backups.alarms.is_empty() {
                "ok"
            } else {
                "bad"
            },
        ),
    };
    let proven = match backups.last_proven_at {
        None => ("not drilled yet".to_owned(), "warn"),
        Some(at) => (show::ago(now, at).text, "ok"),
    };
    let sync = match synced.lag_versions() {
        0 => ("up to date".to_owned(), "ok"),
        n => (
            format!("{n} versions behind"),
            if synced.lag_seconds > 60 {
                "warn"
            } else {
                "ok"
            },
        ),
    };
    Ok(vec![
        match alive {
            0 => line(
                "Worker",
                "no worker is running".to_owned(),
                "bad",
                href("/jobs"),
            ),
            n => line("Worker", format!("{n} alive"), "ok", href("/jobs")),
        },
        match failing {
            0 => line("Jobs", "none failing".to_owned(), "ok", href("/jobs")),
            n => line(
                "Jobs",
                format!("{n} given up"),
                "bad",
                href("/jobs?state=discarded#list"),
            ),
        },
        automations(app, &line).await?,
        model(app, &line, href("/digest/model")).await?,
        line("Backup", backup_text, backup_tone, href("/backups")),
        line("Last proven restore", proven.0, proven.1, href("/backups")),
        line(
            "Relational sync",
            sync.0,
            sync.1,
            href("/jobs?kind=sync_relational#list"),
        ),
    ])
}

/// How the local model was when it was last asked.
async fn model(
    app: &App,
    line: &impl Fn(&str, String, &'static str, String) -> HealthLine,
    href: String,
) -> Result<HealthLine, AppError> {
    let status = spark::status(&app.db).await?;
    let (text, tone) = if status.is_up() {
        (
            format!("{}, {} ms", status.model, show::number(status.latency_ms)),
            "ok",
        )
    } else if status.error.is_empty() {
        ("not asked yet".to_owned(), "ok")
    } else {
        ("away; summaries by rule".to_owned(), "warn")
    };
    Ok(line("Local model", text, tone, href))
}

/// Whether a rule was switched off, or waits for an answer.
async fn automations(
    app: &App,
    line: &impl Fn(&str, String, &'static str, String) -> HealthLine,
) -> Result<HealthLine, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let alerts = rules::alerts(&mut conn).await?;
    let asked = rules::asked(&mut conn, 100).await?.len();
    let asked = i64::try_from(asked).unwrap_or(i64::MAX);
    let (text, tone) = match (alerts.first(), asked) {
        (Some((_, name, _)), _) => (format!("“{name}” fed itself and was switched off"), "bad"),
        (None, 0) => ("nothing waits".to_owned(), "ok"),
        (None, n) => (show::count(n, "question waits", "questions wait"), "warn"),
    };
    Ok(line("Automations", text, tone, "/automations".to_owned()))
}

async fn entries(app: &App, sets: Vec<grid::ChangeSet>) -> Result<Vec<RecentEntry>, AppError> {
    let names = users::names(&app.db).await?;
    let now = app.db.now();
    Ok(sets
        .into_iter()
        .map(|set| {
            let who = show::actor(&set.actor, &names);
            RecentEntry {
                initials: show::initials(&who),
                who,
                what: match set.origin.as_str() {
                    "import" => "imported",
                    "demo" => "worked on the demo fund:",
                    "document" => "put back the whole grid",
                    "automation" => "did its work:",
                    "put_back" => "put back the table:",
                    _ => "changed the grid",
                }
                .to_owned(),
                // The name of a rule is who already.
                target: if set.summary.is_empty() || set.origin == "automation" {
                    format!("version {}", set.id)
                } else {
                    set.summary
                },
                href: String::new(),
                when: show::ago(now, set.at),
            }
        })
        .collect())
}

async fn checklist(
    app: &App,
    who: &SignedIn,
    counts: &ListCounts,
) -> Result<Vec<ChecklistStep>, AppError> {
    if !who.user.is_admin() || settings::get(&app.db, settings::DEMO).await? == Some(true) {
        return Ok(Vec::new());
    }
    let step = |title: &str, why: &str, action: &str, href: &str, done| ChecklistStep {
        title: title.to_owned(),
        why: why.to_owned(),
        action: action.to_owned(),
        href: href.to_owned(),
        done,
    };
    let steps = vec![
        step(
            "Bring your investors",
            "Upload the CSV export of your Airtable; you see every change before it is made.",
            "Import a file",
            "/imports",
            counts.all() + counts.archived > 0,
        ),
        step(
            "Invite the team",
            "Each person signs in with an account of their own.",
            "Invite somebody",
            "/settings/team",
            users::list(&app.db).await?.len() > 1,
        ),
        step(
            "Take the first backup",
            "It counts once it was read back from its stored bytes.",
            "Back up now",
            "/backups",
            backup::newest_verified(app.db.read()).await?.is_some(),
        ),
    ];
    Ok(if steps.iter().all(|s| s.done) {
        Vec::new()
    } else {
        steps
    })
}
