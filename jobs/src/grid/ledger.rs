//! What a write means for the ledger of commitments: every amount that changes
//! in a commitment column becomes an event, in the transaction of the write.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ChangeBy, Column, ColumnType, Commitment,
    apply::Work,
    touch::{Made, Touch, parsed},
};
use crate::{
    db::{DbError, WriteTx},
    settings,
};

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
    touches: &[Touch],
    by: &ChangeBy<'_>,
) -> Result<(), DbError> {
    let rebound = rebound(work);
    let columns: BTreeMap<&str, &Column> = work
        .columns
        .values()
        .filter(|c| c.options.commitment.is_some())
        .filter(|c| !rebound.iter().any(|r| r.column == c.id))
        .map(|c| (c.id.as_str(), c))
        .collect();
    let mut events = Vec::new();
    for touch in touches {
        if let Some(column) = columns.get(touch.column.as_str()) {
            push(
                &mut events,
                &touch.row,
                column,
                touch.before.as_deref(),
                touch.after.as_deref(),
            );
        }
    }
    for rebound in &rebound {
        rebound.events(tx, &mut events).await?;
    }
    append(tx, work, &events, by).await
}

fn push(
    events: &mut Vec<Value>,
    row: &str,
    column: &Column,
    before: Option<&str>,
    after: Option<&str>,
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

/// A column whose amounts now belong to another fund or stage, or to none.
struct Rebound {
    column: String,
    was: Option<Commitment>,
    is: Option<Column>,
}

/// Columns that a write added, brought back, bound otherwise or deleted.
fn rebound(work: &Work) -> Vec<Rebound> {
    let mut first: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    if !work.changed_columns.is_empty() {
        for change in Made::of_columns(work) {
            if let Some(column) = change.column() {
                first.entry(column).or_insert(change.before());
            }
        }
    }
    first
        .into_iter()
        .filter_map(|(id, before)| {
            let definition: Definition = parsed(before);
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
                push(events, &row, column, None, Some(&amount));
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
