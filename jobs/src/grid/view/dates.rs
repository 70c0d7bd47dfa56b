//! Dates in filters: exact, relative to today, and spans around it. Reckoned in
//! the fund's zone.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::Deserialize;

use crate::formula::{Moment, Value};

/// What a date is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum DateOperand {
    /// A certain day.
    Exact {
        /// `2026-01-31`.
        #[serde(deserialize_with = "day")]
        date: Date,
    },
    /// A day or span seen from today.
    Relative {
        /// `today`, `days_ago`, `past_month` …
        relative: String,
        /// Of `days_ago`, `days_from_now`, `past_days` and `next_days`.
        #[serde(default)]
        n: Option<i64>,
    },
    /// A certain day, as bare text.
    Text(#[serde(deserialize_with = "day")] Date),
}

fn day<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// Days counted at most: a century.
const MOST_DAYS: i64 = 36_500;

impl DateOperand {
    /// The day meant, for `is`, `before` and the like.
    pub fn day(&self, today: Date) -> Result<Date, String> {
        let (relative, n) = match self {
            Self::Exact { date } | Self::Text(date) => return Ok(*date),
            Self::Relative { relative, n } => (relative.as_str(), *n),
        };
        let span = match relative {
            "today" => 0.days(),
            "tomorrow" => 1.day(),
            "yesterday" => (-1).day(),
            "one_week_ago" => (-1).week(),
            "one_week_from_now" => 1.week(),
            "one_month_ago" => (-1).month(),
            "one_month_from_now" => 1.month(),
            "days_ago" => (-days(n)?).days(),
            "days_from_now" => days(n)?.days(),
            other => {
                return Err(format!(
                    "{other:?} is no day: use today, tomorrow, yesterday, one_week_ago, one_week_from_now, one_month_ago, one_month_from_now, days_ago or days_from_now"
                ));
            }
        };
        today.checked_add(span).map_err(|e| e.to_string())
    }

    /// First and last day of the span meant, for `within`.
    pub fn span(&self, today: Date) -> Result<(Date, Date), String> {
        let Self::Relative { relative, n } = self else {
            return Err("within takes a span such as {\"relative\": \"past_week\"}".to_owned());
        };
        let add = |span: jiff::Span| today.checked_add(span).map_err(|e| e.to_string());
        Ok(match relative.as_str() {
            "past_week" => (add((-1).week())?, today),
            "past_month" => (add((-1).month())?, today),
            "past_year" => (add((-1).year())?, today),
            "next_week" => (today, add(1.week())?),
            "next_month" => (today, add(1.month())?),
            "next_year" => (today, add(1.year())?),
            "this_week" => {
                // Weeks begin on Monday, as ISO 8601 has it.
                let past = i64::from(today.weekday().since(Weekday::Monday));
                let first = add((-past).days())?;
                (
                    first,
                    first.checked_add(6.days()).map_err(|e| e.to_string())?,
                )
            }
            "this_month" => (today.first_of_month(), today.last_of_month()),
            "this_year" => (today.first_of_year(), today.last_of_year()),
            "past_days" => (add((-days(*n)?).days())?, today),
            "next_days" => (today, add(days(*n)?.days())?),
            other => {
                return Err(format!(
                    "{other:?} is no span: use past_, next_ or this_ with week, month or year, or past_days or next_days"
                ));
            }
        })
    }
}

fn days(n: Option<i64>) -> Result<i64, String> {
    match n {
        Some(n) if (0..=MOST_DAYS).contains(&n) => Ok(n),
        Some(_) => Err("n is 0 to 36,500 days".to_owned()),
        None => Err("n is missing: how many days?".to_owned()),
    }
}

/// The day a date or an instant falls on.
pub(super) fn day_of(value: &Value, zone: &TimeZone) -> Option<Date> {
    match value {
        Value::Date(day) => Some(*day),
        Value::DateTime(at) => Some(at.to_zoned(zone.clone()).date()),
        _ => None,
    }
}

/// The first and last day that satisfy an operator; none is unbounded.
pub(super) fn bounds(
    op: &str,
    operand: &DateOperand,
    moment: &Moment,
) -> Result<(Option<Date>, Option<Date>), String> {
    let today = moment.today;
    let next = |day: Date| day.tomorrow().map_err(|e| e.to_string());
    let last = |day: Date| day.yesterday().map_err(|e| e.to_string());
    Ok(match op {
        "within" => {
            let (from, to) = operand.span(today)?;
            (Some(from), Some(to))
        }
        "is" | "is_not" => {
            let day = operand.day(today)?;
            (Some(day), Some(day))
        }
        "before" => (None, Some(last(operand.day(today)?)?)),
        "on_or_before" => (None, Some(operand.day(today)?)),
        "after" => (Some(next(operand.day(today)?)?), None),
        _ => (Some(operand.day(today)?), None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(name: &str, n: Option<i64>) -> DateOperand {
        DateOperand::Relative {
            relative: name.to_owned(),
            n,
        }
    }

    #[test]
    fn days_and_spans_seen_from_a_tuesday() {
        let today: Date = "2026-03-31".parse().unwrap();
        let day = |name: &str, n| relative(name, n).day(today).unwrap().to_string();
        assert_eq!(day("one_month_ago", None), "2026-02-28");
        assert_eq!(day("days_from_now", Some(5)), "2026-04-05");
        assert_eq!(day("one_week_ago", None), "2026-03-24");
        let span = |name: &str, n| {
            let (from, to) = relative(name, n).span(today).unwrap();
            format!("{from} {to}")
        };
        assert_eq!(span("this_week", None), "2026-03-30 2026-04-05");
        assert_eq!(span("this_month", None), "2026-03-01 2026-03-31");
        assert_eq!(span("past_month", None), "2026-02-28 2026-03-31");
        assert_eq!(span("past_days", Some(30)), "2026-03-01 2026-03-31");
    }

    #[test]
    fn unknown_words_are_refused_with_the_known_ones() {
        let today: Date = "2026-03-31".parse().unwrap();
        assert!(
            relative("someday", None)
                .day(today)
                .unwrap_err()
                .contains("tomorrow")
        );
        assert!(
            relative("days_ago", None)
                .day(today)
                .unwrap_err()
                .contains("how many")
        );
        assert!(relative("past_week", None).day(today).is_err());
        assert!(relative("today", None).span(today).is_err());
    }
}
