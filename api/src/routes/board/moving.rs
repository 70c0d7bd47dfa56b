//! A card moved by its form: what the script does too, without the script.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::users,
    grid::{
        self, Column, ColumnType, Operation, Row,
        view::{self, Layout},
    },
};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{calendar, lanes, place::Place};
use crate::{
    error::AppError,
    extract::Form,
    flash::Done,
    frame::html_with,
    routes::{grid::page::Conflict, page::FlashKind, state::write::apply},
    session::{SignedIn, safe_next},
    show,
    state::App,
};

/// A card, and where it shall go.
#[derive(Deserialize)]
#[serde(default)]
pub struct Move {
    row: String,
    column: String,
    /// Row version the page was drawn at.
    version: i64,
    /// An option's id or a day; empty for none.
    value: String,
    /// Why, for whoever asks later; of lists only.
    reason: String,
    next: String,
}

impl Default for Move {
    fn default() -> Self {
        Self {
            row: String::new(),
            column: String::new(),
            version: -1,
            value: String::new(),
            reason: String::new(),
            next: "/grid/board".to_owned(),
        }
    }
}

pub async fn move_card(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<Move>,
) -> Result<Response, AppError> {
    let table = app.grid.read().await?;
    let column = table.column(&form.column).filter(|c| view::is_movable(c));
    let column = column.ok_or_else(not_movable)?.column.clone();
    let zone = table.moment.zone.clone();
    drop(table);
    let mut tx = app.db.write().await?;
    let row = grid::row(&mut tx, &form.row).await?.ok_or_else(gone)?;
    let columns = grid::columns(&mut tx).await?;
    let title = row.title(&columns);
    let back = Done::to(safe_next(&form.next));
    let operation = match operation(&form, &column, &row, &zone) {
        Ok(operation) => operation,
        Err(why) => return Ok(back.saying(FlashKind::Bad, why).into_response()),
    };
    let applied = match apply(&mut tx, &who, &[operation], "edit", "").await {
        Ok(applied) => applied,
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            return Ok(back
                .saying(FlashKind::Bad, refused.detail())
                .into_response());
        }
        Err(other) => return Err(other),
    };
    tx.commit().await?;
    if let Some(met) = applied.conflicts.first() {
        let conflict = conflict(&app, &column, met, form, title, applied.version).await?;
        return met_newer(&app, &who, conflict).await;
    }
    if applied.changes == 0 {
        return Ok(back
            .saying(FlashKind::Info, "It is there already.")
            .into_response());
    }
    let to = named(&column, &form.value);
    Ok(back
        .saying(FlashKind::Ok, format!("{title} moved to {to}."))
        .offering("Undo", &format!("/grid/undo/{}", applied.version))
        .into_response())
}

/// What to do, or why not.
fn operation(
    form: &Move,
    column: &Column,
    row: &Row,
    zone: &jiff::tz::TimeZone,
) -> Result<Operation, String> {
    if column.id == "@list" {
        return Ok(Operation::Move {
            row: row.id.clone(),
            list: form.value.clone(),
            reason: form.reason.clone(),
        });
    }
    let value = match column.kind {
        _ if form.value.is_empty() => Json::Null,
        ColumnType::Select => form.value.as_str().into(),
        kind => {
            let day = form
                .value
                .parse()
                .map_err(|_| format!("“{}” is no day: write it as 2026-03-31.", form.value))?;
            view::moved_to(kind, row.cells.get(&column.id), day, zone)
        }
    };
    Ok(Operation::Set {
        row: row.id.clone(),
        column: column.id.clone(),
        value,
        base: form.version,
    })
}

/// Where a card went, in words.
fn named(column: &Column, value: &str) -> String {
    if value.is_empty() {
        return format!("“No {}”", column.name.to_lowercase());
    }
    if let Ok(day) = value.parse::<jiff::civil::Date>() {
        return day.strftime("%-d %B %Y").to_string();
    }
    let choice = column.options.choice(value);
    choice.map_or_else(|| value.to_owned(), |c| c.name.clone())
}

async fn conflict(
    app: &App,
    column: &Column,
    met: &grid::Conflict,
    form: Move,
    title: String,
    version: i64,
) -> Result<Conflict, AppError> {
    let everybody = users::list(&app.db).await?;
    let names = everybody.into_iter().map(|u| (u.id, u.name)).collect();
    Ok(Conflict {
        row_title: title,
        label: column.name.clone(),
        yours: grid::display(column, &met.yours),
        theirs: grid::display(column, &met.theirs),
        by: show::actor(&met.by, &names),
        at: show::ago(app.db.now(), met.at),
        action: "/grid/board/move".to_owned(),
        row: form.row,
        column: form.column,
        version,
        values: vec![form.value],
        keep_theirs_href: safe_next(&form.next).to_owned(),
    })
}

/// The page the move came from, with both values and the choice between them.
async fn met_newer(app: &App, who: &SignedIn, met: Conflict) -> Result<Response, AppError> {
    let (layout, place) = Place::of(&met.keep_theirs_href);
    if layout == Layout::Calendar {
        let page = calendar::build(app, who, place, Some(met)).await?;
        return Ok(html_with(StatusCode::CONFLICT, &page));
    }
    let page = lanes::build(app, who, place, Some(met)).await?;
    Ok(html_with(StatusCode::CONFLICT, &page))
}

fn gone() -> AppError {
    let words = "This investor is not there any more: somebody deleted it.";
    AppError::new(StatusCode::NOT_FOUND, "row_gone", words)
}

fn not_movable() -> AppError {
    let words = "Cards cannot be moved by this column: it is gone, or worked out from others.";
    AppError::invalid("column", words)
}
