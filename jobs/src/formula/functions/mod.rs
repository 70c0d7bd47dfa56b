//! The one table of functions. The compiler, the editor's completion and the
//! documentation all read it.

pub(super) mod array;
pub(super) mod date_parts;
pub(super) mod dates;
pub(super) mod durations;
pub(super) mod logic;
pub(super) mod numbers;
pub(super) mod record;
pub(super) mod regex;
pub(super) mod rounding;
pub(super) mod search;
pub(super) mod text;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Serialize;

use super::Volatility;
use super::call::Arguments;
use super::types::Type;
use super::value::{ErrorValue, Value};

/// What the editor and the manual say about a function.
#[derive(Serialize)]
pub struct FunctionDoc {
    /// In capitals; formulas may write it in any case.
    pub name: &'static str,
    /// Chapter of the manual.
    pub category: Category,
    /// `LEFT(text, count)`; brackets mark what may be left out.
    pub signature: &'static str,
    /// One line.
    pub help: &'static str,
    /// Fewest arguments.
    pub min: usize,
    /// Most arguments; none means any number.
    pub max: Option<usize>,
    /// What each argument should be; the last one repeats.
    pub parameters: &'static [Parameter],
    /// How the result's type follows.
    pub result: Rule,
    /// How soon a result goes stale though no cell changed.
    pub volatility: Volatility,
    #[serde(skip)]
    pub(super) run: fn(&Arguments<'_>) -> Result<Value, ErrorValue>,
}

impl fmt::Debug for FunctionDoc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}

/// Chapters of the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Text.
    Text,
    /// Numbers.
    Number,
    /// Dates and times.
    Date,
    /// Conditions and errors.
    Logic,
    /// Lists.
    Array,
    /// Regular expressions.
    Regex,
    /// Facts about the row.
    Record,
}

/// What an argument should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// Anything.
    Any,
    /// Text; other values are written out.
    Text,
    /// A number.
    Number,
    /// A date, an instant, or text that reads as one.
    Date,
    /// True or false.
    Condition,
    /// A list; one value is a list of one.
    List,
    /// `'days'`, `'M'`, …
    Unit,
    /// `'Europe/Zurich'`, …
    Zone,
    /// A regular expression.
    Pattern,
    /// `'YYYY-MM-DD'`, …
    Format,
    /// `'Sunday'` or `'Monday'`.
    WeekStart,
    /// ISO dates with commas between.
    Holidays,
    /// A column itself, not its value.
    Column,
}

/// How a result's type follows from the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Always this.
    Is(Type),
    /// The arguments' common unit, else a plain number.
    Blend,
    /// The first argument's unit, else a plain number.
    First,
    /// What the branches have in common, else text.
    IfBranches,
    /// The same for SWITCH.
    SwitchBranches,
    /// A date if a date moves by whole days, else an instant.
    Shifted,
    /// A date if the format names no time, else an instant.
    Parsed,
}

impl FunctionDoc {
    pub(super) fn parameter(&self, index: usize) -> Parameter {
        let last = self.parameters.len().saturating_sub(1);
        *self
            .parameters
            .get(index.min(last))
            .unwrap_or(&Parameter::Any)
    }
}

/// Every function, chapter by chapter.
pub fn functions() -> impl Iterator<Item = &'static FunctionDoc> {
    [
        text::TABLE,
        search::TABLE,
        numbers::TABLE,
        rounding::TABLE,
        dates::TABLE,
        durations::TABLE,
        date_parts::TABLE,
        logic::TABLE,
        array::TABLE,
        regex::TABLE,
        record::TABLE,
    ]
    .into_iter()
    .flatten()
}

/// Other names for functions.
pub const ALIASES: [(&str, &str); 1] = [("CONCAT", "CONCATENATE")];

/// The function with this name, in any case.
pub(super) fn find(name: &str) -> Option<&'static FunctionDoc> {
    static BY_NAME: LazyLock<HashMap<&str, &FunctionDoc>> = LazyLock::new(|| {
        let mut names: HashMap<_, _> = functions().map(|f| (f.name, f)).collect();
        for (alias, name) in ALIASES {
            if let Some(&function) = names.get(name) {
                names.insert(alias, function);
            }
        }
        names
    });
    // Longer than every name: not worth a copy.
    if name.len() > 32 {
        return None;
    }
    BY_NAME.get(name.to_ascii_uppercase().as_str()).copied()
}

/// One line of the table.
macro_rules! function {
    ($category:ident, $signature:literal, $min:literal, $max:expr, [$($parameter:ident),*], $rule:expr, $run:path, $help:literal) => {
        function!($category, $signature, $min, $max, [$($parameter),*], $rule, $run, $help, Never)
    };
    ($category:ident, $signature:literal, $min:literal, $max:expr, [$($parameter:ident),*], $rule:expr, $run:path, $help:literal, $volatility:ident) => {
        $crate::formula::functions::FunctionDoc {
            name: $crate::formula::functions::name_of($signature),
            category: $crate::formula::functions::Category::$category,
            signature: $signature,
            help: $help,
            min: $min,
            max: $max,
            parameters: &[$($crate::formula::functions::Parameter::$parameter),*],
            result: $rule,
            volatility: $crate::formula::Volatility::$volatility,
            run: $run,
        }
    };
}
use function;

/// What stands before the parenthesis of a signature.
const fn name_of(signature: &'static str) -> &'static str {
    let bytes = signature.as_bytes();
    let mut end = 0;
    while bytes[end] != b'(' {
        end += 1;
    }
    signature.split_at(end).0
}
