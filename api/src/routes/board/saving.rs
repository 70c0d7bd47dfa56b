//! Saving a layout and its column into the view, for everybody who opens it.

use axum::extract::State;
use crm_jobs::{
    audit,
    grid::view::{self, Layout, ViewChange, Viewer},
};
use serde::Deserialize;
use serde_json::json;

use super::place::{Place, path};
use crate::{
    error::AppError, extract::Form, flash::Done, routes::page::FlashKind, session::SignedIn,
    state::App,
};

#[derive(Deserialize)]
pub struct Save {
    view: String,
    by: String,
    #[serde(default)]
    layout: String,
}

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<Save>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    let found = view::find(&mut tx, &form.view, &who.user.id)
        .await?
        .ok_or_else(|| AppError::not_found("There is no such view."))?;
    let mut config = found.config.clone();
    let layout = if form.layout == "calendar" {
        config.date_column = Some(form.by.clone());
        Layout::Calendar
    } else {
        config.board_column = Some(form.by.clone());
        Layout::Board
    };
    config.layout = Some(layout);
    let table = app.grid.read().await?;
    let viewer = Viewer {
        user: Some(&who.user.id),
    };
    view::check(&table, &config, viewer)?;
    drop(table);
    let change = ViewChange {
        config: Some(&config),
        ..ViewChange::default()
    };
    let changed = view::change(&mut tx, &found, &change).await?;
    let target = format!("view:{}", changed.id);
    let detail = json!({ "name": changed.name, "layout": layout });
    audit::record(
        &mut tx,
        &who.actor(),
        "view.changed",
        &target,
        detail,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    app.grid.follow().await?;
    let place = Place {
        view: form.view,
        ..Place::default()
    };
    let text = format!(
        "{} opens as a {} now.",
        changed.name,
        path(layout).trim_start_matches("/grid/")
    );
    Ok(Done::to(place.href(layout)).saying(FlashKind::Ok, text))
}
