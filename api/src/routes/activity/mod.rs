//! What everybody did, as a feed for people and as JSON.

use axum::extract::State;
use crm_jobs::{
    activity::{self, Cursor, Entry, Source, Wanted},
    settings,
};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    access::Access,
    error::{AppError, sentence},
    extract::{Json, Query},
    route::{Route, get},
    show,
    state::App,
};

mod feed;
pub mod page;
mod words;

pub(crate) use self::{feed::actor_choices, words::for_action};

/// Entries on one page.
const PAGE: usize = 50;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/activity", Access::Member, feed::show),
        get("/api/activity", Access::Member, list)
            .json(
                "activity",
                "What everybody did, newest first: changes of the grid, imports, backups, failed jobs, the audit log",
            )
            .query::<ActivityQuery>()
            .answers::<Activity>(200),
    ]
}

/// Which entries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct ActivityQuery {
    /// Only `changes`, `imports`, `backups`, `jobs` or `audit`. `audit` is the
    /// whole log; without it, what the others tell is told once.
    #[schemars(length(max = 20))]
    source: Option<String>,
    /// Only this actor, such as `user:ID` or `system`.
    #[schemars(length(max = 100))]
    actor: Option<String>,
    /// Only this action of the audit log, such as `user.created`.
    #[schemars(length(max = 100))]
    action: Option<String>,
    /// From this day on, `2026-03-31`, in the fund's zone.
    #[schemars(length(max = 10))]
    from: Option<String>,
    /// Up to and with this day.
    #[schemars(length(max = 10))]
    to: Option<String>,
    /// Where the last answer ended.
    #[schemars(length(max = 120))]
    cursor: Option<String>,
    /// At most so many, 200 at the most; 50 if absent.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<usize>,
}

/// A page of what happened.
#[derive(Serialize, JsonSchema)]
struct Activity {
    /// Newest first.
    entries: Vec<Told>,
    /// Send it back as `cursor` for older entries; null at the end.
    next_cursor: Option<String>,
}

/// One entry, with its words.
#[derive(Serialize, JsonSchema)]
struct Told {
    #[serde(flatten)]
    entry: Entry,
    /// What, as it reads after a name and before what it was done to.
    what: String,
    /// The page of what it was done to.
    href: Option<String>,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Activity>, AppError> {
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    let wanted = wanted(&query, &zone)?;
    let page = activity::page(&app.db, &wanted).await?;
    let told = |entry: Entry| Told {
        what: words::what(&entry),
        href: words::link(&entry).map(|link| link.href),
        entry,
    };
    Ok(Json(Activity {
        next_cursor: page.next.map(|next| next.to_string()),
        entries: page.entries.into_iter().map(told).collect(),
    }))
}

/// The query in terms of the feed; blanks are as good as absent.
fn wanted(query: &ActivityQuery, zone: &TimeZone) -> Result<Wanted, AppError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let source = given(&query.source).map(|word| word.parse::<Source>());
    let cursor = given(&query.cursor).map(|text| text.parse::<Cursor>());
    let wrong = |field: &str, why: String| AppError::invalid(field, sentence(&why));
    let day = |field: &str, text: &Option<String>, days: i64| {
        given(text)
            .map(|text| start_of(&text, days, zone))
            .transpose()
            .map_err(|why| wrong(field, why))
    };
    Ok(Wanted {
        source: source.transpose().map_err(|why| wrong("source", why))?,
        actor: given(&query.actor),
        action: given(&query.action),
        from: day("from", &query.from, 0)?,
        to: day("to", &query.to, 1)?,
        after: cursor.transpose().map_err(|why| wrong("cursor", why))?,
        limit: query.limit.unwrap_or(PAGE).clamp(1, activity::MOST),
    })
}

/// The first moment of a day some days later.
fn start_of(text: &str, days: i64, zone: &TimeZone) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no day: write it as 2026-03-31");
    let day: Date = text.parse().map_err(|_| wrong())?;
    let day = day.checked_add(days.days()).map_err(|_| wrong())?;
    let start = day.to_zoned(zone.clone()).map_err(|_| wrong())?;
    Ok(start.timestamp().as_millisecond())
}
