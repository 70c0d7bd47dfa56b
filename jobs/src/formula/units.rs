//! Units of time: `m` is a minute and `M` a month.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// `ms`, `s`, `m`, `h`, `d`, `w`, `M`, `Q`, `y` and the long names, singular or plural.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        if name == "M" {
            return Some(Self::Month);
        }
        if name.len() > "milliseconds".len() {
            return None;
        }
        Some(match name.to_ascii_lowercase().as_str() {
            "ms" | "millisecond" | "milliseconds" => Self::Millisecond,
            "s" | "second" | "seconds" => Self::Second,
            "m" | "minute" | "minutes" => Self::Minute,
            "h" | "hour" | "hours" => Self::Hour,
            "d" | "day" | "days" => Self::Day,
            "w" | "week" | "weeks" => Self::Week,
            "month" | "months" => Self::Month,
            "q" | "quarter" | "quarters" => Self::Quarter,
            "y" | "year" | "years" => Self::Year,
            _ => return None,
        })
    }

    /// Nanoseconds of a unit that always lasts the same; days and longer do not.
    pub fn nanoseconds(self) -> Option<i64> {
        Some(match self {
            Self::Millisecond => 1_000_000,
            Self::Second => 1_000_000_000,
            Self::Minute => 60_000_000_000,
            Self::Hour => 3_600_000_000_000,
            _ => return None,
        })
    }

    /// Months of a unit that is a number of months.
    pub fn months(self) -> Option<i64> {
        Some(match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
            _ => return None,
        })
    }
}
