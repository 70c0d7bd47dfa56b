//! Filters compiled against a table: each condition decides once per distinct
//! value of its column, and a row is then a look at a few flags.

use jiff::tz::TimeZone;
use regex::Regex;
use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::{Condition, DateOperand, Filter, dates};
use crate::{
    formula::Value,
    grid::{
        ColumnType, GridError,
        table::{Table, TableColumn},
    },
};

/// Levels of groups in groups at most.
const MAX_DEPTH: usize = 8;
/// Parts of one group at most.
const MAX_PARTS: usize = 100;
/// Conditions of one filter at most.
const MAX_CONDITIONS: usize = 200;
/// Characters of a text to compare with at most.
const MAX_TEXT: usize = 1_000;

/// Whose eyes look: the user id that `me` stands for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Viewer<'a> {
    /// None where nobody in particular looks: `me` is then nobody.
    pub user: Option<&'a str>,
}

/// A filter ready to be asked about rows.
pub enum Compiled<'t> {
    /// All must hold.
    All(Vec<Compiled<'t>>),
    /// One must hold.
    Any(Vec<Compiled<'t>>),
    /// One column's condition.
    Test {
        /// Codes by slot.
        codes: &'t [u32],
        /// By code, blank first.
        holds: Vec<bool>,
    },
}

impl Compiled<'_> {
    /// Whether the row in a slot passes.
    pub fn holds(&self, slot: u32) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|p| p.holds(slot)),
            Self::Any(parts) => parts.is_empty() || parts.iter().any(|p| p.holds(slot)),
            Self::Test { codes, holds } => {
                let code = codes.get(slot as usize).copied().unwrap_or(0);
                holds[code as usize]
            }
        }
    }
}

/// Compiles a filter; the error names the condition and the fix.
pub fn compile<'t>(
    table: &'t Table,
    filter: &Filter,
    viewer: Viewer<'_>,
) -> Result<Compiled<'t>, GridError> {
    let mut left = MAX_CONDITIONS;
    compile_part(table, filter, viewer, "filter", 0, &mut left)
}

fn compile_part<'t>(
    table: &'t Table,
    filter: &Filter,
    viewer: Viewer<'_>,
    field: &str,
    depth: usize,
    left: &mut usize,
) -> Result<Compiled<'t>, GridError> {
    let invalid = |why: String| GridError::invalid("invalid_filter", field, why);
    if depth > MAX_DEPTH {
        return Err(invalid(
            "a filter has at most 8 levels of groups".to_owned(),
        ));
    }
    let mut parts = |name: &str, parts: &[Filter]| {
        if parts.len() > MAX_PARTS {
            return Err(invalid("a group has at most 100 parts".to_owned()));
        }
        let each = parts.iter().enumerate();
        each.map(|(i, part)| {
            compile_part(
                table,
                part,
                viewer,
                &format!("{field}.{name}[{i}]"),
                depth + 1,
                left,
            )
        })
        .collect::<Result<Vec<_>, _>>()
    };
    match filter {
        Filter::All { all } => Ok(Compiled::All(parts("all", all)?)),
        Filter::Any { any } => Ok(Compiled::Any(parts("any", any)?)),
        Filter::Condition(condition) => {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| invalid("a filter has at most 200 conditions".to_owned()))?;
            let column = table
                .column(&condition.column)
                .ok_or_else(|| invalid(format!("there is no column {:?}", condition.column)))?;
            let holds = test(table, column, condition, viewer)
                .map_err(|why| invalid(format!("{}: {why}", column.column.name)))?;
            Ok(Compiled::Test {
                codes: column.codes(),
                holds,
            })
        }
    }
}

