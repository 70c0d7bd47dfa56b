//! Monday to Friday without holidays, by arithmetic: ten thousand years cost no more
//! than a week.

use jiff::civil::{Date, Weekday};
use jiff::{ToSpan, Unit};

/// `2026-12-25, 2027-01-01` as sorted working days; none if one is not a date.
pub fn holidays(text: &str) -> Option<Vec<Date>> {
    let mut days = Vec::new();
    for part in text.split(',') {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        // An instant counts as its day.
        let day: Date = part.get(..10)?.parse().ok()?;
        if !is_weekend(day) {
            days.push(day);
        }
    }
    days.sort_unstable();
    days.dedup();
    Some(days)
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Days since a Monday long before every date.
fn serial(day: Date) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 5);
    let days = epoch
        .until((Unit::Day, day))
        .map_or(0, |span| i64::from(span.get_days()));
    days + EPOCH_DAYS
}

/// A multiple of 7 that keeps serials positive back to year -9999.
const EPOCH_DAYS: i64 = 7 * 700_000;

fn from_serial(serial: i64) -> Option<Date> {
    let days = serial - EPOCH_DAYS;
    if days.abs() > EPOCH_DAYS {
        return None;
    }
    jiff::civil::date(1970, 1, 5).checked_add(days.days()).ok()
}

/// Mondays to Fridays in all days before this one.
fn weekdays_before(serial: i64) -> i64 {
    serial / 7 * 5 + (serial % 7).min(5)
}

/// The serial of the weekday with this many weekdays before it.
fn nth_weekday(count: i64) -> i64 {
    count / 5 * 7 + count % 5
}

/// The working day this many working days later, or earlier if negative. Zero is
/// the day itself.
pub fn add(start: Date, days: i64, holidays: &[Date]) -> Option<Date> {
    if days == 0 {
        return Some(start);
    }
    // Beyond every date, and far from overflow.
    if days.abs() > EPOCH_DAYS {
        return None;
    }
    let from = serial(start);
    let mut skipped = 0;
    loop {
        let day = if days > 0 {
            nth_weekday(weekdays_before(from + 1) + days + skipped - 1)
        } else {
            nth_weekday(weekdays_before(from) + days - skipped)
        };
        let end = from_serial(day)?;
        let passed = if days > 0 {
            between(holidays, start.tomorrow().ok()?, end)
        } else {
            between(holidays, end, start.yesterday().ok()?)
        };
        // Each holiday passed costs a further day, which may be a holiday again.
        if passed == skipped {
            return Some(end);
        }
        skipped = passed;
    }
}

/// Working days from one date to another, both included; negative backwards.
pub fn count(start: Date, end: Date, holidays: &[Date]) -> i64 {
    let (first, last, sign) = if start <= end {
        (start, end, 1)
    } else {
        (end, start, -1)
    };
    let weekdays = weekdays_before(serial(last) + 1) - weekdays_before(serial(first));
    sign * (weekdays - between(holidays, first, last))
}

/// Holidays from one day to another, both included.
fn between(holidays: &[Date], first: Date, last: Date) -> i64 {
    let before = holidays.partition_point(|day| *day < first);
    let until = holidays.partition_point(|day| *day <= last);
    i64::try_from(until.saturating_sub(before)).unwrap_or_default()
}
