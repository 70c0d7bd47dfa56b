//! A view laid out as a calendar: months in whole weeks, and rows on days.

use std::collections::BTreeMap;

use jiff::{
    ToSpan,
    civil::{Date, Time, Weekday, date},
    tz::TimeZone,
};
use serde_json::Value as Json;

use super::{ViewConfig, board, dates::day_of};
use crate::{
    formula::Value,
    grid::{
        ColumnType,
        table::{Table, TableColumn},
    },
};

/// Where a moment goes that had no time before.
const MORNING: Time = jiff::civil::time(9, 0, 0, 0);
/// Years a calendar turns to.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// One month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month(Date);

impl Month {
    /// The month of a day.
    pub fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// `2026-11`, in a year that a calendar turns to.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let (year, month): (i16, i8) = (year.parse().ok()?, month.parse().ok()?);
        let is_known = YEARS.contains(&year) && (1..=12).contains(&month);
        is_known.then(|| Self(date(year, month, 1)))
    }

    /// The month so many months later, if a calendar turns to it.
    pub fn turned(self, months: i32) -> Option<Self> {
        let day = self.0.checked_add(months.months()).ok()?;
        YEARS.contains(&day.year()).then_some(Self(day))
    }

    /// Whether a day is in it.
    pub fn has(self, day: Date) -> bool {
        day.first_of_month() == self.0
    }

    /// Its days in whole weeks from Monday, with those of its neighbours.
    pub fn weeks(self) -> Vec<Date> {
        let before = self.0.weekday().since(Weekday::Monday);
        let last = self.0.last_of_month();
        let after = Weekday::Sunday.since(last.weekday());
        let first = self.0.checked_sub(i64::from(before).days());
        let end = last.checked_add(i64::from(after).days());
        let (Ok(first), Ok(end)) = (first, end) else {
            return Vec::new();
        };
        first
            .series(1.day())
            .take_while(|day| *day <= end)
            .collect()
    }

    /// As in addresses.
    pub fn id(self) -> String {
        self.0.strftime("%Y-%m").to_string()
    }

    /// As people read it.
    pub fn name(self) -> String {
        self.0.strftime("%B %Y").to_string()
    }
}

/// Rows by day.
#[derive(Debug, Default)]
pub struct Days {
    /// Those between the first and last day asked for, in the view's order.
    pub rows: BTreeMap<Date, Vec<u32>>,
    /// Those without a date.
    pub undated: Vec<u32>,
}

/// The column a calendar goes by unless asked otherwise: the view's own, else
/// the first date it shows, else the first there is. None if nobody may write
/// any: a calendar by creation says little.
pub fn date_column<'t>(table: &'t Table, config: &ViewConfig) -> Option<&'t TableColumn> {
    let is_date = |c: &&TableColumn| matches!(c.kind, ColumnType::Date | ColumnType::DateTime);
    let is_ours = |c: &&TableColumn| is_date(c) && board::is_movable(c);
    let own = config.date_column.as_deref();
    own.and_then(|id| table.column(id))
        .filter(is_date)
        .or_else(|| board::shown(table, config).into_iter().find(is_ours))
        .or_else(|| table.columns().iter().find(is_ours))
}

/// Puts rows on their days.
pub fn days(table: &Table, column: &TableColumn, slots: &[u32], shown: &[Date]) -> Days {
    let (first, last) = (shown.first(), shown.last());
    let mut found = Days::default();
    for slot in slots {
        match day_of(column.face(*slot), &table.moment.zone) {
            None => found.undated.push(*slot),
            Some(day) if Some(&day) >= first && Some(&day) <= last => {
                found.rows.entry(day).or_default().push(*slot);
            }
            Some(_) => {}
        }
    }
    // Of one day's moments the earlier stands first; days have the view's order.
    if column.kind == ColumnType::DateTime {
        for slots in found.rows.values_mut() {
            slots.sort_by_key(|slot| match column.key(*slot) {
                Value::DateTime(at) => at.as_second(),
                _ => 0,
            });
        }
    }
    found
}

/// What to write so that a row stands on a day: a moment keeps its time of day.
pub fn moved_to(kind: ColumnType, now: Option<&Json>, day: Date, zone: &TimeZone) -> Json {
    if kind != ColumnType::DateTime {
        return day.to_string().into();
    }
    let at = now.and_then(|now| now.as_str()?.parse::<jiff::Timestamp>().ok());
    let time = at.map_or(MORNING, |at| at.to_zoned(zone.clone()).time());
    match day.to_datetime(time).to_zoned(zone.clone()) {
        Ok(moment) => moment.timestamp().to_string().into(),
        Err(_) => day.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_is_whole_weeks_from_monday() {
        let november = Month::parse("2026-11").unwrap();
        let days = november.weeks();
        assert_eq!(days.first(), Some(&day("2026-10-26")));
        assert_eq!((days.last(), days.len()), (Some(&day("2026-12-06")), 42));
        let february = Month::of(day("2027-02-14"));
        assert_eq!(
            (february.weeks().len(), february.name()),
            (28, "February 2027".to_owned())
        );
        assert_eq!(november.turned(2).unwrap().id(), "2027-01");
        assert!(november.has(day("2026-11-30")) && !november.has(day("2026-12-01")));
    }

    #[test]
    fn months_that_are_none_are_not_read() {
        for text in [
            "", "2026", "2026-13", "2026-00", "x-1", "0001-01", "99999-1",
        ] {
            assert!(Month::parse(text).is_none(), "{text}");
        }
        assert!(Month::parse("2199-12").unwrap().turned(1).is_none());
    }

    #[test]
    fn a_moment_keeps_its_time_of_day_across_summer_time() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let now = Json::from("2026-10-20T12:30:00Z");
        let moved = |to: &str, now| moved_to(ColumnType::DateTime, now, day(to), &zone);
        assert_eq!(moved("2026-11-03", Some(&now)), "2026-11-03T13:30:00Z");
        assert_eq!(moved("2026-11-03", None), "2026-11-03T08:00:00Z");
        assert_eq!(
            moved_to(ColumnType::Date, None, day("2026-11-03"), &zone),
            "2026-11-03"
        );
    }
}