/// For every code of the column, blank first: whether the condition holds.
fn test(
    table: &Table,
    column: &TableColumn,
    condition: &Condition,
    viewer: Viewer<'_>,
) -> Result<Vec<bool>, String> {
    use ColumnType as T;
    let op = condition.op.as_str();
    let is_empty = |face: &Value| matches!(face, Value::Blank) || face.is_empty();
    match (op, column.kind) {
        ("empty", kind) if kind != T::Checkbox => return Ok(column.holds(|_, f| is_empty(f))),
        ("not_empty", kind) if kind != T::Checkbox => {
            return Ok(column.holds(|_, f| !is_empty(f)));
        }
        _ => {}
    }
    match column.kind {
        T::Checkbox => {
            let wanted = match op {
                "checked" => true,
                "unchecked" => false,
                _ => return Err(unknown(op, "checked, unchecked")),
            };
            Ok(column.holds(|key, _| (*key == Value::Boolean(true)) == wanted))
        }
        T::Number | T::Currency | T::Percent | T::Rating => numbers(column, op, &condition.value),
        T::Date | T::DateTime => dates_test(table, column, op, &condition.value),
        T::Select | T::User => {
            let wanted = ids(table, column, &condition.value, viewer)?;
            let among =
                |key: &Value| matches!(key, Value::Text(id) if wanted.iter().any(|w| **w == **id));
            match op {
                "is" | "any_of" => Ok(column.holds(|key, _| among(key))),
                "is_not" | "none_of" => Ok(column.holds(|key, _| !among(key))),
                _ => Err(unknown(op, "is, is_not, any_of, none_of, empty, not_empty")),
            }
        }
        T::MultiSelect | T::Contacts | T::Funds => match op {
            "contains" | "not_contains" => texts(column, op, &condition.value, &table.moment.zone),
            _ => sets(table, column, op, &condition.value, viewer),
        },
        _ => texts(column, op, &condition.value, &table.moment.zone),
    }
}

fn texts(
    column: &TableColumn,
    op: &str,
    value: &Json,
    zone: &TimeZone,
) -> Result<Vec<bool>, String> {
    let wanted = match value {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => return Err("needs a text to compare with".to_owned()),
    };
    if wanted.chars().count() > MAX_TEXT {
        return Err("compares with at most 1,000 characters".to_owned());
    }
    let (is_whole, is_wanted) = match op {
        "contains" => (false, true),
        "not_contains" => (false, false),
        "is" => (true, true),
        "is_not" => (true, false),
        _ => {
            return Err(unknown(
                op,
                "contains, not_contains, is, is_not, empty, not_empty",
            ));
        }
    };
    let finder = needle(&wanted, is_whole)?;
    Ok(column.holds(|_, face| {
        let found = match face {
            Value::Blank => wanted.is_empty(),
            Value::Text(text) => finder.is_match(text.trim()),
            Value::List(items) if !is_whole => {
                items.iter().any(|item| finder.is_match(&item.text(zone)))
            }
            other => finder.is_match(&other.text(zone)),
        };
        found == is_wanted
    }))
}

/// Finds a text whatever its case, anywhere or as the whole.
pub(super) fn needle(text: &str, is_whole: bool) -> Result<Regex, String> {
    let escaped = regex::escape(text.trim());
    let pattern = if is_whole {
        format!("(?is)^{escaped}$")
    } else {
        format!("(?is){escaped}")
    };
    Regex::new(&pattern).map_err(|_| "is too long to look for".to_owned())
}

fn numbers(column: &TableColumn, op: &str, value: &Json) -> Result<Vec<bool>, String> {
    let written = match value {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        _ => return Err("needs a number to compare with".to_owned()),
    };
    let wanted: Decimal = Decimal::from_str_exact(&written)
        .ok()
        .or_else(|| crate::grid::parse_amount(&written).map(|a| a.value))
        .ok_or_else(|| format!("{written:?} is not a number"))?;
    // A blank cell is no number: it is unlike every one and below none.
    let test: fn(&Decimal, &Decimal) -> bool = match op {
        "eq" => |a, b| a == b,
        "ne" => {
            return Ok(column.holds(|key, _| *key != Value::Number(wanted)));
        }
        "lt" => |a, b| a < b,
        "gt" => |a, b| a > b,
        "le" => |a, b| a <= b,
        "ge" => |a, b| a >= b,
        _ => return Err(unknown(op, "eq, ne, lt, gt, le, ge, empty, not_empty")),
    };
    Ok(column.holds(|key, _| matches!(key, Value::Number(n) if test(n, &wanted))))
}

