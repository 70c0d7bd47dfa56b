//! The feed as a page.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    activity::{self, Entry, Source, Wanted},
    audit::{self, Actor, Chain},
    settings,
};
use jiff::tz::TimeZone;

use super::{
    ActivityQuery,
    page::{ActivityDay, ActivityEntry, ActivityPage},
    wanted, words,
};
use crate::{
    error::AppError,
    extract::Query,
    frame::{frame, html},
    routes::page::Choice,
    session::SignedIn,
    show,
    state::App,
};

/// Sources with their names for people.
const SOURCES: [(&str, &str); 6] = [
    ("", "Everything"),
    ("changes", "Changes of the grid"),
    ("imports", "Imports"),
    ("backups", "Backups"),
    ("jobs", "Failed jobs"),
    ("audit", "Audit log, whole"),
];

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<ActivityQuery>,
) -> Result<Response, AppError> {
    let names = users::names(&app.db).await?;
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    // An address that somebody wrote by hand shows everything and says why.
    let (wanted, error) = match wanted(&query, &zone) {
        Ok(wanted) => (wanted, None),
        Err(refused) => (
            Wanted {
                limit: super::PAGE,
                ..Wanted::default()
            },
            Some(refused.detail().to_owned()),
        ),
    };
    let mut page = activity::page(&app.db, &wanted).await?;
    if wanted.source != Some(Source::Audit) {
        page.entries.iter_mut().for_each(|entry| entry.ip.clear());
    }
    let actions = if wanted.source == Some(Source::Audit) {
        action_choices(&audit::actions(&app.db).await?, wanted.action.as_deref())
    } else {
        Vec::new()
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (chain_ok, chain_text) = chain_words(&app.audit_chain().await?);
    Ok(html(&ActivityPage {
        sources: SOURCES
            .map(|(value, label)| Choice::new(value, label, value == text(&query.source)))
            .into(),
        actors: actor_choices(&names, &text(&query.actor)),
        actions,
        from: text(&query.from),
        to: text(&query.to),
        error,
        is_filtered: [
            &query.source,
            &query.actor,
            &query.action,
            &query.from,
            &query.to,
        ]
        .iter()
        .any(|it| it.as_deref().is_some_and(|text| !text.is_empty())),
        is_first: wanted.after.is_none(),
        first: address(&query, None),
        next: page
            .next
            .map(|next| address(&query, Some(&next.to_string()))),
        days: by_day(&page.entries, &names, &zone),
        chain_ok,
        chain_text,
        frame: frame(&app, &who, "Activity").await,
    }))
}

fn chain_words(chain: &Chain) -> (bool, String) {
    match chain {
        Chain::Unbroken { rows, .. } => (
            true,
            format!(
                "All {} entries of the audit log carry an unbroken chain of hashes.",
                show::number(*rows)
            ),
        ),
        Chain::Broken { id } => (
            false,
            format!(
                "Entry {id} of the audit log does not fit the one before it: the log was changed outside this program."
            ),
        ),
    }
}

pub fn actor_choices(names: &BTreeMap<String, String>, chosen: &str) -> Vec<Choice> {
    let fixed = [
        ("", "Everybody"),
        ("system", "The system"),
        ("shell", "The shell"),
    ]
    .map(|(value, label)| Choice::new(value, label, value == chosen));
    let mut people: Vec<(&String, &String)> = names.iter().collect();
    people.sort_by_key(|(_, name)| name.to_lowercase());
    let people = people.into_iter().map(|(id, name)| {
        let (value, name) = if id.starts_with("rule:") {
            (id.clone(), format!("Rule “{name}”"))
        } else {
            (format!("user:{id}"), name.clone())
        };
        let selected = value == chosen;
        Choice::new(&value, &name, selected)
    });
    fixed.into_iter().chain(people).collect()
}

fn action_choices(actions: &[String], chosen: Option<&str>) -> Vec<Choice> {
    let all = Choice::new("", "Every action", chosen.is_none());
    let each = actions.iter().map(|action| {
        let label = words::for_action(action);
        Choice::new(action, &label, chosen == Some(action))
    });
    std::iter::once(all).chain(each).collect()
}

/// The page with these filters, from the start or from a cursor on.
fn address(query: &ActivityQuery, cursor: Option<&str>) -> String {
    let parts = [
        ("source", query.source.as_deref()),
        ("actor", query.actor.as_deref()),
        ("action", query.action.as_deref()),
        ("from", query.from.as_deref()),
        ("to", query.to.as_deref()),
        ("cursor", cursor),
    ];
    let given = parts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .map(|(name, value)| format!("{name}={}", show::encoded(value)));
    let given: Vec<String> = given.collect();
    if given.is_empty() {
        "/activity".to_owned()
    } else {
        format!("/activity?{}", given.join("&"))
    }
}

fn by_day(
    entries: &[Entry],
    names: &BTreeMap<String, String>,
    zone: &TimeZone,
) -> Vec<ActivityDay> {
    let mut days: Vec<ActivityDay> = Vec::new();
    for entry in entries {
        let label = show::day(zone, entry.at);
        let shown = line(entry, names, zone);
        match days.last_mut().filter(|day| day.label == label) {
            Some(day) => day.entries.push(shown),
            None => days.push(ActivityDay {
                label,
                entries: vec![shown],
            }),
        }
    }
    days
}

fn line(entry: &Entry, names: &BTreeMap<String, String>, zone: &TimeZone) -> ActivityEntry {
    let who = show::actor(&entry.by, names);
    let about_somebody = Actor::user_id(&entry.target)
        .filter(|_| entry.target != entry.by)
        .and_then(|id| names.get(id));
    let target = match about_somebody {
        Some(name) => Some(crate::routes::page::LinkTo::new(
            name,
            &format!("/activity?actor={}", entry.target),
        )),
        None => words::link(entry),
    };
    ActivityEntry {
        at: show::time(zone, entry.at),
        initials: show::initials(&who),
        who,
        what: words::what(entry),
        target,
        note: entry.note.clone(),
        tone: words::tone(entry),
        ip: entry.ip.clone(),
    }
}
