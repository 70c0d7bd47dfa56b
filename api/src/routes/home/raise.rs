//! The raise on the home page: funds, charts, and who was not heard of for long.

use crm_jobs::{
    formula::Value,
    funds,
    grid::table::{STALE_DAYS, Table},
    raise as figures_of,
};

use super::page::{Stale, StaleLine};
use crate::{
    error::AppError,
    routes::{
        page::Chart,
        raise::{cards, charts, funnel, page::FundCard, title},
    },
    show,
    state::App,
};

/// Investors named; the rest is counted.
const NAMED: usize = 6;
/// Days the funnel looks back over.
const FUNNEL_DAYS: i64 = 90;

/// What the home page says of the raise.
pub struct Figures {
    pub funds: Vec<FundCard>,
    pub charts: Vec<Chart>,
    pub stale: Stale,
}

pub async fn figures(app: &App) -> Result<Figures, AppError> {
    let mut conn = app.db.read().acquire().await?;
    let raising = funds::all(&mut conn)
        .await?
        .into_iter()
        .find(|fund| fund.status == "raising");
    let mut shown = Vec::new();
    if let Some(fund) = raising {
        let days = figures_of::progress(&mut conn, &fund.id).await?;
        shown = charts(&fund, &days, &crate::routes::raise::today(app).await?);
        for chart in &mut shown {
            chart.title = format!("{}: {}", fund.name, chart.title.to_lowercase());
        }
    }
    let pipeline = figures_of::pipeline(&mut conn, app.db.now(), FUNNEL_DAYS).await?;
    drop(conn);
    shown.extend(funnel(&pipeline));
    let table = app.grid.read().await?;
    Ok(Figures {
        funds: cards(app).await?,
        charts: shown,
        stale: stale(&table, app.db.now()),
    })
}

/// Investors on a list that is worked on, and stale, the longest silence first.
fn stale(table: &Table, now: i64) -> Stale {
    let (Some(staleness), Some(contact), Some(lists)) = (
        table.column("@staleness"),
        table.column("@last_contact"),
        table.column("@list"),
    ) else {
        return Stale::default();
    };
    let is = |value: &Value, word: &str| matches!(value, Value::Text(text) if &**text == word);
    let mut found: Vec<(i64, u32)> = table
        .order()
        .iter()
        .filter(|slot| table.head(**slot).is_some_and(|head| !head.archived))
        .filter(|slot| is(staleness.key(**slot), "stale"))
        .filter(|slot| {
            ["main", "follow_up"]
                .iter()
                .any(|l| is(lists.key(**slot), l))
        })
        .filter_map(|slot| match contact.key(*slot) {
            Value::DateTime(at) => Some((at.as_millisecond(), *slot)),
            _ => None,
        })
        .collect();
    found.sort_unstable();
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let lines = found.iter().take(NAMED).filter_map(|(at, slot)| {
        let head = table.head(*slot)?;
        Some(StaleLine {
            href: format!("/investors/{}", head.id),
            name: title(table, &head.id),
            when: show::ago(now, *at),
        })
    });
    Stale {
        lines: lines.collect(),
        total: format!(
            "{} without contact for {STALE_DAYS} days",
            show::count(total, "investor", "investors")
        ),
        href: "/grid".to_owned(),
    }
}
