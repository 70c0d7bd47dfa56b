//! One fund on a day: totals, the way there, and who has what.

use axum::{extract::State, response::Response};
use crm_jobs::{
    funds::{FundTerms, STAGES},
    grid::table::Table,
    raise::{self, Day, Position, Totals},
};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Deserialize;

use super::{
    funds::{money, stage, status},
    json::{day, found},
    page::{FundPage, PositionLine, StageLine},
    path,
};
use crate::{
    error::AppError,
    extract::{Path, Query},
    frame::{frame, html},
    routes::page::{Chart, Choice, LinkTo, Paging, Series, Tile},
    session::SignedIn,
    show,
    state::App,
};

/// Positions on one page.
const PER_PAGE: usize = 50;
/// Names offered for completion at most: more would weigh down the page.
const MOST_NAMES: usize = 1_500;
/// Months of the charts.
const MONTHS: usize = 24;

#[derive(Deserialize)]
#[serde(default)]
pub struct FundQuery {
    as_of: String,
    stage: String,
    row: String,
    page: usize,
}

impl Default for FundQuery {
    fn default() -> Self {
        Self {
            as_of: String::new(),
            stage: String::new(),
            row: String::new(),
            page: 1,
        }
    }
}

pub async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<FundQuery>,
) -> Result<Response, AppError> {
    let fund = found(&app, &id).await?;
    let today = day(&app, None).await?;
    // A day that does not read is today: the page says which day it shows.
    let as_of = day(&app, Some(&query.as_of))
        .await
        .unwrap_or_else(|_| today.clone());
    let chosen = STAGES.into_iter().find(|s| *s == query.stage);
    let mut conn = app.db.read().acquire().await?;
    let totals = raise::totals(&mut conn, &fund, &as_of).await?;
    let positions = raise::positions(&mut conn, &fund.id, &as_of, chosen).await?;
    let days = raise::progress(&mut conn, &fund.id).await?;
    drop(conn);
    let table = app.grid.read().await?;
    let here = Here {
        fund: &fund,
        as_of: &as_of,
        stage: chosen.unwrap_or_default(),
    };
    let pages = positions.len().div_ceil(PER_PAGE).max(1);
    let page = query.page.clamp(1, pages);
    let shown = positions.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE);
    Ok(html(&FundPage {
        lead: lead(&fund),
        tiles: tiles(&fund, &totals),
        stages: stages(&here, &totals),
        charts: charts(&fund, &days, &today),
        positions: shown.map(|p| position(&here, &table, p)).collect(),
        filters: here.filters(),
        paging: here.paging(page, pages, positions.len()),
        stage_choices: stage_choices(),
        names: names(&table),
        investor: title(&table, &query.row),
        today_href: (as_of != today).then(|| path(&fund.id)),
        stage: here.stage.to_owned(),
        is_admin: who.user.is_admin(),
        frame: frame(&app, &who, &fund.name).await,
        id: fund.id.clone(),
        name: fund.name.clone(),
        status: status(&fund.status),
        currency: fund.currency.clone(),
        as_of,
        today,
    }))
}

/// What the page shows, for the links on it.
struct Here<'a> {
    fund: &'a FundTerms,
    as_of: &'a str,
    stage: &'a str,
}

impl Here<'_> {
    fn href(&self, stage: &str, page: usize) -> String {
        format!(
            "{}?as_of={}&stage={stage}&page={page}#positions",
            path(&self.fund.id),
            self.as_of
        )
    }

    fn ledger(&self, what: &str) -> String {
        format!("{}/ledger?as_of={}&{what}", path(&self.fund.id), self.as_of)
    }

    fn filters(&self) -> Vec<LinkTo> {
        let each = STAGES
            .iter()
            .map(|s| LinkTo::new(&stage(s).text, &self.href(s, 1)));
        std::iter::once(LinkTo::new("Everybody", &self.href("", 1)))
            .chain(each)
            .collect()
    }

    fn paging(&self, page: usize, pages: usize, total: usize) -> Paging {
        let to = |n: usize| (1..=pages).contains(&n).then(|| self.href(self.stage, n));
        Paging {
            page: page as u64,
            pages: pages as u64,
            total: show::count(
                i64::try_from(total).unwrap_or(i64::MAX),
                "investor",
                "investors",
            ),
            prev: to(page - 1),
            next: to(page + 1),
        }
    }
}

