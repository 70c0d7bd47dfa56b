//! Dates as exports and people write them.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which number comes first in `3/4/2025`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 3 April.
    DayFirst,
    /// March 4.
    MonthFirst,
}

/// What a date's text says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Written {
    day: Day,
    time: Option<Time>,
    instant: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    Known(Date),
    /// Two numbers in an order the text does not tell, and the year.
    Open(i8, i8, i16),
}

/// Why a written date is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoDay {
    /// Day or month first? The column does not say.
    Ambiguous,
    /// There is no such day in this order.
    Impossible,
}

impl Written {
    pub(super) fn has_time(&self) -> bool {
        self.time.is_some() || self.instant.is_some()
    }

    /// What this date tells about the order; `Err` if it leaves it open.
    pub(super) fn order(&self) -> Result<Option<DateOrder>, ()> {
        match self.day {
            Day::Known(_) => Ok(None),
            Day::Open(a, b, _) if a == b => Ok(None),
            Day::Open(a, b, _) if a > 12 && b <= 12 => Ok(Some(DateOrder::DayFirst)),
            Day::Open(a, b, _) if b > 12 && a <= 12 => Ok(Some(DateOrder::MonthFirst)),
            Day::Open(..) => Err(()),
        }
    }

    pub(super) fn date(&self, order: Option<DateOrder>) -> Result<Date, NoDay> {
        let (a, b, year) = match self.day {
            Day::Known(date) => return Ok(date),
            Day::Open(a, b, year) => (a, b, year),
        };
        let order = match (order, self.order()) {
            (Some(order), _) | (None, Ok(Some(order))) => order,
            (None, Ok(None)) => DateOrder::DayFirst,
            (None, Err(())) => return Err(NoDay::Ambiguous),
        };
        let (day, month) = match order {
            DateOrder::DayFirst => (a, b),
            DateOrder::MonthFirst => (b, a),
        };
        Date::new(year, month, day).map_err(|_| NoDay::Impossible)
    }

    /// The instant; a time without a zone is in `zone`.
    pub(super) fn instant(
        &self,
        order: Option<DateOrder>,
        zone: &TimeZone,
    ) -> Result<Timestamp, NoDay> {
        if let Some(instant) = self.instant {
            return Ok(instant);
        }
        let at = self
            .date(order)?
            .to_datetime(self.time.unwrap_or(Time::midnight()));
        at.to_zoned(zone.clone())
            .map(|z| z.timestamp())
            .map_err(|_| NoDay::Impossible)
    }
}

/// Reads `2026-01-24`, `2026-01-24T10:00:00Z`, `1/24/2025`, `24.1.2025`,
/// `1/24/2025 7:14pm`, `January 24, 2025`, `24 Jan 2025`. `None` if it is no date.
pub(super) fn read_date(text: &str) -> Option<Written> {
    let text = text.trim();
    if !(6..=40).contains(&text.len()) || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if text.len() > 10 && text.as_bytes().get(4) == Some(&b'-') {
        let iso = text.replacen(' ', "T", 1);
        if let Ok(instant) = iso.parse::<Timestamp>() {
            return Some(Written {
                day: Day::Known(instant.to_zoned(TimeZone::UTC).date()),
                time: None,
                instant: Some(instant),
            });
        }
    }
    let (day, time) = match text.find(':') {
        None => (text, None),
        Some(colon) => {
            let split = text[..colon].rfind([' ', 'T'])?;
            let (day, time) = (&text[..split], &text[split + 1..]);
            (
                day.trim_end_matches([' ', ',']).trim_end_matches(" at"),
                Some(read_time(time)?),
            )
        }
    };
    Some(Written {
        day: read_day(day.trim())?,
        time,
        instant: None,
    })
}

fn read_time(text: &str) -> Option<Time> {
    let lower = text.trim().to_ascii_lowercase();
    let (clock, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (lower.as_str(), None),
    };
    let mut parts = clock.trim().split(':');
    let mut hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = parts.next()?.parse().ok()?;
    let second: i8 = match parts.next() {
        None => 0,
        Some(s) => s.split('.').next()?.parse().ok()?,
    };
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
    }
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

