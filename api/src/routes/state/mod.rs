//! The grid as JSON: the whole state, operations on it, one row, its
//! projection.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    grid::{self, Applied, ChangeBy, Column, Document, Row, SyncRelational, view::View},
    idempotency,
    investors::{self, Summary},
    queue::{self, EnqueueOptions, Prepared},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::write::{Once, Patched, apply, apply_once, patched};
use crate::{
    access::Access,
    error::AppError,
    extract::{Json, Query},
    request::text,
    route::{Route, get, patch, post, put},
    routes::jobs::Accepted,
    session::SignedIn,
    state::App,
};

pub(crate) mod blocks;
mod formulas;
pub(crate) mod live;
pub(crate) mod row;
pub(crate) mod rows;
pub(crate) mod undo;
mod views;
pub mod write;

/// A whole grid of 100,000 rows fits.
const DOCUMENT_LIMIT: usize = 64 * 1024 * 1024;
const OPERATIONS_LIMIT: usize = 16 * 1024 * 1024;
/// Operations of one request at most.
const MAX_OPERATIONS: usize = 20_000;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    let parts = [
        rows::routes(),
        row::routes(),
        undo::routes(),
        live::routes(),
        views::routes(),
        formulas::routes(),
    ];
    parts.into_iter().flatten().chain(own_routes()).collect()
}

fn own_routes() -> Vec<Route> {
    vec![
        get("/api/fundraising/state", Access::Member, read)
            .json("grid", "The whole grid at one version")
            .query::<StateQuery>()
            .answers::<GridState>(200)
            .answers_nothing(304)
            .problems(&[404]),
        put("/api/fundraising/state", Access::Member, replace)
            .json(
                "grid",
                "Make the grid equal to a document loaded at its version",
            )
            .body::<Document>()
            .body_limit(DOCUMENT_LIMIT)
            .answers::<Applied>(200)
            .problems(&[404, 409]),
        patch("/api/fundraising/state", Access::Member, change)
            .json(
                "grid",
                "Apply operations; cells that changed meanwhile come back as conflicts",
            )
            .body::<Changes>()
            .body_limit(OPERATIONS_LIMIT)
            .answers::<Patched>(200)
            .problems(&[404, 409]),
        get(
            "/api/fundraising/relational-summary",
            Access::Member,
            summary,
        )
        .json(
            "grid",
            "What the projection holds, how far it is, and its checksums",
        )
        .answers::<Summary>(200),
        post("/api/fundraising/relational-sync", Access::Admin, sync)
            .json("grid", "Bring the projection up to date, or build it anew")
            .body::<Sync>()
            .answers::<Accepted>(202),
    ]
}

/// The grid at one version. Rows are live ones, archived ones included.
#[derive(Serialize, JsonSchema)]
struct GridState {
    /// Raised by every committed change; send it back as `expected_version`.
    version: i64,
    /// Last change, UTC milliseconds; 0 if there was none.
    updated_at: i64,
    /// By whom.
    updated_by: String,
    /// From left to right.
    columns: Vec<Column>,
    /// Saved ways of looking at the grid.
    views: Vec<View>,
    /// By position.
    rows: Vec<StateRow>,
}

/// A row of the state: as it is, or as it was.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the shape of what is streamed, for the document")]
enum StateRow {
    /// With everything about it.
    Now(Box<row::WholeRow>),
    /// Of the past: its cells.
    Past(rows::FullRow),
}

/// Operations to apply together.
#[derive(Deserialize, JsonSchema)]
struct Changes {
    /// In this order; all or, if one is bad input, none.
    #[schemars(length(max = 20_000))]
    operations: Vec<grid::Operation>,
    /// A name of the sender's for this request: sent again, the same answer is
    /// given and nothing is done twice. Kept for a week.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    idempotency_key: Option<String>,
    /// What it is about, for histories.
    #[serde(default)]
    #[schemars(length(max = 300))]
    summary: Option<String>,
}

