//! Conditions, comparisons of dates, and errors.

use jiff::civil::{self, Weekday};

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::compare;
use crate::formula::types::Type;
use crate::formula::units::Unit;
use crate::formula::value::{ErrorValue, Value};
use crate::formula::weeks;

const BOOLEAN: Rule = Rule::Is(Type::Boolean);

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Logic,
        "IF(condition, yes, [no])",
        2,
        Some(3),
        [Condition, Any],
        Rule::IfBranches,
        if_,
        "One value if the condition holds, else the other, or blank."
    ),
    function!(
        Logic,
        "AND(condition, …)",
        1,
        None,
        [Condition],
        BOOLEAN,
        and,
        "Whether all conditions hold."
    ),
    function!(
        Logic,
        "OR(condition, …)",
        1,
        None,
        [Condition],
        BOOLEAN,
        or,
        "Whether any condition holds."
    ),
    function!(
        Logic,
        "NOT(condition)",
        1,
        Some(1),
        [Condition],
        BOOLEAN,
        not,
        "Whether the condition does not hold."
    ),
    function!(
        Logic,
        "SWITCH(value, pattern, result, …, [default])",
        3,
        None,
        [Any],
        Rule::SwitchBranches,
        switch,
        "The result behind the first pattern equal to the value, else the default, or blank."
    ),
    function!(
        Logic,
        "IS_SAME(date, other, [unit])",
        2,
        Some(3),
        [Date, Date, Unit],
        BOOLEAN,
        is_same,
        "Whether two dates are the same, or lie in the same day, month, …."
    ),
    function!(
        Logic,
        "IS_AFTER(date, other)",
        2,
        Some(2),
        [Date],
        BOOLEAN,
        is_after,
        "Whether the first date is later."
    ),
    function!(
        Logic,
        "IS_BEFORE(date, other)",
        2,
        Some(2),
        [Date],
        BOOLEAN,
        is_before,
        "Whether the first date is earlier."
    ),
    function!(
        Logic,
        "ISERROR(value)",
        1,
        Some(1),
        [Any],
        BOOLEAN,
        iserror,
        "Whether the value is an error."
    ),
    function!(
        Logic,
        "ERROR()",
        0,
        Some(0),
        [],
        Rule::Is(Type::Error),
        error,
        "An error."
    ),
    function!(
        Logic,
        "BLANK()",
        0,
        Some(0),
        [],
        Rule::Is(Type::Blank),
        blank,
        "Nothing, as in an empty cell."
    ),
    function!(
        Logic,
        "TRUE()",
        0,
        Some(0),
        [],
        BOOLEAN,
        true_,
        "True; 1 as a number."
    ),
    function!(
        Logic,
        "FALSE()",
        0,
        Some(0),
        [],
        BOOLEAN,
        false_,
        "False; 0 as a number."
    ),
];

/// Which argument IF gives: none if the condition fails and there is no third.
pub fn branch(call: &Arguments<'_>) -> Result<Option<usize>, ErrorValue> {
    let index = if call.truth(0)? { 1 } else { 2 };
    Ok(call.has(index).then_some(index))
}

fn if_(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(branch(call)?.map_or(Value::Blank, |index| call.value(index).into_owned()))
}

/// Stops at the first condition that decides: what stands behind is not evaluated.
fn any(call: &Arguments<'_>, wanted: bool) -> Result<bool, ErrorValue> {
    for index in 0..call.count() {
        if call.truth(index)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn and(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok((!any(call, false)?).into())
}

fn or(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(any(call, true)?.into())
}

fn not(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok((!call.truth(0)?).into())
}

fn switch(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let value = call.value(0);
    if let Value::Error(error) = *value {
        return Err(error);
    }
    let mut index = 1;
    while call.has(index + 1) {
        if compare::equal(call.run, &value, &call.value(index))? {
            return Ok(call.value(index + 1).into_owned());
        }
        index += 2;
    }
    Ok(if call.has(index) {
        call.value(index).into_owned()
    } else {
        Value::Blank
    })
}

/// The first moment of the unit that this lies in; the week begins on Sunday.
fn start_of(local: civil::DateTime, unit: Unit) -> (civil::Date, civil::Time) {
    let (date, time) = (local.date(), local.time());
    let at = |hour, minute, second, milli: i16| {
        civil::Time::new(hour, minute, second, i32::from(milli) * 1_000_000)
            .unwrap_or(civil::Time::midnight())
    };
    let midnight = civil::Time::midnight();
    match unit {
        Unit::Millisecond => (
            date,
            at(
                time.hour(),
                time.minute(),
                time.second(),
                time.millisecond(),
            ),
        ),
        Unit::Second => (date, at(time.hour(), time.minute(), time.second(), 0)),
        Unit::Minute => (date, at(time.hour(), time.minute(), 0, 0)),
        Unit::Hour => (date, at(time.hour(), 0, 0, 0)),
        Unit::Day => (date, midnight),
        Unit::Week => {
            let back = i64::from(weeks::day_in_week(date, Weekday::Sunday));
            let sunday = date.saturating_sub(jiff::Span::new().days(back));
            (sunday, midnight)
        }
        Unit::Month => (date.first_of_month(), midnight),
        Unit::Quarter => {
            let month = (date.month() - 1) / 3 * 3 + 1;
            let first = civil::Date::new(date.year(), month, 1).unwrap_or(date);
            (first, midnight)
        }
        Unit::Year => (date.first_of_year(), midnight),
    }
}

fn is_same(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (a, b) = (call.zoned(0)?, call.zoned(1)?);
    let unit = if call.has(2) {
        Some(call.unit(2)?)
    } else {
        None
    };
    let (Some((a, zone)), Some((b, _))) = (a, b) else {
        return Ok(false.into());
    };
    Ok(match unit {
        None => a.instant(&zone)? == b.instant(&zone)?,
        Some(unit) => start_of(a.local(&zone), unit) == start_of(b.local(&zone), unit),
    }
    .into())
}

/// Whether the first date and the second stand in this order; false if one is missing.
fn ordered(call: &Arguments<'_>, wanted: std::cmp::Ordering) -> Result<Value, ErrorValue> {
    let (Some((a, zone)), Some((b, _))) = (call.zoned(0)?, call.zoned(1)?) else {
        return Ok(false.into());
    };
    Ok((a.instant(&zone)?.cmp(&b.instant(&zone)?) == wanted).into())
}

fn is_after(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    ordered(call, std::cmp::Ordering::Greater)
}

fn is_before(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    ordered(call, std::cmp::Ordering::Less)
}

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn iserror(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(matches!(*call.value(0), Value::Error(_)).into())
}

fn error(_: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Err(ErrorValue::Error)
}

// Every function of the table may fail, though these do not.
#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn blank(_: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(Value::Blank)
}

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn true_(_: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(true.into())
}

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn false_(_: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(false.into())
}