fn lead(fund: &FundTerms) -> String {
    let mut parts = vec![if fund.vehicle.is_empty() {
        format!("Raised in {}", fund.currency)
    } else {
        fund.vehicle.clone()
    }];
    let close =
        |name: &str, on: &Option<String>| on.as_ref().map(|on| format!("{name} close {on}"));
    parts.extend(close("first", &fund.first_close_on));
    parts.extend(close("final", &fund.final_close_on));
    parts.join(" · ")
}

fn tiles(fund: &FundTerms, totals: &Totals) -> Vec<Tile> {
    let amount = |a: &str| rounded(&fund.currency, a);
    let percent = totals.percent_of_target.as_deref();
    let mut tiles = vec![
        Tile::new(
            "Committed",
            &amount(&totals.committed),
            "hard, signed and wired",
            "",
        ),
        Tile::new(
            "Of the target",
            &percent.map_or_else(|| "–".to_owned(), |p| format!("{p} %")),
            &fund
                .target
                .as_deref()
                .map_or_else(|| "no target yet".to_owned(), amount),
            "",
        ),
        Tile::new(
            "Weighted",
            &amount(&totals.weighted),
            "every stage by its chance",
            "",
        ),
    ];
    if let Some(room) = &totals.room_under_cap {
        let over = room.starts_with('-');
        let hint = format!(
            "hard cap {}",
            amount(fund.hard_cap.as_deref().unwrap_or_default())
        );
        tiles.push(if over {
            Tile::new(
                "Over the cap",
                &amount(room.trim_start_matches('-')),
                &hint,
                "bad",
            )
        } else {
            Tile::new("Room under the cap", &amount(room), &hint, "")
        });
    }
    tiles
}

fn stages(here: &Here<'_>, totals: &Totals) -> Vec<StageLine> {
    let weighted = |amount: &str, weight: u32| {
        let sum = Decimal::from_str_exact(amount).unwrap_or_default() * Decimal::from(weight);
        (sum / Decimal::ONE_HUNDRED)
            .round_dp(2)
            .normalize()
            .to_string()
    };
    totals
        .stages
        .iter()
        .map(|s| StageLine {
            stage: stage(&s.stage),
            href: here.href(&s.stage, 1),
            investors: show::number(i64::try_from(s.investors).unwrap_or(i64::MAX)),
            amount: show::amount(&s.amount),
            weight: format!("{} %", s.weight),
            weighted: show::amount(&weighted(&s.amount, s.weight)),
            ledger_href: here.ledger(&format!("stage={}", s.stage)),
        })
        .collect()
}

fn position(here: &Here<'_>, table: &Table, position: &Position) -> PositionLine {
    let row = &position.row_id;
    PositionLine {
        name: title(table, row),
        href: format!("/investors/{row}"),
        stage: stage(&position.stage),
        amount: show::amount(&position.amount),
        since: position.since.clone(),
        ledger_href: here.ledger(&format!("row={row}")),
        change_href: format!("{}?row={row}#record", path(&here.fund.id)),
    }
}

/// An investor's name as the grid has it; empty if there is none.
pub fn title(table: &Table, row: &str) -> String {
    let slot = table.slot(row);
    slot.zip(table.columns().first())
        .map_or_else(String::new, |(slot, first)| first.text(slot, &table.moment))
}

