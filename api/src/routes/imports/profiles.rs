//! Saved profiles: how files of the same columns are taken, week after week.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::import::{self, ImportProfile};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{find, record};
use crate::{
    error::AppError,
    extract::{Form, Json, Path},
    flash::Done,
    routes::page::FlashKind,
    session::SignedIn,
    state::App,
};

/// An import whose mapping is kept under a name.
#[derive(Deserialize, JsonSchema)]
pub struct NewProfile {
    /// For people; a profile of this name is replaced.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The import whose mapping it keeps.
    #[schemars(length(min = 1, max = 64))]
    import_id: String,
}

pub async fn list(State(app): State<App>) -> Result<Json<Vec<ImportProfile>>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(import::profiles(&mut conn).await?))
}

pub async fn save(
    State(app): State<App>,
    who: SignedIn,
    Json(new): Json<NewProfile>,
) -> Result<Response, AppError> {
    let saved = keep(&app, &who, &new.import_id, &new.name).await?;
    Ok((StatusCode::CREATED, Json(saved)).into_response())
}

async fn keep(
    app: &App,
    who: &SignedIn,
    import: &str,
    name: &str,
) -> Result<ImportProfile, AppError> {
    let import = find(app, import).await?;
    let mut tx = app.db.write().await?;
    let saved = import::save_profile(&mut tx, name, &import, &who.actor().to_string()).await?;
    record(&mut tx, who, "import.profile_saved", &import.id).await?;
    tx.commit().await?;
    Ok(saved)
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    drop_profile(&app, &who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn drop_profile(app: &App, who: &SignedIn, id: &str) -> Result<(), AppError> {
    let mut tx = app.db.write().await?;
    if !import::remove_profile(&mut tx, id).await? {
        return Err(AppError::not_found("There is no such profile."));
    }
    record(&mut tx, who, "import.profile_removed", id).await?;
    tx.commit().await?;
    Ok(())
}

#[derive(Deserialize)]
pub struct NameForm {
    #[serde(default)]
    name: String,
}

/// What is wrong with the name is told on the page it was typed on.
pub async fn save_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<NameForm>,
) -> Result<Done, AppError> {
    let back = Done::to(format!("/imports/{id}"));
    match keep(&app, &who, &id, &form.name).await {
        Ok(saved) => Ok(back.saying(
            FlashKind::Ok,
            format!(
                "Saved as “{}”. The next file with these columns is mapped by it.",
                saved.name
            ),
        )),
        Err(refused) if refused.field().is_some() => {
            Ok(back.saying(FlashKind::Bad, refused.detail().to_owned()))
        }
        Err(other) => Err(other),
    }
}

pub async fn remove_form(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    drop_profile(&app, &who, &id).await?;
    Ok(Done::to("/imports").saying(FlashKind::Ok, "The profile is gone; its imports stay."))
}
