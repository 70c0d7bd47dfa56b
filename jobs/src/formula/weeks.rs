//! Weeks as calendars in the United States count them: week 1 holds 1 January.

use jiff::civil::{Date, Weekday};

pub struct Week {
    pub year: i16,
    pub number: i16,
}

/// The day's place in a week that begins on `start`, from 0.
pub fn day_in_week(date: Date, start: Weekday) -> i16 {
    let day = date.weekday().to_monday_zero_offset();
    let first = start.to_monday_zero_offset();
    i16::from((day - first).rem_euclid(7))
}

/// Weeks since the one that holds 1 January, which is 1.
pub fn week_of_year(date: Date, start: Weekday) -> i16 {
    let first = date.first_of_year();
    (date.day_of_year() - 1 + day_in_week(first, start)) / 7 + 1
}

/// The first days of January share a week with the last days of December; all of
/// them count as week 1 of the new year.
pub fn local_week(date: Date) -> Week {
    let left = date.days_in_year() - date.day_of_year();
    let to_saturday = 6 - day_in_week(date, Weekday::Sunday);
    if left < to_saturday {
        return Week {
            year: date.year() + 1,
            number: 1,
        };
    }
    Week {
        year: date.year(),
        number: week_of_year(date, Weekday::Sunday),
    }
}
