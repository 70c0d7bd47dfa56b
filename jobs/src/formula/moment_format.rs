//! The date format tokens of Moment.js, which Airtable documents and people know.

use super::limits::MAX_TEXT;

/// A part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Literal(String),
    Token(Token),
}

/// What a token prints or reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Year,
    Year2,
    Quarter,
    QuarterOrdinal,
    Month,
    Month2,
    MonthOrdinal,
    MonthShort,
    MonthLong,
    Day,
    Day2,
    DayOrdinal,
    DayOfYear,
    DayOfYear3,
    DayOfYearOrdinal,
    Weekday,
    WeekdayOrdinal,
    WeekdayMin,
    WeekdayShort,
    WeekdayLong,
    IsoWeekday,
    Week,
    Week2,
    WeekOrdinal,
    WeekYear,
    WeekYear2,
    IsoWeek,
    IsoWeek2,
    IsoWeekOrdinal,
    IsoWeekYear,
    IsoWeekYear2,
    Hour,
    Hour2,
    Hour12,
    Hour12Two,
    HourTo24,
    HourTo24Two,
    Minute,
    Minute2,
    Second,
    Second2,
    /// Digits of a fraction of a second.
    Fraction(u8),
    UpperMeridiem,
    LowerMeridiem,
    Offset,
    OffsetCompact,
    ZoneName,
    UnixSeconds,
    UnixMilliseconds,
}

/// Longest first where one begins another.
const TOKENS: [(&str, Token); 48] = [
    ("YYYY", Token::Year),
    ("YY", Token::Year2),
    ("Y", Token::Year),
    ("Qo", Token::QuarterOrdinal),
    ("Q", Token::Quarter),
    ("MMMM", Token::MonthLong),
    ("MMM", Token::MonthShort),
    ("MM", Token::Month2),
    ("Mo", Token::MonthOrdinal),
    ("M", Token::Month),
    ("DDDD", Token::DayOfYear3),
    ("DDDo", Token::DayOfYearOrdinal),
    ("DDD", Token::DayOfYear),
    ("DD", Token::Day2),
    ("Do", Token::DayOrdinal),
    ("D", Token::Day),
    ("dddd", Token::WeekdayLong),
    ("ddd", Token::WeekdayShort),
    ("dd", Token::WeekdayMin),
    ("do", Token::WeekdayOrdinal),
    ("d", Token::Weekday),
    ("e", Token::Weekday),
    ("E", Token::IsoWeekday),
    ("ww", Token::Week2),
    ("wo", Token::WeekOrdinal),
    ("w", Token::Week),
    ("WW", Token::IsoWeek2),
    ("Wo", Token::IsoWeekOrdinal),
    ("W", Token::IsoWeek),
    ("gggg", Token::WeekYear),
    ("gg", Token::WeekYear2),
    ("GGGG", Token::IsoWeekYear),
    ("GG", Token::IsoWeekYear2),
    ("HH", Token::Hour2),
    ("H", Token::Hour),
    ("hh", Token::Hour12Two),
    ("h", Token::Hour12),
    ("kk", Token::HourTo24Two),
    ("k", Token::HourTo24),
    ("mm", Token::Minute2),
    ("m", Token::Minute),
    ("ss", Token::Second2),
    ("s", Token::Second),
    ("A", Token::UpperMeridiem),
    ("a", Token::LowerMeridiem),
    ("ZZ", Token::OffsetCompact),
    ("Z", Token::Offset),
    ("X", Token::UnixSeconds),
];

/// Formats that stand for longer ones, in American English as Airtable writes them.
const SHORTHANDS: [(&str, &str); 10] = [
    ("LTS", "h:mm:ss A"),
    ("LT", "h:mm A"),
    ("LLLL", "dddd, MMMM D, YYYY h:mm A"),
    ("LLL", "MMMM D, YYYY h:mm A"),
    ("LL", "MMMM D, YYYY"),
    ("L", "MM/DD/YYYY"),
    ("llll", "ddd, MMM D, YYYY h:mm A"),
    ("lll", "MMM D, YYYY h:mm A"),
    ("ll", "MMM D, YYYY"),
    ("l", "M/D/YYYY"),
];

/// Splits a format. Text in brackets stands for itself, and so does what is no token.
pub fn pieces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    split(format, &mut pieces);
    pieces
}

/// Whether the format names a time of day, an offset or an instant.
pub fn has_time(pieces: &[Piece]) -> bool {
    use Token as T;
    pieces.iter().any(|piece| {
        matches!(
            piece,
            Piece::Token(
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
                    | T::LowerMeridiem
                    | T::Offset
                    | T::OffsetCompact
                    | T::UnixSeconds
                    | T::UnixMilliseconds
            )
        )
    })
}

fn split(format: &str, pieces: &mut Vec<Piece>) {
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        // A format from a cell could be as long as any text; its pieces take more room.
        if pieces.len() > MAX_TEXT / 16 {
            return;
        }
        if first == '['
            && let Some(end) = rest.find(']')
        {
            literal(&rest[1..end], pieces);
            rest = &rest[end + 1..];
        } else if let Some((short, long)) = SHORTHANDS.iter().find(|(s, _)| rest.starts_with(s)) {
            split(long, pieces);
            rest = &rest[short.len()..];
        } else if let Some((token, length)) = token_at(rest) {
            pieces.push(Piece::Token(token));
            rest = &rest[length..];
        } else {
            let length = first.len_utf8();
            literal(&rest[..length], pieces);
            rest = &rest[length..];
        }
    }
}

fn literal(text: &str, pieces: &mut Vec<Piece>) {
    match pieces.last_mut() {
        Some(Piece::Literal(before)) => before.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

fn token_at(rest: &str) -> Option<(Token, usize)> {
    let fraction = rest.bytes().take_while(|b| *b == b'S').count().min(9);
    if let Ok(digits @ 1..) = u8::try_from(fraction) {
        return Some((Token::Fraction(digits), fraction));
    }
    let extra = [
        ("x", Token::UnixMilliseconds),
        ("zz", Token::ZoneName),
        ("z", Token::ZoneName),
    ];
    TOKENS
        .iter()
        .chain(&extra)
        .find(|(name, _)| rest.starts_with(name))
        .map(|(name, token)| (*token, name.len()))
}