fn dates_test(
    table: &Table,
    column: &TableColumn,
    op: &str,
    value: &Json,
) -> Result<Vec<bool>, String> {
    const KNOWN: &str =
        "is, is_not, before, after, on_or_before, on_or_after, within, empty, not_empty";
    if !KNOWN.split(", ").any(|known| known == op) {
        return Err(unknown(op, KNOWN));
    }
    let operand: DateOperand = serde_json::from_value(value.clone()).map_err(|_| {
        "needs a date such as {\"date\": \"2026-01-31\"} or {\"relative\": \"today\"}".to_owned()
    })?;
    let (from, to) = dates::bounds(op, &operand, &table.moment)?;
    Ok(column.holds(|key, _| {
        let Some(day) = dates::day_of(key, &table.moment.zone) else {
            return op == "is_not";
        };
        let is_inside = from.is_none_or(|f| day >= f) && to.is_none_or(|t| day <= t);
        is_inside != (op == "is_not")
    }))
}

fn sets(
    table: &Table,
    column: &TableColumn,
    op: &str,
    value: &Json,
    viewer: Viewer<'_>,
) -> Result<Vec<bool>, String> {
    let wanted = ids(table, column, value, viewer)?;
    let is_wanted = |item: &str| wanted.iter().any(|w| **w == *item);
    let test = |items: &[String]| match op {
        "has_any" => items.iter().any(|i| is_wanted(i)),
        "has_all" => wanted.iter().all(|w| items.iter().any(|i| *i == **w)),
        "has_none" => !items.iter().any(|i| is_wanted(i)),
        _ => items.len() == wanted.len() && items.iter().all(|i| is_wanted(i)),
    };
    if !["has_any", "has_all", "has_none", "exactly"].contains(&op) {
        return Err(unknown(
            op,
            "has_any, has_all, has_none, exactly, contains, not_contains, empty, not_empty",
        ));
    }
    Ok(column.holds(|key, _| test(&items(key))))
}

/// The ids in a list cell.
fn items(key: &Value) -> Vec<String> {
    match key {
        Value::List(items) => items
            .iter()
            .filter_map(|item| match item {
                Value::Text(id) => Some(id.to_string()),
                _ => None,
            })
            .collect(),
        Value::Text(json) => {
            let pills: Json = serde_json::from_str(json).unwrap_or_default();
            let ids = pills.as_array().into_iter().flatten();
            ids.filter_map(|p| p["id"].as_str().map(str::to_owned))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// What is compared with, as ids: given as ids, or as names whatever their case.
fn ids(
    table: &Table,
    column: &TableColumn,
    value: &Json,
    viewer: Viewer<'_>,
) -> Result<Vec<String>, String> {
    let given: Vec<&Json> = match value {
        Json::Array(items) => items.iter().collect(),
        Json::Null => return Err("needs an option to compare with".to_owned()),
        one => vec![one],
    };
    given
        .into_iter()
        .map(|item| {
            let name = item.as_str().ok_or("compares with texts")?;
            id_of(table, column, name, viewer)
        })
        .collect()
}

fn id_of(
    table: &Table,
    column: &TableColumn,
    name: &str,
    viewer: Viewer<'_>,
) -> Result<String, String> {
    use ColumnType as T;
    let lower = name.trim().to_lowercase();
    let found = match column.kind {
        T::Select | T::MultiSelect => column.column.options.choice(name).map(|c| c.id.clone()),
        T::User if lower == "me" => return Ok(viewer.user.unwrap_or_default().to_owned()),
        T::User => {
            let mut users = table.names.users.iter();
            let user =
                users.find(|u| u.id == name || u.name.to_lowercase() == lower || u.email == lower);
            user.map(|u| u.id.clone())
        }
        T::Funds => {
            let mut funds = table.names.funds.iter();
            let fund = funds.find(|f| f.id == name || f.name.to_lowercase() == lower);
            fund.map(|f| f.id.clone())
        }
        _ => Some(name.to_owned()),
    };
    found.ok_or_else(|| format!("there is no {name:?} to compare with"))
}

fn unknown(op: &str, known: &str) -> String {
    format!("has no operator {op:?}: use one of {known}")
}
