//! The audit log for admins: a page, JSON, and a file to take away.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit::{
        self, Chain, Entry,
        export::{Exporter, Format},
    },
    settings,
};
use futures_util::{StreamExt, stream};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::{Json, Query},
    route::{Route, get},
    session::SignedIn,
    show,
    state::App,
};

pub mod page;
mod shown;

/// Rows on one page.
const PAGE: i64 = 50;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/settings/audit", Access::Admin, shown::show),
        get("/settings/audit/export", Access::Admin, export),
        get("/api/admin/audit", Access::Admin, list)
            .json(
                "audit",
                "The audit log, newest first, and whether its chain holds",
            )
            .query::<AuditQuery>()
            .answers::<AuditPage>(200),
        get("/api/admin/audit/export", Access::Admin, export)
            .json(
                "audit",
                "The whole audit log with its hashes, oldest first, as a file",
            )
            .query::<ExportQuery>()
            .answers::<String>(200)
            .or_files(&["application/x-ndjson", "text/csv"]),
    ]
}

/// Which rows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct AuditQuery {
    /// Only this actor, such as `user:ID`, `shell` or `system`.
    #[schemars(length(max = 100))]
    actor: Option<String>,
    /// Only this action, such as `user.disabled`.
    #[schemars(length(max = 100))]
    action: Option<String>,
    /// Only this day, `2026-03-31`, in the fund's zone.
    #[schemars(length(max = 10))]
    day: Option<String>,
    /// Where the last answer ended.
    #[schemars(length(max = 50))]
    cursor: Option<String>,
    /// At most so many, 500 at the most; 50 if absent.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<i64>,
}

/// A page of the log.
#[derive(Serialize, JsonSchema)]
struct AuditPage {
    chain: ChainState,
    /// Newest first.
    entries: Vec<Entry>,
    /// Send it back as `cursor` for older entries; null at the end.
    next_cursor: Option<String>,
}

/// Whether every row still has the hash that it was written with.
#[derive(Serialize, JsonSchema)]
pub struct ChainState {
    /// It does.
    unbroken: bool,
    /// How many rows were read; absent if it is broken.
    rows: Option<i64>,
    /// The newest row's hash: compare it with one kept elsewhere.
    head: Option<String>,
    /// The first row that does not fit.
    broken_at: Option<i64>,
}

impl From<Chain> for ChainState {
    fn from(chain: Chain) -> Self {
        match chain {
            Chain::Unbroken { rows, head } => Self {
                unbroken: true,
                rows: Some(rows),
                head: Some(head.hash),
                broken_at: None,
            },
            Chain::Broken { id } => Self {
                unbroken: false,
                rows: None,
                head: None,
                broken_at: Some(id),
            },
        }
    }
}

async fn list(
    State(app): State<App>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, AppError> {
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    let filter = filter(&query, &zone)?;
    let entries = audit::list(&app.db, &filter).await?;
    Ok(Json(AuditPage {
        chain: app.audit_chain().await?.into(),
        next_cursor: next(&entries, &filter),
        entries,
    }))
}

/// The query in terms of the log; blanks are as good as absent.
fn filter(query: &AuditQuery, zone: &TimeZone) -> Result<audit::Filter, AppError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let day = given(&query.day)
        .map(|text| bounds(&text, zone))
        .transpose()
        .map_err(|why| AppError::invalid("day", sentence(&why)))?;
    let before = given(&query.cursor).map(|text| place(&text).ok_or(text));
    let before = before.transpose().map_err(|text| {
        let why = format!("{text:?} is no cursor: send back next_cursor as it came.");
        AppError::invalid("cursor", why)
    })?;
    Ok(audit::Filter {
        actor: given(&query.actor),
        action: given(&query.action),
        from: day.map(|(from, _)| from),
        until: day.map(|(_, until)| until),
        before,
        limit: Some(query.limit.unwrap_or(PAGE).clamp(1, 500)),
    })
}

/// First moments of a day and of the next.
fn bounds(text: &str, zone: &TimeZone) -> Result<(i64, i64), String> {
    let wrong = || format!("{text:?} is no day: write it as 2026-03-31");
    let day: Date = text.parse().map_err(|_| wrong())?;
    let next = day.checked_add(1.days()).map_err(|_| wrong())?;
    let start = |day: Date| {
        let start = day.to_zoned(zone.clone()).map_err(|_| wrong())?;
        Ok::<_, String>(start.timestamp().as_millisecond())
    };
    Ok((start(day)?, start(next)?))
}

fn place(cursor: &str) -> Option<(i64, i64)> {
    let (at, id) = cursor.split_once('.')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}

/// Where older rows begin; none if there can be no more.
fn next(entries: &[Entry], filter: &audit::Filter) -> Option<String> {
    let is_full = i64::try_from(entries.len()).is_ok_and(|n| Some(n) == filter.limit);
    let last = entries.last().filter(|_| is_full)?;
    Some(format!("{}.{}", last.at, last.id))
}

/// How to write it.
#[derive(Debug, Deserialize, JsonSchema)]
struct ExportQuery {
    /// `ndjson`, or `csv` for spreadsheets.
    #[schemars(extend("enum" = ["ndjson", "csv"]))]
    format: Option<String>,
}

async fn export(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<ExportQuery>,
) -> Result<Response, AppError> {
    let format: Format = query
        .format
        .as_deref()
        .unwrap_or("ndjson")
        .parse()
        .map_err(|why: String| AppError::invalid("format", sentence(&why)))?;
    let detail = json!({ "format": format.extension() });
    let mut tx = app.db.write().await?;
    audit::record(
        &mut tx,
        &who.actor(),
        "audit.exported",
        "",
        detail,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    let pieces = stream::try_unfold(Exporter::new(&app.db, format), |mut exporter| async move {
        let piece = exporter.next().await?;
        Ok::<_, crm_jobs::db::DbError>(piece.map(|piece| (piece, exporter)))
    });
    let mut response = Body::from_stream(pieces.fuse()).into_response();
    let kind = match format {
        Format::Ndjson => "application/x-ndjson",
        Format::Csv => "text/csv; charset=utf-8",
    };
    let today = show::today(&TimeZone::UTC, app.db.now());
    let name = format!(
        "attachment; filename=\"audit-log-{today}.{}\"",
        format.extension()
    );
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