/// Which form of the state, and of when.
#[derive(Deserialize, JsonSchema)]
struct StateQuery {
    /// `columns` for the column-wise form: one JSON head and blocks of rows, a
    /// line each. Rows as objects otherwise.
    form: Option<String>,
    /// The grid as it was: a version, a date or a time.
    as_of: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Sync {
    /// Throw the projection away and build it from the grid.
    #[serde(default)]
    rebuild: bool,
}

async fn read(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Query(query): Query<StateQuery>,
) -> Result<Response, AppError> {
    let is_columns = query.form.as_deref() == Some("columns");
    if let Some(when) = &query.as_of {
        let past = rows::past(&app, when).await?;
        if is_columns {
            return blocks::past(past, &who.user);
        }
        let document = tokio::task::spawn_blocking(move || past.document().to_string())
            .await
            .map_err(AppError::internal)?;
        let kind = [(header::CONTENT_TYPE, "application/json")];
        return Ok((kind, document).into_response());
    }
    let (tag, head) = if is_columns {
        let views = grid::view::list(&mut *app.db.read().acquire().await?, &who.user.id).await?;
        let table = app.grid.read().await?;
        let head = blocks::Head::of(&table, views, &who.user);
        (head.tag(), Some(head))
    } else {
        let mut conn = app.db.read().acquire().await?;
        let version = grid::state(&mut conn).await?.version;
        // What is joined in changes without the version.
        let stamp = app.grid.read().await?.stamp;
        (format!("\"v{version}.{stamp}\""), None)
    };
    let known = text(&headers, &header::IF_NONE_MATCH).unwrap_or_default();
    let is_known = known
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*");
    let kept = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    if is_known {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    if let Some(head) = head {
        return Ok((kept, blocks::answer(&app, &headers, &head)?).into_response());
    }
    // A change between the look above and the stream's snapshot sends newer rows
    // under the older tag: the next request then finds the tag outdated.
    let body = Body::from_stream(grid::stream(&app.db, &app.grid));
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((kept, kind, body).into_response())
}

async fn replace(
    State(app): State<App>,
    who: SignedIn,
    Json(document): Json<Document>,
) -> Result<Json<Applied>, AppError> {
    let actor = who.actor();
    let by = ChangeBy {
        actor: &actor.to_string(),
        origin: "document",
        summary: "The whole grid was put back",
        job: None,
    };
    let mut tx = app.db.write().await?;
    let applied = grid::replace(&mut tx, &document, &by).await?;
    let detail = serde_json::json!({ "version": applied.version, "changes": applied.changes });
    audit::record(&mut tx, &actor, "grid.replaced", "", detail, &who.ip()).await?;
    tx.commit().await?;
    app.grid.follow_if_read().await?;
    Ok(Json(applied))
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    Json(changes): Json<Changes>,
) -> Result<Json<Patched>, AppError> {
    changes.check()?;
    let summary = changes.summary.as_deref().unwrap_or_default();
    let mut tx = app.db.write().await?;
    let applied = match &changes.idempotency_key {
        None => apply(&mut tx, &who, &changes.operations, "edit", summary).await?,
        Some(key) => {
            let once = Once { key, summary };
            apply_once(&mut tx, &who, &changes.operations, &once).await?
        }
    };
    tx.commit().await?;
    Ok(Json(patched(&app, applied).await?))
}

impl Changes {
    fn check(&self) -> Result<(), AppError> {
        if self.operations.len() > MAX_OPERATIONS {
            return Err(AppError::invalid(
                "operations",
                "One request has at most 20,000 operations: send it in parts.",
            ));
        }
        let key = self.idempotency_key.as_deref().map(str::chars);
        if key.is_some_and(|key| !(1..=idempotency::MAX_KEY_CHARS).contains(&key.count())) {
            return Err(AppError::invalid(
                "idempotency_key",
                "A key has 1 to 100 characters.",
            ));
        }
        if self.summary.as_deref().unwrap_or_default().chars().count() > 300 {
            return Err(AppError::invalid(
                "summary",
                "A summary has at most 300 characters.",
            ));
        }
        Ok(())
    }
}

/// A row that is there and not deleted.
pub async fn live_row(app: &App, id: &str) -> Result<Row, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = grid::row(&mut conn, id).await?;
    found.ok_or_else(|| AppError::not_found("There is no such investor."))
}

async fn summary(State(app): State<App>) -> Result<Json<Summary>, AppError> {
    Ok(Json(investors::summary(&app.db).await?))
}

async fn sync(
    State(app): State<App>,
    who: SignedIn,
    Json(wanted): Json<Sync>,
) -> Result<Accepted, AppError> {
    let job = Prepared::new(&SyncRelational {
        rebuild: wanted.rebuild,
    })?;
    let mut tx = app.db.write().await?;
    let options = EnqueueOptions::by(who.actor().to_string());
    let enqueued = queue::enqueue_with(&mut tx, &job, &options).await?;
    crate::routes::jobs::record(&mut tx, &who, "job.enqueued", enqueued.id).await?;
    tx.commit().await?;
    Ok(Accepted::of(enqueued))
}
