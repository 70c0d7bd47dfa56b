//! What a write means for the ledger of commitments: every amount that changes
//! in a commitment column becomes an event, in the transaction of the write.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ChangeBy, Column, ColumnType, Commitment, apply::Work};
use crate::{
    db::{DbError, WriteTx},
    settings,
};

/// A change as `apply::change` makes it: what, row, column, before and after,
/// the last two as JSON text.
#[derive(Deserialize)]
pub(super) struct Made(
    pub(super) String,
    pub(super) Option<String>,
    pub(super) Option<String>,
    pub(super) Option<String>,
    pub(super) Option<String>,
);

impl Made {
    pub(super) fn all(changes: &[Value]) -> Result<Vec<Self>, DbError> {
        let all = changes.iter().map(Self::deserialize);
        all.collect::<Result<_, _>>()
            .map_err(|e| sqlx::Error::Decode(Box::new(e)))
    }
}

/// A column's definition as history keeps it, as far as it matters here.
#[derive(Default, Deserialize)]
struct Definition {
    #[serde(rename = "type")]
    kind: Option<ColumnType>,
    #[serde(default)]
    options: super::ColumnOptions,
}

/// Appends the events of a write whose rows and columns are stored already.
pub(super) async fn record(
    tx: &mut WriteTx,
    work: &Work,
    changes: &[Made],
    by: &ChangeBy<'_>,
) -> Result<(), DbError> {
    let bound = |column: &&Column| column.options.commitment.is_some();
    let rebound = rebound(work, changes);
    let columns: BTreeMap<&str, &Column> = work
        .columns
        .values()
        .filter(bound)
        .filter(|c| !rebound.iter().any(|r| r.column == c.id))
        .map(|c| (c.id.as_str(), c))
        .collect();
    if columns.is_empty() && rebound.is_empty() {
        return Ok(());
    }
    let mut events = Vec::new();
    for change in changes {
        of_change(change, &columns, &mut events);
    }
    for rebound in &rebound {
        rebound.events(tx, &mut events).await?;
    }
    append(tx, work, &events, by).await
}

fn of_change(change: &Made, columns: &BTreeMap<&str, &Column>, events: &mut Vec<Value>) {
    let Made(what, Some(row), column, before, after) = change else {
        return;
    };
    match (what.as_str(), column) {
        ("cell", Some(column)) => {
            if let Some(column) = columns.get(column.as_str()) {
                push(events, row, column, amount(before), amount(after));
            }
        }
        ("row_added", _) => {
            let cells = parsed(after.as_deref());
            for column in columns.values() {
                let amount = cells.get(&column.id).and_then(Value::as_str);
                push(events, row, column, None, amount.map(str::to_owned));
            }
        }
        _ => {}
    }
}

fn push(
    events: &mut Vec<Value>,
    row: &str,
    column: &Column,
    before: Option<String>,
    after: Option<String>,
) {
    let Some(commitment) = &column.options.commitment else {
        return;
    };
    if before == after {
        return;
    }
    let currency = column.options.currency.as_deref().unwrap_or_default();
    events.push(json!([
        row,
        commitment.fund,
        commitment.stage,
        column.id,
        before,
        after,
        currency
    ]));
}

fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn amount(text: &Option<String>) -> Option<String> {
    parsed(text.as_deref()).as_str().map(str::to_owned)
}

/// A column whose amounts now belong to another fund or stage, or to none.
struct Rebound {
    column: String,
    was: Option<Commitment>,
    is: Option<Column>,
}

