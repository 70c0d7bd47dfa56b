//! The trash: what was deleted, to bring back or, for admins, to erase.

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::Role,
    grid::{self, Operation},
};
use serde::Deserialize;

use super::{
    trash_page::{TrashPage, Trashed},
    undo,
    values::Names,
};
use crate::{
    error::AppError,
    extract::{Form, Path, Query},
    flash::Done,
    frame::{frame, html},
    routes::{
        page::FlashKind,
        state::{undo::purge_row, write::apply},
    },
    session::SignedIn,
    show,
    state::App,
};

/// Rows on one page.
const PER_PAGE: i64 = 50;

#[derive(Deserialize)]
pub struct Older {
    #[serde(default)]
    before: String,
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<Older>,
) -> Result<Response, AppError> {
    let names = Names::load(&app).await?;
    let mut conn = app.db.read().acquire().await?;
    let trash = grid::trash(&mut conn, query.before.parse().ok(), PER_PAGE).await?;
    drop(conn);
    let is_full = i64::try_from(trash.rows.len()).unwrap_or(0) == PER_PAGE;
    let older = trash.rows.last().filter(|_| is_full);
    Ok(html(&TrashPage {
        frame: frame(&app, &who, "Trash").await,
        older_href: older.map_or_else(String::new, |row| {
            format!("/grid/trash?before={}", row.deleted_at)
        }),
        rows: trash
            .rows
            .into_iter()
            .map(|row| Trashed {
                at: show::moment(&names.zone, row.deleted_at),
                by: show::actor(&row.deleted_by, &names.users),
                id: row.id,
                title: row.title,
            })
            .collect(),
        columns: trash
            .columns
            .into_iter()
            .map(|column| Trashed {
                at: show::moment(&names.zone, column.deleted_at),
                by: String::new(),
                id: column.id,
                title: column.name,
            })
            .collect(),
        can_purge: who.user.role == Role::Admin,
    }))
}

pub async fn restore_row(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    restore(&app, &who, Operation::Restore { row: id }).await
}

pub async fn restore_column(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    restore(&app, &who, Operation::RestoreColumn { column: id }).await
}

async fn restore(app: &App, who: &SignedIn, operation: Operation) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    let applied = apply(&mut tx, who, &[operation], "edit", "").await?;
    tx.commit().await?;
    let done = Done::to("/grid/trash");
    Ok(if applied.changes == 0 {
        done.saying(FlashKind::Info, "It is back already.")
    } else {
        done.saying(FlashKind::Ok, "It is back.")
            .offering("Undo", &undo::href(applied.version))
    })
}

#[derive(Deserialize)]
pub struct Typed {
    confirm: String,
}

pub async fn purge(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Done, AppError> {
    let done = Done::to("/grid/trash");
    match purge_row(&app, &who, &id, &typed.confirm).await {
        Ok(_) => Ok(done.saying(FlashKind::Ok, "It is erased, with its history.")),
        Err(refused) if refused.status() == axum::http::StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(done.saying(FlashKind::Warn, refused.detail().to_owned()))
        }
        Err(other) => Err(other),
    }
}
