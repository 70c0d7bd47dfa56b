//! Days as people write them: "in two weeks", "next tuesday", "end of quarter".
//!
//! What is not understood is refused with examples; a day is never guessed. The
//! forms show what was understood before anything is saved.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

use crate::grid::GridError;

/// What to write, for hints and for refusals.
pub const EXAMPLES: &str = "tomorrow, friday, in two weeks, 3 march, end of quarter, 2026-03-31";
/// A day further away than this is a slip of the finger.
const MOST_YEARS: i16 = 50;

/// The day a text means, reckoned from `today`; none for a blank.
pub fn understand(text: &str, today: Date) -> Result<Option<Date>, GridError> {
    let words = words(text);
    if words.is_empty() {
        return Ok(None);
    }
    let refused = || {
        let clipped: String = text.trim().chars().take(60).collect();
        GridError::invalid(
            "invalid_day",
            "due",
            format!("{clipped:?} is no day: write {EXAMPLES}"),
        )
    };
    if words.len() > 8 {
        return Err(refused());
    }
    let day = read(&words.iter().map(String::as_str).collect::<Vec<_>>(), today);
    day.filter(|day| (day.year() - today.year()).abs() <= MOST_YEARS)
        .map(Some)
        .ok_or_else(refused)
}

/// Lower-case words without the little ones that add nothing.
fn words(text: &str) -> Vec<String> {
    let clean: String = text
        .chars()
        .map(|c| match c {
            ',' | '\u{a0}' | '\t' | '\n' | '\r' => ' ',
            '\u{2019}' => '\'',
            c => c,
        })
        .collect();
    let small = ["the", "of", "on", "by", "due", "at"];
    clean
        .to_lowercase()
        .split(' ')
        .map(|word| word.trim_end_matches(['!', '?']))
        .filter(|word| !word.is_empty() && !small.contains(word))
        .map(str::to_owned)
        .collect()
}

fn read(words: &[&str], today: Date) -> Option<Date> {
    match words {
        ["today" | "now" | "tonight"] => Some(today),
        ["tomorrow" | "tmr" | "tmrw"] => today.tomorrow().ok(),
        ["day", "after", "tomorrow"] => plus(today, 2, "day"),
        ["eow"] | ["end", "this", "week"] => end_of(today, "week"),
        ["eom"] | ["end", "this", "month"] => end_of(today, "month"),
        ["eoq"] | ["end", "this", "quarter"] => end_of(today, "quarter"),
        ["eoy"] | ["end", "this", "year"] => end_of(today, "year"),
        ["end", "next", unit] => end_of(start_of_next(today, unit)?, unit),
        ["end", month] if month_of(month).is_some() => {
            let first = next_day_of(1, month_of(month)?, today.first_of_month())?;
            Some(first.last_of_month())
        }
        ["end", unit] => end_of(today, unit),
        ["next", day] if weekday(day).is_some() => {
            // Of the week that follows, whatever day it is now.
            let back = i64::from(weekday(day)?.to_monday_zero_offset());
            plus(start_of_next(today, "week")?, back, "day")
        }
        ["next", unit] => start_of_next(today, unit),
        [day] | ["this", day] if weekday(day).is_some() => after(today, weekday(day)?),
        ["in", rest @ .., "time"]
        | ["in", rest @ ..]
        | [rest @ .., "from", "now" | "today"]
        | [rest @ .., "time"] => span(rest, today),
        _ => dated(words, today).or_else(|| span(words, today)),
    }
}

/// `2026-03-31`, `31.3.2026`, `3 march`, `march 3rd 2027`.
fn dated(words: &[&str], today: Date) -> Option<Date> {
    match words {
        [one] => {
            if let Ok(day) = one.parse::<Date>() {
                // Only the one spelling: jiff reads more than people mean.
                return (one.len() == 10).then_some(day);
            }
            let parts: Vec<&str> = one.trim_end_matches('.').split('.').collect();
            match parts.as_slice() {
                [d, m] => next_day_of(number(d)?, number(m)?, today),
                [d, m, y] => Date::new(year(y)?, number(m)?, number(d)?).ok(),
                _ => None,
            }
        }
        [a, b] => match (month_of(a), month_of(b)) {
            (Some(month), None) => next_day_of(ordinal(b)?, month, today),
            (None, Some(month)) => next_day_of(ordinal(a)?, month, today),
            _ => None,
        },
        [a, b, y] => {
            let (day, month) = match (month_of(a), month_of(b)) {
                (Some(month), None) => (ordinal(b)?, month),
                (None, Some(month)) => (ordinal(a)?, month),
                _ => return None,
            };
            Date::new(year(y)?, month, day).ok()
        }
        _ => None,
    }
}

