//! Why a row is in a view, or is not.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Condition, DateOperand, Filter, Viewer, compile};
use crate::grid::{ColumnType, GridError, table::Table};

/// One condition, and whether it holds for the row.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reason {
    /// In words: `Stage is Diligence`.
    pub text: String,
    /// What the row has there.
    pub actual: String,
    /// Whether it holds.
    pub holds: bool,
    /// How deep in groups it stands, from 0.
    pub depth: usize,
}

/// Whether the row passes, and each condition's part in it.
pub fn why(
    table: &Table,
    filter: &Filter,
    slot: u32,
    viewer: Viewer<'_>,
) -> Result<(bool, Vec<Reason>), GridError> {
    let holds = compile(table, filter, viewer)?.holds(slot);
    let mut reasons = Vec::new();
    walk(table, filter, slot, viewer, 0, &mut reasons)?;
    Ok((holds, reasons))
}

fn walk(
    table: &Table,
    filter: &Filter,
    slot: u32,
    viewer: Viewer<'_>,
    depth: usize,
    reasons: &mut Vec<Reason>,
) -> Result<(), GridError> {
    match filter {
        Filter::All { all: parts } | Filter::Any { any: parts } => {
            let is_all = matches!(filter, Filter::All { .. });
            if parts.len() > 1 {
                reasons.push(Reason {
                    text: if is_all {
                        "All of these"
                    } else {
                        "One of these"
                    }
                    .to_owned(),
                    actual: String::new(),
                    holds: compile(table, filter, viewer)?.holds(slot),
                    depth,
                });
            }
            let deeper = depth + usize::from(parts.len() > 1);
            parts
                .iter()
                .try_for_each(|part| walk(table, part, slot, viewer, deeper, reasons))
        }
        Filter::Condition(condition) => {
            let actual = table
                .column(&condition.column)
                .map(|c| c.text(slot, &table.moment))
                .unwrap_or_default();
            reasons.push(Reason {
                text: words(table, condition),
                actual,
                holds: compile(table, filter, viewer)?.holds(slot),
                depth,
            });
            Ok(())
        }
    }
}

/// A condition in plain words.
pub fn words(table: &Table, condition: &Condition) -> String {
    let Some(column) = table.column(&condition.column) else {
        return condition.column.clone();
    };
    let op = match condition.op.as_str() {
        "eq" => "=".to_owned(),
        "ne" => "≠".to_owned(),
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "le" => "≤".to_owned(),
        "ge" => "≥".to_owned(),
        "empty" => "is empty".to_owned(),
        "not_empty" => "is not empty".to_owned(),
        "checked" => "is checked".to_owned(),
        "unchecked" => "is unchecked".to_owned(),
        "before" | "after" | "on_or_before" | "on_or_after" | "within" => {
            format!("is {}", condition.op.replace('_', " "))
        }
        other => other.replace('_', " "),
    };
    let name = |value: &serde_json::Value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        match column.kind {
            ColumnType::Select | ColumnType::MultiSelect => column
                .column
                .options
                .choice(&text)
                .map_or(text, |c| c.name.clone()),
            ColumnType::User | ColumnType::Funds => table.names.of(&text).to_owned(),
            _ => text,
        }
    };
    let value = match &condition.value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::Array(items) => items.iter().map(name).collect::<Vec<_>>().join(", "),
        serde_json::Value::Object(_) => date_words(&condition.value),
        one => name(one),
    };
    format!("{} {op} {value}", column.column.name)
        .trim_end()
        .to_owned()
}

fn date_words(value: &serde_json::Value) -> String {
    match serde_json::from_value(value.clone()) {
        Ok(DateOperand::Exact { date } | DateOperand::Text(date)) => date.to_string(),
        Ok(DateOperand::Relative { relative, n }) => {
            let words = relative.replace('_', " ");
            match n {
                None => words,
                Some(n) => match words.split_once(' ') {
                    Some(("past", rest)) => format!("the past {n} {rest}"),
                    Some(("next", rest)) => format!("the next {n} {rest}"),
                    _ => format!("{n} {words}"),
                },
            }
        }
        Err(_) => value.to_string(),
    }
}
