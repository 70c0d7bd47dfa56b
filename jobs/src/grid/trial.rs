//! Trying a formula before it is in a column: on a row, or on sample values.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};

use super::{
    Column, GridError,
    formulas::{compile_all, fields},
    table::{Table, value_of},
};
use crate::formula::{self, Field, Options, Problem, RowFacts, Type, Value};

/// What is tried.
pub struct Trial<'a> {
    /// As people write it.
    pub expression: &'a str,
    /// Column name → value. Names that no column bears are columns of the
    /// sample's own.
    pub sample: Option<&'a Map<String, Json>>,
    /// A row to try it on, if there is no sample.
    pub row: Option<&'a str>,
    /// Blank as in Airtable.
    pub airtable_blanks: bool,
}

/// What came of it.
pub struct Tried {
    /// The formula's result type.
    pub kind: Type,
    /// The value.
    pub value: Value,
    /// As a CSV export prints it.
    pub text: String,
}

/// Tries a formula. The inner error is the formula's, the outer the request's.
pub fn try_formula(table: &Table, trial: &Trial<'_>) -> Result<Result<Tried, Problem>, GridError> {
    let columns: Vec<Column> = table.columns().iter().map(|c| c.column.clone()).collect();
    let mut known = fields(&columns);
    for (at, compiled) in compile_all(&columns) {
        known[at].kind = compiled.map_or(Type::Error, |f| f.result_type());
    }
    let slot = match trial.row {
        None => table.order().first().copied(),
        Some(row) => Some(
            table
                .slot(row)
                .ok_or_else(|| super::apply::missing("row", row))?,
        ),
    };
    let sample = trial
        .sample
        .map(|sample| take_sample(&columns, &mut known, sample));
    let options = Options {
        airtable_compatible: trial.airtable_blanks,
    };
    let formula = match formula::compile_with(trial.expression, &known, options) {
        Ok(formula) => formula,
        Err(problem) => return Ok(Err(problem)),
    };
    let value = match (&sample, slot) {
        (None, Some(slot)) => table.compute(&formula, slot),
        (sample, _) => {
            let cells = |input: usize| {
                let id = &formula.inputs()[input];
                let given = sample.as_ref().and_then(|s| s.get(id));
                given.unwrap_or(&Value::Blank)
            };
            let facts = RowFacts {
                id: trial.row.unwrap_or("sample"),
                created_at: table.moment.now,
                modified_at: table.moment.now,
            };
            formula.evaluate(&facts, &cells, &table.moment)
        }
    };
    Ok(Ok(Tried {
        kind: formula.result_type(),
        text: value.text(&table.moment.zone),
        value,
    }))
}

/// Sample values by column id; names that no column bears become fields.
fn take_sample(
    columns: &[Column],
    known: &mut Vec<Field>,
    sample: &Map<String, Json>,
) -> HashMap<String, Value> {
    let mut values = HashMap::new();
    for (name, given) in sample {
        if let Some(column) = columns.iter().find(|c| c.name == *name) {
            let stored = match super::normalize(column, given) {
                Ok(Some(stored)) => stored,
                _ => given.clone(),
            };
            values.insert(column.id.clone(), value_of(column, &stored));
            continue;
        }
        let value = plain(given);
        let id = format!("sample:{name}");
        known.push(Field {
            id: id.clone(),
            name: name.clone(),
            kind: kind_of(&value),
            computed: false,
        });
        values.insert(id, value);
    }
    values
}

/// A JSON value as what it is.
fn plain(given: &Json) -> Value {
    match given {
        Json::Null => Value::Blank,
        Json::Bool(b) => Value::Boolean(*b),
        Json::Number(n) => {
            let text = n.to_string();
            let number =
                Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text));
            number.map_or_else(|_| Value::from(text.as_str()), Value::Number)
        }
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(plain).collect()),
        Json::Object(_) => Value::from(given.to_string()),
    }
}

fn kind_of(value: &Value) -> Type {
    match value {
        Value::Blank => Type::Blank,
        Value::Text(_) => Type::Text,
        Value::Number(_) => Type::Number,
        Value::Boolean(_) => Type::Boolean,
        Value::Date(_) => Type::Date,
        Value::DateTime(_) => Type::DateTime,
        Value::List(_) => Type::List,
        Value::Error(_) => Type::Error,
    }
}
