//! Where a file and the grid differ, while both are in use.

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    import::{self, DRIFT_PER_PAGE, Difference, Drift, DriftKind},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    download,
    drift_page::{DriftPage, DriftRow},
    find,
};
use crate::{
    error::AppError,
    extract::{Json, Path, Query},
    frame::{frame, html},
    routes::page::{Paging, Tile},
    session::SignedIn,
    show,
    state::App,
};

#[derive(Deserialize, JsonSchema)]
pub struct DriftQuery {
    /// Only these differences.
    kind: Option<DriftKind>,
    /// Counts from 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    page: Option<usize>,
}

pub async fn json(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<DriftQuery>,
) -> Result<Json<Drift>, AppError> {
    let page = query.page.unwrap_or(1).clamp(1, 1_000_000);
    Ok(Json(import::drift(&app.db, &id, query.kind, page).await?))
}

pub async fn csv(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<DriftQuery>,
) -> Result<Response, AppError> {
    let csv = import::drift_csv(&app.db, &id, query.kind).await?;
    Ok(download(csv, "attachment; filename=\"differences.csv\""))
}

pub async fn page(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<DriftQuery>,
) -> Result<Response, AppError> {
    let import = find(&app, &id).await?;
    let page = query.page.unwrap_or(1).clamp(1, 1_000_000);
    let drift = import::drift(&app.db, &id, query.kind, page).await?;
    let names = users::names(&app.db).await?;
    let now = app.db.now();
    let row = |d: &Difference| DriftRow {
        kind: words(d.kind),
        line: d.line.map(|l| l.to_string()).unwrap_or_default(),
        row: d.row.clone(),
        href: d.row_id.as_ref().map(|id| format!("/investors/{id}")),
        column: d.column.clone(),
        file: d.file.clone(),
        grid: d.grid.clone(),
        is_pair: d.kind == DriftKind::Differs,
        by: d.changed.as_ref().map(|c| show::actor(&c.by, &names)),
        at: d
            .changed
            .as_ref()
            .map(|c| show::ago(now, c.at))
            .unwrap_or_default(),
    };
    let kind = query.kind.map_or("", DriftKind::as_str);
    Ok(html(&DriftPage {
        file: import.file_name.clone(),
        import_href: format!("/imports/{id}"),
        csv_href: format!("/imports/{id}/drift.csv{}", with_kind("?", kind)),
        tiles: tiles(&drift, &id, query.kind),
        rows: drift.differences.iter().map(row).collect(),
        shown: query.kind.map(words).unwrap_or_default(),
        all_href: format!("/imports/{id}/drift"),
        notes: notes(&drift),
        errors: drift.errors.clone(),
        paging: paging(&drift, &id, query.kind),
        frame: frame(&app, &who, &format!("Drift of {}", import.file_name)).await,
    }))
}

fn with_kind(before: &str, kind: &str) -> String {
    if kind.is_empty() {
        String::new()
    } else {
        format!("{before}kind={kind}")
    }
}

fn words(kind: DriftKind) -> &'static str {
    match kind {
        DriftKind::OnlyInFile => "Only in the file",
        DriftKind::OnlyInGrid => "Only in the grid",
        DriftKind::Differs => "Reads otherwise",
        DriftKind::Unreadable => "Cannot be compared",
    }
}

fn tiles(drift: &Drift, id: &str, shown: Option<DriftKind>) -> Vec<Tile> {
    let count = |n: usize| show::number(i64::try_from(n).unwrap_or(i64::MAX));
    let c = &drift.counts;
    let tile = |kind: DriftKind, hint: &str, tone: &'static str| {
        let n = c.of(Some(kind));
        let tone = if n == 0 { "" } else { tone };
        let is_shown = shown == Some(kind);
        let href = format!(
            "/imports/{id}/drift{}",
            if is_shown {
                String::new()
            } else {
                with_kind("?", kind.as_str())
            }
        );
        Tile::new(words(kind), &count(n), hint, tone).to(&href)
    };
    vec![
        Tile::new(
            "The same",
            &count(c.same_rows),
            &format!("of {} rows in the file", count(c.file_rows)),
            if c.same_rows == 0 { "" } else { "ok" },
        ),
        tile(
            DriftKind::Differs,
            &format!("cells, in {} rows", count(c.differing_rows)),
            "info",
        ),
        tile(DriftKind::OnlyInFile, "rows", "warn"),
        tile(
            DriftKind::OnlyInGrid,
            &format!("of {} rows", count(c.grid_rows)),
            "warn",
        ),
        tile(DriftKind::Unreadable, "cells and rows", "bad"),
    ]
}

fn notes(drift: &Drift) -> Vec<String> {
    let missing = &drift.columns_only_in_file;
    if missing.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "The grid has no column for: {}.",
        missing.join(", ")
    )]
}

fn paging(drift: &Drift, id: &str, kind: Option<DriftKind>) -> Paging {
    let total = drift.counts.of(kind);
    let href = |to: usize| {
        let kind = with_kind("&", kind.map_or("", DriftKind::as_str));
        (1..=drift.pages)
            .contains(&to)
            .then(|| format!("/imports/{id}/drift?page={to}{kind}"))
    };
    Paging {
        page: drift.page as u64,
        pages: total.div_ceil(DRIFT_PER_PAGE).max(1) as u64,
        total: show::count(
            i64::try_from(total).unwrap_or(i64::MAX),
            "difference",
            "differences",
        ),
        prev: href(drift.page - 1),
        next: href(drift.page + 1),
    }
}
