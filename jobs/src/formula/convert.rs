//! What a value counts as where another kind is needed.

use jiff::{Timestamp, civil, tz::TimeZone};
use rust_decimal::Decimal;

use super::date_text;
use super::types::Type;
use super::value::{ErrorValue, Value};
use super::words;

/// Nothing counts as 0 and true as 1. Text is no number unless `VALUE()` reads it.
pub fn number(value: &Value) -> Result<Decimal, ErrorValue> {
    match value {
        Value::Number(number) => Ok(*number),
        Value::Blank => Ok(Decimal::ZERO),
        Value::Boolean(yes) => Ok(Decimal::from(u8::from(*yes))),
        Value::Text(text) if text.is_empty() => Ok(Decimal::ZERO),
        Value::List(items) => match items.as_ref() {
            [] => Ok(Decimal::ZERO),
            [one] => number(one),
            _ => Err(first_error(items).unwrap_or(ErrorValue::NotANumber)),
        },
        Value::Error(error) => Err(*error),
        Value::Text(_) | Value::Date(_) | Value::DateTime(_) => Err(ErrorValue::NotANumber),
    }
}

/// Whether a condition holds. Empty text, zero and a list of nothings are false.
pub fn truth(value: &Value) -> Result<bool, ErrorValue> {
    Ok(match value {
        Value::Blank => false,
        Value::Text(text) => !text.is_empty(),
        Value::Number(number) => !number.is_zero(),
        Value::Boolean(yes) => *yes,
        Value::Date(_) | Value::DateTime(_) => true,
        Value::List(items) => match items.as_ref() {
            [one] => truth(one)?,
            items => match first_error(items) {
                Some(error) => return Err(error),
                None => items.iter().any(|item| !item.is_empty()),
            },
        },
        Value::Error(error) => return Err(*error),
    })
}

/// A day, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Day(civil::Date),
    At(Timestamp),
}

impl When {
    /// What a calendar and a clock in the zone show.
    pub fn local(self, zone: &TimeZone) -> civil::DateTime {
        match self {
            Self::Day(date) => date.at(0, 0, 0, 0),
            Self::At(at) => zone.to_datetime(at),
        }
    }

    /// The instant; a day begins with its first instant in the zone.
    pub fn instant(self, zone: &TimeZone) -> Result<Timestamp, ErrorValue> {
        match self {
            Self::At(at) => Ok(at),
            Self::Day(date) => local_instant(date.at(0, 0, 0, 0), zone),
        }
    }
}

impl From<When> for Value {
    fn from(when: When) -> Self {
        match when {
            When::Day(date) => Self::Date(date),
            When::At(at) => Self::DateTime(at),
        }
    }
}

/// The instant at which a clock in the zone shows this.
pub fn local_instant(local: civil::DateTime, zone: &TimeZone) -> Result<Timestamp, ErrorValue> {
    zone.to_timestamp(local).map_err(|_| ErrorValue::Overflow)
}

/// The value as a date; none if it is empty.
pub fn when(value: &Value, zone: &TimeZone) -> Result<Option<When>, ErrorValue> {
    match value {
        Value::Date(date) => Ok(Some(When::Day(*date))),
        Value::DateTime(at) => Ok(Some(When::At(*at))),
        Value::Blank => Ok(None),
        Value::Text(text) if text.trim().is_empty() => Ok(None),
        Value::Text(text) => date_text::read(text, zone)
            .map(Some)
            .ok_or(ErrorValue::NotADate),
        Value::List(items) => match items.as_ref() {
            [] => Ok(None),
            [one] => when(one, zone),
            _ => Err(first_error(items).unwrap_or(ErrorValue::NotADate)),
        },
        Value::Error(error) => Err(*error),
        Value::Number(_) | Value::Boolean(_) => Err(ErrorValue::NotADate),
    }
}

pub fn first_error(items: &[Value]) -> Option<ErrorValue> {
    items.iter().find_map(|item| match item {
        Value::Error(error) => Some(*error),
        _ => None,
    })
}

/// Makes a result what the column says it is, so that it sorts and filters as one.
pub fn conform(value: Value, result: Type, zone: &TimeZone) -> Value {
    match (result, &value) {
        (_, Value::Blank | Value::Error(_)) | (Type::Text, Value::Text(_)) => value,
        (Type::Text, Value::List(items)) => {
            words::joined(items, ", ", zone).map_or_else(Value::Error, Value::from)
        }
        (Type::Text, other) => other.text(zone).into(),
        (Type::Number, Value::Boolean(yes)) => Value::Number(u8::from(*yes).into()),
        (Type::DateTime, Value::Date(date)) => When::Day(*date)
            .instant(zone)
            .map_or_else(Value::Error, Value::DateTime),
        (Type::Date, Value::DateTime(at)) => zone.to_datetime(*at).date().into(),
        _ => value,
    }
}
