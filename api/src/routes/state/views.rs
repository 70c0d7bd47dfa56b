//! Saved views as JSON.

use axum::extract::State;
use crm_jobs::{
    audit,
    grid::view::{self, Mode, NewView, View, ViewChange, ViewConfig, Viewer},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::{
    error::AppError,
    extract::{Json, Path},
    session::SignedIn,
    state::App,
};

/// A view to be made.
#[derive(Deserialize, JsonSchema)]
pub struct MakeView {
    /// What people call it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// Who may see and change it.
    mode: Mode,
    /// What it shows.
    #[serde(default)]
    config: ViewConfig,
}

/// A change to a view; what is absent stays.
#[derive(Deserialize, JsonSchema)]
pub struct ChangeView {
    /// New name.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    /// New mode.
    #[serde(default)]
    mode: Option<Mode>,
    /// New configuration.
    #[serde(default)]
    config: Option<ViewConfig>,
    /// New place in the list.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    position: Option<i64>,
}

pub async fn list(State(app): State<App>, who: SignedIn) -> Result<Json<Vec<View>>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(view::list(&mut conn, &who.user.id).await?))
}

pub async fn add(
    State(app): State<App>,
    who: SignedIn,
    Json(wanted): Json<MakeView>,
) -> Result<Json<View>, AppError> {
    check(&app, &who, &wanted.config).await?;
    let mut tx = app.db.write().await?;
    let new = NewView {
        name: &wanted.name,
        mode: wanted.mode,
        owner: &who.user.id,
        config: &wanted.config,
    };
    let made = view::add(&mut tx, &new).await?;
    record(&mut tx, &who, "view.added", &made).await?;
    tx.commit().await?;
    app.grid.follow().await?;
    Ok(Json(made))
}

pub async fn change(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Json(wanted): Json<ChangeView>,
) -> Result<Json<View>, AppError> {
    if let Some(config) = &wanted.config {
        check(&app, &who, config).await?;
    }
    let mut tx = app.db.write().await?;
    let found = seen(&mut tx, &who, &id).await?;
    if found.mode == Mode::Shared
        && wanted.mode == Some(Mode::Personal)
        && found.owner.as_deref() != Some(&who.user.id)
    {
        return Err(AppError::conflict(
            "view_of_others",
            "Only who made a shared view can make it personal: save it as a view of your own instead.",
        ));
    }
    let change = ViewChange {
        name: wanted.name.as_deref(),
        mode: wanted.mode,
        config: wanted.config.as_ref(),
        position: wanted.position,
    };
    let changed = view::change(&mut tx, &found, &change).await?;
    record(&mut tx, &who, "view.changed", &changed).await?;
    tx.commit().await?;
    app.grid.follow().await?;
    Ok(Json(changed))
}

pub async fn delete(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<View>, AppError> {
    let mut tx = app.db.write().await?;
    let found = seen(&mut tx, &who, &id).await?;
    view::delete(&mut tx, &found).await?;
    record(&mut tx, &who, "view.deleted", &found).await?;
    tx.commit().await?;
    app.grid.follow().await?;
    Ok(Json(found))
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<View>, AppError> {
    let mut tx = app.db.write().await?;
    if !view::restore(&mut tx, &id, &who.user.id).await? {
        return Err(AppError::not_found("There is no such deleted view."));
    }
    let found = seen(&mut tx, &who, &id).await?;
    record(&mut tx, &who, "view.restored", &found).await?;
    tx.commit().await?;
    app.grid.follow().await?;
    Ok(Json(found))
}

async fn check(app: &App, who: &SignedIn, config: &ViewConfig) -> Result<(), AppError> {
    let table = app.grid.read().await?;
    let viewer = Viewer {
        user: Some(&who.user.id),
    };
    Ok(view::check(&table, config, viewer)?)
}

async fn seen(tx: &mut crm_jobs::db::WriteTx, who: &SignedIn, id: &str) -> Result<View, AppError> {
    view::find(tx, id, &who.user.id)
        .await?
        .ok_or_else(|| AppError::not_found("There is no such view."))
}

async fn record(
    tx: &mut crm_jobs::db::WriteTx,
    who: &SignedIn,
    action: &'static str,
    view: &View,
) -> Result<(), AppError> {
    let target = format!("view:{}", view.id);
    let detail = json!({ "name": view.name, "mode": view.mode });
    audit::record(tx, &who.actor(), action, &target, detail, &who.ip()).await?;
    Ok(())
}
