//! The lists: who is on them and why.

use axum::{extract::State, response::Response};
use crm_jobs::{
    automations::{self as rules, ListCount, ListMember, ListPage},
    grid::LISTS,
    settings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{ListsPage, MemberLine};
use crate::{
    error::AppError,
    extract::{Json, Path, Query},
    frame::{frame, html},
    routes::page::{Choice, LinkTo},
    session::SignedIn,
    show,
    state::App,
};

/// All lists.
#[derive(Serialize, JsonSchema)]
pub struct Lists {
    /// In the order pages show them.
    lists: Vec<ListCount>,
}

/// Which page.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct ListQuery {
    /// Where the page before ended.
    #[schemars(length(max = 100))]
    cursor: Option<String>,
    /// At most so many, 500 at the most; 100 if absent.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<i64>,
}

fn known(name: &str) -> Result<(), AppError> {
    if LISTS.contains(&name) {
        return Ok(());
    }
    Err(AppError::not_found(
        "There is no such list: use main, follow_up, longshot or graveyard.",
    ))
}

pub async fn all_json(State(app): State<App>) -> Result<Json<Lists>, AppError> {
    let mut conn = app.db.read().acquire().await?;
    Ok(Json(Lists {
        lists: rules::lists(&mut conn).await?,
    }))
}

pub async fn one_json(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListPage>, AppError> {
    known(&name)?;
    Ok(Json(page(&app, &name, &query).await?))
}

async fn page(app: &App, name: &str, query: &ListQuery) -> Result<ListPage, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let limit = query.limit.unwrap_or(100);
    let mut page = rules::members_of(&mut conn, name, query.cursor.as_deref(), limit).await?;
    drop(conn);
    // The table is never behind a write, as the projection may be.
    let table = app.grid.read().await?;
    for row in &mut page.rows {
        if let Some(slot) = table.slot(&row.row_id) {
            row.title = table.title(slot);
        }
    }
    Ok(page)
}

/// A list in words.
pub fn label(list: &str) -> &'static str {
    match list {
        "main" => "Main",
        "follow_up" => "Follow-up",
        "longshot" => "Longshot",
        "graveyard" => "Graveyard",
        _ => "List",
    }
}

/// The person behind what a rule did.
pub fn person(member: &ListMember) -> Option<String> {
    let name = member.person_name.clone()?;
    member.run_id?;
    Some(name)
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(name): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    known(&name)?;
    let found = page(&app, &name, &query).await?;
    let mut conn = app.db.read().acquire().await?;
    let counts = rules::lists(&mut conn).await?;
    drop(conn);
    let zone = show::zone(&settings::fund_zone(&app.db).await?);
    let names = crm_jobs::accounts::users::names(&app.db).await?;
    let line = |row: &ListMember| MemberLine {
        href: format!("/investors/{}", row.row_id),
        title: row.title.clone(),
        since: show::day(&zone, row.since_at),
        by: row
            .by_name
            .clone()
            .unwrap_or_else(|| show::actor(&row.by, &names)),
        person: person(row).unwrap_or_default(),
        why: row.why.clone(),
        run: row
            .run_id
            .map(|run| LinkTo::new("Run", &format!("/automations/runs/{run}"))),
    };
    let tab = |count: &ListCount| {
        let text = format!("{} {}", label(&count.name), show::number(count.rows));
        Choice::new(&count.name, &text, count.name == name)
    };
    let title = label(&name);
    Ok(html(&ListsPage {
        title: title.to_owned(),
        tabs: counts.iter().map(tab).collect(),
        rows: found.rows.iter().map(line).collect(),
        grid: format!("/grid?list={name}"),
        next: found
            .next_cursor
            .map(|c| format!("/lists/{name}?cursor={}", show::encoded(&c))),
        is_first: query.cursor.is_none(),
        here: format!("/lists/{name}"),
        frame: frame(&app, &who, title).await,
    }))
}
