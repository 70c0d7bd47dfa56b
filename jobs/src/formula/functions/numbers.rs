//! Arithmetic on one number or many.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::convert;
use crate::formula::types::Type;
use crate::formula::value::{ErrorValue, Value};

const COUNT: Rule = Rule::Is(Type::Number);

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Number,
        "ABS(number)",
        1,
        Some(1),
        [Number],
        Rule::First,
        abs,
        "The number without its sign."
    ),
    function!(
        Number,
        "AVERAGE(number, …)",
        1,
        None,
        [Number],
        Rule::Blend,
        average,
        "The mean; blanks are left out."
    ),
    function!(
        Number,
        "COUNT(value, …)",
        1,
        None,
        [Any],
        COUNT,
        count,
        "How many of the values are numbers."
    ),
    function!(
        Number,
        "COUNTA(value, …)",
        1,
        None,
        [Any],
        COUNT,
        counta,
        "How many of the values are not empty."
    ),
    function!(
        Number,
        "MAX(number, …)",
        1,
        None,
        [Number],
        Rule::Blend,
        max,
        "The largest; blanks are left out."
    ),
    function!(
        Number,
        "MIN(number, …)",
        1,
        None,
        [Number],
        Rule::Blend,
        min,
        "The smallest; blanks are left out."
    ),
    function!(
        Number,
        "MOD(number, divisor)",
        2,
        Some(2),
        [Number, Number],
        Rule::First,
        modulo,
        "The remainder of a division, with the divisor's sign."
    ),
    function!(
        Number,
        "POWER(base, exponent)",
        2,
        Some(2),
        [Number, Number],
        COUNT,
        power,
        "The base to the power of the exponent."
    ),
    function!(
        Number,
        "SUM(number, …)",
        1,
        None,
        [Number],
        Rule::Blend,
        sum,
        "All numbers added."
    ),
];

fn abs(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.number(0)?.abs().into())
}

/// Visits every number; empty cells are none.
fn numbers(
    call: &Arguments<'_>,
    mut visit: impl FnMut(Decimal) -> Result<(), ErrorValue>,
) -> Result<(), ErrorValue> {
    call.each(|value| {
        if value.is_empty() {
            return Ok(());
        }
        visit(convert::number(value)?)
    })
}

fn total(call: &Arguments<'_>) -> Result<(Decimal, u64), ErrorValue> {
    let (mut sum, mut count) = (Decimal::ZERO, 0);
    numbers(call, |number| {
        sum = sum.checked_add(number).ok_or(ErrorValue::Overflow)?;
        count += 1;
        Ok(())
    })?;
    Ok((sum, count))
}

fn sum(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(total(call)?.0.into())
}

fn average(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (sum, count) = total(call)?;
    // The mean of nothing is nothing, not zero.
    Ok(sum
        .checked_div(Decimal::from(count))
        .map_or(Value::Blank, Value::from))
}

fn best(
    call: &Arguments<'_>,
    choose: impl Fn(Decimal, Decimal) -> Decimal,
) -> Result<Value, ErrorValue> {
    let mut best = None;
    numbers(call, |number| {
        best = Some(best.map_or(number, |so_far| choose(so_far, number)));
        Ok(())
    })?;
    Ok(best.map_or(Value::Blank, Value::from))
}

fn max(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    best(call, Ord::max)
}

fn min(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    best(call, Ord::min)
}

fn counted(call: &Arguments<'_>, counts: impl Fn(&Value) -> bool) -> Result<Value, ErrorValue> {
    let mut count = 0_i64;
    call.each(|value| {
        count += i64::from(counts(value));
        Ok(())
    })?;
    Ok(count.into())
}

fn count(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    counted(call, |value| matches!(value, Value::Number(_)))
}

fn counta(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    counted(call, |value| !value.is_empty())
}

fn modulo(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (number, divisor) = (call.number(0)?, call.number(1)?);
    if divisor.is_zero() {
        return Err(ErrorValue::DivisionByZero);
    }
    let rest = number.checked_rem(divisor).ok_or(ErrorValue::Overflow)?;
    let opposite = !rest.is_zero() && rest.is_sign_negative() != divisor.is_sign_negative();
    Ok(if opposite { rest + divisor } else { rest }.into())
}

fn power(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (base, exponent) = (call.number(0)?, call.number(1)?);
    if base.is_zero() && exponent.is_sign_negative() && !exponent.is_zero() {
        return Err(ErrorValue::DivisionByZero);
    }
    let result = if exponent.is_integer() {
        whole_power(base, exponent)
    } else if base.is_sign_negative() && !base.is_zero() {
        return Err(ErrorValue::NotANumber);
    } else {
        // Roots are irrational; fifteen digits are what floating point gives.
        base.to_f64()
            .zip(exponent.to_f64())
            .and_then(|(base, exponent)| Decimal::from_f64(base.powf(exponent)))
    };
    result.map(Value::from).ok_or(ErrorValue::Overflow)
}

/// By repeated squaring: exact within 28 digits, at most 64 steps.
fn whole_power(base: Decimal, exponent: Decimal) -> Option<Decimal> {
    let Some(mut left) = exponent.abs().to_u64() else {
        return extreme_power(base, exponent);
    };
    let mut square = base;
    if exponent.is_sign_negative() {
        square = Decimal::ONE.checked_div(base)?;
    }
    let mut result = Decimal::ONE;
    while left > 0 {
        if left & 1 == 1 {
            result = result.checked_mul(square)?;
        }
        left >>= 1;
        if left > 0 {
            square = square.checked_mul(square)?;
        }
    }
    Some(result)
}

/// Exponents beyond 64 bits: only 0, 1 and -1 stay what they are.
fn extreme_power(base: Decimal, exponent: Decimal) -> Option<Decimal> {
    let size = base.abs();
    let shrinks = (size < Decimal::ONE) != exponent.is_sign_negative();
    if size == Decimal::ONE {
        let odd = !(exponent % Decimal::TWO).is_zero();
        Some(if odd { base } else { Decimal::ONE })
    } else if base.is_zero() || shrinks {
        Some(Decimal::ZERO)
    } else {
        None
    }
}
