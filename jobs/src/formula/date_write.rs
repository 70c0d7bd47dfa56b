//! Writes dates by format.

use std::fmt::Write;

use jiff::{civil, tz::TimeZone};

use super::convert::When;
use super::limits::MAX_TEXT;
use super::moment_format::{Piece, Token};
use super::value::{ErrorValue, write_offset};
use super::weeks;

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The date as the format says, read in the zone.
pub fn write(when: When, zone: &TimeZone, pieces: &[Piece]) -> Result<String, ErrorValue> {
    let local = when.local(zone);
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Token(token) => write_token(*token, when, local, zone, &mut out)?,
        }
        if out.len() > MAX_TEXT {
            return Err(ErrorValue::TooLong);
        }
    }
    Ok(out)
}

fn write_token(
    token: Token,
    when: When,
    local: civil::DateTime,
    zone: &TimeZone,
    out: &mut String,
) -> Result<(), ErrorValue> {
    use Token as T;
    match token {
        T::Offset | T::OffsetCompact | T::ZoneName | T::UnixSeconds | T::UnixMilliseconds => {
            return write_instant(token, when, zone, out);
        }
        T::Hour
        | T::Hour2
        | T::Hour12
        | T::Hour12Two
        | T::HourTo24
        | T::HourTo24Two
        | T::Minute
        | T::Minute2
        | T::Second
        | T::Second2
        | T::Fraction(_)
        | T::UpperMeridiem
        | T::LowerMeridiem => write_time(token, local.time(), out),
        _ => write_day(token, local.date(), out),
    }
    Ok(())
}

fn write_instant(
    token: Token,
    when: When,
    zone: &TimeZone,
    out: &mut String,
) -> Result<(), ErrorValue> {
    let at = when.instant(zone)?;
    match token {
        Token::Offset => write_offset(zone.to_offset(at).seconds(), ":", out),
        Token::OffsetCompact => write_offset(zone.to_offset(at).seconds(), "", out),
        Token::ZoneName => out.push_str(zone.to_offset_info(at).abbreviation()),
        Token::UnixSeconds => number(out, at.as_second()),
        _ => number(out, at.as_millisecond()),
    }
    Ok(())
}

fn write_time(token: Token, time: civil::Time, out: &mut String) {
    use Token as T;
    let hour = time.hour();
    let twelve = (hour + 11) % 12 + 1;
    let to_24 = if hour == 0 { 24 } else { hour };
    match token {
        T::Hour => number(out, hour),
        T::Hour2 => two(out, hour),
        T::Hour12 => number(out, twelve),
        T::Hour12Two => two(out, twelve),
        T::HourTo24 => number(out, to_24),
        T::HourTo24Two => two(out, to_24),
        T::Minute => number(out, time.minute()),
        T::Minute2 => two(out, time.minute()),
        T::Second => number(out, time.second()),
        T::Second2 => two(out, time.second()),
        T::UpperMeridiem => out.push_str(if hour < 12 { "AM" } else { "PM" }),
        T::LowerMeridiem => out.push_str(if hour < 12 { "am" } else { "pm" }),
        T::Fraction(digits) => {
            let nanos = format!("{:09}", time.subsec_nanosecond());
            out.push_str(&nanos[..usize::from(digits).min(nanos.len())]);
        }
        _ => {}
    }
}

fn write_day(token: Token, date: civil::Date, out: &mut String) {
    use Token as T;
    let month = usize::try_from(date.month() - 1).unwrap_or_default();
    let weekday = date.weekday().to_sunday_zero_offset();
    let weekday_name = WEEKDAYS[usize::try_from(weekday).unwrap_or_default()];
    let quarter = (date.month() + 2) / 3;
    let week = weeks::local_week(date);
    let iso = date.iso_week_date();
    match token {
        T::Year => year(out, date.year()),
        T::Year2 => two(out, date.year().rem_euclid(100)),
        T::Quarter => number(out, quarter),
        T::QuarterOrdinal => ordinal(out, quarter.into()),
        T::Month => number(out, date.month()),
        T::Month2 => two(out, date.month()),
        T::MonthOrdinal => ordinal(out, date.month().into()),
        T::MonthShort => out.push_str(&MONTHS[month][..3]),
        T::MonthLong => out.push_str(MONTHS[month]),
        T::Day => number(out, date.day()),
        T::Day2 => two(out, date.day()),
        T::DayOrdinal => ordinal(out, date.day().into()),
        T::DayOfYear => number(out, date.day_of_year()),
        T::DayOfYear3 => {
            let _ = write!(out, "{:03}", date.day_of_year());
        }
        T::DayOfYearOrdinal => ordinal(out, date.day_of_year()),
        T::Weekday => number(out, weekday),
        T::WeekdayOrdinal => ordinal(out, weekday.into()),
        T::WeekdayMin => out.push_str(&weekday_name[..2]),
        T::WeekdayShort => out.push_str(&weekday_name[..3]),
        T::WeekdayLong => out.push_str(weekday_name),
        T::IsoWeekday => number(out, date.weekday().to_monday_one_offset()),
        T::Week => number(out, week.number),
        T::Week2 => two(out, week.number),
        T::WeekOrdinal => ordinal(out, week.number),
        T::WeekYear => year(out, week.year),
        T::WeekYear2 => two(out, week.year.rem_euclid(100)),
        T::IsoWeek => number(out, iso.week()),
        T::IsoWeek2 => two(out, iso.week()),
        T::IsoWeekOrdinal => ordinal(out, iso.week().into()),
        T::IsoWeekYear => year(out, iso.year()),
        T::IsoWeekYear2 => two(out, iso.year().rem_euclid(100)),
        _ => {}
    }
}

fn number(out: &mut String, number: impl Into<i64>) {
    let _ = write!(out, "{}", number.into());
}

fn two(out: &mut String, number: impl Into<i64>) {
    let _ = write!(out, "{:02}", number.into());
}

fn year(out: &mut String, year: i16) {
    let _ = write!(out, "{year:04}");
}

fn ordinal(out: &mut String, number: i16) {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    let _ = write!(out, "{number}{ending}");
}