/// `two weeks`, `3 days`, `2w`, `a month`.
fn span(words: &[&str], today: Date) -> Option<Date> {
    match words {
        [short] => {
            let digits = short.find(|c: char| !c.is_ascii_digit())?;
            let (count, unit) = short.split_at(digits);
            plus(today, count.parse().ok()?, unit)
        }
        ["a", "couple", unit] => plus(today, 2, unit),
        [count, unit] => plus(today, count_of(count)?, unit),
        _ => None,
    }
}

fn plus(from: Date, count: i64, unit: &str) -> Option<Date> {
    // Beyond this jiff would refuse anyway; within it nothing overflows.
    if !(0..=20_000).contains(&count) {
        return None;
    }
    let span = match unit.trim_end_matches(['\'', '.']) {
        "d" | "day" | "days" => count.days(),
        "w" | "wk" | "wks" | "week" | "weeks" => count.weeks(),
        "fortnight" | "fortnights" => (count * 2).weeks(),
        "m" | "mo" | "mon" | "month" | "months" => count.months(),
        "q" | "quarter" | "quarters" => (count * 3).months(),
        "y" | "yr" | "yrs" | "year" | "years" if count <= 100 => count.years(),
        _ => return None,
    };
    from.checked_add(span).ok()
}

fn count_of(word: &str) -> Option<i64> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    match word {
        "a" | "an" => Some(1),
        _ => word.parse().ok().or_else(|| {
            let at = WORDS.iter().position(|known| *known == word)?;
            i64::try_from(at).ok()
        }),
    }
}

/// The Friday of a week, the last day of anything longer.
fn end_of(day: Date, unit: &str) -> Option<Date> {
    match unit {
        "week" => {
            let friday = Weekday::Friday.to_monday_zero_offset();
            let now = day.weekday().to_monday_zero_offset();
            if now <= friday {
                plus(day, i64::from(friday - now), "day")
            } else {
                after(day, Weekday::Friday)
            }
        }
        "month" => Some(day.last_of_month()),
        "quarter" => {
            let last = (day.month() - 1) / 3 * 3 + 3;
            Some(Date::new(day.year(), last, 1).ok()?.last_of_month())
        }
        "year" => Date::new(day.year(), 12, 31).ok(),
        _ => None,
    }
}

/// The first day of the week, month, quarter or year that follows.
fn start_of_next(day: Date, unit: &str) -> Option<Date> {
    match unit {
        "week" => after(day, Weekday::Monday),
        "month" => day.last_of_month().tomorrow().ok(),
        "quarter" | "year" => end_of(day, unit)?.tomorrow().ok(),
        _ => None,
    }
}

/// The next such weekday; today is none.
fn after(day: Date, weekday: Weekday) -> Option<Date> {
    day.nth_weekday(1, weekday).ok()
}

/// The next day of this number and month, today included. 29 February waits for
/// its year.
fn next_day_of(day: i8, month: i8, today: Date) -> Option<Date> {
    (0..=8).find_map(|more| {
        let found = Date::new(today.year() + more, month, day).ok()?;
        (found >= today).then_some(found)
    })
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "mon" => Weekday::Monday,
        "tuesday" | "tue" | "tues" => Weekday::Tuesday,
        "wednesday" | "wed" => Weekday::Wednesday,
        "thursday" | "thu" | "thur" | "thurs" => Weekday::Thursday,
        "friday" | "fri" => Weekday::Friday,
        "saturday" | "sat" => Weekday::Saturday,
        "sunday" | "sun" => Weekday::Sunday,
        _ => return None,
    })
}

fn month_of(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
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
    let word = word.trim_end_matches('.');
    let at = MONTHS
        .iter()
        .position(|m| *m == word || word == "sept" && *m == "september" || *word == m[..3])?;
    i8::try_from(at + 1).ok()
}

