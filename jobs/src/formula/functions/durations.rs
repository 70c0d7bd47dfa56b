//! The time between dates, and working days.

use jiff::{Span, civil};

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::convert::When;
use crate::formula::types::Type;
use crate::formula::units::Unit;
use crate::formula::value::{ErrorValue, Value};
use crate::formula::working_days;

const NUMBER: Rule = Rule::Is(Type::Number);

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Date,
        "DATETIME_DIFF(date, other, [unit])",
        2,
        Some(3),
        [Date, Date, Unit],
        NUMBER,
        datetime_diff,
        "The first date minus the second in whole units, or seconds. `'m'` is minutes, `'M'` months."
    ),
    function!(
        Date,
        "WORKDAY(date, count, [holidays])",
        2,
        Some(3),
        [Date, Number, Holidays],
        Rule::Is(Type::Date),
        workday,
        "The date so many working days later; holidays as `'2026-12-25, 2027-01-01'`."
    ),
    function!(
        Date,
        "WORKDAY_DIFF(start, end, [holidays])",
        2,
        Some(3),
        [Date, Date, Holidays],
        NUMBER,
        workday_diff,
        "The number of working days from one date to another, both included."
    ),
];

const DAY: i128 = 86_400_000_000_000;

fn datetime_diff(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (a, b) = (call.zoned(0)?, call.zoned(1)?);
    let unit = if call.has(2) {
        call.unit(2)?
    } else {
        Unit::Second
    };
    let (Some((a, zone)), Some((b, _))) = (a, b) else {
        return Ok(Value::Blank);
    };
    let local = || {
        let between = a.local(&zone).duration_since(b.local(&zone));
        between.as_nanos()
    };
    let count = if let Some(months) = unit.months() {
        months_between(a.local(&zone), b.local(&zone))? / months
    } else if let Some(nanoseconds) = unit.nanoseconds() {
        // Days without a time have 24 hours each, even those of a clock change.
        let between = match (a, b) {
            (When::Day(_), When::Day(_)) => local(),
            _ => a.instant(&zone)?.as_nanosecond() - b.instant(&zone)?.as_nanosecond(),
        };
        whole(between / i128::from(nanoseconds))?
    } else {
        let days = if unit == Unit::Week { 7 } else { 1 };
        whole(local() / (days * DAY))?
    };
    Ok(count.into())
}

fn whole(count: i128) -> Result<i64, ErrorValue> {
    i64::try_from(count).map_err(|_| ErrorValue::Overflow)
}

/// Whole months from `b` to `a`, as Moment.js counts them: 31 January to 28 February
/// is one month, because January has no 28 that comes first.
fn months_between(a: civil::DateTime, b: civil::DateTime) -> Result<i64, ErrorValue> {
    if a.day() < b.day() {
        return Ok(-months_between_ordered(b, a)?);
    }
    months_between_ordered(a, b)
}

/// The same, where `a` has the later day of the month.
fn months_between_ordered(a: civil::DateTime, b: civil::DateTime) -> Result<i64, ErrorValue> {
    let index = |d: civil::DateTime| i64::from(d.year()) * 12 + i64::from(d.month());
    let months = index(b) - index(a);
    let anchor = Span::new()
        .try_months(months)
        .and_then(|span| a.checked_add(span))
        .map_err(|_| ErrorValue::Overflow)?;
    // The exact distance lies between two whole numbers; cut toward zero.
    let cut = match b.cmp(&anchor) {
        std::cmp::Ordering::Less if months > 0 => months - 1,
        std::cmp::Ordering::Greater if months < 0 => months + 1,
        _ => months,
    };
    Ok(-cut)
}

fn workday(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let start = call.zoned(0)?;
    let (count, holidays) = (call.integer(1)?, call.holidays(2)?);
    let Some((when, zone)) = start else {
        return Ok(Value::Blank);
    };
    working_days::add(when.local(&zone).date(), count, &holidays)
        .map(Value::Date)
        .ok_or(ErrorValue::Overflow)
}

fn workday_diff(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (start, end) = (call.zoned(0)?, call.zoned(1)?);
    let holidays = call.holidays(2)?;
    let (Some((start, zone)), Some((end, _))) = (start, end) else {
        return Ok(Value::Blank);
    };
    let (start, end) = (start.local(&zone).date(), end.local(&zone).date());
    Ok(working_days::count(start, end, &holidays).into())
}
