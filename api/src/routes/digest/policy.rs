//! The policy: read, changed.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    accounts::users,
    audit,
    digest::{self, Policy},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::show;
use crate::{
    error::AppError,
    extract::{Form, Json},
    flash::Done,
    routes::page::FlashKind,
    session::SignedIn,
    state::App,
};

/// What is to be changed; the rest stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct PolicyChange {
    /// It is sent by itself.
    enabled: Option<bool>,
    /// Time of day, `HH:MM`.
    #[schemars(length(max = 5))]
    time: Option<String>,
    /// IANA zone of that time; empty: the fund's own.
    #[schemars(length(max = 64))]
    zone: Option<String>,
    /// From Monday to Friday only.
    weekdays_only: Option<bool>,
    /// Nothing is sent on a day without anything to tell.
    skip_quiet: Option<bool>,
    /// Ids of the users who get it; an empty list: all active admins.
    #[schemars(length(max = 200), inner(length(max = 64)))]
    recipients: Option<Vec<String>>,
}

pub(super) async fn read(State(app): State<App>) -> Result<Json<Policy>, AppError> {
    Ok(Json(digest::policy(&app.db).await?))
}

pub(super) async fn change(
    State(app): State<App>,
    who: SignedIn,
    Json(change): Json<PolicyChange>,
) -> Result<Json<Policy>, AppError> {
    let now = digest::policy(&app.db).await?;
    let policy = Policy {
        enabled: change.enabled.unwrap_or(now.enabled),
        time: change.time.unwrap_or(now.time),
        zone: match change.zone {
            Some(zone) => Some(zone).filter(|z| !z.trim().is_empty()),
            None => now.zone,
        },
        weekdays_only: change.weekdays_only.unwrap_or(now.weekdays_only),
        skip_quiet: change.skip_quiet.unwrap_or(now.skip_quiet),
        recipients: match change.recipients {
            Some(ids) => Some(ids).filter(|ids| !ids.is_empty()),
            None => now.recipients,
        },
    };
    Ok(Json(save(&app, &who, policy).await?))
}

async fn save(app: &App, who: &SignedIn, policy: Policy) -> Result<Policy, AppError> {
    let mut tx = app.db.write().await?;
    let policy = digest::set_policy(&mut tx, policy, &who.actor().to_string()).await?;
    let told = json!({
        "enabled": policy.enabled, "time": policy.time, "recipients": policy.recipients.as_ref().map(Vec::len),
    });
    audit::record(
        &mut tx,
        &who.actor(),
        "digest.policy_changed",
        "",
        told,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(policy)
}

/// The form: a box that is not ticked is not sent, and each person is a field
/// `to_ID`.
#[derive(Debug, Default, Deserialize)]
pub struct PolicyForm {
    #[serde(default)]
    time: String,
    #[serde(default)]
    zone: String,
    #[serde(flatten)]
    ticked: std::collections::BTreeMap<String, String>,
}

pub(super) async fn save_form(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<PolicyForm>,
) -> Result<Response, AppError> {
    let has = |name: &str| form.ticked.contains_key(name);
    let chosen = if form.ticked.get("who").is_some_and(|who| who == "chosen") {
        let people = users::list(&app.db).await?;
        let ids = people.into_iter().map(|user| user.id);
        Some(ids.filter(|id| has(&format!("to_{id}"))).collect())
    } else {
        None
    };
    let policy = Policy {
        enabled: has("enabled"),
        time: form.time.clone(),
        zone: Some(form.zone.clone()),
        weekdays_only: has("weekdays_only"),
        skip_quiet: has("skip_quiet"),
        recipients: chosen,
    };
    match save(&app, &who, policy.clone()).await {
        Ok(saved) => Ok(Done::to("/digest")
            .saying(
                FlashKind::Ok,
                if saved.enabled {
                    "Saved: the digest goes out by itself."
                } else {
                    "Saved: the digest is off."
                },
            )
            .into_response()),
        Err(error) if error.field().is_some() => {
            show::with_policy(&app, &who, policy, Some(error), None).await
        }
        Err(error) => Err(error),
    }
}
