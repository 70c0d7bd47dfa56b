use super::check;
use crate::formula::{Type, Volatility};

pub(super) const CASES: &[(&str, &str)] = &[
    ("TODAY()", "2026-04-01"),
    ("NOW()", "2026-04-01T01:30:00+02:00"),
    ("DATEADD({Due}, 1, 'month')", "2026-02-28"),
    ("DATEADD({Due}, 1, 'M')", "2026-02-28"),
    ("DATEADD({Due}, 1, 'quarters')", "2026-04-30"),
    ("DATEADD({Due}, -1, 'years')", "2025-01-31"),
    ("DATEADD({Due}, 2, 'w')", "2026-02-14"),
    ("DATEADD({Due}, 90, 'm')", "2026-01-31T01:30:00+01:00"),
    ("DATEADD({Due}, 1.5, 'hours')", "2026-01-31T01:30:00+01:00"),
    (
        "DATEADD('2026-03-28T12:00:00+01:00', 1, 'day')",
        "2026-03-29T12:00:00+02:00",
    ),
    (
        "DATEADD('2026-03-28T12:00:00+01:00', 24, 'hours')",
        "2026-03-29T13:00:00+02:00",
    ),
    ("DATEADD({No date}, 1, 'day')", "∅"),
    ("DATEADD({Due}, 999999999, 'years')", "#OVERFLOW!"),
    (
        "DATEADD({Due}, 79228162514264337593543950335, 'hours')",
        "#OVERFLOW!",
    ),
    ("DATEADD({Due}, 1, {Name})", "#ARG!"),
    ("DATEADD('soon', 1, 'day')", "#DATE!"),
    ("DATETIME_DIFF('2026-02-28', '2026-01-31', 'M')", "1"),
    ("DATETIME_DIFF('2026-01-31', '2026-02-28', 'M')", "-1"),
    ("DATETIME_DIFF('2026-03-30', '2026-01-31', 'months')", "1"),
    ("DATETIME_DIFF('2026-03-31', '2026-01-31', 'months')", "2"),
    ("DATETIME_DIFF('2026-01-01', '2027-01-01', 'y')", "-1"),
    ("DATETIME_DIFF('2027-01-01', '2026-01-02', 'y')", "0"),
    ("DATETIME_DIFF('2027-01-01', '2026-01-02', 'Q')", "3"),
    ("DATETIME_DIFF('2026-01-02', '2026-01-01')", "86400"),
    ("DATETIME_DIFF('2026-01-02', '2026-01-01', 'm')", "1440"),
    (
        "DATETIME_DIFF('2026-01-02', '2026-01-01', 'ms')",
        "86400000",
    ),
    ("DATETIME_DIFF('2026-03-30', '2026-03-29', 'h')", "24"),
    ("DATETIME_DIFF('2026-01-20', '2026-01-01', 'w')", "2"),
    ("DATETIME_DIFF('2026-01-01', '2026-01-20', 'w')", "-2"),
    (
        "DATETIME_DIFF('2026-01-02 11:00', '2026-01-01 12:00', 'd')",
        "0",
    ),
    (
        "DATETIME_DIFF('2026-01-01 12:00', '2026-01-02 11:00', 'd')",
        "0",
    ),
    ("DATETIME_DIFF({Due}, {No date}, 'd')", "∅"),
    ("DATETIME_DIFF({Due}, 'x', 'd')", "#DATE!"),
    (
        "DATETIME_FORMAT({Met}, 'YYYY-MM-DD HH:mm:ss')",
        "2026-04-01 00:05:30",
    ),
    (
        "DATETIME_FORMAT({Met}, 'D M MMM MMMM ddd dddd')",
        "1 4 Apr April Wed Wednesday",
    ),
    (
        "DATETIME_FORMAT({Met}, 'h:mm A hh a H HH Q w W')",
        "12:05 AM 12 am 0 00 2 14 14",
    ),
    ("DATETIME_FORMAT({Met}, 'X x')", "1774994730 1774994730000"),
    (
        "DATETIME_FORMAT({Met}, '[Quarter] Q [of] YYYY')",
        "Quarter 2 of 2026",
    ),
    (
        "DATETIME_FORMAT({Met}, 'L|LL|LLL')",
        "04/01/2026|April 1, 2026|April 1, 2026 12:05 AM",
    ),
    (
        "DATETIME_FORMAT({Met}, 'LLLL|LT|l')",
        "Wednesday, April 1, 2026 12:05 AM|12:05 AM|4/1/2026",
    ),
    (
        "DATETIME_FORMAT({Met}, 'Do DDD DDDD Z ZZ SSS YY')",
        "1st 91 091 +02:00 +0200 000 26",
    ),
    ("DATETIME_FORMAT({Due}, 'Do')", "31st"),
    (
        "DATETIME_FORMAT('2027-01-01', 'gggg-ww GGGG-WW')",
        "2027-01 2026-53",
    ),
    ("DATETIME_FORMAT({Due})", "2026-01-31"),
    ("DATETIME_FORMAT({Met})", "2026-04-01T00:05:30+02:00"),
    ("DATETIME_FORMAT({No date}, 'YYYY')", "∅"),
    ("DATETIME_FORMAT(5, 'YYYY')", "#DATE!"),
    (
        "DATETIME_FORMAT(SET_TIMEZONE({Met}, 'America/New_York'), 'YYYY-MM-DD HH:mm')",
        "2026-03-31 18:05",
    ),
    (
        "DATETIME_FORMAT(SET_TIMEZONE({Met}, 'UTC'))",
        "2026-03-31T22:05:30Z",
    ),
    (
        "DATETIME_FORMAT(DATEADD(SET_TIMEZONE({Met}, 'UTC'), 1, 'd'), 'DD HH')",
        "01 22",
    ),
    (
        "DATETIME_FORMAT(IF({Done}, SET_TIMEZONE({Met}, 'Asia/Tokyo'), {Met}), 'HH')",
        "07",
    ),
    (
        "SET_TIMEZONE({Met}, 'Asia/Tokyo')",
        "2026-04-01T00:05:30+02:00",
    ),
    ("SET_TIMEZONE({Met}, {Name})", "#ARG!"),
    ("SET_TIMEZONE({No date}, 'UTC')", "∅"),
    ("DATETIME_PARSE('2026-01-24')", "2026-01-24T00:00:00+01:00"),
    (
        "DATETIME_PARSE('1/24/2025 7:14pm')",
        "2025-01-24T19:14:00+01:00",
    ),
    (
        "DATETIME_PARSE('January 24, 2025')",
        "2025-01-24T00:00:00+01:00",
    ),
    ("DATETIME_PARSE('24 Jan 2025', 'D MMM YYYY')", "2025-01-24"),
    (
        "DATETIME_PARSE('24.01.25 13:05', 'DD.MM.YY HH:mm')",
        "2025-01-24T13:05:00+01:00",
    ),
    (
        "DATETIME_PARSE('1767225600', 'X')",
        "2026-01-01T01:00:00+01:00",
    ),
    (
        "DATETIME_PARSE('2026-01-24T10:00+0530', 'YYYY-MM-DD[T]HH:mmZZ')",
        "2026-01-24T05:30:00+01:00",
    ),
    (
        "DATETIME_PARSE('3rd of March 2026', 'Do [of] MMMM YYYY')",
        "2026-03-03",
    ),
    ("DATETIME_PARSE('31/02/2026', 'DD/MM/YYYY')", "#DATE!"),
    ("DATETIME_PARSE('24', 'D')", "#DATE!"),
    ("DATETIME_PARSE('nonsense')", "#DATE!"),
    ("DATETIME_PARSE('')", "∅"),
    ("DATETIME_PARSE('24 Jan 2025', 'D MMM YYYY', 'fr')", "#ARG!"),
    (
        "DATETIME_PARSE('24 Jan 2025', 'D MMM YYYY', 'en')",
        "2025-01-24",
    ),
    ("DATESTR({Met})", "2026-04-01"),
    ("DATESTR({Due})", "2026-01-31"),
    ("DATESTR({No date})", "∅"),
    ("DATESTR('x')", "#DATE!"),
    ("DAY({Due})", "31"),
    ("DAY({Met})", "1"),
    ("DAY({No date})", "∅"),
    ("HOUR({Met})", "0"),
    ("HOUR(SET_TIMEZONE({Met}, 'UTC'))", "22"),
    ("HOUR({Due})", "0"),
    ("HOUR(1)", "#DATE!"),
    ("MINUTE({Met})", "5"),
    ("MINUTE(SET_TIMEZONE({Met}, 'Asia/Kolkata'))", "35"),
    ("MINUTE('x')", "#DATE!"),
    ("MONTH({Met})", "4"),
    ("MONTH('2026-12-31')", "12"),
    ("MONTH(TRUE())", "#DATE!"),
    ("YEAR({Due})", "2026"),
    ("YEAR('March 3, 1999')", "1999"),
    ("YEAR('')", "∅"),
    ("FROMNOW({Met})", "an hour"),
    ("FROMNOW({Due})", "2 months"),
    ("FROMNOW(NOW())", "a few seconds"),
    ("FROMNOW(DATEADD(NOW(), 25, 'd'))", "25 days"),
    ("FROMNOW(DATEADD(NOW(), -5, 'y'))", "5 years"),
    ("FROMNOW({No date})", "∅"),
    ("WEEKDAY('2026-03-29')", "0"),
    ("WEEKDAY('2026-03-29', 'Monday')", "6"),
    ("WEEKDAY('2026-03-30', 'monday')", "0"),
    ("WEEKDAY('2026-03-29', 'Friday')", "#ARG!"),
    ("WEEKNUM('2026-01-01')", "1"),
    ("WEEKNUM('2026-01-04')", "2"),
    ("WEEKNUM('2026-01-04', 'Monday')", "1"),
    ("WEEKNUM('2026-12-31')", "53"),
    ("WEEKNUM('x')", "#DATE!"),
    ("WORKDAY('2026-01-02', 1)", "2026-01-05"),
    ("WORKDAY('2026-01-03', 1)", "2026-01-05"),
    ("WORKDAY('2026-01-05', -1)", "2026-01-02"),
    ("WORKDAY('2026-01-04', -1)", "2026-01-02"),
    ("WORKDAY('2026-01-05', 0)", "2026-01-05"),
    (
        "WORKDAY('2026-12-24', 1, '2026-12-25, 2026-12-28')",
        "2026-12-29",
    ),
    (
        "WORKDAY('2026-12-29', -1, '2026-12-25, 2026-12-28')",
        "2026-12-24",
    ),
    ("WORKDAY('2026-01-05', 260)", "2027-01-04"),
    ("WORKDAY('2026-01-05', 99999999999)", "#OVERFLOW!"),
    ("WORKDAY('2026-01-05', 1, 'x')", "#DATE!"),
    ("WORKDAY({No date}, 1)", "∅"),
    ("WORKDAY_DIFF('2026-01-05', '2026-01-09')", "5"),
    ("WORKDAY_DIFF('2026-01-09', '2026-01-05')", "-5"),
    ("WORKDAY_DIFF('2026-01-03', '2026-01-04')", "0"),
    (
        "WORKDAY_DIFF('2026-01-05', '2026-01-16', '2026-01-06,2026-01-10')",
        "9",
    ),
    ("WORKDAY_DIFF('2026-01-05', '2026-01-16', {Due})", "10"),
    ("WORKDAY_DIFF('2026-01-05', 3)", "#DATE!"),
];

