//! Cell values by column type: what is accepted, how it is kept, how it reads.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::{Column, ColumnType, ContactPill, DateFormat, MAX_CELL_BYTES, parse_amount};

/// Brings a value into the form the column keeps. `Ok(None)` is blank. The error
/// says what is wrong and how to mend it. Users, funds and contacts come back as
/// given; `links` finds whom they mean.
pub fn normalize(column: &Column, value: &Value) -> Result<Option<Value>, String> {
    if is_blank(value) {
        return Ok(None);
    }
    let kept = match column.kind {
        ColumnType::Text | ColumnType::LongText | ColumnType::Phone | ColumnType::User => {
            Value::from(text(value)?)
        }
        ColumnType::Email => email(&text(value)?)?.into(),
        ColumnType::Url => url(&text(value)?)?.into(),
        ColumnType::Number | ColumnType::Currency | ColumnType::Percent => decimal(value)?.into(),
        ColumnType::Date => date(&text(value)?)?.into(),
        ColumnType::DateTime => date_time(&text(value)?)?.into(),
        ColumnType::Checkbox => return checkbox(value),
        ColumnType::Rating => rating(value)?.into(),
        ColumnType::Select => choice(column, &text(value)?)?.into(),
        ColumnType::MultiSelect => {
            let mut ids = items(value)
                .iter()
                .map(|item| choice(column, &text(item)?))
                .collect::<Result<Vec<_>, String>>()?;
            let mut seen = std::collections::HashSet::new();
            ids.retain(|id| seen.insert(id.clone()));
            ids.into()
        }
        ColumnType::Funds => items(value)
            .iter()
            .map(text)
            .collect::<Result<Vec<_>, String>>()?
            .into(),
        ColumnType::Contacts => {
            let pills = items(value)
                .iter()
                .map(pill)
                .collect::<Result<Vec<_>, String>>()?;
            serde_json::to_value(pills).map_err(|e| e.to_string())?
        }
        ColumnType::Formula => {
            return Err(
                "is computed by its formula: change the formula, or the columns it reads"
                    .to_owned(),
            );
        }
    };
    if kept.as_array().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    if kept.to_string().len() > MAX_CELL_BYTES {
        return Err("is longer than 64 KiB: shorten it or attach it as a file".to_owned());
    }
    Ok(Some(kept))
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(s) => s.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(s) => Ok(s.trim_end_matches(['\r', '\n']).to_owned()),
        Value::Number(n) => Ok(n.to_string()),
        Value::Bool(b) => Ok(b.to_string()),
        _ => Err("must be text".to_owned()),
    }
}

/// A list as given, or one value as a list of one.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        other => vec![other.clone()],
    }
}

fn email(text: &str) -> Result<String, String> {
    let address = text.trim().to_lowercase();
    let good = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.contains('@')
    }) && !address.contains(char::is_whitespace);
    if good {
        Ok(address)
    } else {
        Err(format!(
            "{text:?} is not an email address: write name@example.org"
        ))
    }
}

fn url(text: &str) -> Result<String, String> {
    let text = text.trim();
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let good = ["http://", "https://"].iter().any(|p| full.starts_with(p))
        && full.contains('.')
        && !full.contains(char::is_whitespace);
    if good {
        Ok(full)
    } else {
        Err(format!(
            "{text:?} is not a web address: write https://example.org"
        ))
    }
}

fn decimal(value: &Value) -> Result<String, String> {
    let written = text(value)?;
    if let Ok(exact) = Decimal::from_str_exact(written.trim()) {
        return Ok(exact.normalize().to_string());
    }
    let amount = parse_amount(&written)
        .ok_or_else(|| format!("{written:?} is not a number: write it like 1234.50"))?;
    if amount.abbreviated {
        return Err(format!("{written:?} is abbreviated: write all digits"));
    }
    Ok(amount.value.to_string())
}

fn date(text: &str) -> Result<String, String> {
    let day = text.trim().get(..10).unwrap_or(text.trim());
    day.parse::<jiff::civil::Date>()
        .map(|d| d.to_string())
        .map_err(|_| format!("{text:?} is not a date: write it like 2026-03-31"))
}

fn date_time(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fix = || format!("{text:?} is not a date and time: write it like 2026-03-31T14:05:00Z");
    let at = if let Ok(at) = text.parse::<jiff::Timestamp>() {
        at
    } else {
        let local: jiff::civil::DateTime = text.parse().map_err(|_| fix())?;
        local
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|_| fix())?
            .timestamp()
    };
    jiff::Timestamp::from_second(at.as_second())
        .map(|t| t.to_string())
        .map_err(|_| fix())
}

