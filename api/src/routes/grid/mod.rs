//! The grid as pages: a table edited one cell at a time.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::grid::{self, Column, Operation};
use serde::Deserialize;

use self::{
    conflict::{Typed, conflict},
    list::Returned,
    query::GridQuery,
    values::Names,
};
use super::state::write::apply;
use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::{Form, Query},
    flash::Done,
    frame::{html, html_with},
    route::{Route, get, post},
    routes::page::FlashKind,
    session::{SignedIn, safe_next},
    state::App,
};

pub(crate) mod conflict;
pub(crate) mod fields;
pub(crate) mod list;
pub mod page;
mod query;
mod trash;
pub mod trash_page;
pub(crate) mod undo;
pub(crate) mod values;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/grid", Access::Member, show_grid),
        post("/grid/rows", Access::Member, add_row),
        post("/grid/cells", Access::Member, set_cell),
        get("/grid/trash", Access::Member, trash::show),
        post(
            "/grid/trash/rows/{id}/restore",
            Access::Member,
            trash::restore_row,
        ),
        post(
            "/grid/trash/columns/{id}/restore",
            Access::Member,
            trash::restore_column,
        ),
        post("/grid/trash/rows/{id}/purge", Access::Admin, trash::purge),
        post("/grid/undo/{change_set}", Access::Member, undo::undo),
    ]
}

async fn show_grid(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<GridQuery>,
) -> Result<Response, AppError> {
    Ok(html(
        &list::build(&app, &who, &query, Returned::default()).await?,
    ))
}

#[derive(Deserialize)]
struct NewRow {
    name: String,
    #[serde(default)]
    list: String,
    #[serde(default)]
    next: String,
}

async fn add_row(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<NewRow>,
) -> Result<Response, AppError> {
    match add(&app, &who, &form).await {
        Ok(done) => Ok(done.into_response()),
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let query = GridQuery::of(&form.next).unwrap_or_default();
            let why = refused.detail().to_owned();
            let returned = Returned {
                unnamed: Some((form.name, why)),
                ..Returned::default()
            };
            let page = list::build(&app, &who, &query, returned).await?;
            Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(other) => Err(other),
    }
}

async fn add(app: &App, who: &SignedIn, form: &NewRow) -> Result<Done, AppError> {
    let name = form.name.trim();
    if name.is_empty() {
        return Err(AppError::invalid("name", "Give the investor a name."));
    }
    let mut tx = app.db.write().await?;
    grid::begin(&mut tx, &who.actor().to_string()).await?;
    let columns = grid::columns(&mut tx).await?;
    let first = first(&columns).ok_or_else(|| {
        AppError::invalid(
            "name",
            "The grid has no column to hold a name: import a table first.",
        )
    })?;
    grid::normalize(first, &name.into())
        .map_err(|why| AppError::invalid("name", sentence(&why)))?;
    let operation = Operation::AddRow {
        id: None,
        after: None,
        cells: [(first.id.clone(), name.into())].into_iter().collect(),
        list: grid::LISTS
            .contains(&form.list.as_str())
            .then(|| form.list.clone()),
    };
    let applied = apply(&mut tx, who, &[operation], "edit", "").await?;
    tx.commit().await?;
    let id = applied.rows.first().map_or("", |row| &row.id);
    Ok(Done::to(format!("/investors/{id}"))
        .saying(FlashKind::Ok, format!("{} is added.", clipped(name)))
        .offering("Undo", &undo::href(applied.version)))
}

/// One posted cell. Repeated values are those of a multi-select.
struct Posted {
    row: String,
    column: String,
    version: i64,
    values: Vec<String>,
    next: String,
}