fn names(table: &Table) -> Vec<String> {
    let Some(first) = table
        .columns()
        .first()
        .filter(|_| table.order().len() <= MOST_NAMES)
    else {
        return Vec::new();
    };
    let mut names: Vec<String> = table
        .order()
        .iter()
        .map(|slot| first.text(*slot, &table.moment))
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn stage_choices() -> Vec<Choice> {
    STAGES
        .iter()
        .map(|s| Choice::new(s, &stage(s).text, *s == "soft"))
        .collect()
}

/// An amount with two digits of its million: tiles are narrow, and the table
/// below them is exact.
fn rounded(currency: &str, amount: &str) -> String {
    let million = Decimal::from(1_000_000);
    match Decimal::from_str_exact(amount) {
        Ok(exact) if exact.abs() >= Decimal::TEN * million => {
            let short = (exact / million).round_dp(2).normalize();
            format!("{currency} {short} m")
        }
        _ => money(currency, amount),
    }
}

/// The raise month by month, and what each month brought.
pub fn charts(fund: &FundTerms, days: &[Day], today: &str) -> Vec<Chart> {
    let months = months(days, today);
    if months.len() < 2 {
        return Vec::new();
    }
    let labels: Vec<String> = months.iter().map(|(label, ..)| label.clone()).collect();
    let whole = |d: Decimal| d.max(Decimal::ZERO).round().to_u64().unwrap_or(0);
    let words = |n: u64| short(&fund.currency, n);
    let series = |name: &str, tone, values: Vec<u64>| Series {
        name: name.to_owned(),
        tone,
        values,
    };
    let mut lines = vec![
        series(
            "committed",
            "ok",
            months.iter().map(|m| whole(m.1)).collect(),
        ),
        series("soft", "warn", months.iter().map(|m| whole(m.2)).collect()),
    ];
    let target = fund
        .target
        .as_deref()
        .and_then(|t| Decimal::from_str_exact(t).ok());
    if let Some(target) = target {
        lines.push(series("target", "muted", vec![whole(target); months.len()]));
    }
    let before = months.iter().map(|m| m.1);
    let gained: Vec<u64> = std::iter::once(Decimal::ZERO)
        .chain(before)
        .zip(months.iter().map(|m| m.1))
        .map(|(was, is)| whole(is - was))
        .collect();
    vec![
        Chart::curves("progress", "The raise over time", &words, &labels, &lines),
        Chart::stacked(
            "months",
            "New commitments by month",
            &words,
            &labels,
            &[series("committed", "ok", gained)],
        ),
    ]
}

/// The last months with their closing sums: label, committed, soft.
fn months(days: &[Day], today: &str) -> Vec<(String, Decimal, Decimal)> {
    let (Some(first), Some(this)) = (days.first().and_then(|d| d.on.get(..7)), today.get(..7))
    else {
        return Vec::new();
    };
    let mut label = first.to_owned();
    let mut months = Vec::new();
    let (mut at, mut committed, mut soft) = (0, Decimal::ZERO, Decimal::ZERO);
    while label.as_str() <= this {
        while let Some(day) = days
            .get(at)
            .filter(|d| d.on.get(..7) <= Some(label.as_str()))
        {
            (committed, soft) = (day.committed, day.soft);
            at += 1;
        }
        months.push((label.clone(), committed, soft));
        label = next_month(&label);
    }
    let from = months.len().saturating_sub(MONTHS);
    months.split_off(from)
}

/// The month after `2026-03`.
fn next_month(month: &str) -> String {
    let year: i32 = month.get(..4).and_then(|y| y.parse().ok()).unwrap_or(9_999);
    match month.get(5..7).and_then(|m| m.parse::<u8>().ok()) {
        Some(m) if m < 12 => format!("{year:04}-{:02}", m + 1),
        _ => format!("{:04}-01", year + 1),
    }
}

/// A sum as an axis shows it: `EUR 46.2 m`.
pub fn short(currency: &str, amount: u64) -> String {
    let (scale, sign) = match amount {
        1_000_000_000.. => (1_000_000_000, " bn"),
        1_000_000.. => (1_000_000, " m"),
        10_000.. => (1_000, " k"),
        _ => return format!("{currency} {amount}"),
    };
    let (whole, tenth) = (amount / scale, amount % scale * 10 / scale);
    if tenth == 0 {
        format!("{currency} {whole}{sign}")
    } else {
        format!("{currency} {whole}.{tenth}{sign}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(on: &str, committed: i64) -> Day {
        Day {
            on: on.to_owned(),
            committed: committed.into(),
            soft: Decimal::ZERO,
            wired: Decimal::ZERO,
        }
    }

    #[test]
    fn every_month_up_to_this_one_has_its_closing_sum() {
        let days = [
            day("2025-11-03", 5),
            day("2025-11-20", 7),
            day("2026-01-02", 9),
        ];
        let found = months(&days, "2026-02-10");
        let told: Vec<_> = found
            .iter()
            .map(|m| (m.0.as_str(), m.1.to_string()))
            .collect();
        let wanted = [
            ("2025-11", "7"),
            ("2025-12", "7"),
            ("2026-01", "9"),
            ("2026-02", "9"),
        ];
        assert_eq!(told, wanted.map(|(m, sum)| (m, sum.to_owned())));
    }

    #[test]
    fn sums_on_an_axis_are_short() {
        let told = [999, 12_500, 46_200_000, 2_000_000_000].map(|n| short("EUR", n));
        assert_eq!(told, ["EUR 999", "EUR 12.5 k", "EUR 46.2 m", "EUR 2 bn"]);
    }
}