fn ordinal(word: &str) -> Option<i8> {
    let digits = word
        .trim_end_matches('.')
        .trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = &word.trim_end_matches('.')[digits.len()..];
    ["", "st", "nd", "rd", "th"]
        .contains(&ending)
        .then(|| number(digits))?
}

fn number(text: &str) -> Option<i8> {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

fn year(text: &str) -> Option<i16> {
    let is_plain = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str, today: &str) -> String {
        understand(text, today.parse().unwrap()).map_or_else(
            |_| "refused".to_owned(),
            |day| day.map_or_else(|| "none".to_owned(), |day| day.to_string()),
        )
    }

    #[test]
    fn people_are_understood() {
        // A Tuesday.
        for (text, meant) in [
            ("", "none"),
            ("  ", "none"),
            ("today", "2026-03-03"),
            ("Tomorrow", "2026-03-04"),
            ("the day after tomorrow", "2026-03-05"),
            ("friday", "2026-03-06"),
            ("tuesday", "2026-03-10"),
            ("this friday", "2026-03-06"),
            ("next tuesday", "2026-03-10"),
            ("next fri", "2026-03-13"),
            ("in two weeks", "2026-03-17"),
            ("In 3 days", "2026-03-06"),
            ("in a month", "2026-04-03"),
            ("three weeks from now", "2026-03-24"),
            ("in two weeks' time", "2026-03-17"),
            ("a couple of weeks", "2026-03-17"),
            ("in a fortnight", "2026-03-17"),
            ("2w", "2026-03-17"),
            ("10d", "2026-03-13"),
            ("3 march", "2026-03-03"),
            ("2 march", "2027-03-02"),
            ("March 3 2027", "2027-03-03"),
            ("march 3rd, 2027", "2027-03-03"),
            ("21st of april", "2026-04-21"),
            ("29 february", "2028-02-29"),
            ("sept 1", "2026-09-01"),
            ("31.3.", "2026-03-31"),
            ("31.03.2026", "2026-03-31"),
            ("end of week", "2026-03-06"),
            ("end of month", "2026-03-31"),
            ("end of the quarter", "2026-03-31"),
            ("end of next quarter", "2026-06-30"),
            ("end of next month", "2026-04-30"),
            ("end of february", "2027-02-28"),
            ("end of march", "2026-03-31"),
            ("eoy", "2026-12-31"),
            ("next week", "2026-03-09"),
            ("next month", "2026-04-01"),
            ("next quarter", "2026-04-01"),
            ("2026-03-31", "2026-03-31"),
        ] {
            assert_eq!(day(text, "2026-03-03"), meant, "{text:?}");
        }
        assert_eq!(
            day("end of week", "2026-03-07"),
            "2026-03-13",
            "on a Saturday"
        );
        assert_eq!(day("in a month", "2026-01-31"), "2026-02-28");
        assert_eq!(
            day("next monday", "2026-03-08"),
            "2026-03-09",
            "on a Sunday"
        );
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "soon",
            "32 march",
            "30 february",
            "3/4/2026",
            "2026-3-4",
            "2026-02-30",
            "20260303",
            "in minus two weeks",
            "in -2 weeks",
            "in 99999999999999999999 days",
            "in 19999 years",
            "9999-01-01",
            "next blue moon",
            "march",
            "1march",
            "2w3",
            "w",
            "in",
            "end",
            "next",
            "a b c d e f g h i j",
            "\u{202e}2026-03-31",
        ] {
            assert_eq!(day(text, "2026-03-03"), "refused", "{text:?}");
        }
        let told = understand("soon", "2026-03-03".parse().unwrap()).unwrap_err();
        assert!(told.to_string().contains("in two weeks"), "{told}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_breaks_it(text in "\\PC{0,40}") {
            let _ = understand(&text, "2026-03-03".parse().unwrap());
        }

        #[test]
        fn nothing_made_of_its_words_breaks_it(words in proptest::collection::vec(
            proptest::sample::select(vec!["in", "next", "end", "of", "2", "9999999", "two", "weeks", "years", "march", "friday", "quarter", "'", "31", "2w", "from", "now", "é"]), 0..6))
        {
            let _ = understand(&words.join(" "), "2026-12-31".parse().unwrap());
        }
    }
}
