//! Cells as form fields: what a browser is shown, and what its post means.

use crm_jobs::grid::{Column, ColumnType, ContactPill};
use jiff::{civil, tz::TimeZone};
use serde_json::Value as Json;

use super::{
    page::{Control, Field},
    values::Names,
};
use crate::routes::page::Choice;

/// The strings a browser posts for a stored value left as it is.
pub fn as_posted(names: &Names, column: &Column, value: Option<&Json>) -> Vec<String> {
    let value = value.unwrap_or(&Json::Null);
    let one = |text: String| vec![text];
    match (column.kind, value) {
        (ColumnType::Checkbox, Json::Bool(true)) => one("true".to_owned()),
        (ColumnType::Checkbox | ColumnType::MultiSelect | ColumnType::Funds, Json::Null) => {
            Vec::new()
        }
        (ColumnType::MultiSelect | ColumnType::Funds, Json::Array(ids)) => {
            let chosen: Vec<String> = ids
                .iter()
                .filter_map(|id| id.as_str().map(str::to_owned))
                .collect();
            // In the order the boxes stand in, as the browser sends them.
            let options = options(names, column, &chosen);
            options
                .into_iter()
                .filter(|o| o.selected)
                .map(|o| o.value)
                .collect()
        }
        (ColumnType::Rating, Json::Number(n)) => one(n.to_string()),
        (ColumnType::Rating, _) => one("0".to_owned()),
        (ColumnType::DateTime, Json::String(at)) => one(local(at, &names.zone)),
        (ColumnType::Contacts, Json::Array(people)) => {
            let lines: Vec<String> = people.iter().map(|p| line(&pill(p))).collect();
            one(lines.join("\n"))
        }
        (_, Json::String(text)) => one(text.clone()),
        (_, Json::Null) => one(String::new()),
        (_, other) => one(other.to_string()),
    }
}

/// What was posted, as one text to compare.
pub fn joined(posted: &[String]) -> String {
    posted.join("\n").replace("\r\n", "\n")
}

/// The field of a column, holding what was (or would be) posted.
pub fn field(names: &Names, column: &Column, posted: &[String]) -> Field {
    let control = control(column.kind);
    let hint = match column.kind {
        ColumnType::Currency => column.options.currency.clone().unwrap_or_default(),
        ColumnType::Percent => "12.5 is 12.5 %".to_owned(),
        ColumnType::Contacts => "One person a line: Name <address>".to_owned(),
        ColumnType::DateTime => format!("Time in {}", names.zone.iana_name().unwrap_or("UTC")),
        _ => String::new(),
    };
    Field {
        id: format!("field-{}", column.id),
        name: format!("f.{}", column.id),
        label: column.name.clone(),
        control,
        value: joined(posted),
        options: options(names, column, posted),
        hint,
        error: None,
        wide: matches!(control, Control::LongText | Control::Contacts),
        was: joined(posted),
    }
}

fn control(kind: ColumnType) -> Control {
    match kind {
        // Never edited; pages show what it came to.
        ColumnType::Text | ColumnType::Formula => Control::Text,
        ColumnType::LongText => Control::LongText,
        ColumnType::Number | ColumnType::Currency | ColumnType::Percent => Control::Number,
        ColumnType::Date => Control::Date,
        ColumnType::DateTime => Control::DateTime,
        ColumnType::Checkbox => Control::Checkbox,
        ColumnType::Select | ColumnType::User => Control::Select,
        ColumnType::MultiSelect | ColumnType::Funds => Control::MultiSelect,
        ColumnType::Contacts => Control::Contacts,
        ColumnType::Email => Control::Email,
        ColumnType::Phone => Control::Phone,
        ColumnType::Url => Control::Url,
        ColumnType::Rating => Control::Rating,
    }
}

/// What can be chosen. A value that is no option any more stays choosable where
/// it stands, so that saving the form does not lose it.
fn options(names: &Names, column: &Column, chosen: &[String]) -> Vec<Choice> {
    let known: Vec<(String, String)> = match column.kind {
        ColumnType::Select | ColumnType::MultiSelect => column
            .options
            .choices
            .iter()
            .map(|c| (c.id.clone(), c.name.clone()))
            .collect(),
        ColumnType::User => names
            .members
            .iter()
            .map(|u| (u.id.clone(), u.name.clone()))
            .collect(),
        ColumnType::Funds => names
            .funds
            .iter()
            .map(|f| (f.id.clone(), f.name.clone()))
            .collect(),
        ColumnType::Rating => {
            let high = chosen.iter().any(|n| n.parse().is_ok_and(|n: u8| n > 5));
            (0..=if high { 10 } else { 5 })
                .map(|n: u8| (n.to_string(), n.to_string()))
                .collect()
        }
        _ => return Vec::new(),
    };
    let is_single = matches!(column.kind, ColumnType::Select | ColumnType::User);
    let blank = is_single.then(|| (String::new(), "(empty)".to_owned()));
    let former: Vec<(String, String)> = chosen
        .iter()
        .filter(|id| !id.is_empty() && !known.iter().any(|(k, _)| k == *id))
        .map(|id| (id.clone(), former_label(names, column, id)))
        .collect();
    blank
        .into_iter()
        .chain(known)
        .chain(former)
        .map(|(value, label)| Choice {
            selected: chosen.contains(&value),
            value,
            label,
        })
        .collect()
}

