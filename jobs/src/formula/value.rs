//! What a formula reads and gives.

use std::fmt::{self, Write};
use std::sync::Arc;

use jiff::{Timestamp, civil, tz::TimeZone};
use rust_decimal::Decimal;

/// A cell, an argument or a result. Clones share text and lists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// An empty cell, or `BLANK()`.
    Blank,
    /// Text.
    Text(Arc<str>),
    /// An exact decimal.
    Number(Decimal),
    /// A checkbox or a comparison's result.
    Boolean(bool),
    /// A day without time or zone.
    Date(civil::Date),
    /// An instant.
    DateTime(Timestamp),
    /// A multi-select, a lookup, links.
    List(Arc<[Value]>),
    /// Why there is no value.
    Error(ErrorValue),
}

/// Why a formula has no value in one row. Errors pass through everything but `ISERROR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorValue {
    /// The formula said `ERROR()`.
    Error,
    /// Something was divided by zero.
    DivisionByZero,
    /// A number was needed.
    NotANumber,
    /// A date was needed.
    NotADate,
    /// The result is outside the range of numbers or dates.
    Overflow,
    /// A text or list is longer than the limit, or the formula worked on too many.
    TooLong,
    /// The pattern matches nothing.
    NoMatch,
    /// The regular expression is invalid or too large.
    BadPattern,
    /// The column depends on itself.
    Cycle,
    /// An argument has no meaning for its function.
    Argument,
}

impl ErrorValue {
    /// What went wrong, as a sentence for the cell's tooltip.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Error => "The formula returned ERROR().",
            Self::DivisionByZero => "Division by zero.",
            Self::NotANumber => "A number was needed and something else was there.",
            Self::NotADate => "A date was needed and something else was there.",
            Self::Overflow => "The result is outside the range of numbers or dates.",
            Self::TooLong => "A text or list is longer than a formula may build.",
            Self::NoMatch => "The regular expression matches nothing.",
            Self::BadPattern => "The regular expression is invalid or too large.",
            Self::Cycle => "This column depends on itself.",
            Self::Argument => "An argument has no meaning for its function.",
        }
    }
}

impl fmt::Display for ErrorValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Error => "#ERROR!",
            Self::DivisionByZero => "#DIV/0!",
            Self::NotANumber => "#NUM!",
            Self::NotADate => "#DATE!",
            Self::Overflow => "#OVERFLOW!",
            Self::TooLong => "#LONG!",
            Self::NoMatch => "#NOMATCH!",
            Self::BadPattern => "#PATTERN!",
            Self::Cycle => "#CYCLE!",
            Self::Argument => "#ARG!",
        })
    }
}

impl Value {
    /// The value as a CSV export prints it: booleans `1` and `0`, numbers without
    /// trailing zeros, dates as ISO (instants with the zone's offset), lists joined
    /// with `, `, errors by name.
    pub fn text(&self, zone: &TimeZone) -> String {
        let mut out = String::new();
        self.write_text(zone, &mut out);
        out
    }

    fn write_text(&self, zone: &TimeZone, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Blank => Ok(()),
            Self::Text(text) => {
                out.push_str(text);
                Ok(())
            }
            Self::Number(number) => write!(out, "{}", number.normalize()),
            Self::Boolean(yes) => {
                out.push(if *yes { '1' } else { '0' });
                Ok(())
            }
            Self::Date(date) => write!(out, "{date}"),
            Self::DateTime(at) => {
                write_instant(*at, zone, out);
                Ok(())
            }
            Self::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    item.write_text(zone, out);
                }
                Ok(())
            }
            Self::Error(error) => write!(out, "{error}"),
        };
    }

    /// An empty cell or empty text; both count as nothing entered.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Blank => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }
}

/// `2026-03-31T14:05:00Z` in UTC, `2026-03-31T16:05:00+02:00` elsewhere.
fn write_instant(at: Timestamp, zone: &TimeZone, out: &mut String) {
    let offset = zone.to_offset(at);
    let local = offset.to_datetime(at);
    let _ = write!(out, "{local}");
    let seconds = offset.seconds();
    if seconds == 0 {
        out.push('Z');
    } else {
        write_offset(seconds, ":", out);
    }
}

/// `+02:00` for 7200 seconds and the separator `:`.
pub(super) fn write_offset(seconds: i32, separator: &str, out: &mut String) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    let _ = write!(
        out,
        "{sign}{:02}{separator}{:02}",
        minutes / 60,
        minutes % 60
    );
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Boolean(yes)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<ErrorValue> for Value {
    fn from(error: ErrorValue) -> Self {
        Self::Error(error)
    }
}

impl From<civil::Date> for Value {
    fn from(date: civil::Date) -> Self {
        Self::Date(date)
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::DateTime(at)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items.into())
    }
}