#[test]
fn date_functions() {
    check(CASES);
}

#[test]
fn what_depends_on_the_time_says_so() {
    for (source, wanted) in [
        ("{Due}", Volatility::Never),
        ("DATETIME_DIFF(TODAY(), {Due}, 'd')", Volatility::Day),
        ("IF({Done}, NOW(), TODAY())", Volatility::Minute),
        ("FROMNOW({Due})", Volatility::Minute),
    ] {
        assert_eq!(super::formula(source).volatility(), wanted, "{source}");
    }
}

#[test]
fn a_date_moved_by_whole_days_stays_a_date() {
    for (source, wanted) in [
        ("DATEADD({Due}, 1, 'days')", Type::Date),
        ("DATEADD({Due}, 1, 'hours')", Type::DateTime),
        ("DATEADD({Met}, 1, 'days')", Type::DateTime),
        ("DATETIME_PARSE({Name}, 'D.M.YYYY')", Type::Date),
        ("DATETIME_PARSE({Name}, 'D.M.YYYY HH:mm')", Type::DateTime),
    ] {
        assert_eq!(super::formula(source).result_type(), wanted, "{source}");
    }
}

/// Counting day by day says the same as the arithmetic.
#[test]
fn working_days_agree_with_a_calendar() {
    use crate::formula::working_days::{add, count, holidays};
    use jiff::civil::{Weekday, date};
    let free = holidays("2026-01-06, 2026-01-07, 2026-01-10, 2026-02-02, 2026-02-27").unwrap();
    let works = |day: jiff::civil::Date| {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !free.contains(&day)
    };
    for start in date(2026, 1, 1).series(jiff::Span::new().days(1)).take(70) {
        for steps in [-30_i64, -7, -2, -1, 1, 2, 6, 31] {
            let (mut day, mut left) = (start, steps.abs());
            while left > 0 {
                day = if steps > 0 {
                    day.tomorrow()
                } else {
                    day.yesterday()
                }
                .unwrap();
                left -= i64::from(works(day));
            }
            assert_eq!(add(start, steps, &free), Some(day), "{start} {steps}");
            let (first, last) = (start.min(day), start.max(day));
            let days = first
                .series(jiff::Span::new().days(1))
                .take_while(|d| *d <= last);
            let wanted = i64::try_from(days.filter(|d| works(*d)).count()).unwrap();
            assert_eq!(count(first, last, &free), wanted, "{first} {last}");
        }
    }
}
