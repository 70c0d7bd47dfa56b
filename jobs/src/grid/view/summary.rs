//! What a column comes to over some rows.

use std::collections::HashSet;

use rust_decimal::Decimal;

use super::Summary;
use crate::{
    formula::Value,
    grid::{
        Column, display,
        table::{Table, TableColumn},
    },
};

/// A summary as one line of text; empty where there is nothing to summarise.
pub(super) fn text(table: &Table, column: &TableColumn, kind: Summary, slots: &[u32]) -> String {
    let codes = || slots.iter().map(|slot| column.code(*slot));
    let filled = || codes().filter(|code| *code != 0);
    match kind {
        Summary::Filled => filled().count().to_string(),
        Summary::Empty => (slots.len() - filled().count()).to_string(),
        Summary::Unique => filled().collect::<HashSet<_>>().len().to_string(),
        Summary::Sum | Summary::Average => number(column, kind, filled()),
        Summary::Min | Summary::Max => extreme(table, column, kind, filled()),
    }
}

fn number(column: &TableColumn, kind: Summary, codes: impl Iterator<Item = u32>) -> String {
    let (mut sum, mut count) = (Some(Decimal::ZERO), 0_u32);
    for n in codes.filter_map(|code| column.number(code)) {
        sum = sum.and_then(|sum| sum.checked_add(n));
        count += 1;
    }
    let Some(sum) = sum else {
        return "too large".to_owned();
    };
    if count == 0 {
        return String::new();
    }
    let value = match kind {
        Summary::Average => {
            // Cents of the average, not 28 digits of it.
            let places = u32::from(column.column.options.precision.unwrap_or(2));
            (sum / Decimal::from(count)).round_dp(places)
        }
        _ => sum,
    };
    written(column, value)
}

fn written(column: &TableColumn, value: Decimal) -> String {
    let typed = Column {
        kind: column.kind,
        ..column.column.clone()
    };
    let kind = typed.kind.is_decimal();
    let json = value.normalize().to_string().into();
    if kind {
        display(&typed, &json)
    } else {
        value.normalize().to_string()
    }
}

fn extreme(
    table: &Table,
    column: &TableColumn,
    kind: Summary,
    codes: impl Iterator<Item = u32>,
) -> String {
    let comparable = codes.filter(|code| {
        matches!(
            column.face_by_code(*code),
            Value::Number(_) | Value::Date(_) | Value::DateTime(_)
        )
    });
    let order = |code: &u32| match column.face_by_code(*code) {
        Value::Number(n) => (*n, 0),
        Value::Date(day) => (
            Decimal::ZERO,
            i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day()),
        ),
        Value::DateTime(at) => (Decimal::ZERO, at.as_second()),
        _ => (Decimal::ZERO, 0),
    };
    let found = if kind == Summary::Min {
        comparable.min_by_key(order)
    } else {
        comparable.max_by_key(order)
    };
    found.map_or_else(String::new, |code| column.text_of(code, &table.moment))
}