fn former_label(names: &Names, column: &Column, id: &str) -> String {
    match column.kind {
        ColumnType::Funds => names.fund(id),
        _ => names.text(column, &Json::from(id)),
    }
}

/// What a post means. Text that cannot be read is passed on as it is: the grid
/// says what is wrong with it.
pub fn meant(column: &Column, posted: &[String], now: Option<&Json>, zone: &TimeZone) -> Json {
    let text = joined(posted);
    match column.kind {
        ColumnType::Checkbox if text == "true" => Json::Bool(true),
        ColumnType::Checkbox => Json::Null,
        ColumnType::MultiSelect | ColumnType::Funds => {
            let ids = posted.iter().filter(|id| !id.is_empty()).cloned();
            ids.collect::<Vec<_>>().into()
        }
        ColumnType::Rating if text.trim() == "0" => Json::Null,
        ColumnType::DateTime => utc(&text, zone).into(),
        ColumnType::Contacts => {
            let known: Vec<ContactPill> = now
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .map(pill)
                .collect();
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(|line| person(line, &known)).collect()
        }
        _ => text.into(),
    }
}

/// The person a line means: who stood there before keeps id, phone and role,
/// which the line does not show.
fn person(written: &str, known: &[ContactPill]) -> Json {
    let (name, email) = match written
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
    {
        Some((name, email)) => (name.trim().trim_matches('"'), Some(email.trim())),
        None if written.contains('@') => ("", Some(written)),
        None => (written, None),
    };
    let same_email = |p: &&ContactPill| {
        let theirs = p.email.as_deref();
        email.is_some_and(|e| theirs.is_some_and(|t| t.eq_ignore_ascii_case(e)))
    };
    let before = known
        .iter()
        .find(|p| line(p) == written)
        .or_else(|| known.iter().find(same_email))
        .or_else(|| known.iter().find(|p| !name.is_empty() && p.name == name));
    let Some(before) = before else {
        return written.into();
    };
    let after = ContactPill {
        name: name.to_owned(),
        email: email.map(str::to_owned),
        ..before.clone()
    };
    serde_json::to_value(after).unwrap_or_else(|_| written.into())
}

/// A pill as an object, whatever is missing in it.
pub fn pill(value: &Json) -> ContactPill {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

fn line(pill: &ContactPill) -> String {
    match &pill.email {
        Some(email) if *email == pill.name => email.clone(),
        Some(email) => format!("{} <{email}>", pill.name.replace('\n', " ")),
        None => pill.name.replace('\n', " "),
    }
}

/// A stored moment as `datetime-local` wants it.
fn local(at: &str, zone: &TimeZone) -> String {
    at.parse::<jiff::Timestamp>().map_or_else(
        |_| at.to_owned(),
        |at| {
            at.to_zoned(zone.clone())
                .strftime("%Y-%m-%dT%H:%M")
                .to_string()
        },
    )
}

fn utc(text: &str, zone: &TimeZone) -> String {
    text.trim()
        .parse::<civil::DateTime>()
        .ok()
        .and_then(|local| local.to_zoned(zone.clone()).ok())
        .map_or_else(|| text.to_owned(), |at| at.timestamp().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_keeps_what_the_line_does_not_show() {
        let ada = ContactPill {
            id: Some("p1".to_owned()),
            name: "Ada Sample".to_owned(),
            email: Some("ada@example.org".to_owned()),
            phone: Some("1".to_owned()),
            role: Some("CFO".to_owned()),
        };
        let known = [ada];
        for (written, name, email) in [
            (
                "Ada Sample <ada@example.org>",
                "Ada Sample",
                "ada@example.org",
            ),
            ("Ada S <ADA@example.org>", "Ada S", "ADA@example.org"),
            (
                "Ada Sample <new@example.org>",
                "Ada Sample",
                "new@example.org",
            ),
        ] {
            let meant = person(written, &known);
            assert_eq!(
                meant,
                json!({"id": "p1", "name": name, "email": email, "phone": "1", "role": "CFO"})
            );
        }
        assert_eq!(
            person("Bob <b@example.org>", &known),
            json!("Bob <b@example.org>")
        );
    }

    #[test]
    fn local_times_are_the_funds() {
        let zone = crate::show::zone("Europe/Vienna");
        assert_eq!(utc("2026-07-01T10:00", &zone), "2026-07-01T08:00:00Z");
        assert_eq!(local("2026-07-01T08:00:00Z", &zone), "2026-07-01T10:00");
        assert_eq!(utc("soon", &zone), "soon");
    }
}
