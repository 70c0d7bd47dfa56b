//! Reads dates from text, freely or by a format.

use std::sync::LazyLock;

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, civil};

use super::convert::{When, local_instant};
use super::date_write::{MONTHS, WEEKDAYS};
use super::moment_format::{self, Piece, Token};

/// Longer text is no date; trying every format on it would be wasted.
const LONGEST: usize = 100;

/// Tried in order after ISO 8601. Where day and month could be swapped the month
/// comes first, as in Airtable's exports.
static FORMATS: LazyLock<Vec<Vec<Piece>>> = LazyLock::new(|| {
    [
        "YYYY/M/D",
        "YYYY/M/D H:mm",
        "YYYY-M-D H:mm",
        "YYYY-M-D H:mm:ss",
        "YYYY-M-D",
        "YYYY-M-D h:mm a",
        "M/D/YYYY",
        "M/D/YYYY h:mm a",
        "M/D/YYYY h:mm:ss a",
        "M/D/YYYY H:mm",
        "M/D/YYYY H:mm:ss",
        "D.M.YYYY",
        "D.M.YYYY H:mm",
        "MMMM D, YYYY",
        "MMMM D YYYY",
        "MMMM D, YYYY h:mm a",
        "MMMM D, YYYY H:mm",
        "D MMMM YYYY",
        "D MMMM YYYY H:mm",
        "dddd, MMMM D, YYYY",
        "dddd, MMMM D, YYYY h:mm a",
    ]
    .into_iter()
    .map(moment_format::pieces)
    .collect()
});

/// A date in ISO form or one of the usual ways to write one.
pub fn read(text: &str, zone: &TimeZone) -> Option<When> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    if let Some(when) = read_iso(text, zone) {
        return Some(when);
    }
    FORMATS
        .iter()
        .find_map(|pieces| read_format(text, pieces, zone))
}

fn read_iso(text: &str, zone: &TimeZone) -> Option<When> {
    // Lengths tell the forms apart: jiff would read "2026-01-24" as a time, too.
    if text.len() == "2026-01-24".len() {
        return text.parse::<civil::Date>().ok().map(When::Day);
    }
    if !text.contains(':') || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(When::At(at));
    }
    let local: civil::DateTime = text.parse().ok()?;
    local_instant(local, zone).ok().map(When::At)
}

#[derive(Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    day_of_year: Option<i16>,
    hour: Option<i8>,
    minute: i8,
    second: i8,
    nanosecond: i32,
    afternoon: Option<bool>,
    offset: Option<Offset>,
    instant: Option<Timestamp>,
}

/// A date written as the format says. Spaces may vary; everything else must fit.
pub fn read_format(text: &str, pieces: &[Piece], zone: &TimeZone) -> Option<When> {
    if text.len() > LONGEST {
        return None;
    }
    let mut reader = Reader { rest: text.trim() };
    let mut parts = Parts::default();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => reader.literal(literal)?,
            Piece::Token(token) => reader.token(*token, &mut parts)?,
        }
    }
    if !reader.rest.trim().is_empty() {
        return None;
    }
    parts.when(moment_format::has_time(pieces), zone)
}

