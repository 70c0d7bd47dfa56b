//! Rows as JSON: found, ordered and grouped by the one engine.

use axum::extract::State;
use crm_jobs::grid::{
    self,
    table::{AsOf, Table, as_of},
    view::{self, Filter, Order, OrderQuery, RowColor, SortBy, Summary, Viewer},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    access::Access,
    error::AppError,
    extract::{Json, Query},
    route::{Route, get},
    session::SignedIn,
    state::App,
};

/// The routes of this part.
pub fn routes() -> Vec<Route> {
    vec![
        get("/api/fundraising/rows", Access::Member, list)
            .json("grid", "Rows by view or filter, in order, a page at a time")
            .query::<RowsQuery>()
            .answers::<RowsPage>(200)
            .problems(&[404]),
        get("/api/fundraising/order", Access::Member, order)
            .json(
                "grid",
                "Slots of the rows of a view or filter, in order, in groups",
            )
            .query::<RowsQuery>()
            .answers::<grid::view::Order>(200)
            .problems(&[404]),
    ]
}

/// Rows of one answer at most, and unless told otherwise.
const MOST: usize = 500;
const USUAL: usize = 100;

/// Which rows, in which order. Parts given here override those of the view.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct RowsQuery {
    /// A saved view's id.
    pub view: Option<String>,
    /// A filter as JSON.
    pub filter: Option<String>,
    /// Sorts as JSON: `[{"column": "name", "descending": true}]`.
    pub sort: Option<String>,
    /// Groups as JSON, like sorts.
    pub group: Option<String>,
    /// Row colours as JSON: `[{"filter": …, "color": "red"}]`.
    pub colors: Option<String>,
    /// Summaries as JSON: `{"amount": "sum"}`.
    pub summary: Option<String>,
    /// Only rows with this text in a cell.
    pub search: Option<String>,
    /// `1` for archived rows instead of the others.
    pub archived: Option<String>,
    /// The grid as it was: a version, a date (its end, in the fund's zone) or a
    /// time.
    pub as_of: Option<String>,
    /// Where the last answer ended.
    pub cursor: Option<String>,
    /// Rows at most, up to 500.
    pub limit: Option<usize>,
}

/// One page of rows.
#[derive(Serialize, JsonSchema)]
pub struct RowsPage {
    /// The grid's version.
    version: i64,
    /// Over all pages.
    total: usize,
    /// In order.
    rows: Vec<FullRow>,
    /// Send it back as `cursor` for the next page; null at the end.
    next_cursor: Option<String>,
}

/// A row as tables show it.
#[derive(Serialize, JsonSchema)]
pub struct FullRow {
    /// Row id.
    id: String,
    /// The grid version that last changed it.
    version: i64,
    /// Out of the views.
    archived: bool,
    /// Stored, derived and computed cells; blank ones are absent.
    cells: Map<String, Value>,
}

pub async fn list(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<RowsQuery>,
) -> Result<Json<RowsPage>, AppError> {
    let limit = query.limit.unwrap_or(USUAL).clamp(1, MOST);
    let start: usize = match &query.cursor {
        None => 0,
        Some(cursor) => cursor
            .parse()
            .map_err(|_| AppError::invalid("cursor", "Send back the cursor of the last answer."))?,
    };
    answer(&app, &who, &query, move |table, order| {
        let page = order.slots.iter().skip(start).take(limit);
        let rows: Vec<FullRow> = page.filter_map(|slot| full_row(table, *slot)).collect();
        let end = start.saturating_add(limit);
        Json(RowsPage {
            version: table.version,
            total: order.total,
            rows,
            next_cursor: (end < order.total).then(|| end.to_string()),
        })
    })
    .await
}

pub async fn order(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<RowsQuery>,
) -> Result<Json<Order>, AppError> {
    answer(&app, &who, &query, |_, order| Json(order)).await
}

