//! Noting that somebody was in touch with an investor.

use axum::extract::State;
use crm_jobs::{
    audit,
    work::{CONTACT_KINDS, NewInteraction, add_interaction, remove_interaction},
};
use jiff::civil;
use serde::Deserialize;
use serde_json::json;

use super::build::path;
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    routes::{
        grid::values::Names,
        page::{Choice, FlashKind},
        state::live_row,
    },
    session::SignedIn,
    state::App,
};

/// Kinds to choose from.
pub fn kinds() -> Vec<Choice> {
    CONTACT_KINDS
        .iter()
        .map(|(kind, name)| Choice::new(kind, name, false))
        .collect()
}

#[derive(Deserialize)]
pub struct Contact {
    kind: String,
    #[serde(default)]
    on: String,
    #[serde(default)]
    note: String,
}

pub async fn note(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Contact>,
) -> Result<Done, AppError> {
    let row = live_row(&app, &id).await?;
    let names = Names::load(&app).await?;
    let actor = who.actor();
    let new = NewInteraction {
        row: &row.id,
        kind: &form.kind,
        at: moment(&form.on, &names)?,
        note: &form.note,
        by: &actor.to_string(),
    };
    let mut tx = app.db.write().await?;
    let contact = add_interaction(&mut tx, &new).await?;
    let target = format!("row:{}", row.id);
    let detail = json!({ "kind": form.kind });
    audit::record(&mut tx, &actor, "contact.noted", &target, detail, &who.ip()).await?;
    tx.commit().await?;
    Ok(Done::to(path(&row.id))
        .saying(FlashKind::Ok, "The contact is noted.")
        .offering(
            "Undo",
            &format!("/investors/{}/contacts/{contact}/remove", row.id),
        ))
}

pub async fn remove(
    State(app): State<App>,
    who: SignedIn,
    Path((id, contact)): Path<(String, String)>,
) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    if !remove_interaction(&mut tx, &contact).await? {
        return Err(AppError::not_found("There is no such contact."));
    }
    let target = format!("row:{id}");
    audit::record(
        &mut tx,
        &who.actor(),
        "contact.removed",
        &target,
        json!({}),
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(Done::to(path(&id)).saying(FlashKind::Ok, "The contact is taken back."))
}

/// Noon of the day in the fund's zone; today is now.
fn moment(on: &str, names: &Names) -> Result<i64, AppError> {
    let now = jiff::Timestamp::from_millisecond(names.now).map_err(AppError::internal)?;
    if on.trim().is_empty() {
        return Ok(names.now);
    }
    let wrong = || AppError::invalid("on", "Write the day like 2026-03-31.");
    let day: civil::Date = on.trim().parse().map_err(|_| wrong())?;
    if day == now.to_zoned(names.zone.clone()).date() {
        return Ok(names.now);
    }
    let noon = day.at(12, 0, 0, 0).to_zoned(names.zone.clone());
    Ok(noon.map_err(|_| wrong())?.timestamp().as_millisecond())
}
