//! Functions that make, move, read and write dates.

use jiff::{SignedDuration, Span, tz::TimeZone};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::convert::{When, local_instant};
use crate::formula::types::Type;
use crate::formula::units::Unit;
use crate::formula::value::{ErrorValue, Value};
use crate::formula::{date_text, date_write};

const TEXT: Rule = Rule::Is(Type::Text);

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Date,
        "TODAY()",
        0,
        Some(0),
        [],
        Rule::Is(Type::Date),
        today,
        "Today's date in the fund's time zone.",
        Day
    ),
    function!(
        Date,
        "NOW()",
        0,
        Some(0),
        [],
        Rule::Is(Type::DateTime),
        now,
        "The date and time now.",
        Minute
    ),
    function!(
        Date,
        "DATEADD(date, count, unit)",
        3,
        Some(3),
        [Date, Number, Unit],
        Rule::Shifted,
        dateadd,
        "The date moved by so many units; negative goes back."
    ),
    function!(
        Date,
        "DATETIME_FORMAT(date, [format])",
        1,
        Some(2),
        [Date, Format],
        TEXT,
        datetime_format,
        "The date as text, such as `'D MMM YYYY'`."
    ),
    function!(
        Date,
        "DATETIME_PARSE(text, [format], [locale])",
        1,
        Some(3),
        [Date, Format, Text],
        Rule::Parsed,
        datetime_parse,
        "The date in a text, read by a format or in the usual ways."
    ),
    function!(
        Date,
        "DATESTR(date)",
        1,
        Some(1),
        [Date],
        TEXT,
        datestr,
        "The date as YYYY-MM-DD."
    ),
    function!(
        Date,
        "SET_TIMEZONE(date, zone)",
        2,
        Some(2),
        [Date, Zone],
        Rule::Is(Type::DateTime),
        set_timezone,
        "The date, to be read in a zone by the date function around it."
    ),
    function!(
        Date,
        "FROMNOW(date)",
        1,
        Some(1),
        [Date],
        TEXT,
        fromnow,
        "The time between now and the date, such as `3 days`.",
        Minute
    ),
];

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn today(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.run.moment.today.into())
}

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn now(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.run.moment.now.into())
}

fn dateadd(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(moved(call)?.map_or(Value::Blank, |(value, _)| value))
}

/// DATEADD's date, and the zone that its argument was to be read in.
pub fn moved(call: &Arguments<'_>) -> Result<Option<(Value, TimeZone)>, ErrorValue> {
    let date = call.zoned(0)?;
    let (count, unit) = (call.number(1)?, call.unit(2)?);
    let Some((when, zone)) = date else {
        return Ok(None);
    };
    if let Some(nanoseconds) = unit.nanoseconds() {
        let value = moved_exactly(when.instant(&zone)?, count, nanoseconds)?;
        return Ok(Some((value, zone)));
    }
    // Days differ in length and months more so: no halves of them.
    let count = count
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
        .ok_or(ErrorValue::Overflow)?;
    let days = if unit == Unit::Week { 7 } else { 1 };
    let span = match unit.months() {
        Some(months) => count
            .checked_mul(months)
            .and_then(|months| Span::new().try_months(months).ok()),
        None => count
            .checked_mul(days)
            .and_then(|days| Span::new().try_days(days).ok()),
    }
    .ok_or(ErrorValue::Overflow)?;
    let value = match when {
        When::Day(date) => date
            .checked_add(span)
            .map(Value::Date)
            .map_err(|_| ErrorValue::Overflow)?,
        When::At(at) => {
            // The clock shows the same time of day afterwards, whatever summer time does.
            let local = zone
                .to_datetime(at)
                .checked_add(span)
                .map_err(|_| ErrorValue::Overflow)?;
            local_instant(local, &zone)?.into()
        }
    };
    Ok(Some((value, zone)))
}

fn moved_exactly(
    at: jiff::Timestamp,
    count: Decimal,
    nanoseconds: i64,
) -> Result<Value, ErrorValue> {
    const SECOND: i128 = 1_000_000_000;
    let total = count
        .checked_mul(Decimal::from(nanoseconds))
        .and_then(|total| total.trunc().to_i128())
        .ok_or(ErrorValue::Overflow)?;
    let (Ok(seconds), Ok(rest)) = (i64::try_from(total / SECOND), i32::try_from(total % SECOND))
    else {
        return Err(ErrorValue::Overflow);
    };
    at.checked_add(SignedDuration::new(seconds, rest))
        .map(Value::DateTime)
        .map_err(|_| ErrorValue::Overflow)
}

fn datetime_format(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let date = call.zoned(0)?;
    let pieces = call.has(1).then(|| call.format(1)).transpose()?;
    let Some((when, zone)) = date else {
        return Ok(Value::Blank);
    };
    match pieces {
        Some(pieces) => call.written(date_write::write(when, &zone, &pieces)?),
        None => call.written(Value::from(when).text(&zone)),
    }
}

fn datetime_parse(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    if call.has(2) && !call.text(2)?.to_ascii_lowercase().starts_with("en") {
        return Err(ErrorValue::Argument);
    }
    let value = call.value(0);
    let zone = &call.run.moment.zone;
    let Value::Text(text) = &*value else {
        return Ok(call.zoned(0)?.map_or(Value::Blank, |(when, _)| when.into()));
    };
    if text.trim().is_empty() {
        return Ok(Value::Blank);
    }
    let found = if call.has(1) {
        date_text::read_format(text, &call.format(1)?, zone)
    } else {
        date_text::read(text, zone)
    };
    found.map(Value::from).ok_or(ErrorValue::NotADate)
}

fn datestr(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.zoned(0)?.map_or(Value::Blank, |(when, zone)| {
        when.local(&zone).date().to_string().into()
    }))
}

/// Alone it changes nothing: an instant is the same everywhere.
fn set_timezone(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let date = call.zoned(0)?;
    call.zone(1)?;
    Ok(date.map_or(Value::Blank, |(when, _)| when.into()))
}

fn fromnow(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let Some((when, zone)) = call.zoned(0)? else {
        return Ok(Value::Blank);
    };
    let between = when.instant(&zone)?.duration_since(call.run.moment.now);
    Ok(spoken(between.unsigned_abs().as_secs()).into())
}

/// A duration in words, rounded as Moment.js rounds it.
fn spoken(seconds: u64) -> String {
    const DAY: u64 = 86_400;
    const FOUR_CENTURIES: u64 = 146_097 * DAY;
    let rounded = |times: u64, unit: u64| {
        let (seconds, times, unit) = (u128::from(seconds), u128::from(times), u128::from(unit));
        (seconds * times + unit / 2) / unit
    };
    let minutes = rounded(1, 60);
    let hours = rounded(1, 3600);
    let days = rounded(1, DAY);
    let months = rounded(4800, FOUR_CENTURIES);
    let years = rounded(400, FOUR_CENTURIES);
    match () {
        () if seconds < 45 => "a few seconds".to_owned(),
        () if minutes <= 1 => "a minute".to_owned(),
        () if minutes < 45 => format!("{minutes} minutes"),
        () if hours <= 1 => "an hour".to_owned(),
        () if hours < 22 => format!("{hours} hours"),
        () if days <= 1 => "a day".to_owned(),
        () if days < 26 => format!("{days} days"),
        () if months <= 1 => "a month".to_owned(),
        () if months < 11 => format!("{months} months"),
        () if years <= 1 => "a year".to_owned(),
        () => format!("{years} years"),
    }
}
