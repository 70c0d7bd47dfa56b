//! A view as CSV or as a workbook.

use axum::response::Response;
use crm_jobs::{
    export::{Sheet, Wanted},
    grid::{
        LISTS,
        view::{self, Condition, Filter, Viewer},
    },
};
use serde_json::json;

use super::{ExportQuery, file_body, pulled, recorded, saved};
use crate::{
    error::AppError,
    routes::{
        grid::values::list_label,
        state::rows::{RowsQuery, order_query},
    },
    session::SignedIn,
    show,
    state::App,
};

/// The media type of a workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Rows in one piece.
const ROWS: usize = 250;

/// What is to be written, and what it is called.
struct Found {
    sheet: Sheet,
    title: String,
    target: String,
}

pub async fn csv(app: &App, who: &SignedIn, query: &ExportQuery) -> Result<Response, AppError> {
    let found = find(app, who, query).await?;
    note(app, who, &found, query, "csv").await?;
    let name = file_name(app, &found, "csv");
    let body = pulled(found.sheet, |sheet| sheet.next_csv(ROWS));
    Ok(saved(body, "text/csv; charset=utf-8", &name))
}

/// Excel's format has its table of contents at the end: the file is written whole
/// to the disk before its first byte leaves, and unlinked at once.
pub async fn xlsx(app: &App, who: &SignedIn, query: &ExportQuery) -> Result<Response, AppError> {
    let found = find(app, who, query).await?;
    note(app, who, &found, query, "xlsx").await?;
    let name = file_name(app, &found, "xlsx");
    let scratch = app.db.dir().exports();
    let path = scratch.join(format!("sheet-{}.tmp", app.db.clock().new_id()));
    let written = tokio::task::spawn_blocking(move || {
        let written = found.sheet.write_workbook(&path, &scratch, &found.title);
        let opened = std::fs::File::open(&path);
        let _ = std::fs::remove_file(&path);
        written.map(|()| opened)
    });
    let written = written.await.map_err(AppError::internal)?;
    let file = written
        .map_err(AppError::internal)?
        .map_err(AppError::internal)?;
    let body = file_body(tokio::fs::File::from_std(file));
    let kind = XLSX;
    Ok(saved(body, kind, &name))
}

async fn find(app: &App, who: &SignedIn, query: &ExportQuery) -> Result<Found, AppError> {
    let blank = |text: &Option<String>| text.clone().filter(|t| !t.trim().is_empty());
    let (view_id, list) = (blank(&query.view), blank(&query.list));
    if let Some(list) = &list
        && !LISTS.contains(&list.as_str())
    {
        let why = format!("There is no such list: use one of {}.", LISTS.join(", "));
        return Err(AppError::invalid("list", why));
    }
    if blank(&query.columns).is_some_and(|columns| columns != "all") {
        let why = "Write all for hidden columns too, or leave it out.";
        return Err(AppError::invalid("columns", why));
    }
    let asked = RowsQuery {
        view: view_id.clone(),
        filter: blank(&query.filter),
        sort: blank(&query.sort),
        group: blank(&query.group),
        search: blank(&query.q),
        archived: query.archived.clone(),
        ..RowsQuery::default()
    };
    let mut order = order_query(app, who, &asked).await?;
    // Neither is shown in a file.
    order.colors.clear();
    order.summaries.clear();
    let mut wanted = Wanted {
        order,
        columns: Vec::new(),
        all_columns: query.columns.as_deref() == Some("all"),
    };
    let (mut title, mut target) = ("Investors".to_owned(), String::new());
    if let Some(id) = &view_id {
        let mut conn = app.db.read().acquire().await?;
        if let Some(view) = view::find(&mut conn, id, &who.user.id).await? {
            (title, target) = (view.name, format!("view:{}", view.id));
            wanted.columns = view.config.columns;
        }
    }
    if let Some(list) = list {
        list_label(&list).clone_into(&mut title);
        wanted.order.filter = Some(Filter::Condition(Condition {
            column: "@list".to_owned(),
            op: "is".to_owned(),
            value: list.into(),
        }));
    }
    let table = app.grid.read_ranked(&wanted.order.ranked()).await?;
    let user = who.user.id.clone();
    let taken = tokio::task::spawn_blocking(move || {
        let viewer = Viewer { user: Some(&user) };
        Sheet::take(&table, &wanted, viewer)
    });
    Ok(Found {
        sheet: taken.await.map_err(AppError::internal)??,
        title,
        target,
    })
}

async fn note(
    app: &App,
    who: &SignedIn,
    found: &Found,
    query: &ExportQuery,
    format: &str,
) -> Result<(), AppError> {
    let detail = json!({
        "format": format,
        "rows": found.sheet.rows(),
        "columns": found.sheet.headers().len(),
        "list": query.list.as_deref().filter(|list| !list.is_empty()),
        "searched": query.q.as_deref().is_some_and(|q| !q.trim().is_empty()),
        "archived": query.archived.as_deref() == Some("1"),
    });
    recorded(app, who, "export.view", &found.target, detail).await
}

fn file_name(app: &App, found: &Found, end: &str) -> String {
    let day = show::today(found.sheet.zone(), app.db.now());
    let day = day.get(..10).unwrap_or(&day);
    let title: String = found
        .title
        .chars()
        .map(|c| {
            if c.is_control() || "<>:\"/\\|?*".contains(c) {
                '_'
            } else {
                c
            }
        })
        .take(80)
        .collect();
    format!("{} {day}.{end}", title.trim_matches(['.', ' ']))
}