fn checkbox(value: &Value) -> Result<Option<Value>, String> {
    let checked = match value {
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        other => match text(other)?.trim().to_lowercase().as_str() {
            "checked" | "true" | "yes" | "1" | "x" | "✓" | "on" => true,
            "unchecked" | "false" | "no" | "0" | "off" => false,
            other => return Err(format!("{other:?} is not checked or unchecked")),
        },
    };
    Ok(checked.then_some(Value::Bool(true)))
}

fn rating(value: &Value) -> Result<i64, String> {
    let written = text(value)?;
    match written.trim().parse::<i64>() {
        Ok(n) if (1..=10).contains(&n) => Ok(n),
        _ => Err(format!("{written:?} is not a rating: write 1 to 10")),
    }
}

fn choice(column: &Column, wanted: &str) -> Result<String, String> {
    column
        .options
        .choice(wanted)
        .map(|c| c.id.clone())
        .ok_or_else(|| {
            let known: Vec<&str> = column
                .options
                .choices
                .iter()
                .map(|c| c.name.as_str())
                .take(12)
                .collect();
            format!(
                "{wanted:?} is not an option: choose one of {}",
                known.join(", ")
            )
        })
}

/// A pill as an object, or as text: `Name <email>`, an address, a name.
fn pill(value: &Value) -> Result<ContactPill, String> {
    let mut pill = match value {
        Value::Object(_) => serde_json::from_value::<ContactPill>(value.clone())
            .map_err(|e| format!("is not a contact: {e}"))?,
        other => {
            let written = text(other)?;
            match written
                .trim()
                .strip_suffix('>')
                .and_then(|w| w.rsplit_once('<'))
            {
                Some((name, address)) => ContactPill {
                    name: name.trim().trim_matches('"').to_owned(),
                    email: Some(address.to_owned()),
                    ..ContactPill::default()
                },
                None if written.contains('@') => ContactPill {
                    email: Some(written),
                    ..ContactPill::default()
                },
                None => ContactPill {
                    name: written.trim().to_owned(),
                    ..ContactPill::default()
                },
            }
        }
    };
    pill.email = match pill.email.take().filter(|e| !e.trim().is_empty()) {
        Some(address) => Some(email(&address)?),
        None => None,
    };
    for optional in [&mut pill.phone, &mut pill.role, &mut pill.id] {
        *optional = optional.take().filter(|t| !t.trim().is_empty());
    }
    pill.name = pill.name.trim().to_owned();
    if pill.name.is_empty() {
        pill.name = pill
            .email
            .clone()
            .ok_or("a contact needs a name or an email address")?;
    }
    Ok(pill)
}

/// The value as one line of text, for titles, searches and history.
pub fn display(column: &Column, value: &Value) -> String {
    let name = |id: &str| {
        column
            .options
            .choice(id)
            .map_or_else(|| id.to_owned(), |c| c.name.clone())
    };
    match (column.kind, value) {
        (ColumnType::Select, Value::String(id)) => name(id),
        (ColumnType::MultiSelect, Value::Array(ids)) => {
            let names: Vec<String> = ids.iter().filter_map(Value::as_str).map(name).collect();
            names.join(", ")
        }
        (ColumnType::Contacts, Value::Array(pills)) => {
            let names: Vec<&str> = pills.iter().filter_map(|p| p["name"].as_str()).collect();
            names.join(", ")
        }
        (ColumnType::Checkbox, Value::Bool(true)) => "checked".to_owned(),
        (ColumnType::Percent, Value::String(n)) => format!("{} %", rounded(column, n)),
        (ColumnType::Currency, Value::String(n)) => {
            let amount = grouped(&rounded(column, n));
            column
                .options
                .currency
                .as_ref()
                .map_or(amount.clone(), |c| format!("{c} {amount}"))
        }
        (ColumnType::Number, Value::String(n)) => grouped(&rounded(column, n)),
        (ColumnType::Date, Value::String(day)) => written_date(column, day),
        (_, Value::String(s)) => s.clone(),
        (_, Value::Array(items)) => {
            let parts: Vec<String> = items
                .iter()
                .map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_owned))
                .collect();
            parts.join(", ")
        }
        (_, Value::Null) => String::new(),
        (_, other) => other.to_string(),
    }
}

/// With the digits the column shows, if it says how many; the cell keeps all.
fn rounded(column: &Column, number: &str) -> String {
    let (Some(digits), Ok(exact)) = (column.options.precision, number.parse::<Decimal>()) else {
        return number.to_owned();
    };
    let near = RoundingStrategy::MidpointAwayFromZero;
    let rounded = exact.round_dp_with_strategy(u32::from(digits), near);
    format!("{rounded:.*}", usize::from(digits))
}

