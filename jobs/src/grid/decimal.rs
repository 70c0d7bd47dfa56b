//! Amounts as people and exports write them, read as exact decimals.

use rust_decimal::Decimal;

/// What an amount's text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// The exact value.
    pub value: Decimal,
    /// ISO code, if a sign or code stands with it.
    pub currency: Option<String>,
    /// Written as `$2M`: the digits behind are lost.
    pub abbreviated: bool,
}

const SIGNS: [(&str, &str); 5] = [
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("₣", "CHF"),
    ("$", "USD"),
];

/// Reads `1234.5`, `1,234.00`, `1.234,00`, `$5000000.0`, `€1.234,00`, `DKK1,234`,
/// `(1,000)`, `$2M`, `49.00%`. `None` if it is no amount.
///
/// A lone separator with three digits behind it counts as thousands (`1,234`),
/// except a point in a text without currency sign (`1.234`), which is a decimal
/// point, as in Airtable's own exports.
pub fn parse_amount(text: &str) -> Option<Amount> {
    let mut rest = text.trim().replace(['\u{a0}', '\u{202f}', ' ', '\''], "");
    let mut negative = false;
    if let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
        negative = true;
        rest = inner.to_owned();
    }
    let (mut currency, mut sign_seen) = (None, false);
    for _ in 0..2 {
        if let Some(r) = rest.strip_prefix(['-', '\u{2212}']).filter(|_| !sign_seen) {
            (negative, sign_seen) = (true, true);
            rest = r.to_owned();
        }
        if currency.is_none()
            && let Some((code, r)) = take_currency(&rest)
        {
            currency = Some(code);
            rest = r;
        }
    }
    let rest = rest.strip_suffix('%').unwrap_or(&rest);
    let (digits, scale) = match rest.chars().last()?.to_ascii_lowercase() {
        'k' => (&rest[..rest.len() - 1], 1_000),
        'm' => (&rest[..rest.len() - 1], 1_000_000),
        'b' => (&rest[..rest.len() - 1], 1_000_000_000),
        _ => (rest, 1),
    };
    let plain = without_thousands(digits, currency.is_some())?;
    let value = Decimal::from_str_exact(&plain).ok()?;
    let value = value.checked_mul(Decimal::from(scale))?;
    Some(Amount {
        value: if negative { -value } else { value }.normalize(),
        currency,
        abbreviated: scale > 1,
    })
}

fn take_currency(text: &str) -> Option<(String, String)> {
    for (sign, code) in SIGNS {
        if let Some(rest) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
            return Some((code.to_owned(), rest.to_owned()));
        }
    }
    let is_code = |c: &str| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase());
    let (head, tail) = (
        text.get(..3),
        text.len().checked_sub(3).and_then(|n| text.get(n..)),
    );
    if let Some(code) = head.filter(|c| is_code(c)) {
        return Some((code.to_owned(), text[3..].to_owned()));
    }
    let code = tail.filter(|c| is_code(c))?;
    Some((code.to_owned(), text[..text.len() - 3].to_owned()))
}

/// Digits with at most one decimal point. `None` for anything else.
fn without_thousands(text: &str, money: bool) -> Option<String> {
    if text.is_empty()
        || !text
            .chars()
            .all(|c| c.is_ascii_digit() || c == ',' || c == '.')
    {
        return None;
    }
    let point = match (text.rfind('.'), text.rfind(',')) {
        (Some(p), Some(c)) => Some(p.max(c)),
        (Some(p), None) => single_is_point(text, p, '.', money).then_some(p),
        (None, Some(c)) => single_is_point(text, c, ',', true).then_some(c),
        (None, None) => None,
    };
    let (whole, fraction) = point.map_or((text, ""), |p| (&text[..p], &text[p + 1..]));
    if !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let groups: Vec<&str> = whole.split([',', '.']).collect();
    let well_grouped = groups.len() == 1
        || (groups[1..].iter().all(|g| g.len() == 3) && (1..=3).contains(&groups[0].len()));
    let digits = groups.concat();
    if !well_grouped || (digits.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits = if digits.is_empty() {
        "0".to_owned()
    } else {
        digits
    };
    Some(if fraction.is_empty() {
        digits
    } else {
        format!("{digits}.{fraction}")
    })
}

/// With one kind of separator: is the last one a decimal point?
fn single_is_point(text: &str, at: usize, sep: char, money: bool) -> bool {
    let many = text.matches(sep).count() > 1;
    let three_behind = text.len() - at - 1 == 3 && at > 0 && at <= 3;
    let thousands = three_behind && money;
    !(many || thousands)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        parse_amount(text).map_or_else(|| "none".into(), |a| a.value.to_string())
    }

    #[test]
    fn amounts_of_real_exports_are_read_exactly() {
        for (text, expected) in [
            ("$5000000.0", "5000000"),
            ("$1,234.00", "1234"),
            ("€1.234,00", "1234"),
            ("DKK1,234", "1234"),
            ("1 234,56 €", "1234.56"),
            ("(1,000)", "-1000"),
            ("-$0.10", "-0.1"),
            ("49.00%", "49"),
            ("1.234", "1.234"),
            ("€1.234", "1234"),
            ("0,5", "0.5"),
            (".5", "0.5"),
            ("1,234,567", "1234567"),
            ("12,34,567", "none"),
            ("1.2.3", "none"),
            ("abc", "none"),
            ("", "none"),
            ("$", "none"),
            ("1e5", "none"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn abbreviated_amounts_are_flagged() {
        let amount = parse_amount("$166.67K").unwrap();
        assert_eq!(
            (amount.value.to_string().as_str(), amount.abbreviated),
            ("166670", true)
        );
        assert_eq!(amount.currency.as_deref(), Some("USD"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            let _ = parse_amount(&text);
        }

        #[test]
        fn plain_decimals_read_back(whole in 0u64..10_000_000_000, cents in 0u32..100) {
            let text = format!("{whole}.{cents:02}");
            proptest::prop_assert_eq!(value(&text), Decimal::from_str_exact(&text).unwrap().normalize().to_string());
        }
    }
}
