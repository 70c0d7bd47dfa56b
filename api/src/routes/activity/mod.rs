//! The audit log, as a feed for people and as JSON.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    audit::{self, Actor, Chain, Entry, Filter},
    settings,
};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::page::{ActivityDay, ActivityEntry, ActivityPage};
use crate::{
    access::Access,
    error::AppError,
    extract::{Json, Query},
    frame::{frame, html},
    route::{Route, get},
    routes::page::{Choice, LinkTo, Paging},
    session::SignedIn,
    show,
    state::App,
};

pub mod page;
mod words;

/// Entries on one page.
const PAGE: i64 = 50;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/activity", Access::Member, show_feed),
        get("/api/activity", Access::Member, list)
            .json("activity", "The audit log, newest first")
            .query::<ActivityQuery>()
            .answers::<Activity>(200),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct ActivityQuery {
    /// Only this actor, such as `user:ID`.
    actor: Option<String>,
    /// Only this action, such as `user.created`.
    action: Option<String>,
    /// Only entries older than this id.
    before: Option<i64>,
    /// At most so many, 500 at the most; 50 if absent.
    limit: Option<i64>,
}

/// A stretch of the audit log.
#[derive(Serialize, JsonSchema)]
struct Activity {
    /// Newest first.
    entries: Vec<Entry>,
    /// What to pass as `before` for older entries; absent at the end.
    before: Option<i64>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Activity>, AppError> {
    let limit = query.limit.unwrap_or(PAGE).clamp(1, 500);
    let filter = Filter {
        actor: query.actor,
        action: query.action,
        before: query.before,
        limit: Some(limit),
        ..Filter::default()
    };
    let entries = audit::list(&app.db, &filter).await?;
    let is_full = i64::try_from(entries.len()).is_ok_and(|n| n == limit);
    let before = entries.last().filter(|_| is_full).map(|entry| entry.id);
    Ok(Json(Activity { entries, before }))
}

#[derive(Deserialize)]
struct FeedQuery {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    action: String,
    page: Option<i64>,
}

async fn show_feed(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<FeedQuery>,
) -> Result<Response, AppError> {
    let page = query.page.unwrap_or(1).clamp(1, 1_000_000);
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter = Filter {
        actor: given(&query.actor),
        action: given(&query.action),
        offset: (page - 1) * PAGE,
        limit: Some(PAGE),
        before: None,
    };
    let names = users::names(&app.db).await?;
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    let entries = audit::list(&app.db, &filter).await?;
    let total = audit::count(&app.db, &filter).await?;
    let (chain_ok, chain_text) = chain_words(&app.audit_chain().await?);
    Ok(html(&ActivityPage {
        actors: actor_choices(&names, &query.actor),
        actions: action_choices(&audit::actions(&app.db).await?, &query.action),
        days: by_day(&entries, &names, &zone),
        paging: paging(&query, page, total),
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
                "All {} entries carry an unbroken chain of hashes.",
                show::number(*rows)
            ),
        ),
        Chain::Broken { id } => (
            false,
            format!(
                "Entry {id} does not fit the one before it: the log was changed outside this program."
            ),
        ),
    }
}

fn actor_choices(names: &BTreeMap<String, String>, chosen: &str) -> Vec<Choice> {
    let fixed = [
        ("", "Everybody"),
        ("system", "The system"),
        ("shell", "The shell"),
    ]
    .map(|(value, label)| Choice::new(value, label, value == chosen));
    let people = names.iter().map(|(id, name)| {
        let value = format!("user:{id}");
        let selected = value == chosen;
        Choice::new(&value, name, selected)
    });
    fixed.into_iter().chain(people).collect()
}

fn action_choices(actions: &[String], chosen: &str) -> Vec<Choice> {
    let all = Choice::new("", "Every action", chosen.is_empty());
    let each = actions
        .iter()
        .map(|action| Choice::new(action, &words::for_action(action), action == chosen));
    std::iter::once(all).chain(each).collect()
}

fn by_day(
    entries: &[Entry],
    names: &BTreeMap<String, String>,
    zone: &TimeZone,
) -> Vec<ActivityDay> {
    let mut days: Vec<ActivityDay> = Vec::new();
    for entry in entries {
        let label = show::day(zone, entry.at);
        let shown = feed_entry(entry, names, zone);
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

fn feed_entry(entry: &Entry, names: &BTreeMap<String, String>, zone: &TimeZone) -> ActivityEntry {
    let who = show::actor(&entry.actor, names);
    let about_somebody = Actor::user_id(&entry.target)
        .filter(|_| entry.target != entry.actor)
        .and_then(|id| names.get(id));
    ActivityEntry {
        at: show::time(zone, entry.at),
        initials: show::initials(&who),
        who,
        what: words::for_action(&entry.action),
        target: about_somebody
            .map(|name| LinkTo::new(name, &format!("/activity?actor={}", entry.target)))
            .or_else(|| words::link_to(&entry.target)),
        ip: entry.ip.clone(),
    }
}

fn paging(query: &FeedQuery, page: i64, total: i64) -> Paging {
    let pages = (total + PAGE - 1).div_euclid(PAGE).max(1);
    let href = |to: i64| {
        let (actor, action) = (plain(&query.actor), plain(&query.action));
        (1..=pages)
            .contains(&to)
            .then(|| format!("/activity?actor={actor}&action={action}&page={to}"))
    };
    Paging {
        page: page.unsigned_abs(),
        pages: pages.unsigned_abs(),
        total: format!("{} entries", show::number(total)),
        prev: href(page - 1),
        next: href(page + 1),
    }
}

/// Actors and actions need no escaping; what somebody typed into the address
/// instead is cut down to what does not.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.:".contains(*c))
        .collect()
}
