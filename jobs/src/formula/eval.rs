//! Runs compiled nodes for one row.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::call::Arguments;
use super::compare;
use super::convert;
use super::functions::{dates, logic};
use super::lexer::Operator;
use super::limits::{MAX_TEXT, MAX_WORK};
use super::node::{Call, Node, NodeId, NodeKind};
use super::value::{ErrorValue, Value};
use super::words::Words;
use super::{Moment, RowFacts};

/// Hides how long the caller's cells live, so that an evaluation has one lifetime.
pub trait Cells {
    fn cell(&self, slot: usize) -> &Value;
}

pub struct Closure<'f, 'v>(pub &'f dyn Fn(usize) -> &'v Value);

impl Cells for Closure<'_, '_> {
    fn cell(&self, slot: usize) -> &Value {
        (self.0)(slot)
    }
}

/// One row's evaluation.
pub struct Evaluation<'a> {
    pub nodes: &'a [Node],
    pub row: &'a RowFacts<'a>,
    pub cells: &'a dyn Cells,
    pub moment: &'a Moment,
    pub compatible: bool,
    /// Bytes of text read and written so far.
    pub work: Cell<usize>,
    /// Values by node, when every step is to be shown.
    pub seen: Option<RefCell<Vec<Option<Value>>>>,
}

impl<'a> Evaluation<'a> {
    /// The node's value. Cells and constants are lent, not cloned.
    pub fn value(&self, id: NodeId) -> Cow<'a, Value> {
        let Some(seen) = &self.seen else {
            return self.compute(id);
        };
        if let Some(value) = &seen.borrow()[id] {
            return Cow::Owned(value.clone());
        }
        let value = self.compute(id);
        seen.borrow_mut()[id] = Some(value.as_ref().clone());
        value
    }

    fn compute(&self, id: NodeId) -> Cow<'a, Value> {
        let result = match &self.nodes[id].kind {
            NodeKind::Literal(value) => return Cow::Borrowed(value),
            NodeKind::Slot(slot) => return Cow::Borrowed(self.cells.cell(*slot)),
            NodeKind::Negate(operand) => self.number(*operand).map(|n| (Decimal::ZERO - n).into()),
            NodeKind::Chain(first, rest) => self.chain(*first, rest),
            NodeKind::Call(call) => (call.function.run)(&self.arguments(call)),
        };
        Cow::Owned(result.unwrap_or_else(Value::Error))
    }

    fn arguments<'e>(&'e self, call: &'a Call) -> Arguments<'e>
    where
        'a: 'e,
    {
        Arguments { run: self, call }
    }

    /// The value and the zone that `SET_TIMEZONE` gave it. The zone is not part of a
    /// value, so it is found by looking at what computes the value.
    pub fn zoned(&self, id: NodeId) -> (Cow<'a, Value>, Option<TimeZone>) {
        let NodeKind::Call(call) = &self.nodes[id].kind else {
            return (self.value(id), None);
        };
        let arguments = self.arguments(call);
        match call.function.name {
            "SET_TIMEZONE" => match arguments.zone(1) {
                Ok(zone) => (self.value(call.arguments[0]), Some(zone)),
                Err(error) => (Cow::Owned(error.into()), None),
            },
            // Each part is evaluated once: twice at every level would take forever.
            "IF" => match logic::branch(&arguments) {
                Ok(Some(index)) => self.zoned(call.arguments[index]),
                Ok(None) => (Cow::Owned(Value::Blank), None),
                Err(error) => (Cow::Owned(error.into()), None),
            },
            "DATEADD" => match dates::moved(&arguments) {
                Ok(Some((value, zone))) => (Cow::Owned(value), Some(zone)),
                Ok(None) => (Cow::Owned(Value::Blank), None),
                Err(error) => (Cow::Owned(error.into()), None),
            },
            _ => (self.value(id), None),
        }
    }

    /// The node's value as a number.
    pub fn number(&self, id: NodeId) -> Result<Decimal, ErrorValue> {
        convert::number(&self.value(id))
    }

    /// The node's value as text.
    pub fn words(&self, id: NodeId) -> Result<Words<'a>, ErrorValue> {
        let words = Words::of(self.value(id), &self.moment.zone)?;
        self.spend(words.len())?;
        Ok(words)
    }

    /// Counts work on text, so that no formula takes long.
    pub fn spend(&self, bytes: usize) -> Result<(), ErrorValue> {
        let spent = self.work.get().saturating_add(bytes);
        self.work.set(spent);
        if spent > MAX_WORK {
            return Err(ErrorValue::TooLong);
        }
        Ok(())
    }

    fn chain(&self, first: NodeId, rest: &[(Operator, NodeId)]) -> Result<Value, ErrorValue> {
        match rest[0].0.level() {
            0 => self.comparisons(first, rest),
            1 => self.joined(first, rest),
            _ => {
                let mut sum = self.number(first)?;
                for (operator, operand) in rest {
                    sum = calculate(sum, *operator, self.number(*operand)?)?;
                }
                Ok(sum.into())
            }
        }
    }

    fn comparisons(&self, first: NodeId, rest: &[(Operator, NodeId)]) -> Result<Value, ErrorValue> {
        let mut left = self.value(first);
        for (operator, operand) in rest {
            let right = self.value(*operand);
            let holds = compare::holds(self, &left, *operator, &right)?;
            left = Cow::Owned(holds.into());
        }
        Ok(left.into_owned())
    }

    fn joined(&self, first: NodeId, rest: &[(Operator, NodeId)]) -> Result<Value, ErrorValue> {
        let mut out = String::new();
        for id in std::iter::once(first).chain(rest.iter().map(|(_, id)| *id)) {
            push_limited(&mut out, &self.words(id)?)?;
        }
        self.spend(out.len())?;
        Ok(out.into())
    }
}

/// Appends, unless the text would grow beyond the limit.
pub fn push_limited(out: &mut String, text: &str) -> Result<(), ErrorValue> {
    if out.len() + text.len() > MAX_TEXT {
        return Err(ErrorValue::TooLong);
    }
    out.push_str(text);
    Ok(())
}

/// One step of arithmetic, exact within 28 digits.
pub fn calculate(left: Decimal, operator: Operator, right: Decimal) -> Result<Decimal, ErrorValue> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        _ if right.is_zero() => return Err(ErrorValue::DivisionByZero),
        _ => left.checked_div(right),
    }
    .ok_or(ErrorValue::Overflow)
}
