//! One row as JSON, with everything about it.

use axum::extract::State;
use crm_jobs::grid::{
    self, CellChange, ChangeSet, GridError, Row,
    table::Table,
    view::{self, Reason, Viewer},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rows::{RowsQuery, order_query};
use crate::{
    access::Access,
    error::AppError,
    extract::{Json, Path, Query},
    route::{Route, get},
    session::SignedIn,
    state::App,
};

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    vec![
        get("/api/fundraising/rows/{id}", Access::Member, one)
            .json("grid", "One row")
            .answers::<WholeRow>(200)
            .problems(&[404]),
        get(
            "/api/fundraising/rows/{id}/history",
            Access::Member,
            history,
        )
        .json(
            "grid",
            "What changed a row, newest first, 50 change sets at a time",
        )
        .query::<HistoryQuery>()
        .answers::<Vec<ChangeSet>>(200)
        .problems(&[404]),
        get("/api/fundraising/rows/{id}/why", Access::Member, why)
            .json("grid", "Why a row is in a view, or is not")
            .query::<WhyQuery>()
            .answers::<Why>(200)
            .problems(&[404]),
        get(
            "/api/fundraising/rows/{id}/cells/{column}/history",
            Access::Member,
            cell_history,
        )
        .json("grid", "What changed one cell, newest first")
        .answers::<Vec<grid::CellChange>>(200)
        .problems(&[404]),
        get(
            "/api/fundraising/rows/{id}/cells/{column}/explain",
            Access::Member,
            explain,
        )
        .json("grid", "How a computed cell came to its value")
        .answers::<Explained>(200)
        .problems(&[404]),
    ]
}

/// A row with everything the grid knows of it.
#[derive(Serialize, JsonSchema)]
pub struct WholeRow {
    /// The row itself; `cells` are those people write.
    #[serde(flatten)]
    row: Row,
    /// Derived and computed cells: read-only.
    derived: Map<String, Value>,
}

pub async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<WholeRow>, AppError> {
    let row = super::live_row(&app, &id).await?;
    let table = app.grid.read().await?;
    let mut derived = table
        .slot(&id)
        .map(|slot| table.cells(slot))
        .unwrap_or_default();
    derived.retain(|column, _| !row.cells.contains_key(column));
    Ok(Json(WholeRow { row, derived }))
}

#[derive(Deserialize, JsonSchema)]
pub struct HistoryQuery {
    /// Only change sets older than this one: the next page.
    before: Option<i64>,
}

/// Change sets on one page of a history.
const PER_PAGE: i64 = 50;

pub async fn history(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<Vec<ChangeSet>>, AppError> {
    let row = super::live_row(&app, &id).await?;
    let mut conn = app.db.read().acquire().await?;
    let sets = grid::history_of_row(&mut conn, &row.id, query.before, PER_PAGE).await?;
    Ok(Json(sets))
}

pub async fn cell_history(
    State(app): State<App>,
    Path((id, column)): Path<(String, String)>,
) -> Result<Json<Vec<CellChange>>, AppError> {
    let row = super::live_row(&app, &id).await?;
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(
        grid::history_of_cell(&mut conn, &row.id, &column).await?,
    ))
}

/// How a computed cell came to its value.
#[derive(Serialize, JsonSchema)]
pub struct Explained {
    /// The formula, with today's column names.
    formula: String,
    /// Inner parts first; the last one is the whole.
    steps: Vec<ExplainedStep>,
}

/// One part of a formula, and what it came to.
#[derive(Serialize, JsonSchema)]
pub struct ExplainedStep {
    /// First character in the formula.
    start: usize,
    /// The one behind the last.
    end: usize,
    /// The part itself.
    source: String,
    /// Its value as text.
    text: String,
}

pub async fn explain(
    State(app): State<App>,
    Path((id, column)): Path<(String, String)>,
) -> Result<Json<Explained>, AppError> {
    let table = app.grid.read().await?;
    let slot = slot(&table, &id)?;
    let steps = table.explain(&column, slot).ok_or_else(|| {
        AppError::not_found("There is no such formula column, or it cannot be computed.")
    })?;
    let definitions = table.definitions();
    let shown = definitions.iter().find(|c| c.id == column);
    Ok(Json(Explained {
        formula: shown
            .and_then(|c| c.options.formula.clone())
            .unwrap_or_default(),
        steps: steps
            .into_iter()
            .map(|s| ExplainedStep {
                start: s.start,
                end: s.end,
                source: s.source,
                text: s.text,
            })
            .collect(),
    }))
}

/// Why a row is in a view.
#[derive(Serialize, JsonSchema)]
pub struct Why {
    /// Whether the view shows it.
    in_view: bool,
    /// Conditions, and whether each holds.
    conditions: Vec<Reason>,
}

#[derive(Deserialize, JsonSchema)]
pub struct WhyQuery {
    /// A saved view's id.
    view: Option<String>,
    /// A filter as JSON, instead of the view's.
    filter: Option<String>,
}

pub async fn why(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<WhyQuery>,
) -> Result<Json<Why>, AppError> {
    let asked = RowsQuery {
        view: query.view,
        filter: query.filter,
        ..RowsQuery::default()
    };
    let wanted = order_query(&app, &who, &asked).await?;
    let table = app.grid.read().await?;
    let slot = slot(&table, &id)?;
    let is_archived = table.head(slot).is_some_and(|h| h.archived);
    let mut answer = Why {
        in_view: !is_archived,
        conditions: Vec::new(),
    };
    if let Some(filter) = &wanted.filter {
        let viewer = Viewer {
            user: Some(&who.user.id),
        };
        let (holds, reasons) = view::why(&table, filter, slot, viewer)?;
        answer.in_view &= holds;
        answer.conditions = reasons;
    }
    Ok(Json(answer))
}

fn slot(table: &Table, row: &str) -> Result<u32, AppError> {
    table
        .slot(row)
        .ok_or_else(|| GridError::Missing {
            what: "row",
            id: row.to_owned(),
        })
        .map_err(AppError::from)
}
