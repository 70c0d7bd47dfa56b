//! A cell as a CSV has it: plain enough for programs, and such that our own
//! import reads the same value from it.

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::guard::guarded;
use crate::{
    formula::Value,
    grid::{Column, ColumnType, ContactPill, Names},
};

/// The text of a value in a column of this kind (a formula's is that of its
/// result). Numbers have all their digits, a point and no thousands; dates are
/// ISO, times in UTC; people, funds and options go by their names.
pub fn csv_text(column: &Column, names: &Names, key: &Value) -> String {
    use ColumnType as T;
    match (column.kind, key) {
        (_, Value::Blank) => String::new(),
        (_, Value::Number(n)) => {
            let sign = if column.kind == T::Percent { "%" } else { "" };
            format!("{}{sign}", number(*n))
        }
        (_, Value::Boolean(checked)) => if *checked { "checked" } else { "" }.to_owned(),
        (_, Value::Date(day)) => day.to_string(),
        (_, Value::DateTime(at)) => at.to_string(),
        (T::Select, Value::Text(id)) => guarded(choice(column, id).to_owned()),
        (T::User, Value::Text(id)) => guarded(user(names, id).to_owned()),
        (T::Contacts, Value::Text(json)) => guarded(list(&pills(json))),
        (T::MultiSelect, Value::List(ids)) => {
            guarded(list(&texts(ids, |id| choice(column, id).to_owned())))
        }
        (T::Funds, Value::List(ids)) => guarded(list(&texts(ids, |id| names.of(id).to_owned()))),
        (_, Value::Text(text)) => guarded(text.to_string()),
        (_, Value::List(items)) => guarded(list(&texts(items, str::to_owned))),
        (_, Value::Error(error)) => format!("#ERROR: {error}"),
    }
}

/// Never three digits behind the point: `1.250` could be a thousand and more.
fn number(n: Decimal) -> String {
    let n = n.normalize();
    if n.scale() == 3 {
        format!("{n}0")
    } else {
        n.to_string()
    }
}

/// An option's name, if it leads back to this option; else its id.
fn choice<'a>(column: &'a Column, id: &'a str) -> &'a str {
    let found = column.options.choices.iter().find(|c| c.id == id);
    found
        .map(|c| c.name.as_str())
        .filter(|name| column.options.choice(name).is_some_and(|c| c.id == id))
        .unwrap_or(id)
}

/// A member's name; the address where several bear it.
fn user<'a>(names: &'a Names, id: &'a str) -> &'a str {
    let Some(user) = names.users.iter().find(|u| u.id == id) else {
        return id;
    };
    let lower = user.name.to_lowercase();
    let bearers = names
        .users
        .iter()
        .filter(|u| u.name.to_lowercase() == lower || u.email == lower);
    if bearers.count() == 1 {
        &user.name
    } else {
        &user.email
    }
}

fn texts(items: &[Value], read: impl Fn(&str) -> String) -> Vec<String> {
    items
        .iter()
        .map(|item| match item {
            Value::Text(text) => read(text),
            other => other.text(&jiff::tz::TimeZone::UTC),
        })
        .collect()
}

/// `Ada Sample <ada@example.org>`, or what there is of it.
fn pills(json: &str) -> Vec<String> {
    let pills: Vec<ContactPill> = serde_json::from_str(json).unwrap_or_default();
    pills
        .into_iter()
        .map(|pill| match pill.email {
            Some(email) if email == pill.name => email,
            Some(email) => format!("{} <{email}>", pill.name),
            None => pill.name,
        })
        .collect()
}

/// Several things in one cell, as Airtable writes them: a line of CSV.
pub(super) fn list(parts: &[String]) -> String {
    let quoted = parts.iter().map(|part| {
        if part.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", part.replace('"', "\"\""))
        } else {
            part.clone()
        }
    });
    quoted.collect::<Vec<_>>().join(",")
}

/// A stored value as people read it, for tables that show single changes.
pub(super) fn shown(column: &Column, names: &Names, stored: &Json) -> String {
    match (column.kind, stored) {
        (ColumnType::User, Json::String(id)) => names.of(id).to_owned(),
        (ColumnType::Funds, Json::Array(ids)) => {
            let ids = ids.iter().filter_map(Json::as_str);
            ids.map(|id| names.of(id)).collect::<Vec<_>>().join(", ")
        }
        (kind, Json::String(text)) if kind.is_decimal() || kind == ColumnType::Date => text.clone(),
        _ => crate::grid::display(column, stored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Choice, ColumnOptions};

    fn column(kind: ColumnType, choices: &[(&str, &str)]) -> Column {
        Column {
            id: "c".to_owned(),
            name: "C".to_owned(),
            kind,
            options: ColumnOptions {
                choices: choices
                    .iter()
                    .map(|(id, name)| Choice {
                        id: (*id).to_owned(),
                        name: (*name).to_owned(),
                        color: "blue".to_owned(),
                    })
                    .collect(),
                ..ColumnOptions::default()
            },
            position: 0,
            hidden: false,
        }
    }

    fn written(kind: ColumnType, key: &Value) -> String {
        csv_text(&column(kind, &[]), &Names::default(), key)
    }

    #[test]
    fn numbers_stay_numbers_and_text_is_guarded() {
        let number = |text: &str| Value::Number(text.parse().unwrap());
        for (kind, key, expected) in [
            (ColumnType::Number, number("-12.50"), "-12.5"),
            (ColumnType::Currency, number("1.250"), "1.25"),
            (ColumnType::Number, number("1.125"), "1.1250"),
            (ColumnType::Percent, number("-0.5"), "-0.5%"),
            (ColumnType::Text, Value::Text("-12.50".into()), "'-12.50"),
            (
                ColumnType::Phone,
                Value::Text("+49 30 1".into()),
                "'+49 30 1",
            ),
            (ColumnType::Checkbox, Value::Boolean(true), "checked"),
            (
                ColumnType::Date,
                Value::Date("2026-03-31".parse().unwrap()),
                "2026-03-31",
            ),
        ] {
            assert_eq!(written(kind, &key), expected);
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_left_for_ids() {
        let column = column(
            ColumnType::Select,
            &[("a", "Lead"), ("b", "lead"), ("c", "a"), ("d", "=Odd")],
        );
        let text = |id: &str| csv_text(&column, &Names::default(), &Value::Text(id.into()));
        assert_eq!(
            ["a", "b", "c", "d", "gone"].map(text),
            ["Lead", "b", "c", "'=Odd", "gone"]
        );
    }

    #[test]
    fn people_go_by_name_and_address() {
        let json = r#"[{"name":"Roe, Bo","email":"bo@example.org"},{"name":"Ada"},{"name":"x@example.org","email":"x@example.org"}]"#;
        assert_eq!(
            written(ColumnType::Contacts, &Value::Text(json.into())),
            "\"Roe, Bo <bo@example.org>\",Ada,x@example.org"
        );
    }
}
