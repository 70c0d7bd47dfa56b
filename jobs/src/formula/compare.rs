//! Equality and order between values of any kind.

use std::borrow::Cow;
use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::convert;
use super::eval::Evaluation;
use super::lexer::Operator;
use super::value::{ErrorValue, Value};
use super::words::Words;

/// Whether the comparison holds.
pub fn holds(
    run: &Evaluation<'_>,
    left: &Value,
    operator: Operator,
    right: &Value,
) -> Result<bool, ErrorValue> {
    if let Operator::Equal | Operator::NotEqual = operator {
        return Ok(equal(run, left, right)? == (operator == Operator::Equal));
    }
    let order = order(run, left, right)?;
    Ok(order.is_some_and(|order| match operator {
        Operator::Less => order.is_lt(),
        Operator::Greater => order.is_gt(),
        Operator::LessOrEqual => order.is_le(),
        _ => order.is_ge(),
    }))
}

/// A list of one stands for its item and an empty list for nothing.
fn single(value: &Value) -> Result<&Value, ErrorValue> {
    match value {
        Value::Error(error) => Err(*error),
        Value::List(items) => match items.as_ref() {
            [] => Ok(&Value::Blank),
            [Value::List(_)] => Ok(value),
            [one] => single(one),
            _ => convert::first_error(items).map_or(Ok(value), Err),
        },
        _ => Ok(value),
    }
}

/// Whether two values are the same. Nothing equals "" and an unticked checkbox; it
/// equals 0 only in formulas that follow Airtable.
pub fn equal(run: &Evaluation<'_>, left: &Value, right: &Value) -> Result<bool, ErrorValue> {
    use Value::{Blank, Boolean, Date, DateTime, List, Number, Text};
    let (left, right) = (single(left)?, single(right)?);
    Ok(match (left, right) {
        (Number(a), Number(b)) => a == b,
        (Text(a), Text(b)) => {
            run.spend(a.len().min(b.len()))?;
            a == b
        }
        (Blank, Blank) => true,
        (Blank, Text(text)) | (Text(text), Blank) => text.is_empty(),
        (Blank, Boolean(yes)) | (Boolean(yes), Blank) => !yes,
        (Blank, Number(n)) | (Number(n), Blank) => run.compatible && n.is_zero(),
        (Boolean(a), Boolean(b)) => a == b,
        (Boolean(yes), Number(n)) | (Number(n), Boolean(yes)) => {
            *n == Decimal::from(u8::from(*yes))
        }
        (Date(_) | DateTime(_), Date(_) | DateTime(_) | Text(_))
        | (Text(_), Date(_) | DateTime(_)) => {
            matches!(dates(run, left, right), Ok(Some(Ordering::Equal)))
        }
        (List(a), List(b)) => {
            run.spend(a.len().min(b.len()))?;
            a == b
        }
        (List(_), Text(text)) | (Text(text), List(_)) => {
            let list = if matches!(left, List(_)) { left } else { right };
            let words = Words::of(Cow::Borrowed(list), &run.moment.zone)?;
            run.spend(words.len())?;
            *words == **text
        }
        _ => false,
    })
}

/// Which value is less; none if nothing is compared with something.
fn order(
    run: &Evaluation<'_>,
    left: &Value,
    right: &Value,
) -> Result<Option<Ordering>, ErrorValue> {
    use Value::{Blank, Boolean, Date, DateTime, Number, Text};
    let (left, right) = (single(left)?, single(right)?);
    Ok(match (left, right) {
        (Blank, Blank) => Some(Ordering::Equal),
        (Text(a), Text(b)) => {
            run.spend(a.len().min(b.len()))?;
            Some(a.cmp(b))
        }
        (Blank, Text(b)) => Some("".cmp(b)),
        (Text(a), Blank) => Some(a.as_ref().cmp("")),
        (Date(_) | DateTime(_), _) | (_, Date(_) | DateTime(_)) => dates(run, left, right)?,
        (Blank, Number(_) | Boolean(_)) | (Number(_) | Boolean(_), Blank) if !run.compatible => {
            None
        }
        (Number(_) | Boolean(_) | Blank, Number(_) | Boolean(_) | Blank) => {
            Some(convert::number(left)?.cmp(&convert::number(right)?))
        }
        _ => return Err(ErrorValue::NotANumber),
    })
}

fn dates(
    run: &Evaluation<'_>,
    left: &Value,
    right: &Value,
) -> Result<Option<Ordering>, ErrorValue> {
    if let (Value::Date(a), Value::Date(b)) = (left, right) {
        return Ok(Some(a.cmp(b)));
    }
    let zone = &run.moment.zone;
    let (Some(a), Some(b)) = (convert::when(left, zone)?, convert::when(right, zone)?) else {
        return Ok(None);
    };
    Ok(Some(a.instant(zone)?.cmp(&b.instant(zone)?)))
}
