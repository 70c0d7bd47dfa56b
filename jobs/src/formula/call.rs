//! A function's view of its arguments. Nothing is evaluated before it is asked for.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::convert::{self, When};
use super::eval::Evaluation;
use super::limits::{MAX_LIST, MAX_TEXT};
use super::node::{Call, Prepared};
use super::units::Unit;
use super::value::{ErrorValue, Value};
use super::words::Words;
use super::zones;

pub struct Arguments<'a> {
    pub run: &'a Evaluation<'a>,
    pub call: &'a Call,
}

impl<'a> Arguments<'a> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.call.arguments.len()
    }

    pub fn has(&self, index: usize) -> bool {
        index < self.count()
    }

    pub fn value(&self, index: usize) -> Cow<'a, Value> {
        self.run.value(self.call.arguments[index])
    }

    pub fn number(&self, index: usize) -> Result<Decimal, ErrorValue> {
        self.run.number(self.call.arguments[index])
    }

    /// A whole number, cut toward zero; beyond 64 bits, the nearest there is.
    pub fn integer(&self, index: usize) -> Result<i64, ErrorValue> {
        let number = self.number(index)?.trunc();
        Ok(number.to_i64().unwrap_or(if number.is_sign_negative() {
            i64::MIN
        } else {
            i64::MAX
        }))
    }

    /// A count of characters or items; negative is none.
    pub fn size(&self, index: usize) -> Result<usize, ErrorValue> {
        let number = self.integer(index)?.max(0);
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    pub fn text(&self, index: usize) -> Result<Words<'a>, ErrorValue> {
        self.run.words(self.call.arguments[index])
    }

    pub fn truth(&self, index: usize) -> Result<bool, ErrorValue> {
        convert::truth(&self.value(index))
    }

    /// The date, and the zone to read it in; none if it is empty.
    pub fn zoned(&self, index: usize) -> Result<Option<(When, TimeZone)>, ErrorValue> {
        let (value, zone) = self.run.zoned(self.call.arguments[index]);
        let zone = zone.unwrap_or_else(|| self.run.moment.zone.clone());
        match convert::when(&value, &zone)? {
            Some(when) => Ok(Some((when, zone))),
            // Airtable shows an error for a missing date; here the result is missing too.
            None if self.run.compatible => Err(ErrorValue::NotADate),
            None => Ok(None),
        }
    }

    fn prepared(&self, index: usize) -> Option<&'a Prepared> {
        let found = self.call.prepared.iter().find(|(i, _)| *i == index);
        found.map(|(_, ready)| ready)
    }

    pub fn unit(&self, index: usize) -> Result<Unit, ErrorValue> {
        match self.prepared(index) {
            Some(Prepared::Unit(unit)) => Ok(*unit),
            _ => Unit::parse(&self.text(index)?).ok_or(ErrorValue::Argument),
        }
    }

    pub fn zone(&self, index: usize) -> Result<TimeZone, ErrorValue> {
        match self.prepared(index) {
            Some(Prepared::Zone(zone)) => Ok(zone.clone()),
            _ => zones::find(&self.text(index)?).ok_or(ErrorValue::Argument),
        }
    }

    pub fn pattern(&self, index: usize) -> Result<Cow<'a, regex::Regex>, ErrorValue> {
        if let Some(Prepared::Pattern(pattern)) = self.prepared(index) {
            return Ok(Cow::Borrowed(pattern));
        }
        let text = self.text(index)?;
        // Compiling costs far more than reading as many bytes.
        self.run.spend(text.len().saturating_mul(1000))?;
        super::regexes::compile(&text)
            .map(Cow::Owned)
            .map_err(|_| ErrorValue::BadPattern)
    }

    pub fn format(
        &self,
        index: usize,
    ) -> Result<Cow<'a, [super::moment_format::Piece]>, ErrorValue> {
        match self.prepared(index) {
            Some(Prepared::Format(pieces)) => Ok(Cow::Borrowed(pieces)),
            _ => Ok(Cow::Owned(super::moment_format::pieces(&self.text(index)?))),
        }
    }

    pub fn holidays(&self, index: usize) -> Result<Cow<'a, [jiff::civil::Date]>, ErrorValue> {
        if !self.has(index) {
            return Ok(Cow::Borrowed(&[]));
        }
        match self.prepared(index) {
            Some(Prepared::Holidays(days)) => Ok(Cow::Borrowed(days)),
            _ => super::working_days::holidays(&self.text(index)?)
                .map(Cow::Owned)
                .ok_or(ErrorValue::NotADate),
        }
    }

    /// Visits every argument; lists item by item.
    pub fn each(
        &self,
        mut visit: impl FnMut(&Value) -> Result<(), ErrorValue>,
    ) -> Result<(), ErrorValue> {
        for index in 0..self.count() {
            self.each_in(&self.value(index), &mut visit)?;
        }
        Ok(())
    }

    fn each_in(
        &self,
        value: &Value,
        visit: &mut impl FnMut(&Value) -> Result<(), ErrorValue>,
    ) -> Result<(), ErrorValue> {
        match value {
            Value::Error(error) => Err(*error),
            Value::List(items) => {
                self.run.spend(items.len())?;
                items.iter().try_for_each(|item| self.each_in(item, visit))
            }
            other => visit(other),
        }
    }

    /// The items of a list; one value is a list of one, nothing a list of none.
    pub fn items(&self, index: usize) -> Result<Vec<Value>, ErrorValue> {
        let mut items = Vec::new();
        let value = self.value(index);
        if *value == Value::Blank {
            return Ok(items);
        }
        self.each_in(&value, &mut |item| {
            if items.len() == MAX_LIST {
                return Err(ErrorValue::TooLong);
            }
            items.push(item.clone());
            Ok(())
        })?;
        Ok(items)
    }

    /// A text result.
    pub fn written(&self, text: String) -> Result<Value, ErrorValue> {
        if text.len() > MAX_TEXT {
            return Err(ErrorValue::TooLong);
        }
        self.run.spend(text.len())?;
        Ok(text.into())
    }
}
