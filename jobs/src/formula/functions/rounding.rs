//! Rounding, in decimal.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::value::{ErrorValue, Value};

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Number,
        "CEILING(number, [step])",
        1,
        Some(2),
        [Number, Number],
        Rule::First,
        ceiling,
        "The next multiple of the step that is not smaller."
    ),
    function!(
        Number,
        "FLOOR(number, [step])",
        1,
        Some(2),
        [Number, Number],
        Rule::First,
        floor,
        "The next multiple of the step that is not larger."
    ),
    function!(
        Number,
        "INT(number)",
        1,
        Some(1),
        [Number],
        Rule::First,
        int,
        "The next whole number that is not larger: INT(-1.5) is -2."
    ),
    function!(
        Number,
        "ROUND(number, [places])",
        1,
        Some(2),
        [Number, Number],
        Rule::First,
        round,
        "Rounded to decimal places; halves go up, so ROUND(-2.5) is -2."
    ),
    function!(
        Number,
        "ROUNDUP(number, [places])",
        1,
        Some(2),
        [Number, Number],
        Rule::First,
        roundup,
        "Rounded away from zero."
    ),
    function!(
        Number,
        "ROUNDDOWN(number, [places])",
        1,
        Some(2),
        [Number, Number],
        Rule::First,
        rounddown,
        "Rounded toward zero."
    ),
];

/// Rounds to places; negative places round to tens, hundreds, ….
fn places(
    call: &Arguments<'_>,
    strategy: impl Fn(Decimal) -> RoundingStrategy,
) -> Result<Value, ErrorValue> {
    let number = call.number(0)?;
    let places = if call.has(1) { call.integer(1)? } else { 0 };
    let strategy = strategy(number);
    if places >= 0 {
        // More places than a decimal has change nothing.
        let places = u32::try_from(places).unwrap_or(u32::MAX).min(28);
        return Ok(number.round_dp_with_strategy(places, strategy).into());
    }
    let tens = (0..places.unsigned_abs()).try_fold(Decimal::ONE, |tens, step| {
        if step > 28 {
            None
        } else {
            tens.checked_mul(Decimal::TEN)
        }
    });
    let Some(tens) = tens else {
        return beyond(number, strategy);
    };
    // The quotient keeps 28 digits, and rounding a number already rounded can be off:
    // what is left over decides instead.
    let whole = (number / tens).trunc();
    let rest = number % tens;
    let half = tens / Decimal::TWO;
    let up = match strategy {
        RoundingStrategy::AwayFromZero => !rest.is_zero(),
        RoundingStrategy::ToZero => false,
        RoundingStrategy::MidpointTowardZero => rest.abs() > half,
        _ => rest.abs() >= half,
    };
    let step = match (up, number.is_sign_negative()) {
        (false, _) => Decimal::ZERO,
        (true, false) => Decimal::ONE,
        (true, true) => Decimal::NEGATIVE_ONE,
    };
    whole
        .checked_add(step)
        .and_then(|count| count.checked_mul(tens))
        .map(Value::from)
        .ok_or(ErrorValue::Overflow)
}

/// To more places than any number has: all of it is rounded away.
fn beyond(number: Decimal, strategy: RoundingStrategy) -> Result<Value, ErrorValue> {
    if strategy == RoundingStrategy::AwayFromZero && !number.is_zero() {
        return Err(ErrorValue::Overflow);
    }
    Ok(Decimal::ZERO.into())
}

/// Halves go up on both sides of zero, as in Airtable and JavaScript.
fn round(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    places(call, |number| {
        if number.is_sign_negative() {
            RoundingStrategy::MidpointTowardZero
        } else {
            RoundingStrategy::MidpointAwayFromZero
        }
    })
}

fn roundup(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    places(call, |_| RoundingStrategy::AwayFromZero)
}

fn rounddown(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    places(call, |_| RoundingStrategy::ToZero)
}

fn int(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.number(0)?.floor().into())
}

/// The multiple of the step at or next to the number; `direction` is 1 or -1.
fn multiple(call: &Arguments<'_>, direction: Decimal) -> Result<Value, ErrorValue> {
    let number = call.number(0)?;
    let step = if call.has(1) {
        call.number(1)?.abs()
    } else {
        Decimal::ONE
    };
    if step.is_zero() {
        return Err(ErrorValue::DivisionByZero);
    }
    let rest = number.checked_rem(step).ok_or(ErrorValue::Overflow)?;
    let toward_zero = number.checked_sub(rest).ok_or(ErrorValue::Overflow)?;
    let moves = !rest.is_zero() && rest.is_sign_negative() != direction.is_sign_positive();
    if !moves {
        return Ok(toward_zero.into());
    }
    toward_zero
        .checked_add(step * direction)
        .map(Value::from)
        .ok_or(ErrorValue::Overflow)
}

fn ceiling(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    multiple(call, Decimal::ONE)
}

fn floor(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    multiple(call, Decimal::NEGATIVE_ONE)
}
