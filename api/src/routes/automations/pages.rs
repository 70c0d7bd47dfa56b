//! The page of rules, and what it posts.

use axum::{extract::State, http::StatusCode, response::Response};
use crm_jobs::automations::{self as rules, RuleChange};
use serde::Deserialize;

use super::{
    RuleView,
    page::{AutomationsPage, Question, RuleLine, bold},
};
use crate::{
    error::AppError,
    extract::{Form, Path},
    flash::Done,
    frame::{frame, html},
    routes::page::{Badge, FlashKind},
    session::SignedIn,
    show,
    state::App,
};

/// Questions shown at once.
const QUESTIONS: i64 = 100;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ToggleForm {
    enabled: bool,
}

pub async fn list(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let found = rules::list(&mut conn).await?;
    let asked = rules::asked(&mut conn, QUESTIONS).await?;
    drop(conn);
    let now = app.db.now();
    let rules = super::seen(&app, found).await?;
    let table = app.grid.read().await?;
    let questions = asked
        .iter()
        .map(|run| Question {
            id: run.id.to_string(),
            href: format!("/automations/runs/{}", run.id),
            rule: run.rule_name().to_owned(),
            investor: run.row_title.clone(),
            investor_href: format!("/investors/{}", run.row_id),
            would_do: run.would_do(&table),
            at: show::ago(now, run.created_at),
        })
        .collect();
    drop(table);
    Ok(html(&AutomationsPage {
        questions,
        rules: rules.iter().map(|rule| line(rule, now)).collect(),
        is_admin: who.user.is_admin(),
        frame: frame(&app, &who, "Automations").await,
    }))
}

fn line(view: &RuleView, now: i64) -> RuleLine {
    let rule = &view.rule;
    RuleLine {
        id: rule.id.clone(),
        name: rule.name.clone(),
        sentence: bold(&view.sentence),
        enabled: rule.enabled,
        state: match (rule.enabled, &view.problem, rule.switched_off_at) {
            (false, _, Some(_)) => Badge::new("Switched off", "bad"),
            (true, Some(_), _) => Badge::new("Cannot fire", "warn"),
            (true, None, _) => Badge::new("On", "ok"),
            (false, ..) => Badge::new("Off", "muted"),
        },
        problem: view.problem.clone().unwrap_or_default(),
        alert: rule.switched_off_why.clone().unwrap_or_default(),
        last: view.last_fired_at.map(|at| show::ago(now, at)),
        lately: show::count(view.fired_lately, "run", "runs"),
    }
}

pub async fn toggle(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<ToggleForm>,
) -> Result<Done, AppError> {
    let wanted = RuleChange {
        enabled: Some(form.enabled),
        ..RuleChange::default()
    };
    match super::change(&app, &who, &id, wanted).await {
        Ok(()) => {
            let says = if form.enabled {
                "The rule is on. It goes for what happens from now on."
            } else {
                "The rule is off."
            };
            Ok(Done::to("/automations").saying(FlashKind::Ok, says))
        }
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            let says = format!("It stays off. {}", refused.detail());
            Ok(Done::to(format!("/automations/{id}")).saying(FlashKind::Bad, says))
        }
        Err(other) => Err(other),
    }
}

pub async fn delete(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    let rule = super::remove(&app, &who, &id).await?;
    Ok(Done::to("/automations")
        .saying(
            FlashKind::Ok,
            format!("“{}” is deleted. Its runs stay.", rule.name),
        )
        .offering("Undo", &format!("/automations/{id}/restore")))
}

pub async fn restore(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    super::restore(&app, &who, &id).await?;
    Ok(Done::to("/automations").saying(FlashKind::Ok, "The rule is back."))
}

/// Runs a rule for all rows that satisfy its conditions.
pub async fn run(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Done, AppError> {
    match super::start(&app, &who, &id, None).await {
        Ok(0) => Ok(Done::to(format!("/automations/{id}"))
            .saying(FlashKind::Info, "No investor satisfies its conditions now.")),
        Ok(runs) => {
            let runs = i64::try_from(runs).unwrap_or(i64::MAX);
            let says = format!("{} under way.", show::count(runs, "run is", "runs are"));
            Ok(Done::to(format!("/automations/runs?rule={id}")).saying(FlashKind::Ok, says))
        }
        Err(refused) if refused.status() == StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(Done::to(format!("/automations/{id}")).saying(FlashKind::Bad, refused.detail()))
        }
        Err(other) => Err(other),
    }
}
