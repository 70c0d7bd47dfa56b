//! Cells in memory: from stored JSON to values, to what people see, and back.

use std::sync::Arc;

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
    let reads = |id: &str| -> Arc<str> {
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
        (T::Select | T::User, Value::Text(id)) => Value::Text(reads(id)),
        (T::MultiSelect | T::Funds, Value::List(ids)) => Value::List(
            ids.iter()
                .map(|id| match id {
                    Value::Text(id) => Value::Text(reads(id)),
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

/// Where a value stands among those of its column. Made once per value, so that
/// sorting compares without looking anything up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Boolean(bool),
    Number(Decimal),
    Date(jiff::civil::Date),
    DateTime(jiff::Timestamp),
    /// Whatever the case first, then exactly, so that the order never depends on
    /// which came first.
    Text(String, Arc<str>),
    List(Vec<Place>),
    /// Errors stand last.
    Error(String),
}

impl Place {
    /// Of a value as people see it: text whatever its case, lists by their items
    /// one after the other.
    pub(super) fn of(face: &Value) -> Self {
        match face {
            Value::Blank => Self::Boolean(false),
            Value::Boolean(b) => Self::Boolean(*b),
            Value::Number(n) => Self::Number(*n),
            Value::Date(day) => Self::Date(*day),
            Value::DateTime(at) => Self::DateTime(*at),
            Value::Text(text) => Self::Text(text.to_lowercase(), text.clone()),
            Value::List(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::Error(error) => Self::Error(error.to_string()),
        }
    }

    /// In a column: options stand in their own order.
    pub(super) fn within(column: &Column, key: &Value, face: &Value) -> Self {
        if column.kind != ColumnType::Select {
            return Self::of(face);
        }
        let Value::Text(id) = key else {
            return Self::of(face);
        };
        let mut choices = column.options.choices.iter();
        let place = choices.position(|c| *c.id == **id).unwrap_or(usize::MAX);
        Self::Number(place.into())
    }
}

/// The number in a value, if it is one.
pub(super) fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(n) => Some(*n),
        _ => None,
    }
}
