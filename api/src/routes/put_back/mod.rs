//! The table as it was at some time: what would change, and putting it back.

use axum::{extract::State, http::StatusCode, response::Response};
use crm_jobs::{
    audit,
    grid::{self, PutBackPreview, PutBackTable, table::AsOf},
    queue::{self, EnqueueOptions, Enqueued, Prepared},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{
    access::Access,
    error::AppError,
    extract::{Form, Json, Query},
    flash::Done,
    frame::{frame, html},
    route::{Route, get, post},
    routes::{grid::values::Names, jobs::Accepted, page::FlashKind, state::rows::moment},
    session::SignedIn,
    show,
    state::App,
};

pub mod page;

use page::{Past, PutBackPage, Wanted};

/// Changes to choose from.
const RECENT: i64 = 25;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/grid/put-back", Access::Admin, show_page),
        post("/grid/put-back", Access::Admin, start_form),
        get("/api/fundraising/put-back", Access::Admin, preview)
            .json(
                "grid",
                "What putting the table back to how it was would change",
            )
            .query::<PastQuery>()
            .answers::<PutBackPreview>(200)
            .problems(&[404]),
        post("/api/fundraising/put-back", Access::Admin, start_json)
            .json(
                "grid",
                "Put the table back to how it was, by a job and as one change set that can be undone",
            )
            .body::<PutBack>()
            .answers::<Accepted>(202)
            .problems(&[404, 409]),
    ]
}

/// Which past.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PastQuery {
    /// A version such as `120`, a day (its end) such as `2026-03-31`, or a time such
    /// as `2026-03-31T16:00`, in the fund's zone unless it names another.
    #[schemars(length(min = 1, max = 64))]
    as_of: String,
}

/// What to put back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PutBack {
    /// The version to go back to.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    version: i64,
    /// `until` of the preview: if the table was changed since, nothing happens.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    until: i64,
}

async fn preview(
    State(app): State<App>,
    Query(query): Query<PastQuery>,
) -> Result<Json<PutBackPreview>, AppError> {
    let when = moment(&app, &query.as_of).await?;
    Ok(Json(look(&app, when).await?))
}

async fn look(app: &App, when: AsOf) -> Result<PutBackPreview, AppError> {
    let mut tx = app.db.read().begin().await?;
    Ok(grid::put_back_preview(&mut tx, when).await?)
}

async fn start_json(
    State(app): State<App>,
    who: SignedIn,
    Json(wanted): Json<PutBack>,
) -> Result<Accepted, AppError> {
    Ok(Accepted::of(start(&app, &who, &wanted).await?))
}

async fn start_form(
    State(app): State<App>,
    who: SignedIn,
    Form(wanted): Form<PutBack>,
) -> Result<Done, AppError> {
    match start(&app, &who, &wanted).await {
        Ok(job) => Ok(Done::to(format!("/jobs/{}", job.id)).saying(
            FlashKind::Ok,
            "The table is being put back. It is one change, to be undone like any other.",
        )),
        Err(refused) if refused.status() == StatusCode::CONFLICT => {
            let back = format!("/grid/put-back?as_of={}", wanted.version);
            Ok(Done::to(back).saying(FlashKind::Warn, refused.detail().to_owned()))
        }
        Err(other) => Err(other),
    }
}

async fn start(app: &App, who: &SignedIn, wanted: &PutBack) -> Result<Enqueued, AppError> {
    let actor = who.actor();
    let mut tx = app.db.write().await?;
    if grid::state(&mut tx).await?.version != wanted.until {
        return Err(AppError::conflict(
            "changed_since",
            "Somebody changed the table meanwhile: look again at what would change.",
        ));
    }
    if wanted.version > 0 && grid::change_set(&mut tx, wanted.version).await?.is_none() {
        return Err(AppError::not_found(
            "There is no such version of the table.",
        ));
    }
    let job = Prepared::new(&PutBackTable {
        version: wanted.version,
        until: wanted.until,
        actor: actor.to_string(),
    })?;
    let options = EnqueueOptions {
        priority: Some(-10),
        ..EnqueueOptions::by(actor.to_string())
    };
    let enqueued = queue::enqueue_with(&mut tx, &job, &options).await?;
    let detail = json!({ "version": wanted.version, "job": enqueued.id });
    audit::record(&mut tx, &actor, "grid.put_back", "", detail, &who.ip()).await?;
    tx.commit().await?;
    Ok(enqueued)
}

/// The page takes a time and a day apart: not every browser has a field for both.
#[derive(Debug, Default, Deserialize)]
struct PageQuery {
    #[serde(default)]
    as_of: String,
    #[serde(default)]
    day: String,
    #[serde(default)]
    time: String,
}

impl PageQuery {
    fn text(&self) -> String {
        match (self.day.trim(), self.time.trim()) {
            ("", _) => self.as_of.trim().to_owned(),
            (day, "") => day.to_owned(),
            (day, time) => format!("{day}T{time}"),
        }
    }
}

async fn show_page(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<PageQuery>,
) -> Result<Response, AppError> {
    let names = Names::load(&app).await?;
    let mut conn = app.db.read().acquire().await?;
    let mut recent = Vec::new();
    for set in grid::recent_changes(&mut conn, None, RECENT).await? {
        let size = grid::size_of_set(&mut conn, set.id).await?;
        recent.push(Past {
            href: format!("/grid/put-back?as_of={}", set.id - 1),
            what: page::what(&set),
            size: show::count(size, "change", "changes"),
            by: show::actor(&set.actor, &names.users),
            at: show::moment(&names.zone, set.at),
        });
    }
    drop(conn);
    let text = query.text();
    let (mut wanted, mut problem) = (None, None);
    if !text.is_empty() {
        match moment(&app, &text).await {
            Ok(when) => match look(&app, when).await {
                Ok(preview) => wanted = Some(Wanted::of(preview, &names.zone)),
                Err(refused) => problem = Some(refused.detail().to_owned()),
            },
            Err(refused) => problem = Some(refused.detail().to_owned()),
        }
    }
    Ok(html(&PutBackPage {
        frame: frame(&app, &who, "Put the table back").await,
        day: query.day,
        time: query.time,
        zone: names.zone.iana_name().unwrap_or("UTC").to_owned(),
        problem,
        wanted,
        recent,
    }))
}
