//! A fund's ledger: every step of every commitment.

use axum::{extract::State, response::Response};
use crm_jobs::{
    accounts::users,
    funds::STAGES,
    raise::{self, Event, EventFilter},
};
use serde::Deserialize;

use super::{
    fund::title,
    funds::{money, stage},
    json::{day, found},
    page::{EventLine, LedgerPage},
    path,
};
use crate::{
    error::AppError,
    extract::{Path, Query},
    frame::{frame, html},
    routes::page::LinkTo,
    session::SignedIn,
    show,
    state::App,
};

/// Events on one page.
const PER_PAGE: i64 = 100;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct LedgerQuery {
    as_of: String,
    stage: String,
    row: String,
    before: Option<i64>,
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<LedgerQuery>,
) -> Result<Response, AppError> {
    let fund = found(&app, &id).await?;
    let until = match query.as_of.as_str() {
        "" => None,
        text => day(&app, Some(text)).await.ok(),
    };
    let chosen = STAGES.into_iter().find(|s| *s == query.stage);
    let filter = EventFilter {
        fund: Some(&fund.id),
        row: Some(query.row.as_str()).filter(|r| !r.is_empty()),
        stage: chosen,
        until: until.as_deref(),
        before: query.before,
    };
    let events = raise::events(&mut *app.db.read().acquire().await?, &filter, PER_PAGE).await?;
    let names = users::names(&app.db).await?;
    let table = app.grid.read().await?;
    let now = app.db.now();
    let line = |event: &Event| EventLine {
        on: event.happened_on.clone(),
        investor: investor(&title(&table, &event.row_id), &event.row_id),
        stage: stage(&event.stage),
        before: amount(event.before.as_deref(), &event.currency),
        after: amount(event.after.as_deref(), &event.currency),
        note: event.note.clone(),
        other: event
            .other_row_id
            .as_ref()
            .map(|row| investor(&title(&table, row), row)),
        by: show::actor(&event.by, &names),
        when: show::ago(now, event.at),
    };
    let is_full = i64::try_from(events.len()).is_ok_and(|n| n == PER_PAGE);
    let older = events.last().filter(|_| is_full).map(|last| {
        format!(
            "{}/ledger?as_of={}&stage={}&row={}&before={}",
            path(&fund.id),
            until.as_deref().unwrap_or_default(),
            chosen.unwrap_or_default(),
            query.row,
            last.id
        )
    });
    let mut parts = Vec::new();
    if !query.row.is_empty() {
        parts.push(format!("of {}", title(&table, &query.row)));
    }
    parts.extend(chosen.map(|s| format!("at stage {s}")));
    parts.extend(until.as_ref().map(|on| format!("up to {on}")));
    let all_href = (!parts.is_empty()).then(|| format!("{}/ledger", path(&fund.id)));
    let lead = if parts.is_empty() {
        "Every step of every commitment, the newest first".to_owned()
    } else {
        format!("Steps {}", parts.join(", "))
    };
    Ok(html(&LedgerPage {
        fund: LinkTo::new(&fund.name, &path(&fund.id)),
        events: events.iter().map(line).collect(),
        lead,
        all_href,
        older,
        frame: frame(&app, &who, &format!("Ledger of {}", fund.name)).await,
    }))
}

fn investor(name: &str, row: &str) -> LinkTo {
    let name = if name.is_empty() { "(no name)" } else { name };
    LinkTo::new(name, &format!("/investors/{row}"))
}

fn amount(amount: Option<&str>, currency: &str) -> String {
    amount.map_or_else(String::new, |a| money(currency, a))
}
