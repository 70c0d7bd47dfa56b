//! Texts with `{Column name}` in them, and the values of formulas.

use serde_json::Value as Json;

use crate::{
    formula::Value,
    grid::{self, table::Table},
};

/// Refuses a text that names a column there is none of.
pub(super) fn check(table: &Table, text: &str) -> Result<(), String> {
    parts(text).try_for_each(|part| match part {
        Part::Column(name) if place(table, name).is_none() => Err(format!(
            "there is no column {name:?}: write its name as it stands in the grid, between braces"
        )),
        _ => Ok(()),
    })
}

/// The text with the row's values in it.
pub(super) fn fill(table: &Table, slot: u32, text: &str) -> String {
    parts(text)
        .map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Column(name) => place(table, name).map_or_else(
                || format!("{{{name}}}"),
                |at| table.columns()[at].text(slot, &table.moment),
            ),
        })
        .collect()
}

/// A formula's value for the row, as a cell takes it.
pub(super) fn formula(table: &Table, slot: u32, source: &str) -> Result<Json, String> {
    let columns = table.definitions();
    let formula =
        grid::compile_formula(source, &columns, false).map_err(|problem| problem.message)?;
    match table.compute(&formula, slot) {
        Value::Error(error) => Err(format!("the formula gives no value here: {error}")),
        value => Ok(grid::value_json(&value)),
    }
}

enum Part<'a> {
    Text(&'a str),
    Column(&'a str),
}

fn place(table: &Table, name: &str) -> Option<usize> {
    let name = name.trim().to_lowercase();
    let mut columns = table.columns().iter();
    columns.position(|c| c.column.name.to_lowercase() == name || c.column.id == name)
}

/// A brace without its fellow is just a brace.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let open = rest.find('{').unwrap_or(rest.len());
        let close = rest[open..].find('}').map(|at| open + at);
        match (open, close) {
            (0, Some(close)) => {
                let name = &rest[1..close];
                rest = &rest[close + 1..];
                Some(Part::Column(name))
            }
            (0, None) => Some(Part::Text(std::mem::take(&mut rest))),
            (open, _) => {
                let (text, more) = rest.split_at(open);
                rest = more;
                Some(Part::Text(text))
            }
        }
    })
}
