//! Cell text → the value a column keeps, with a typed reason where it cannot be.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    amounts::{is_currency, read_amount},
    dates::{DateOrder, NoDay, read_date},
    table::cell_list,
};
use crate::grid::{Column, ColumnType, MAX_CELL_BYTES, normalize};

/// Longest name of an option or a fund, characters.
const MAX_NAME: usize = 200;

/// Why a cell cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellProblem {
    /// Not an amount at all.
    #[error("{0:?} is not a number")]
    NotANumber(String),
    /// An amount in another currency than the column's.
    #[error("{text:?} is in {found}, the column in {expected}")]
    OtherCurrency {
        /// As written.
        text: String,
        /// Its currency.
        found: String,
        /// The column's.
        expected: String,
    },
    /// Not a date, or none in the column's order of day and month.
    #[error("{0:?} is not a date")]
    NotADate(String),
    /// Day or month first?
    #[error("{0:?} can be two dates: say whether the day or the month comes first")]
    AmbiguousDate(String),
    /// More than a cell, or the name of an option or fund, takes.
    #[error("is longer than {0} characters: shorten it, or keep the column as text")]
    TooLong(usize),
    /// What the grid says of it.
    #[error("{0}")]
    Refused(String),
}

/// How a column of the file is read.
#[derive(Clone, Debug)]
pub(super) struct Reading<'a> {
    pub(super) date_order: Option<DateOrder>,
    pub(super) decimal_comma: bool,
    pub(super) zone: &'a TimeZone,
}

/// A value in the form the column keeps; `None` is blank. Choices, funds and
/// users come back as the names that stand in the file.
pub(super) fn read_cell(
    column: &Column,
    reading: &Reading<'_>,
    text: &str,
) -> Result<Option<Value>, CellProblem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    if text.len() > MAX_CELL_BYTES {
        return Err(CellProblem::TooLong(MAX_CELL_BYTES));
    }
    let value = match column.kind {
        ColumnType::Text => Value::from(text.trim()),
        ColumnType::Number | ColumnType::Currency | ColumnType::Percent => {
            return amount(column, reading, text).map(|a| Some(a.into()));
        }
        ColumnType::Date | ColumnType::DateTime => {
            return date(column.kind, reading, text).map(|d| Some(d.into()));
        }
        ColumnType::Select => return short(text.trim()).map(|name| Some(name.into())),
        ColumnType::MultiSelect | ColumnType::Funds => {
            let names = cell_list(text);
            for name in &names {
                short(name)?;
            }
            return Ok((!names.is_empty()).then(|| names.into()));
        }
        ColumnType::Contacts => Value::from(cell_list(text)),
        ColumnType::LongText
        | ColumnType::Checkbox
        | ColumnType::User
        | ColumnType::Email
        | ColumnType::Phone
        | ColumnType::Url
        | ColumnType::Rating
        | ColumnType::Formula => Value::from(text),
    };
    normalize(column, &value).map_err(CellProblem::Refused)
}

fn short(name: &str) -> Result<&str, CellProblem> {
    if name.chars().count() > MAX_NAME {
        return Err(CellProblem::TooLong(MAX_NAME));
    }
    Ok(name)
}

fn amount(column: &Column, reading: &Reading<'_>, text: &str) -> Result<String, CellProblem> {
    let amount = read_amount(text, reading.decimal_comma)
        .ok_or_else(|| CellProblem::NotANumber(text.trim().to_owned()))?;
    let expected = column.options.currency.as_deref();
    if column.kind == ColumnType::Currency
        && let (Some(found), Some(expected)) = (&amount.currency, expected)
        && found != expected
        && is_currency(expected)
    {
        return Err(CellProblem::OtherCurrency {
            text: text.trim().to_owned(),
            found: found.clone(),
            expected: expected.to_owned(),
        });
    }
    Ok(amount.value.normalize().to_string())
}

fn date(kind: ColumnType, reading: &Reading<'_>, text: &str) -> Result<String, CellProblem> {
    let shown = || text.trim().to_owned();
    let written = read_date(text).ok_or_else(|| CellProblem::NotADate(shown()))?;
    let refuse = |why| match why {
        NoDay::Ambiguous => CellProblem::AmbiguousDate(shown()),
        NoDay::Impossible => CellProblem::NotADate(shown()),
    };
    if kind == ColumnType::Date {
        return Ok(written
            .date(reading.date_order)
            .map_err(refuse)?
            .to_string());
    }
    let at = written
        .instant(reading.date_order, reading.zone)
        .map_err(refuse)?;
    jiff::Timestamp::from_second(at.as_second())
        .map(|t| t.to_string())
        .map_err(|_| CellProblem::NotADate(shown()))
}

/// Trimmed names without blanks and repetitions.
pub(super) fn name_list<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in parts.map(str::trim).filter(|p| !p.is_empty()) {
        if !names.iter().any(|n| n == part) {
            names.push(part.to_owned());
        }
    }
    names
}