/// Columns that a write added, brought back, bound otherwise or deleted.
fn rebound(work: &Work, changes: &[Made]) -> Vec<Rebound> {
    let mut first: BTreeMap<&str, Option<&String>> = BTreeMap::new();
    for Made(what, _, column, before, _) in changes {
        if let ("column", Some(column)) = (what.as_str(), column) {
            first.entry(column).or_insert(before.as_ref());
        }
    }
    first
        .into_iter()
        .filter_map(|(id, before)| {
            let definition: Definition =
                serde_json::from_value(parsed(before.map(String::as_str))).unwrap_or_default();
            let was = definition
                .options
                .commitment
                .filter(|_| definition.kind == Some(ColumnType::Currency));
            let is = work
                .columns
                .get(id)
                .filter(|c| c.options.commitment.is_some());
            let now = is.and_then(|c| c.options.commitment.as_ref());
            (was.as_ref() != now).then(|| Rebound {
                column: id.to_owned(),
                was,
                is: is.cloned(),
            })
        })
        .collect()
}

impl Rebound {
    /// What stood in the ledger under its old meaning goes; what its cells hold
    /// now comes in under the new one.
    async fn events(&self, tx: &mut WriteTx, events: &mut Vec<Value>) -> Result<(), DbError> {
        if let Some(was) = &self.was {
            let standing: Vec<(String, String, String)> = sqlx::query_as(
                "select e.row_id, e.after, e.currency from commitment_events e
                 where e.fund_id = ?1 and e.stage = ?2 and e.column_id = ?3 and e.after is not null
                   and e.id = (select max(l.id) from commitment_events l
                               where l.row_id = e.row_id and l.fund_id = e.fund_id and l.column_id = e.column_id)",
            )
            .bind(&was.fund)
            .bind(&was.stage)
            .bind(&self.column)
            .fetch_all(&mut **tx)
            .await?;
            for (row, amount, currency) in standing {
                events.push(json!([
                    row,
                    was.fund,
                    was.stage,
                    self.column,
                    amount,
                    Value::Null,
                    currency
                ]));
            }
        }
        if let Some(column) = &self.is {
            // Deleted rows too: they may come back.
            let path = format!("$.{}", column.id);
            let cells: Vec<(String, String)> = sqlx::query_as(
                "select id, cells ->> ?1 from grid_rows where cells ->> ?1 is not null order by position, id",
            )
            .bind(path)
            .fetch_all(&mut **tx)
            .await?;
            for (row, amount) in cells {
                push(events, &row, column, None, Some(amount));
            }
        }
        Ok(())
    }
}

async fn append(
    tx: &mut WriteTx,
    work: &Work,
    events: &[Value],
    by: &ChangeBy<'_>,
) -> Result<(), DbError> {
    if events.is_empty() {
        return Ok(());
    }
    let day = today(tx, work.now).await?;
    for chunk in events.chunks(2_000) {
        sqlx::query(
            "insert into commitment_events (row_id, fund_id, stage, column_id, before, after, currency, happened_on, at, by, change_set_id)
             select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, ?2, ?3, ?4, ?5
             from json_each(?1)",
        )
        .bind(Value::from(chunk).to_string())
        .bind(&day)
        .bind(work.now)
        .bind(by.actor)
        .bind(work.version)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// The day it is for the fund.
async fn today(tx: &mut WriteTx, now: i64) -> Result<String, DbError> {
    let zone = settings::fund_zone_in(tx).await?;
    let zone = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
    let now = Timestamp::from_millisecond(now).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
    Ok(now.to_zoned(zone).date().to_string())
}

/// Events that take others back count from the same day: an undone mistake
/// never happened, on whatever day one looks back to.
pub(super) async fn date_like(
    tx: &mut WriteTx,
    reverting: i64,
    reverted: i64,
) -> Result<(), DbError> {
    sqlx::query(
        "update commitment_events set happened_on = e.happened_on
         from (select row_id, column_id, stage, min(happened_on) as happened_on from commitment_events
               where change_set_id = ?2 group by row_id, column_id, stage) e
         where commitment_events.change_set_id = ?1 and commitment_events.row_id = e.row_id
           and commitment_events.column_id = e.column_id and commitment_events.stage = e.stage",
    )
    .bind(reverting)
    .bind(reverted)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