impl Parts {
    fn when(self, has_time: bool, zone: &TimeZone) -> Option<When> {
        if let Some(at) = self.instant {
            return Some(When::At(at));
        }
        // A time without a day has no year to stand in.
        let year = self.year?;
        let date = match self.day_of_year {
            Some(day) => civil::Date::new(year, 1, 1)
                .ok()?
                .with()
                .day_of_year(day)
                .build()
                .ok()?,
            None => civil::Date::new(year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?,
        };
        if !has_time {
            return Some(When::Day(date));
        }
        let hour = match (self.hour.unwrap_or(0), self.afternoon) {
            (24, None) => 0,
            (hour, None) => hour,
            (hour @ 1..=12, Some(afternoon)) => hour % 12 + if afternoon { 12 } else { 0 },
            _ => return None,
        };
        let time = civil::Time::new(hour, self.minute, self.second, self.nanosecond).ok()?;
        let local = date.to_datetime(time);
        match self.offset {
            Some(offset) => offset.to_timestamp(local).ok().map(When::At),
            None => local_instant(local, zone).ok().map(When::At),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn literal(&mut self, literal: &str) -> Option<()> {
        for c in literal.chars() {
            if c.is_whitespace() {
                self.rest = self.rest.trim_start();
            } else {
                self.rest = self.rest.trim_start().strip_prefix(c)?;
            }
        }
        Some(())
    }

    /// Up to `most` digits, at least one.
    fn digits<T: std::str::FromStr>(&mut self, most: usize) -> Option<T> {
        let count = self
            .rest
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits.parse().ok()
    }

    /// A name in full or by its first letters; its index.
    fn name(&mut self, names: &[&str]) -> Option<usize> {
        let length = self
            .rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(length);
        let word = word.to_ascii_lowercase();
        if word.len() < 2 {
            return None;
        }
        let index = names.iter().position(|name| {
            let name = name.to_ascii_lowercase();
            name == word || (word.len() <= 4 && name.starts_with(&word))
        })?;
        // `Sept.` and `Jan.` carry their point.
        self.rest = rest.strip_prefix('.').unwrap_or(rest);
        Some(index)
    }

    fn token(&mut self, token: Token, parts: &mut Parts) -> Option<()> {
        use Token as T;
        match token {
            T::Year => {
                // Fewer would read 1/2/20 as a day in the year 1.
                let before = self.rest.len();
                let year = self.digits(4)?;
                if before - self.rest.len() != 4 {
                    return None;
                }
                parts.year = Some(year);
            }
            T::Year2 => {
                // As Moment: 69 and later are the last century.
                let year: i16 = self.digits(2)?;
                parts.year = Some(year + if year > 68 { 1900 } else { 2000 });
            }
            T::Quarter | T::QuarterOrdinal => {
                let quarter: i8 = self.digits(1)?;
                parts.month = Some((quarter - 1) * 3 + 1);
                self.ordinal();
            }
            T::Month | T::Month2 | T::MonthOrdinal => {
                parts.month = Some(self.digits(2)?);
                self.ordinal();
            }
            T::MonthShort | T::MonthLong => {
                parts.month = i8::try_from(self.name(&MONTHS)? + 1).ok();
            }
            T::Day | T::Day2 | T::DayOrdinal => {
                parts.day = Some(self.digits(2)?);
                self.ordinal();
            }
            T::DayOfYear | T::DayOfYear3 | T::DayOfYearOrdinal => {
                parts.day_of_year = Some(self.digits(3)?);
                self.ordinal();
            }
            T::WeekdayMin | T::WeekdayShort | T::WeekdayLong => {
                self.name(&WEEKDAYS)?;
            }
            _ => return self.time(token, parts),
        }
        Some(())
    }

    fn time(&mut self, token: Token, parts: &mut Parts) -> Option<()> {
        use Token as T;
        match token {
            T::Hour | T::Hour2 | T::Hour12 | T::Hour12Two | T::HourTo24 | T::HourTo24Two => {
                parts.hour = Some(self.digits(2)?);
            }
            T::Minute | T::Minute2 => parts.minute = self.digits(2)?,
            T::Second | T::Second2 => parts.second = self.digits(2)?,
            T::Fraction(_) => {
                let before = self.rest;
                let number: i32 = self.digits(9)?;
                let digits = before.len() - self.rest.len();
                let missing = u32::try_from(9 - digits).ok()?;
                parts.nanosecond = number * 10_i32.pow(missing);
            }
            T::UpperMeridiem | T::LowerMeridiem => {
                self.rest = self.rest.trim_start();
                let first = self.rest.chars().next()?.to_ascii_lowercase();
                parts.afternoon = Some(match first {
                    'a' => false,
                    'p' => true,
                    _ => return None,
                });
                let rest = &self.rest[1..];
                self.rest = rest.strip_prefix(['m', 'M']).unwrap_or(rest);
            }
            T::Offset | T::OffsetCompact => parts.offset = Some(self.offset()?),
            T::UnixSeconds => {
                parts.instant = Some(Timestamp::from_second(self.digits(12)?).ok()?);
            }
            T::UnixMilliseconds => {
                parts.instant = Some(Timestamp::from_millisecond(self.digits(15)?).ok()?);
            }
            // Weeks and names of zones do not make a date.
            _ => return None,
        }
        Some(())
    }

    /// Steps over `st`, `nd`, `rd` or `th`.
    fn ordinal(&mut self) {
        for ending in ["st", "nd", "rd", "th"] {
            if let Some(rest) = self.rest.strip_prefix(ending) {
                self.rest = rest;
                return;
            }
        }
    }

    fn offset(&mut self) -> Option<Offset> {
        if let Some(rest) = self.rest.strip_prefix(['Z', 'z']) {
            self.rest = rest;
            return Some(Offset::UTC);
        }
        let negative = self.rest.starts_with('-');
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let hours: i32 = self.digits(2)?;
        self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
        let minutes: i32 = self.digits(2)?;
        let seconds = hours * 3600 + minutes * 60;
        Offset::from_seconds(if negative { -seconds } else { seconds }).ok()
    }
}
