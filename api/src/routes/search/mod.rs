//! Finding things: as JSON for the palette, as a page without scripts.

use axum::{extract::State, response::Response};
use crm_jobs::search::{self, Found, Group, Hit, Wanted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::page::{ResultGroup, ResultLine, SearchPage, Tab};
use crate::{
    access::Access,
    error::AppError,
    extract::{Json, Query},
    frame::{frame, html},
    route::{Route, get},
    routes::page::{Badge, LinkTo, Paging},
    session::SignedIn,
    show,
    state::App,
};

pub mod page;

/// Hits of each kind in one answer unless told otherwise: what a palette holds.
const USUAL: usize = 8;
/// Of each kind on a page that shows all kinds.
const GLANCE: usize = 5;
/// On a page of one kind.
const PAGE: usize = 25;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/search", Access::Member, show_page),
        get("/api/search", Access::Member, list)
            .json(
                "search",
                "Find investors, contacts, tasks, notes and calls by beginnings of words; small typos are forgiven",
            )
            .query::<SearchQuery>()
            .answers::<Answer>(200),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct SearchQuery {
    /// What to look for. The first ten words count; nothing in it is syntax.
    #[serde(default)]
    q: String,
    /// Only `investor`, `contact`, `task`, `note`, `interaction` or `email`.
    #[schemars(length(max = 40))]
    kind: Option<String>,
    /// Of each kind at most so many, 100 at the most; 8 if absent.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
    /// Of each kind leave out so many first, up to 1,000.
    #[schemars(range(min = 0, max = 1000))]
    offset: Option<usize>,
}

/// What was found.
#[derive(Serialize, JsonSchema)]
struct Answer {
    /// By kind; kinds without a hit are left out.
    groups: Vec<AnswerGroup>,
    /// Words that were looked for too, because what was typed finds little.
    near: Vec<String>,
}

/// Hits of one kind.
#[derive(Serialize, JsonSchema)]
struct AnswerGroup {
    /// `investor`, `contact`, `task`, `note`, `interaction` or `email`.
    kind: String,
    /// Its name for people.
    label: String,
    /// How many there are.
    total: usize,
    /// There are more than were counted: say more.
    is_capped: bool,
    /// The best first, archived ones last.
    hits: Vec<AnswerHit>,
}

/// Something found, and where it is.
#[derive(Serialize, JsonSchema)]
struct AnswerHit {
    #[serde(flatten)]
    hit: Hit,
    /// The page it is on.
    href: String,
}

async fn list(
    State(app): State<App>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Answer>, AppError> {
    let wanted = Wanted {
        query: &query.q,
        kind: query.kind.as_deref(),
        limit: query.limit.unwrap_or(USUAL).clamp(1, 100),
        offset: query.offset.unwrap_or(0).min(search::MOST),
    };
    let found = search::find(&app.db, &app.search, &wanted).await?;
    let group = |group: Group| AnswerGroup {
        hits: group
            .hits
            .into_iter()
            .map(|hit| AnswerHit {
                href: href(&hit),
                hit,
            })
            .collect(),
        kind: group.kind,
        label: group.label,
        total: group.total,
        is_capped: group.is_capped,
    };
    Ok(Json(Answer {
        groups: found.groups.into_iter().map(group).collect(),
        near: found.near,
    }))
}

/// The page something is on.
fn href(hit: &Hit) -> String {
    let row = hit.row_id.as_deref().unwrap_or_default();
    match hit.kind.as_str() {
        "contact" => format!("/contacts/{}", hit.id),
        "task" => format!("/tasks/{}", hit.id),
        "note" => format!("/investors/{row}?show=notes#note-{}", hit.id),
        "interaction" => format!("/investors/{row}?show=contacts"),
        "email" => format!("/emails/{}", hit.id),
        _ => format!("/investors/{row}"),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PageQuery {
    q: String,
    kind: String,
    page: Option<usize>,
}

async fn show_page(
    State(app): State<App>,
    who: SignedIn,
    Query(asked): Query<PageQuery>,
) -> Result<Response, AppError> {
    let query = asked.q.trim();
    let known = search::KINDS.iter().find(|(kind, _)| *kind == asked.kind);
    let page = asked.page.unwrap_or(1).clamp(1, search::MOST / PAGE);
    let wanted = Wanted {
        query,
        kind: None,
        limit: GLANCE,
        offset: 0,
    };
    let all = search::find(&app.db, &app.search, &wanted).await?;
    let one = match known {
        None => None,
        Some((kind, _)) => {
            let wanted = Wanted {
                kind: Some(kind),
                limit: PAGE,
                offset: (page - 1) * PAGE,
                ..wanted
            };
            Some(search::find(&app.db, &app.search, &wanted).await?)
        }
    };
    let zone = show::zone(&crm_jobs::settings::fund_zone(&app.db).await?);
    let shown = one.as_ref().unwrap_or(&all);
    let group = |group: &Group| ResultGroup {
        label: group.label.clone(),
        total: counted(group),
        more: (one.is_none() && group.total > group.hits.len()).then(|| {
            let label = format!("All {} {}", counted(group), group.label.to_lowercase());
            LinkTo::new(&label, &address(query, &group.kind, 1))
        }),
        hits: group.hits.iter().map(|hit| line(hit, &zone)).collect(),
    };
    Ok(html(&SearchPage {
        query: query.to_owned(),
        kind: known.map_or_else(String::new, |(kind, _)| (*kind).to_owned()),
        tabs: tabs(query, &all, known.map(|(kind, _)| *kind)),
        groups: shown.groups.iter().map(group).collect(),
        near: shown.near.join(", "),
        paging: one.as_ref().and_then(|found| {
            let group = found.groups.first()?;
            Some(paging(query, group, page))
        }),
        frame: frame(&app, &who, "Search").await,
    }))
}

fn address(query: &str, kind: &str, page: usize) -> String {
    let query = show::encoded(query);
    match (kind, page) {
        ("", _) => format!("/search?q={query}"),
        (kind, ..2) => format!("/search?q={query}&kind={kind}"),
        (kind, page) => format!("/search?q={query}&kind={kind}&page={page}"),
    }
}

/// Such as `12`, `1,000+`.
fn counted(group: &Group) -> String {
    let count = show::number(i64::try_from(group.total).unwrap_or(i64::MAX));
    let more = if group.is_capped { "+" } else { "" };
    format!("{count}{more}")
}

fn tabs(query: &str, found: &Found, chosen: Option<&str>) -> Vec<Tab> {
    let all = Tab {
        label: "Everything".to_owned(),
        href: address(query, "", 1),
        count: String::new(),
        current: chosen.is_none(),
    };
    let each = found.groups.iter().map(|group| Tab {
        label: group.label.clone(),
        href: address(query, &group.kind, 1),
        count: counted(group),
        current: chosen == Some(&group.kind),
    });
    std::iter::once(all).chain(each).collect()
}

fn paging(query: &str, group: &Group, page: usize) -> Paging {
    let pages = group.total.div_ceil(PAGE).max(1);
    let to = |to: usize| {
        (1..=pages)
            .contains(&to)
            .then(|| address(query, &group.kind, to))
    };
    Paging {
        page: u64::try_from(page).unwrap_or(1),
        pages: u64::try_from(pages).unwrap_or(1),
        total: format!("{} {}", counted(group), group.label.to_lowercase()),
        prev: to(page - 1),
        next: to(page + 1),
    }
}

fn line(hit: &Hit, zone: &jiff::tz::TimeZone) -> ResultLine {
    let mut badges = Vec::new();
    if hit.archived {
        badges.push(Badge::new("Archived", "muted"));
    }
    match hit.status.as_deref() {
        Some("done") => badges.push(Badge::new("Done", "ok")),
        Some("snoozed") => badges.push(Badge::new("Snoozed", "muted")),
        Some("cancelled") => badges.push(Badge::new("Cancelled", "muted")),
        _ => {}
    }
    let has_name = !hit.title.is_empty();
    ResultLine {
        href: href(hit),
        icon: icon(&hit.kind),
        title: if has_name {
            hit.title.clone()
        } else {
            let name = hit
                .about
                .clone()
                .unwrap_or_else(|| "An investor".to_owned());
            vec![search::Part {
                text: name,
                hit: false,
            }]
        },
        text: hit.text.clone(),
        about: hit.about.clone().filter(|_| has_name).unwrap_or_default(),
        at: hit.at.map(|at| show::moment(zone, at)),
        badges,
    }
}

/// The symbol of a kind.
fn icon(kind: &str) -> &'static str {
    match kind {
        "contact" => "user",
        "task" => "check",
        "note" => "edit",
        "interaction" => "clock",
        "email" => "mail",
        _ => "grid",
    }
}