impl Posted {
    fn of(pairs: Vec<(String, String)>) -> Result<Self, AppError> {
        let mut posted = Self {
            row: String::new(),
            column: String::new(),
            version: -1,
            values: Vec::new(),
            next: "/grid".to_owned(),
        };
        for (name, value) in pairs {
            match name.as_str() {
                "row" => posted.row = value,
                "column" => posted.column = value,
                "version" => posted.version = value.parse().unwrap_or(-1),
                "value" => posted.values.push(value),
                "next" => safe_next(&value).clone_into(&mut posted.next),
                _ => {}
            }
        }
        if posted.row.is_empty() || posted.column.is_empty() || posted.version < 0 {
            return Err(AppError::invalid(
                "version",
                "The form lacks its row, column or version: load the page again.",
            ));
        }
        Ok(posted)
    }
}

async fn set_cell(
    State(app): State<App>,
    who: SignedIn,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, AppError> {
    let posted = Posted::of(pairs)?;
    let names = Names::load(&app).await?;
    let mut tx = app.db.write().await?;
    let columns = grid::columns(&mut tx).await?;
    let column = columns.iter().find(|c| c.id == posted.column);
    let column = column.ok_or_else(|| AppError::not_found("There is no such column."))?;
    let row = grid::row(&mut tx, &posted.row).await?.ok_or_else(gone)?;
    let value = fields::meant(
        column,
        &posted.values,
        row.cells.get(&column.id),
        &names.zone,
    );
    if let Err(why) = grid::normalize(column, &value) {
        drop(tx);
        return refused(&app, &who, posted, why).await;
    }
    let operation = Operation::Set {
        row: row.id.clone(),
        column: column.id.clone(),
        value,
        base: posted.version,
    };
    let applied = match apply(&mut tx, &who, &[operation], "edit", "").await {
        Ok(applied) => applied,
        Err(error) if error.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            drop(tx);
            return refused(&app, &who, posted, error.detail().to_owned()).await;
        }
        Err(other) => return Err(other),
    };
    tx.commit().await?;
    let title = list::title(&row, first(&columns), &names);
    if let Some(met) = applied.conflicts.first() {
        let typed = Typed {
            title,
            version: applied.version.max(row.version),
            values: posted.values,
            next: posted.next,
        };
        let conflict = conflict(&names, column, met, typed);
        return met_newer(&app, &who, conflict).await;
    }
    let done = Done::to(posted.next);
    if applied.changes == 0 {
        return Ok(done.into_response());
    }
    let text = format!("{} of {} is saved.", column.name, clipped(&title));
    Ok(done
        .saying(FlashKind::Ok, text)
        .offering("Undo", &undo::href(applied.version))
        .into_response())
}

pub(crate) fn gone() -> AppError {
    let words = "This investor is not there any more: somebody deleted it.";
    AppError::new(StatusCode::NOT_FOUND, "row_gone", words)
}

/// The page the edit came from, with the editor open on what was typed.
async fn refused(
    app: &App,
    who: &SignedIn,
    posted: Posted,
    why: String,
) -> Result<Response, AppError> {
    let query = GridQuery::of(&posted.next)
        .unwrap_or_default()
        .editing(&posted.row, &posted.column);
    let returned = Returned {
        refused: Some((posted.values, posted.version, sentence(&why))),
        ..Returned::default()
    };
    let page = list::build(app, who, &query, returned).await?;
    Ok(html_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// The page the edit came from, with both values and the choice between them.
async fn met_newer(
    app: &App,
    who: &SignedIn,
    conflict: page::Conflict,
) -> Result<Response, AppError> {
    let Some(query) = GridQuery::of(&conflict.keep_theirs_href) else {
        let id = conflict.row.clone();
        return super::investor::with_conflicts(app, who, &id, vec![conflict]).await;
    };
    let returned = Returned {
        conflict: Some(conflict),
        ..Returned::default()
    };
    let page = list::build(app, who, &query.closed(), returned).await?;
    Ok(html_with(StatusCode::CONFLICT, &page))
}

/// Long names do not fit a message.
pub(crate) fn clipped(text: &str) -> String {
    if text.chars().count() <= 60 {
        return text.to_owned();
    }
    let head: String = text.chars().take(59).collect();
    format!("{head}…")
}

/// The column that names a row.
pub(crate) fn first(columns: &[Column]) -> Option<&Column> {
    columns.iter().find(|c| !c.hidden)
}