fn read_day(text: &str) -> Option<Day> {
    if let Some(separator) = ['/', '.', '-']
        .into_iter()
        .find(|s| text.matches(*s).count() == 2)
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b == separator as u8)
    {
        return numbers(text, separator);
    }
    let words: Vec<&str> = text
        .split([' ', ',', '-'])
        .filter(|w| !w.is_empty())
        .collect();
    let [first, second, year] = words[..] else {
        return None;
    };
    let (month, day) = match (month(first), month(second)) {
        (Some(month), None) => (month, second),
        (None, Some(month)) => (month, first),
        _ => return None,
    };
    let day = day.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '.');
    Date::new(year_of(year)?, month, day.parse().ok()?)
        .ok()
        .map(Day::Known)
}

fn numbers(text: &str, separator: char) -> Option<Day> {
    let mut parts = text.split(separator);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if a.len() == 4 {
        let date = Date::new(a.parse().ok()?, b.parse().ok()?, c.parse().ok()?);
        return date.ok().map(Day::Known);
    }
    let (a, b, year): (i8, i8, i16) = (a.parse().ok()?, b.parse().ok()?, year_of(c)?);
    // Points part days from months only where the day comes first.
    if separator == '.' {
        return Date::new(year, b, a).ok().map(Day::Known);
    }
    let possible = (1..=31).contains(&a) && (1..=31).contains(&b) && (a <= 12 || b <= 12);
    possible.then_some(Day::Open(a, b, year))
}

fn year_of(text: &str) -> Option<i16> {
    let year: i16 = text.parse().ok()?;
    match text.len() {
        4 => Some(year),
        2 if year < 70 => Some(2000 + year),
        2 => Some(1900 + year),
        _ => None,
    }
}

fn month(word: &str) -> Option<i8> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    if word.len() < 3 {
        return None;
    }
    let at = NAMES
        .iter()
        .position(|name| name.starts_with(&word) || (*name == "september" && word == "sept"))?;
    i8::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_real_exports_are_read() {
        use DateOrder::{DayFirst, MonthFirst};
        for (text, order, expected) in [
            ("2026-01-24", None, "2026-01-24T00:00:00Z"),
            ("1/24/2025", None, "2025-01-24T00:00:00Z"),
            ("1/24/2025 7:14pm", None, "2025-01-24T19:14:00Z"),
            ("29/3/2022 1:06pm", None, "2022-03-29T13:06:00Z"),
            ("3/4/2025", Some(DayFirst), "2025-04-03T00:00:00Z"),
            ("3/4/2025", Some(MonthFirst), "2025-03-04T00:00:00Z"),
            ("4/4/25 12:00 AM", None, "2025-04-04T00:00:00Z"),
            ("January 24, 2025", None, "2025-01-24T00:00:00Z"),
            ("24 Sept 2025, 14:30", None, "2025-09-24T14:30:00Z"),
            ("March 3rd, 2025 7:05 pm", None, "2025-03-03T19:05:00Z"),
            ("24.1.2025", Some(MonthFirst), "2025-01-24T00:00:00Z"),
            ("2026-01-24T10:00:00.000Z", None, "2026-01-24T10:00:00Z"),
            ("2026-01-24 10:00", None, "2026-01-24T10:00:00Z"),
        ] {
            let at = read_date(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                at.instant(order, &TimeZone::UTC).unwrap().to_string(),
                expected,
                "{text}"
            );
        }
        for text in [
            "1:08:10",
            "soon",
            "Q3 2025",
            "2025",
            "1.5",
            "31/31/2025",
            "2025-02-30",
            "+49 30 1234",
        ] {
            assert_eq!(read_date(text), None, "{text}");
        }
        let open = read_date("3/4/2025").unwrap();
        assert_eq!(open.date(None), Err(NoDay::Ambiguous));
        let day = read_date("24/1/2025").unwrap();
        assert_eq!(day.date(Some(MonthFirst)), Err(NoDay::Impossible));
    }

    #[test]
    fn a_time_without_zone_is_the_funds() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = read_date("1/24/2025 7:14pm").unwrap();
        assert_eq!(
            at.instant(None, &zone).unwrap().to_string(),
            "2025-01-24T18:14:00Z"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[0-9a-zA-Zä/:., -]{0,24}") {
            let _ = read_date(&text).map(|d| d.date(None));
        }
    }
}