/// In the column's format; ISO if it has none.
fn written_date(column: &Column, day: &str) -> String {
    let format = match column.options.date_format {
        None | Some(DateFormat::Iso) => return day.to_owned(),
        Some(DateFormat::European) => "%-d/%-m/%Y",
        Some(DateFormat::Us) => "%-m/%-d/%Y",
        Some(DateFormat::Long) => "%-d %B %Y",
    };
    day.parse::<jiff::civil::Date>()
        .map_or_else(|_| day.to_owned(), |day| day.strftime(format).to_string())
}

/// Decimal text with thin thousands: `1234567.5` → `1,234,567.5`.
fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |d| ("-", d));
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grid::{ColumnOptions, ColumnType};

    fn column(kind: ColumnType) -> Column {
        let mut options = ColumnOptions::default();
        options.ensure_choice("Pension fund");
        Column {
            id: "c".into(),
            name: "C".into(),
            kind,
            options,
            position: 0,
            hidden: false,
        }
    }

    #[test]
    fn values_come_into_their_kept_form() {
        use ColumnType as T;
        for (kind, given, kept) in [
            (T::Text, json!("a\n"), json!("a")),
            (T::Number, json!(0.1), json!("0.1")),
            (T::Currency, json!("€1.234,50"), json!("1234.5")),
            (T::Date, json!("2026-02-28"), json!("2026-02-28")),
            (
                T::DateTime,
                json!("2026-02-28T10:00"),
                json!("2026-02-28T10:00:00Z"),
            ),
            (T::Checkbox, json!("checked"), json!(true)),
            (T::Checkbox, json!(false), json!(null)),
            (T::Select, json!("PENSION FUND"), json!("pension_fund")),
            (
                T::MultiSelect,
                json!(["Pension fund", "pension_fund"]),
                json!(["pension_fund"]),
            ),
            (T::Email, json!(" A@Example.ORG "), json!("a@example.org")),
            (T::Url, json!("example.org"), json!("https://example.org")),
            (
                T::Contacts,
                json!("Ada L <ADA@example.org>"),
                json!([{"name":"Ada L","email":"ada@example.org"}]),
            ),
            (T::Text, json!("  "), json!(null)),
        ] {
            let got = normalize(&column(kind), &given)
                .unwrap()
                .unwrap_or(Value::Null);
            assert_eq!(got, kept, "{kind:?} {given}");
        }
    }

    #[test]
    fn refusals_say_how_to_mend_the_value() {
        use ColumnType as T;
        for (kind, given, fix) in [
            (T::Number, json!("twelve"), "1234.50"),
            (T::Currency, json!("$2M"), "all digits"),
            (T::Date, json!("31/12/2026"), "2026-03-31"),
            (T::Select, json!("Bank"), "Pension fund"),
            (T::Email, json!("nobody"), "name@example.org"),
            (T::Url, json!("javascript:alert(1)"), "https://"),
            (T::Rating, json!(11), "1 to 10"),
            (T::Checkbox, json!("maybe"), "checked"),
            (T::Text, json!("x".repeat(70_000)), "64 KiB"),
        ] {
            let error = normalize(&column(kind), &given).unwrap_err();
            assert!(error.contains(fix), "{kind:?} {given}: {error}");
        }
    }

    #[test]
    fn values_read_as_their_column_says() {
        let mut amount = column(ColumnType::Currency);
        amount.options.currency = Some("EUR".to_owned());
        amount.options.precision = Some(2);
        assert_eq!(display(&amount, &json!("1234.5")), "EUR 1,234.50");
        amount.options.precision = Some(0);
        assert_eq!(display(&amount, &json!("1234.5")), "EUR 1,235");
        let mut day = column(ColumnType::Date);
        for (format, reads) in [
            (DateFormat::Iso, "2026-03-09"),
            (DateFormat::European, "9/3/2026"),
            (DateFormat::Us, "3/9/2026"),
            (DateFormat::Long, "9 March 2026"),
        ] {
            day.options.date_format = Some(format);
            assert_eq!(display(&day, &json!("2026-03-09")), reads);
        }
    }

    #[test]
    fn numbers_read_with_thousands() {
        assert_eq!(grouped("-1234567.05"), "-1,234,567.05");
        assert_eq!(grouped("123"), "123");
    }

    proptest::proptest! {
        /// What is kept is accepted again unchanged: saving a loaded form changes nothing.
        #[test]
        fn kept_values_are_stable(text in "\\PC{0,40}", which in 0usize..18) {
            let column = column(ColumnType::ALL[which]);
            if let Ok(Some(kept)) = normalize(&column, &Value::from(text)) {
                proptest::prop_assert_eq!(normalize(&column, &kept), Ok(Some(kept)));
            }
        }
    }
}
