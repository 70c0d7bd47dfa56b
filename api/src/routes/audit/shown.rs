//! The audit log as a page.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    audit::{self, Chain, Entry},
    settings,
};
use jiff::tz::TimeZone;

use super::{
    AuditQuery, filter, next,
    page::{AuditLogPage, AuditRow},
};
use crate::{
    error::AppError,
    extract::Query,
    frame::{frame, html},
    routes::{
        activity::{actor_choices, for_action},
        page::Choice,
    },
    session::SignedIn,
    show,
    state::App,
};

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<AuditQuery>,
) -> Result<Response, AppError> {
    let names = users::names(&app.db).await?;
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    // An address that somebody wrote by hand shows everything and says why.
    let (filter, error) = match filter(&query, &zone) {
        Ok(filter) => (filter, None),
        Err(refused) => (
            filter(&AuditQuery::default(), &zone)?,
            Some(refused.detail().to_owned()),
        ),
    };
    let entries = audit::list(&app.db, &filter).await?;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let chain = app.audit_chain().await?;
    Ok(html(&AuditLogPage {
        chain_ok: matches!(chain, Chain::Unbroken { .. }),
        chain: chain_words(&chain),
        actors: actor_choices(&names, &text(&query.actor)),
        actions: action_choices(&audit::actions(&app.db).await?, &text(&query.action)),
        day: text(&query.day),
        error,
        is_filtered: [&query.actor, &query.action, &query.day]
            .iter()
            .any(|it| it.as_deref().is_some_and(|text| !text.is_empty())),
        first: query.cursor.is_some().then(|| address(&query, None)),
        older: next(&entries, &filter).map(|at| address(&query, Some(&at))),
        rows: entries
            .iter()
            .map(|entry| row(entry, &names, &zone))
            .collect(),
        frame: frame(&app, &who, "Audit log").await,
    }))
}

fn chain_words(chain: &Chain) -> String {
    match chain {
        Chain::Unbroken { rows, head } => format!(
            "All {} entries carry an unbroken chain of hashes; the newest is {}…",
            show::number(*rows),
            head.hash.chars().take(16).collect::<String>()
        ),
        Chain::Broken { id } => format!(
            "Entry {id} does not fit the one before it: the log was changed outside this program."
        ),
    }
}

fn action_choices(actions: &[String], chosen: &str) -> Vec<Choice> {
    let all = Choice::new("", "Every action", chosen.is_empty());
    let each = actions
        .iter()
        .map(|action| Choice::new(action, &for_action(action), chosen == action));
    std::iter::once(all).chain(each).collect()
}

fn address(query: &AuditQuery, cursor: Option<&str>) -> String {
    let given = [
        ("actor", query.actor.as_deref()),
        ("action", query.action.as_deref()),
        ("day", query.day.as_deref()),
        ("cursor", cursor),
    ];
    let given: Vec<String> = given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .map(|(name, value)| format!("{name}={}", show::encoded(value)))
        .collect();
    format!("/settings/audit?{}", given.join("&"))
}

fn row(entry: &Entry, names: &BTreeMap<String, String>, zone: &TimeZone) -> AuditRow {
    let target = match entry.target.split_once(':') {
        Some(("user", id)) => names.get(id).unwrap_or(&entry.target).clone(),
        _ => entry.target.clone(),
    };
    AuditRow {
        id: entry.id,
        at: show::moment(zone, entry.at),
        who: show::actor(&entry.actor, names),
        what: for_action(&entry.action),
        action: entry.action.clone(),
        target,
        detail: if entry.detail == "{}" {
            String::new()
        } else {
            entry.detail.clone()
        },
        ip: entry.ip.clone(),
    }
}
