//! Tasks that come back: a bounded part of RFC 5545's rules, so that what we
//! reckon and what a calendar shows are the same days.

use std::fmt::Write;

use jiff::civil::Date;
use rrule::RRuleSet;

use crate::grid::GridError;

/// Highest interval: every 366 days is a year and a day.
const MOST: u16 = 366;

/// A rule, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    every: u16,
    unit: Unit,
    until: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

const UNITS: [(Unit, &str, &str); 4] = [
    (Unit::Daily, "DAILY", "day"),
    (Unit::Weekly, "WEEKLY", "week"),
    (Unit::Monthly, "MONTHLY", "month"),
    (Unit::Yearly, "YEARLY", "year"),
];

/// Rules that forms offer, with their names.
pub const OFFERED: [(&str, &str); 7] = [
    ("", "Does not repeat"),
    ("FREQ=DAILY", "Every day"),
    ("FREQ=WEEKLY", "Every week"),
    ("FREQ=WEEKLY;INTERVAL=2", "Every two weeks"),
    ("FREQ=MONTHLY", "Every month"),
    ("FREQ=MONTHLY;INTERVAL=3", "Every quarter"),
    ("FREQ=YEARLY", "Every year"),
];

impl Repeat {
    /// Reads `FREQ=WEEKLY;INTERVAL=2;UNTIL=20261231`; none for a blank.
    pub fn parse(text: &str) -> Result<Option<Self>, GridError> {
        let text = text.trim().to_ascii_uppercase();
        if text.is_empty() {
            return Ok(None);
        }
        let refused = || {
            GridError::invalid(
                "invalid_repeat",
                "repeat",
                "a task repeats by FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, with INTERVAL up to 366 and UNTIL=20261231 if wanted",
            )
        };
        let (mut unit, mut every, mut until) = (None, None, None);
        for part in text.trim_start_matches("RRULE:").split(';') {
            let (name, value) = part.split_once('=').ok_or_else(refused)?;
            let is_new = match name {
                "FREQ" => {
                    let known = UNITS.iter().find(|(_, word, _)| *word == value);
                    unit.replace(known.ok_or_else(refused)?.0).is_none()
                }
                "INTERVAL" => {
                    let number: u16 = value.parse().map_err(|_| refused())?;
                    every.replace(number).is_none()
                }
                "UNTIL" => until.replace(day(value).ok_or_else(refused)?).is_none(),
                _ => false,
            };
            if !is_new {
                return Err(refused());
            }
        }
        let every = every.unwrap_or(1);
        if !(1..=MOST).contains(&every) {
            return Err(refused());
        }
        Ok(Some(Self {
            every,
            unit: unit.ok_or_else(refused)?,
            until,
        }))
    }

    /// The rule in its one spelling.
    pub fn rule(&self) -> String {
        let mut text = format!("FREQ={}", self.word().0);
        if self.every > 1 {
            // Writing to a string cannot fail.
            let _ = write!(text, ";INTERVAL={}", self.every);
        }
        if let Some(until) = self.until {
            text.push_str(&until.strftime(";UNTIL=%Y%m%d").to_string());
        }
        text
    }

    /// The next day after `from`, on which the rule is based; none once it has
    /// ended. Months without such a day are left out, as calendars do it.
    pub fn next_after(&self, from: Date) -> Option<Date> {
        let mut rule = format!(
            "{}\nRRULE:FREQ={};INTERVAL={}",
            from.strftime("DTSTART:%Y%m%dT000000Z"),
            self.word().0,
            self.every
        );
        if let Some(until) = self.until {
            rule.push_str(&until.strftime(";UNTIL=%Y%m%dT000000Z").to_string());
        }
        let set: RRuleSet = rule.parse().ok()?;
        let days = set.into_iter().map(|at| at.format("%Y-%m-%d").to_string());
        days.filter_map(|day| day.parse().ok())
            .find(|day: &Date| *day > from)
    }

    /// `Every 2 weeks until 31 Dec 2026`.
    pub fn words(&self) -> String {
        let unit = self.word().1;
        let every = match (self.every, self.unit) {
            (1, _) => format!("Every {unit}"),
            (3, Unit::Monthly) => "Every quarter".to_owned(),
            (n, _) => format!("Every {n} {unit}s"),
        };
        self.until.map_or(every.clone(), |until| {
            format!("{every} until {}", until.strftime("%-d %b %Y"))
        })
    }

    fn word(&self) -> (&'static str, &'static str) {
        UNITS
            .iter()
            .find(|(unit, _, _)| *unit == self.unit)
            .map_or(("DAILY", "day"), |(_, rule, word)| (*rule, *word))
    }
}

/// `20261231`, with or without a time behind it.
fn day(text: &str) -> Option<Date> {
    let digits = text.split('T').next()?;
    let is_plain = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
    let rest_is_time = text.len() == 8 || matches!(text.len(), 15 | 16);
    if !is_plain || !rest_is_time {
        return None;
    }
    Date::new(
        digits.get(..4)?.parse().ok()?,
        digits.get(4..6)?.parse().ok()?,
        digits.get(6..)?.parse().ok()?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(rule: &str, from: &str) -> String {
        let rule = Repeat::parse(rule).unwrap().unwrap();
        rule.next_after(from.parse().unwrap())
            .map_or_else(|| "over".to_owned(), |day| day.to_string())
    }

    #[test]
    fn the_next_day_is_what_calendars_show() {
        for (rule, from, day) in [
            ("FREQ=DAILY", "2026-03-28", "2026-03-29"),
            ("FREQ=WEEKLY;INTERVAL=2", "2026-03-03", "2026-03-17"),
            ("FREQ=MONTHLY", "2026-01-31", "2026-03-31"),
            ("FREQ=MONTHLY;INTERVAL=3", "2026-03-03", "2026-06-03"),
            ("FREQ=YEARLY", "2024-02-29", "2028-02-29"),
            ("freq=weekly;until=20260310", "2026-03-03", "2026-03-10"),
            ("FREQ=WEEKLY;UNTIL=20260309T235959Z", "2026-03-03", "over"),
            ("FREQ=WEEKLY;UNTIL=20200101", "2026-03-03", "over"),
        ] {
            assert_eq!(next(rule, from), day, "{rule} from {from}");
        }
    }

    #[test]
    fn rules_have_one_spelling_and_words() {
        let rule = Repeat::parse("rrule:INTERVAL=2;FREQ=WEEKLY;UNTIL=20261231T000000Z")
            .unwrap()
            .unwrap();
        assert_eq!(rule.rule(), "FREQ=WEEKLY;INTERVAL=2;UNTIL=20261231");
        assert_eq!(rule.words(), "Every 2 weeks until 31 Dec 2026");
        for (rule, _) in OFFERED {
            let read = Repeat::parse(rule).unwrap();
            assert_eq!(read.map_or_else(String::new, |r| r.rule()), rule);
        }
    }

    #[test]
    fn other_rules_are_refused() {
        for rule in [
            "WEEKLY",
            "FREQ=HOURLY",
            "FREQ=DAILY;COUNT=3",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=367",
            "FREQ=DAILY;FREQ=WEEKLY",
            "INTERVAL=2",
            "FREQ=DAILY;UNTIL=2026",
            "FREQ=DAILY;UNTIL=20261331",
            "FREQ=DAILY;BYDAY=MO",
            "FREQ=DAILY;",
            "FREQ=DAILY\nDTSTART:20200101",
            "FREQ=DAILY;UNTIL=2026é231",
        ] {
            assert!(Repeat::parse(rule).is_err(), "{rule:?}");
        }
    }
}
