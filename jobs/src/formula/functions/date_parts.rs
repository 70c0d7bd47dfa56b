//! Parts of a date, in the fund's zone or the one that `SET_TIMEZONE` names.

use jiff::civil::{self, Weekday};

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::types::Type;
use crate::formula::value::{ErrorValue, Value};
use crate::formula::weeks;

const NUMBER: Rule = Rule::Is(Type::Number);

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Date,
        "DAY(date)",
        1,
        Some(1),
        [Date],
        NUMBER,
        day,
        "The day of the month, 1 to 31."
    ),
    function!(
        Date,
        "HOUR(date)",
        1,
        Some(1),
        [Date],
        NUMBER,
        hour,
        "The hour, 0 to 23."
    ),
    function!(
        Date,
        "MINUTE(date)",
        1,
        Some(1),
        [Date],
        NUMBER,
        minute,
        "The minute, 0 to 59."
    ),
    function!(
        Date,
        "MONTH(date)",
        1,
        Some(1),
        [Date],
        NUMBER,
        month,
        "The month, 1 to 12."
    ),
    function!(
        Date,
        "YEAR(date)",
        1,
        Some(1),
        [Date],
        NUMBER,
        year,
        "The year, with four digits."
    ),
    function!(
        Date,
        "WEEKDAY(date, [first])",
        1,
        Some(2),
        [Date, WeekStart],
        NUMBER,
        weekday,
        "The day of the week; 0 is Sunday, or Monday if `'Monday'` is first."
    ),
    function!(
        Date,
        "WEEKNUM(date, [first])",
        1,
        Some(2),
        [Date, WeekStart],
        NUMBER,
        weeknum,
        "The week of the year; week 1 holds 1 January and weeks begin on Sunday, or `'Monday'`."
    ),
];

fn part(
    call: &Arguments<'_>,
    of: impl FnOnce(civil::DateTime) -> i16,
) -> Result<Value, ErrorValue> {
    Ok(call.zoned(0)?.map_or(Value::Blank, |(when, zone)| {
        i64::from(of(when.local(&zone))).into()
    }))
}

fn day(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    part(call, |local| local.day().into())
}

fn hour(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    part(call, |local| local.hour().into())
}

fn minute(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    part(call, |local| local.minute().into())
}

fn month(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    part(call, |local| local.month().into())
}

fn year(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    part(call, civil::DateTime::year)
}

fn first_day(call: &Arguments<'_>) -> Result<Weekday, ErrorValue> {
    if !call.has(1) {
        return Ok(Weekday::Sunday);
    }
    let name = call.text(1)?;
    match name.trim() {
        name if name.eq_ignore_ascii_case("sunday") => Ok(Weekday::Sunday),
        name if name.eq_ignore_ascii_case("monday") => Ok(Weekday::Monday),
        _ => Err(ErrorValue::Argument),
    }
}

fn weekday(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let first = first_day(call)?;
    part(call, |local| weeks::day_in_week(local.date(), first))
}

fn weeknum(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let first = first_day(call)?;
    part(call, |local| weeks::week_of_year(local.date(), first))
}