/// Orders the rows asked for, now or as they were, and makes an answer of them.
async fn answer<T: Send + 'static>(
    app: &App,
    who: &SignedIn,
    query: &RowsQuery,
    make: impl FnOnce(&Table, Order) -> T + Send + 'static,
) -> Result<T, AppError> {
    let wanted = order_query(app, who, query).await?;
    let user = who.user.id.clone();
    let run = move |table: &Table| {
        let viewer = Viewer { user: Some(&user) };
        view::order(table, &wanted, viewer).map(|order| make(table, order))
    };
    let answered = match &query.as_of {
        None => {
            let ranked = order_query(app, who, query).await?.ranked();
            let table = app.grid.read_ranked(&ranked).await?;
            tokio::task::spawn_blocking(move || run(&table)).await
        }
        Some(when) => {
            let ranked = order_query(app, who, query).await?.ranked();
            let mut past = past(app, when).await?;
            tokio::task::spawn_blocking(move || {
                for column in &ranked {
                    past.rank(column);
                }
                run(&past)
            })
            .await
        }
    };
    Ok(answered.map_err(AppError::internal)??)
}

/// The grid as it was.
pub async fn past(app: &App, when: &str) -> Result<Table, AppError> {
    let when = moment(app, when).await?;
    Ok(as_of(&app.db, &app.grid, when).await?)
}

/// `as_of` as people write it; a time without a zone is in the fund's.
pub async fn moment(app: &App, text: &str) -> Result<AsOf, AppError> {
    let wrong = || {
        AppError::invalid(
            "as_of",
            "Write a version such as 120, a date such as 2026-03-31, or a time such as 2026-03-31T14:05.",
        )
    };
    if let Ok(version) = text.parse::<i64>() {
        return Ok(AsOf::Version(version));
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(AsOf::Time(at.as_millisecond()));
    }
    let zone = app.grid.read().await?.moment.zone.clone();
    if let Ok(day) = text.parse::<jiff::civil::Date>()
        && !text.contains('T')
    {
        let next = day.tomorrow().map_err(|_| wrong())?;
        let end = next.to_zoned(zone).map_err(|_| wrong())?;
        return Ok(AsOf::Time(end.timestamp().as_millisecond() - 1));
    }
    let time: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    let at = time.to_zoned(zone).map_err(|_| wrong())?;
    Ok(AsOf::Time(at.timestamp().as_millisecond()))
}

/// The view's parts, overridden by the query's.
pub async fn order_query(
    app: &App,
    who: &SignedIn,
    query: &RowsQuery,
) -> Result<OrderQuery, AppError> {
    let mut wanted = OrderQuery::default();
    if let Some(id) = &query.view {
        let mut conn = app.db.read().acquire().await?;
        let view = view::find(&mut conn, id, &who.user.id)
            .await?
            .ok_or_else(|| AppError::not_found("There is no such view."))?;
        wanted.filter = view.config.filter;
        wanted.sorts = view.config.sorts;
        wanted.groups = view.config.groups;
        wanted.colors = view.config.colors;
        wanted.summaries = view.config.summaries;
    }
    if let Some(filter) = part::<Option<Filter>>("filter", query.filter.as_deref())? {
        wanted.filter = filter;
    }
    if let Some(sorts) = part::<Vec<SortBy>>("sort", query.sort.as_deref())? {
        wanted.sorts = sorts;
    }
    if let Some(groups) = part::<Vec<SortBy>>("group", query.group.as_deref())? {
        wanted.groups = groups;
    }
    if let Some(colors) = part::<Vec<RowColor>>("colors", query.colors.as_deref())? {
        wanted.colors = colors;
    }
    if let Some(summaries) =
        part::<std::collections::BTreeMap<String, Summary>>("summary", query.summary.as_deref())?
    {
        wanted.summaries = summaries;
    }
    wanted.search = query.search.clone().unwrap_or_default();
    wanted.archived = query.archived.as_deref() == Some("1");
    Ok(wanted)
}

fn part<T: DeserializeOwned>(field: &str, json: Option<&str>) -> Result<Option<T>, AppError> {
    json.filter(|json| !json.is_empty())
        .map(serde_json::from_str)
        .transpose()
        .map_err(|e| AppError::invalid(field, format!("This is not the JSON it should be: {e}.")))
}

fn full_row(table: &Table, slot: u32) -> Option<FullRow> {
    let head = table.head(slot)?;
    Some(FullRow {
        id: head.id.to_string(),
        version: head.version,
        archived: head.archived,
        cells: table.cells(slot),
    })
}
