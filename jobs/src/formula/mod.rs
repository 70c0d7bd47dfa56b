//! Formulas: what a calculated column says, and its value in a row.
//!
//! Pure: no clock, no database, no I/O. The caller brings the cells and the moment.
//! `compile` reads a formula once; `evaluate` runs it for one row.

mod call;
mod compare;
mod compile;
mod convert;
mod date_text;
mod date_write;
mod eval;
mod explain;
mod functions;
pub mod graph;
mod lexer;
mod limits;
mod moment_format;
mod node;
mod parser;
mod problem;
mod regexes;
mod stored;
#[cfg(test)]
mod tests;
mod types;
mod units;
mod value;
mod weeks;
mod words;
mod working_days;
mod zones;

use std::cell::{Cell, RefCell};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::Serialize;

use compile::{Compiled, Naming};
use eval::{Closure, Evaluation};

pub use explain::Step;
pub use functions::{ALIASES, Category, FunctionDoc, Parameter, Rule, functions};
pub use limits::{MAX_DEPTH, MAX_LIST, MAX_SOURCE, MAX_TEXT};
pub use problem::Problem;
pub use types::{Field, Type};
pub use value::{ErrorValue, Value};

/// How a formula's values are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// As Airtable does: blank equals 0 and counts as 0 in comparisons, and a date
    /// function on a blank is an error.
    pub airtable_compatible: bool,
}

/// How soon a value goes stale though no cell changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Volatility {
    /// Never.
    Never,
    /// When the day turns in the fund's zone.
    Day,
    /// All the time; once a minute is enough.
    Minute,
}

/// Facts about the row that are not in its cells.
#[derive(Clone, Copy, Debug)]
pub struct RowFacts<'a> {
    /// The row's id.
    pub id: &'a str,
    /// When it was created.
    pub created_at: Timestamp,
    /// When somebody last edited one of the watched columns.
    pub modified_at: Timestamp,
}

/// When and where a formula is evaluated.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// The day in the zone.
    pub today: civil::Date,
    /// The fund's zone.
    pub zone: TimeZone,
}

/// A formula, ready to run. Cheap to run and safe to share between threads.
#[derive(Clone, Debug)]
pub struct Formula {
    source: String,
    stored: String,
    options: Options,
    compiled: Compiled,
}

/// Reads a formula as people write it, with `{Column names}`.
pub fn compile(source: &str, fields: &[Field]) -> Result<Formula, Problem> {
    compile_with(source, fields, Options::default())
}

/// The same, with options.
pub fn compile_with(source: &str, fields: &[Field], options: Options) -> Result<Formula, Problem> {
    check_length(source, MAX_SOURCE)?;
    let expr = parser::parse(source)?;
    let compiled = compile::compile(&expr, fields, Naming::Names)?;
    Ok(Formula {
        source: source.to_owned(),
        stored: stored::rewrite(source, fields, Naming::Names).text,
        options,
        compiled,
    })
}

/// Reads a formula as it is stored, with `{#column ids}`. Spans, also those of a
/// problem, count characters of [`display`]'s text.
pub fn compile_stored(stored: &str, fields: &[Field]) -> Result<Formula, Problem> {
    compile_stored_with(stored, fields, Options::default())
}

/// The same, with options.
pub fn compile_stored_with(
    stored: &str,
    fields: &[Field],
    options: Options,
) -> Result<Formula, Problem> {
    check_length(stored, limits::MAX_STORED)?;
    let display = stored::rewrite(stored, fields, Naming::Ids);
    let compiled = parser::parse(stored)
        .and_then(|expr| compile::compile(&expr, fields, Naming::Ids))
        .map(|mut compiled| {
            for node in &mut compiled.nodes {
                node.span = (display.moved(node.span.0), display.moved(node.span.1));
            }
            compiled
        })
        .map_err(|problem| Problem {
            start: display.moved(problem.start),
            end: display.moved(problem.end),
            ..problem
        })?;
    Ok(Formula {
        source: display.text,
        stored: stored.to_owned(),
        options,
        compiled,
    })
}

/// A stored formula with today's column names. Columns that are gone stay `{#id}`.
pub fn display(stored: &str, fields: &[Field]) -> String {
    stored::rewrite(stored, fields, Naming::Ids).text
}

fn check_length(source: &str, limit: usize) -> Result<(), Problem> {
    let length = source.chars().count();
    if length <= limit {
        return Ok(());
    }
    let message = format!("{length} characters are more than the {limit} a formula may have");
    Err(Problem::new("too_long", (limit, length), message))
}

impl Formula {
    /// What kind of value it gives, if not an error or blank.
    pub fn result_type(&self) -> Type {
        self.root().result
    }

    /// Ids of the columns whose values it reads, by slot.
    pub fn inputs(&self) -> &[String] {
        &self.compiled.inputs
    }

    /// Ids of the columns that `LAST_MODIFIED_TIME` names.
    pub fn watched(&self) -> &[String] {
        &self.compiled.watched
    }

    /// `LAST_MODIFIED_TIME` without arguments: every column that people edit.
    pub fn watches_all(&self) -> bool {
        self.compiled.watches_all
    }

    /// How soon a value goes stale.
    pub fn volatility(&self) -> Volatility {
        self.compiled.volatility
    }

    /// The options it was compiled with.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The text that spans refer to, with column names of the time it was compiled.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text to keep, with columns by id.
    pub fn stored(&self) -> String {
        self.stored.clone()
    }

    /// The value in a row. `cells` gives the value of an input by slot.
    pub fn evaluate<'v>(
        &self,
        row: &RowFacts<'_>,
        cells: &dyn Fn(usize) -> &'v Value,
        moment: &Moment,
    ) -> Value {
        let cells = Closure(cells);
        let run = self.run(row, &cells, moment, None);
        let value = run.value(self.compiled.nodes.len() - 1).into_owned();
        convert::conform(value, self.result_type(), &moment.zone)
    }

    /// Every sub-expression with its value in a row, inner ones first. The last one is
    /// the whole formula, with the value that `evaluate` gives.
    pub fn explain<'v>(
        &self,
        row: &RowFacts<'_>,
        cells: &dyn Fn(usize) -> &'v Value,
        moment: &Moment,
    ) -> Vec<Step> {
        let cells = Closure(cells);
        let seen = RefCell::new(vec![None; self.compiled.nodes.len()]);
        let run = self.run(row, &cells, moment, Some(seen));
        // First as `evaluate` does, so that work on branches not taken costs it nothing.
        run.value(self.compiled.nodes.len() - 1);
        let mut steps = explain::steps(&self.source, &run);
        if let Some(last) = steps.last_mut() {
            last.value = convert::conform(last.value.clone(), self.result_type(), &moment.zone);
            last.text = last.value.text(&moment.zone);
        }
        steps
    }

    fn root(&self) -> &node::Node {
        // The compiler pushes at least one node, the whole formula last.
        &self.compiled.nodes[self.compiled.nodes.len() - 1]
    }

    fn run<'a>(
        &'a self,
        row: &'a RowFacts<'a>,
        cells: &'a dyn eval::Cells,
        moment: &'a Moment,
        seen: Option<RefCell<Vec<Option<Value>>>>,
    ) -> Evaluation<'a> {
        Evaluation {
            nodes: &self.compiled.nodes,
            row,
            cells,
            moment,
            compatible: self.options.airtable_compatible,
            work: Cell::new(0),
            seen,
        }
    }
}
