//! The policy: read, changed, and a key proven before it is taken.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use crm_jobs::{
    audit,
    backup::{self, Challenge, DrillDay, Policy},
    settings,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::policy_page::{PolicyPage, Proof};
use crate::{
    error::AppError,
    extract::{Form, Json},
    flash::Done,
    frame::{frame, html_with},
    routes::page::FlashKind,
    session::SignedIn,
    state::App,
};

/// What is to be changed; the rest stays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct PolicyChange {
    /// Time of the nightly backup, `HH:MM`.
    #[schemars(length(max = 5))]
    time: Option<String>,
    /// IANA zone of that time; empty: the fund's own.
    #[schemars(length(max = 64))]
    zone: Option<String>,
    /// Days kept.
    #[schemars(range(min = 1, max = 366))]
    daily: Option<u16>,
    /// Weeks kept.
    #[schemars(range(min = 0, max = 520))]
    weekly: Option<u16>,
    /// Months kept.
    #[schemars(range(min = 0, max = 240))]
    monthly: Option<u16>,
    /// Where each backup is copied too; empty: nowhere.
    #[schemars(length(max = 500))]
    second_directory: Option<String>,
    /// age public key; empty: not encrypted. A new one needs `phrase`.
    #[schemars(length(max = 100))]
    recipient: Option<String>,
    /// What the challenge for the key says.
    #[schemars(length(max = 200))]
    phrase: Option<String>,
    /// Day of the weekly drill.
    drill_day: Option<DrillDay>,
    /// Age of the newest verified backup that raises the alarm, hours.
    #[schemars(range(min = 1, max = 1000))]
    alarm_hours: Option<u16>,
    /// Age of the last proven restore that raises the alarm, days.
    #[schemars(range(min = 1, max = 366))]
    drill_alarm_days: Option<u16>,
}

impl PolicyChange {
    fn over(&self, now: Policy) -> Policy {
        let text = |new: &Option<String>, old: Option<String>| match new {
            Some(text) => Some(text.clone()).filter(|t| !t.trim().is_empty()),
            None => old,
        };
        Policy {
            time: self.time.clone().unwrap_or(now.time),
            zone: text(&self.zone, now.zone),
            daily: self.daily.unwrap_or(now.daily),
            weekly: self.weekly.unwrap_or(now.weekly),
            monthly: self.monthly.unwrap_or(now.monthly),
            second_directory: text(&self.second_directory, now.second_directory),
            recipient: text(&self.recipient, now.recipient),
            drill_day: self.drill_day.unwrap_or(now.drill_day),
            alarm_hours: self.alarm_hours.unwrap_or(now.alarm_hours),
            drill_alarm_days: self.drill_alarm_days.unwrap_or(now.drill_alarm_days),
        }
    }
}

pub(super) async fn read(State(app): State<App>) -> Result<Json<Policy>, AppError> {
    Ok(Json(backup::policy(&app.db).await?))
}

pub(super) async fn change(
    State(app): State<App>,
    who: SignedIn,
    Json(change): Json<PolicyChange>,
) -> Result<Json<Policy>, AppError> {
    let policy = change.over(backup::policy(&app.db).await?);
    let phrase = change.phrase.as_deref();
    Ok(Json(save(&app, &who, policy, phrase).await?))
}

async fn save(
    app: &App,
    who: &SignedIn,
    policy: Policy,
    phrase: Option<&str>,
) -> Result<Policy, AppError> {
    let by = who.actor().to_string();
    let mut tx = app.db.write().await?;
    let policy = backup::set_policy(&mut tx, &app.db, policy, phrase, &by).await?;
    let detail = json!({
        "time": policy.time, "second_directory": policy.second_directory.is_some(),
        "recipient": policy.recipient,
    });
    audit::record(
        &mut tx,
        &who.actor(),
        "backup.policy_changed",
        "",
        detail,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(policy)
}

/// Whose key.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Recipient {
    /// age public key, `age1…`.
    #[schemars(length(max = 100))]
    recipient: String,
}

pub(super) async fn challenge(
    State(app): State<App>,
    who: SignedIn,
    Json(asked): Json<Recipient>,
) -> Result<Json<Challenge>, AppError> {
    Ok(Json(make_challenge(&app, &who, &asked.recipient).await?))
}

async fn make_challenge(app: &App, who: &SignedIn, recipient: &str) -> Result<Challenge, AppError> {
    let mut tx = app.db.write().await?;
    let made = backup::challenge(&mut tx, recipient, &who.actor().to_string()).await?;
    let detail = json!({ "recipient": made.recipient });
    audit::record(
        &mut tx,
        &who.actor(),
        "backup.key_challenged",
        "",
        detail,
        &who.ip(),
    )
    .await?;
    tx.commit().await?;
    Ok(made)
}

