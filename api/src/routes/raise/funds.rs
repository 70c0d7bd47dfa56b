//! All funds.

use axum::{extract::State, response::Response};
use crm_jobs::{
    funds::{self, FundTerms},
    raise::{self, Totals},
};

use super::{
    json,
    page::{FundCard, FundsPage},
    path,
};
use serde::Deserialize;

use crate::{
    error::AppError,
    extract::Query,
    frame::{frame, html},
    routes::page::Badge,
    session::SignedIn,
    show,
    state::App,
};

/// The investor somebody came from, to write down a commitment of.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct FundsQuery {
    row: String,
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Query(query): Query<FundsQuery>,
) -> Result<Response, AppError> {
    let mut funds = cards(&app).await?;
    let mut investor = String::new();
    if !query.row.is_empty() {
        let table = app.grid.read().await?;
        investor = super::title(&table, &query.row);
        for fund in &mut funds {
            let row = show::encoded(&query.row);
            fund.href = format!("{}?row={row}#record", fund.href);
        }
    }
    Ok(html(&FundsPage {
        funds,
        investor,
        frame: frame(&app, &who, "Funds").await,
    }))
}

/// Every fund and how far it is today.
pub async fn cards(app: &App) -> Result<Vec<FundCard>, AppError> {
    let today = json::day(app, None).await?;
    let mut conn = app.db.read().acquire().await?;
    let mut cards = Vec::new();
    for fund in funds::all(&mut conn).await? {
        let totals = raise::totals(&mut conn, &fund, &today).await?;
        cards.push(card(&fund, &totals));
    }
    Ok(cards)
}

fn card(fund: &FundTerms, totals: &Totals) -> FundCard {
    let soft = totals.stages.iter().find(|s| s.stage == "soft");
    FundCard {
        href: path(&fund.id),
        name: fund.name.clone(),
        status: status(&fund.status),
        committed: money(&fund.currency, &totals.committed),
        percent: show::percent(
            &totals.committed,
            fund.target.as_deref().unwrap_or_default(),
        ),
        target: fund
            .target
            .as_deref()
            .map_or_else(|| "no target".to_owned(), |t| money(&fund.currency, t)),
        detail: format!(
            "{} · soft {}",
            show::count(
                i64::try_from(totals.committed_investors).unwrap_or(i64::MAX),
                "commitment",
                "commitments"
            ),
            soft.map_or_else(|| "0".to_owned(), |s| money(&fund.currency, &s.amount)),
        ),
    }
}

/// A fund's status as a badge.
pub fn status(status: &str) -> Badge {
    match status {
        "raising" => Badge::new("Raising", "info"),
        "closed" => Badge::new("Closed", "ok"),
        _ => Badge::new("Planned", "muted"),
    }
}

/// A stage of a commitment as a badge.
pub fn stage(stage: &str) -> Badge {
    match stage {
        "target" => Badge::new("Target", "muted"),
        "soft" => Badge::new("Soft", "warn"),
        "hard" => Badge::new("Hard", "info"),
        "signed" => Badge::new("Signed", "ok"),
        "wired" => Badge::new("Wired", "ok"),
        _ => Badge::new("Declined", "bad"),
    }
}

/// An amount with its currency.
pub fn money(currency: &str, amount: &str) -> String {
    format!("{currency} {}", show::amount(amount))
}
