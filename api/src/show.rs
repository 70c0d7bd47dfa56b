//! How values read on pages.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;

use crm_jobs::clock::{DAY, HOUR, MINUTE};

use crate::routes::page::When;

/// One or two letters for an avatar.
pub fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    let first = words.next();
    let last = words.next_back();
    first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect()
}

/// A moment as a distance from now; the script keeps it up to date.
pub fn ago(now: i64, at: i64) -> When {
    let past = now - at;
    let text = match past {
        ..0 => day(&TimeZone::UTC, at),
        0..MINUTE => "just now".to_owned(),
        MINUTE..HOUR => format!("{} min ago", past / MINUTE),
        HOUR..DAY => format!("{} h ago", past / HOUR),
        _ if past < 2 * DAY => "yesterday".to_owned(),
        _ if past < 30 * DAY => format!("{} days ago", past / DAY),
        _ => day(&TimeZone::UTC, at),
    };
    When { iso: iso(at), text }
}

/// A moment as date and time in a zone.
pub fn moment(zone: &TimeZone, at: i64) -> When {
    When {
        iso: iso(at),
        text: in_zone(zone, at, "%-d %b %Y, %H:%M"),
    }
}

/// A moment to the second in a zone, where things happen quickly.
pub fn instant(zone: &TimeZone, at: i64) -> When {
    When {
        iso: iso(at),
        text: in_zone(zone, at, "%-d %b, %H:%M:%S"),
    }
}

/// A time of day to the second, for log lines.
pub fn second(zone: &TimeZone, at: i64) -> When {
    When {
        iso: iso(at),
        text: in_zone(zone, at, "%H:%M:%S"),
    }
}

/// A moment as a time of day in a zone.
pub fn time(zone: &TimeZone, at: i64) -> When {
    When {
        iso: iso(at),
        text: in_zone(zone, at, "%H:%M"),
    }
}

/// A day in a zone, such as `4 Mar 2025`.
pub fn day(zone: &TimeZone, at: i64) -> String {
    in_zone(zone, at, "%-d %b %Y")
}

/// The day in a zone, `2026-03-31`, for date fields.
pub fn today(zone: &TimeZone, now: i64) -> String {
    in_zone(zone, now, "%Y-%m-%d")
}

/// RFC 3339, for machines.
pub fn iso(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| String::new(), |at| at.to_string())
}

/// A zone by name; UTC if nobody knows it.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

fn in_zone(zone: &TimeZone, at: i64, format: &str) -> String {
    Timestamp::from_millisecond(at).map_or_else(
        |_| String::new(),
        |at| at.to_zoned(zone.clone()).strftime(format).to_string(),
    )
}

/// A number with thin groups, such as `1,284`.
pub fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if n < 0 { format!("-{out}") } else { out }
}

/// Decimal text with grouped thousands, such as `1,234,567.5`.
pub fn amount(decimal: &str) -> String {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let grouped = whole.parse().map_or_else(|_| whole.to_owned(), number);
    if fraction.is_empty() {
        grouped
    } else {
        format!("{grouped}.{fraction}")
    }
}

/// The exact sum of decimal texts.
pub fn sum<'a>(amounts: impl Iterator<Item = &'a str>) -> String {
    let exact = |text| Decimal::from_str_exact(text).unwrap_or_default();
    amounts.map(exact).sum::<Decimal>().normalize().to_string()
}

/// Whole percent of a target; 0 without one.
pub fn percent(part: &str, target: &str) -> u64 {
    let exact = |text| Decimal::from_str_exact(text).unwrap_or_default();
    let share = (exact(part) * Decimal::ONE_HUNDRED).checked_div(exact(target));
    share
        .and_then(|share| share.round().to_string().parse().ok())
        .unwrap_or(0)
}

/// As a part of an address.
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// A size, such as `4.2 MB`.
pub fn bytes(size: i64) -> String {
    match size {
        ..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{}.{} kB", size / 1_000, size % 1_000 / 100),
        1_000_000..1_000_000_000 => {
            format!("{}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000)
        }
        _ => format!(
            "{}.{} GB",
            size / 1_000_000_000,
            size % 1_000_000_000 / 100_000_000
        ),
    }
}

/// A stored actor in words.
pub fn actor(stored: &str, names: &BTreeMap<String, String>) -> String {
    match stored.split_once(':') {
        Some(("user", id)) => names
            .get(id)
            .cloned()
            .unwrap_or_else(|| "Somebody".to_owned()),
        Some(("job", id)) => format!("Job {id}"),
        Some(("schedule", name)) => format!("Schedule {name}"),
        Some(("rule", _)) => names
            .get(stored)
            .map_or_else(|| "A rule".to_owned(), |name| format!("Rule “{name}”")),
        _ => match stored {
            "shell" => "An admin with a shell".to_owned(),
            "demo" => "Demo".to_owned(),
            _ => "The system".to_owned(),
        },
    }
}

/// With a capital first letter, as a heading has it.
pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}

/// Such as `1 import`, `1,284 imports`.
pub fn count(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// A browser in words, such as `Firefox on Linux`.
pub fn device(user_agent: &str) -> String {
    let find = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(sign, _)| user_agent.contains(sign))
            .map(|(_, name)| *name)
    };
    // Order matters: Edge also says Chrome, Chrome also says Safari.
    let browser = find(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown device".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        assert_eq!(initials("Robin van Sample"), "RS");
        assert_eq!(initials("Émile"), "É");
        assert_eq!(number(-1_284_000), "-1,284,000");
        assert_eq!(number(12), "12");
        assert_eq!(amount("-1234567.5"), "-1,234,567.5");
        assert_eq!(sum(["0.1", "0.2"].into_iter()), "0.3");
        assert_eq!(percent("58", "80"), 72);
        assert_eq!(percent("58", ""), 0);
        assert_eq!(bytes(4_250_000), "4.2 MB");
        assert_eq!(ago(10 * HOUR, 9 * HOUR + 48 * MINUTE).text, "12 min ago");
        assert_eq!(moment(&zone("Europe/Vienna"), 0).text, "1 Jan 1970, 01:00");
        assert_eq!(
            device("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"),
            "Firefox on Linux"
        );
    }
}