pub(super) async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let policy = backup::policy(&app.db).await?;
    page(&app, &who, policy, None, None).await
}

async fn page(
    app: &App,
    who: &SignedIn,
    policy: Policy,
    proof: Option<Proof>,
    error: Option<AppError>,
) -> Result<Response, AppError> {
    let status = error.as_ref().map_or(StatusCode::OK, AppError::status);
    let fund_zone = settings::fund_zone(&app.db).await?;
    let wrong = error.map(|e| {
        let field = e.field().unwrap_or_default().to_owned();
        (field, e.detail().to_owned())
    });
    let frame = frame(app, who, "Backup policy").await;
    let page = PolicyPage::new(frame, &policy, &fund_zone, proof, wrong.as_ref());
    Ok(html_with(status, &page))
}

/// The form sends texts only.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PolicyForm {
    time: String,
    zone: String,
    daily: String,
    weekly: String,
    monthly: String,
    second_directory: String,
    drill_day: String,
    alarm_hours: String,
    drill_alarm_days: String,
}

fn number(name: &'static str, text: &str) -> Result<u16, AppError> {
    text.trim()
        .parse()
        .map_err(|_| AppError::invalid(name, "Write a whole number."))
}

impl PolicyForm {
    fn policy(self, now: Policy) -> Result<Policy, AppError> {
        let day = DrillDay::ALL
            .iter()
            .find(|(_, name)| name.to_lowercase() == self.drill_day);
        Ok(Policy {
            time: self.time,
            zone: Some(self.zone),
            daily: number("daily", &self.daily)?,
            weekly: number("weekly", &self.weekly)?,
            monthly: number("monthly", &self.monthly)?,
            second_directory: Some(self.second_directory),
            drill_day: day.map_or(now.drill_day, |(day, _)| *day),
            alarm_hours: number("alarm_hours", &self.alarm_hours)?,
            drill_alarm_days: number("drill_alarm_days", &self.drill_alarm_days)?,
            recipient: now.recipient,
        })
    }
}

pub(super) async fn save_form(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<PolicyForm>,
) -> Result<Response, AppError> {
    let now = backup::policy(&app.db).await?;
    let policy = match form.policy(now.clone()) {
        Ok(policy) => policy,
        Err(error) => return page(&app, &who, now, None, Some(error)).await,
    };
    match save(&app, &who, policy.clone(), None).await {
        Ok(_) => Ok(Done::to("/backups")
            .saying(FlashKind::Ok, "The backup policy is saved.")
            .into_response()),
        Err(error) if error.field().is_some() => page(&app, &who, policy, None, Some(error)).await,
        Err(error) => Err(error),
    }
}

/// Three steps in one form: name a key, prove it, or stop encrypting.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyForm {
    recipient: String,
    armored: String,
    phrase: String,
    stop: Option<String>,
}

pub(super) async fn key_form(
    State(app): State<App>,
    who: SignedIn,
    Form(form): Form<KeyForm>,
) -> Result<Response, AppError> {
    let now = backup::policy(&app.db).await?;
    if form.stop.is_some() {
        let open = Policy {
            recipient: None,
            ..now
        };
        save(&app, &who, open, None).await?;
        return Ok(Done::to("/backups/policy")
            .saying(FlashKind::Ok, "New backups are not encrypted.")
            .into_response());
    }
    let recipient = form.recipient.trim().to_owned();
    let mut proof = Proof {
        recipient: recipient.clone(),
        armored: form.armored,
    };
    let tried = if form.phrase.trim().is_empty() {
        match make_challenge(&app, &who, &recipient).await {
            Ok(made) => {
                proof.armored = made.armored;
                return page(&app, &who, now, Some(proof), None).await;
            }
            Err(error) => Err(error),
        }
    } else {
        let sealed = Policy {
            recipient: Some(recipient),
            ..now.clone()
        };
        save(&app, &who, sealed, Some(&form.phrase)).await
    };
    match tried {
        Ok(_) => Ok(Done::to("/backups/policy")
            .saying(
                FlashKind::Ok,
                "From now on backups are encrypted to this key. Keep the key file away from this box.",
            )
            .into_response()),
        Err(error) if error.field().is_some() => {
            page(&app, &who, now, Some(proof), Some(error)).await
        }
        Err(error) => Err(error),
    }
}
