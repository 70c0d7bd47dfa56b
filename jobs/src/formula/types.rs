//! What is known about a value before any row is read.

use serde::Serialize;

/// The kind of a column or of a formula's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// Text.
    Text,
    /// A number without unit.
    Number,
    /// An amount of money.
    Currency,
    /// A share; 0.25 is a quarter.
    Percent,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// A checkbox, or the result of a comparison.
    Boolean,
    /// A multi-select, a lookup, links.
    List,
    /// Always empty.
    Blank,
    /// Always an error.
    Error,
}

/// A column that a formula may refer to.
#[derive(Clone, Debug)]
pub struct Field {
    /// Never changes; stored formulas name it.
    pub id: String,
    /// Today's name; what people write.
    pub name: String,
    /// What its cells hold.
    pub kind: Type,
    /// Nobody types into it, so nobody edits it: formulas, lookups, created time.
    pub computed: bool,
}

impl Type {
    fn is_numeric(self) -> bool {
        matches!(self, Self::Number | Self::Currency | Self::Percent)
    }

    /// The type of a value that is one or the other, as with the branches of IF.
    /// Types that do not fit together make text.
    pub(super) fn either(self, other: Self) -> Self {
        use Type::{Blank, Boolean, Date, DateTime, Error, Number, Text};
        match (self, other) {
            (a, b) if a == b => a,
            (Blank | Error, b) => b,
            (a, Blank | Error) => a,
            (a, b) if a.is_numeric() && b.is_numeric() => Number,
            (a, Boolean) | (Boolean, a) if a.is_numeric() => Number,
            (Date, DateTime) | (DateTime, Date) => DateTime,
            _ => Text,
        }
    }

    /// The type of a sum, maximum or rounding: a unit survives plain numbers.
    pub(super) fn blend(self, other: Self) -> Self {
        let unit = |t: Self| matches!(t, Self::Currency | Self::Percent).then_some(t);
        match (unit(self), unit(other)) {
            (Some(a), Some(b)) if a == b => a,
            (Some(a), None) | (None, Some(a)) => a,
            _ => Self::Number,
        }
    }

    /// The type of a product: an amount times a number or a share is an amount.
    pub(super) fn times(self, other: Self) -> Self {
        match (self == Self::Currency, other == Self::Currency) {
            (true, false) | (false, true) => Self::Currency,
            _ => Self::Number,
        }
    }

    /// The type of a quotient: an amount by an amount is a plain number.
    pub(super) fn divided_by(self, other: Self) -> Self {
        if self == Self::Currency && other != Self::Currency {
            Self::Currency
        } else {
            Self::Number
        }
    }
}
