//! Cells in memory: from stored JSON to values, to what people see, and back.

use std::{cmp::Ordering, sync::Arc};

use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use super::super::{Column, ColumnType, Names};
use crate::formula::{Type, Value};

/// A stored cell as a dictionary key. Ids stay ids; contacts stay JSON text. What
/// does not read as its type is text, never lost.
pub(super) fn key(kind: ColumnType, stored: &Json) -> Value {
    use ColumnType as T;
    match (kind, stored) {
        (_, Json::Null) => Value::Blank,
        (T::Contacts, other) => Value::Text(other.to_string().into()),
        (_, Json::Bool(b)) => Value::Boolean(*b),
        (T::Number | T::Currency | T::Percent, Json::String(text)) => text
            .parse()
            .map_or_else(|_| Value::Text(text.as_str().into()), Value::Number),
        (T::Date, Json::String(text)) => text
            .parse()
            .map_or_else(|_| Value::Text(text.as_str().into()), Value::Date),
        (T::DateTime, Json::String(text)) => text
            .parse()
            .map_or_else(|_| Value::Text(text.as_str().into()), Value::DateTime),
        (_, Json::Number(n)) => n.to_string().parse().map_or(Value::Blank, Value::Number),
        (_, Json::String(text)) => Value::Text(text.as_str().into()),
        (_, Json::Array(items)) => Value::List(
            items
                .iter()
                .map(|item| match item {
                    Json::String(text) => Value::Text(text.as_str().into()),
                    other => Value::Text(other.to_string().into()),
                })
                .collect(),
        ),
        (_, other) => Value::Text(other.to_string().into()),
    }
}

/// Whether keys of the type are not what people see.
pub(super) fn has_faces(kind: ColumnType) -> bool {
    use ColumnType as T;
    matches!(
        kind,
        T::Select | T::MultiSelect | T::User | T::Contacts | T::Funds | T::Percent
    )
}

/// What people and formulas see of a key: names instead of ids.
pub(super) fn face(column: &Column, names: &Names, key: &Value) -> Value {
    use ColumnType as T;
    let named = |id: &str| -> Arc<str> {
        match column.kind {
            T::Select | T::MultiSelect => column.options.choice(id).map_or(id, |c| &c.name).into(),
            _ => names.of(id).into(),
        }
    };
    match (column.kind, key) {
        (T::Contacts, Value::Text(json)) => {
            let pills: Json = serde_json::from_str(json).unwrap_or_default();
            let names = pills.as_array().into_iter().flatten();
            Value::List(
                names
                    .filter_map(|p| Some(Value::Text(p["name"].as_str()?.into())))
                    .collect(),
            )
        }
        // Cells hold 12.5 for 12.5 %; formulas count with the share.
        (T::Percent, Value::Number(n)) => Value::Number(*n / Decimal::ONE_HUNDRED),
        (T::Select | T::User, Value::Text(id)) => Value::Text(named(id)),
        (T::MultiSelect | T::Funds, Value::List(ids)) => Value::List(
            ids.iter()
                .map(|id| match id {
                    Value::Text(id) => Value::Text(named(id)),
                    other => other.clone(),
                })
                .collect(),
        ),
        (_, other) => other.clone(),
    }
}

/// A key as the API gives it: the stored form, or a formula's result.
pub(super) fn to_json(kind: ColumnType, key: &Value) -> Json {
    match (kind, key) {
        (_, Value::Blank) => Json::Null,
        (ColumnType::Contacts, Value::Text(json)) => serde_json::from_str(json).unwrap_or_default(),
        (ColumnType::Rating, Value::Number(n)) => i64::try_from(*n).map_or(Json::Null, Json::from),
        (_, Value::Text(text)) => Json::from(&**text),
        (_, Value::Number(n)) => n.normalize().to_string().into(),
        (_, Value::Boolean(b)) => (*b).into(),
        (_, Value::Date(day)) => day.to_string().into(),
        (_, Value::DateTime(at)) => at.to_string().into(),
        (kind, Value::List(items)) => items.iter().map(|i| to_json(kind, i)).collect(),
        (_, Value::Error(error)) => json!({ "error": error.to_string() }),
    }
}

/// What the type means to formulas.
pub(super) fn formula_type(kind: ColumnType) -> Type {
    use ColumnType as T;
    match kind {
        T::Number | T::Rating => Type::Number,
        T::Currency => Type::Currency,
        T::Percent => Type::Percent,
        T::Date => Type::Date,
        T::DateTime => Type::DateTime,
        T::Checkbox => Type::Boolean,
        T::MultiSelect | T::Contacts | T::Funds => Type::List,
        _ => Type::Text,
    }
}

/// How values of a column stand: options in their own order, text whatever its
/// case, lists by their names one after the other. Blank is not asked about.
pub(super) fn compare(
    column: &Column,
    a_key: &Value,
    a_face: &Value,
    b_key: &Value,
    b_face: &Value,
) -> Ordering {
    if column.kind == ColumnType::Select {
        let place = |key: &Value| match key {
            Value::Text(id) => column
                .options
                .choices
                .iter()
                .position(|c| *c.id == **id)
                .unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        return place(a_key).cmp(&place(b_key));
    }
    compare_faces(a_face, b_face)
}

fn compare_faces(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => compare_texts(a, b),
        (Value::Number(a), Value::Number(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => {
            let pairs = a.iter().zip(b.iter());
            pairs
                .map(|(a, b)| compare_faces(a, b))
                .find(|o| o.is_ne())
                .unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Error(a), Value::Error(b)) => a.to_string().cmp(&b.to_string()),
        (a, b) => rank_of_kind(a).cmp(&rank_of_kind(b)),
    }
}

/// Whatever the case first, then exactly, so that the order never depends on
/// which came first.
fn compare_texts(a: &str, b: &str) -> Ordering {
    let folded = a
        .chars()
        .flat_map(char::to_lowercase)
        .cmp(b.chars().flat_map(char::to_lowercase));
    folded.then_with(|| a.cmp(b))
}

/// Values of different kinds in one (formula) column: errors last.
fn rank_of_kind(value: &Value) -> u8 {
    match value {
        Value::Blank => 0,
        Value::Boolean(_) => 1,
        Value::Number(_) => 2,
        Value::Date(_) => 3,
        Value::DateTime(_) => 4,
        Value::Text(_) => 5,
        Value::List(_) => 6,
        Value::Error(_) => 7,
    }
}

/// The number in a value, if it is one.
pub(super) fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(n) => Some(*n),
        _ => None,
    }
}
