//! Amounts in a column whose decimal separator all its cells decide together.

use crate::grid::{Amount, parse_amount};

/// ISO 4217 codes that a three-letter prefix may be; anything else is an id.
const CODES: [&str; 46] = [
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP",
    "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KWD", "MAD",
    "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "SAR",
    "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD",
];

/// Whether this is a currency we know.
pub(super) fn is_currency(code: &str) -> bool {
    CODES.contains(&code) || matches!(code, "VND" | "ZAR")
}

/// Reads an amount; with `decimal_comma`, points are thousands and the comma is
/// the decimal separator, whatever stands behind it.
pub(super) fn read_amount(text: &str, decimal_comma: bool) -> Option<Amount> {
    let amount = if decimal_comma {
        parse_amount(&with_point(text))
    } else {
        parse_amount(text)
    }?;
    match &amount.currency {
        Some(code) if !is_currency(code) => None,
        _ => Some(amount),
    }
}

/// `1.234,500` → `1234.5000`: never three digits behind the point, which would
/// read as thousands.
fn with_point(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    let mut behind: Option<usize> = None;
    for c in text.chars() {
        match c {
            '.' => continue,
            ',' => behind = Some(0),
            c if c.is_ascii_digit() => behind = behind.map(|n| n + 1),
            _ => {
                if behind.take() == Some(3) {
                    out.push('0');
                }
            }
        }
        out.push(if c == ',' { '.' } else { c });
    }
    if behind == Some(3) {
        out.push('0');
    }
    out
}

/// Whether the cells that tell write the comma as decimal separator; `None` if
/// none tells.
pub(super) fn tells_decimal_comma(values: &[&str]) -> Option<bool> {
    let (mut comma, mut point) = (0, 0);
    for text in values {
        match separator(text) {
            Some(',') => comma += 1,
            Some(_) => point += 1,
            None => {}
        }
    }
    (comma + point > 0).then_some(comma > 0 && point == 0)
}

/// The decimal separator, if this text leaves no doubt.
fn separator(text: &str) -> Option<char> {
    let digits: String = text
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        .collect();
    let behind = |at: usize| digits.len() - at - 1;
    match (digits.rfind('.'), digits.rfind(',')) {
        (Some(p), Some(c)) => Some(if p > c { '.' } else { ',' }),
        (Some(p), None) => lone(&digits, p, '.', behind(p)),
        (None, Some(c)) => lone(&digits, c, ',', behind(c)),
        (None, None) => None,
    }
}

fn lone(digits: &str, at: usize, own: char, behind: usize) -> Option<char> {
    let other = if own == '.' { ',' } else { '.' };
    if digits.matches(own).count() > 1 {
        return Some(other); // it parts thousands
    }
    let sure = behind != 3 || at > 3 || digits.starts_with('0');
    sure.then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_decides_its_separator() {
        for (values, told) in [
            (&["€1.234,00", "€1.234"][..], Some(true)),
            (&["0,125", "12"], Some(true)),
            (&["1,234.00", "1,234"], Some(false)),
            (&["1,234", "5"], None),
            (&["$5000000.0"], Some(false)),
        ] {
            assert_eq!(tells_decimal_comma(values), told, "{values:?}");
        }
    }

    #[test]
    fn a_decimal_comma_is_read_whatever_stands_behind_it() {
        for (text, expected) in [
            ("€1.234,00", "1234"),
            ("€1.234", "1234"),
            ("0,125", "0.125"),
            ("12,500", "12.5"),
            ("1.234,500 EUR", "1234.5"),
        ] {
            let amount = read_amount(text, true).unwrap();
            assert_eq!(amount.value.normalize().to_string(), expected, "{text}");
        }
        assert_eq!(read_amount("REC123", false), None);
        assert_eq!(
            read_amount("SEK123", false).unwrap().currency.unwrap(),
            "SEK"
        );
    }
}
