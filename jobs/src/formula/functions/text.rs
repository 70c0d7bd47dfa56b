//! Functions that build text.

use std::fmt::Write;

use rust_decimal::Decimal;

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::eval::push_limited;
use crate::formula::limits::MAX_TEXT;
use crate::formula::types::Type;
use crate::formula::value::{ErrorValue, Value};

const TEXT: Rule = Rule::Is(Type::Text);

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Text,
        "CONCATENATE(text, …)",
        1,
        None,
        [Text],
        TEXT,
        concatenate,
        "Joins texts into one, like `&`."
    ),
    function!(
        Text,
        "LEFT(text, count)",
        2,
        Some(2),
        [Text, Number],
        TEXT,
        left,
        "The first characters."
    ),
    function!(
        Text,
        "RIGHT(text, count)",
        2,
        Some(2),
        [Text, Number],
        TEXT,
        right,
        "The last characters."
    ),
    function!(
        Text,
        "MID(text, start, count)",
        3,
        Some(3),
        [Text, Number, Number],
        TEXT,
        mid,
        "Characters from a position on; the first is 1."
    ),
    function!(
        Text,
        "LEN(text)",
        1,
        Some(1),
        [Text],
        Rule::Is(Type::Number),
        len,
        "The number of characters."
    ),
    function!(
        Text,
        "REPLACE(text, start, count, new)",
        4,
        Some(4),
        [Text, Number, Number, Text],
        TEXT,
        replace,
        "Puts new text where `count` characters from `start` on were."
    ),
    function!(
        Text,
        "TRIM(text)",
        1,
        Some(1),
        [Text],
        TEXT,
        trim,
        "Removes white space at both ends."
    ),
    function!(
        Text,
        "UPPER(text)",
        1,
        Some(1),
        [Text],
        TEXT,
        upper,
        "In capitals."
    ),
    function!(
        Text,
        "LOWER(text)",
        1,
        Some(1),
        [Text],
        TEXT,
        lower,
        "In small letters."
    ),
    function!(
        Text,
        "VALUE(text)",
        1,
        Some(1),
        [Text],
        Rule::Is(Type::Number),
        value,
        "The number in a text like `$1,234.50` or `12%`."
    ),
    function!(
        Text,
        "T(value)",
        1,
        Some(1),
        [Any],
        TEXT,
        t,
        "The value if it is text, else blank."
    ),
    function!(
        Text,
        "REPT(text, count)",
        2,
        Some(2),
        [Text, Number],
        TEXT,
        rept,
        "The text several times over."
    ),
    function!(
        Text,
        "ENCODE_URL_COMPONENT(text)",
        1,
        Some(1),
        [Text],
        TEXT,
        encode_url_component,
        "The text with escapes, for use in a link."
    ),
];

fn concatenate(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let mut out = String::new();
    for index in 0..call.count() {
        push_limited(&mut out, &call.text(index)?)?;
    }
    call.written(out)
}

/// The byte at which the character with this index begins.
fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(byte, _)| byte)
}

fn left(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let text = call.text(0)?;
    Ok(text[..byte_of(&text, call.size(1)?)].into())
}

fn right(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let text = call.text(0)?;
    let start = match call.size(1)? {
        0 => text.len(),
        count => text
            .char_indices()
            .nth_back(count - 1)
            .map_or(0, |(byte, _)| byte),
    };
    Ok(text[start..].into())
}

/// Bytes of the text from a 1-based position on, for so many characters.
fn range(call: &Arguments<'_>, text: &str) -> Result<(usize, usize), ErrorValue> {
    let start = byte_of(text, call.size(1)?.saturating_sub(1));
    let end = start + byte_of(&text[start..], call.size(2)?);
    Ok((start, end))
}

fn mid(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let text = call.text(0)?;
    let (start, end) = range(call, &text)?;
    Ok(text[start..end].into())
}

fn len(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let count = call.text(0)?.chars().count();
    Ok(Value::Number(Decimal::from(count)))
}

fn replace(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let text = call.text(0)?;
    let (start, end) = range(call, &text)?;
    let mut out = String::new();
    for part in [&text[..start], &*call.text(3)?, &text[end..]] {
        push_limited(&mut out, part)?;
    }
    call.written(out)
}

fn trim(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.text(0)?.trim().into())
}

fn upper(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    call.written(call.text(0)?.to_uppercase())
}

fn lower(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    call.written(call.text(0)?.to_lowercase())
}

fn t(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    match call.value(0).as_ref() {
        text @ Value::Text(_) => Ok(text.clone()),
        Value::Error(error) => Err(*error),
        _ => Ok(Value::Blank),
    }
}

fn rept(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (text, count) = (call.text(0)?, call.size(1)?);
    if text.len().saturating_mul(count) > MAX_TEXT {
        return Err(ErrorValue::TooLong);
    }
    // Nothing repeated without end is still nothing.
    let count = if text.is_empty() { 0 } else { count };
    call.written(text.repeat(count))
}

/// What JavaScript's encodeURIComponent leaves as it is, besides letters and digits.
const UNRESERVED: &[u8] = b"-_.!~*'()";

fn encode_url_component(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let text = call.text(0)?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || UNRESERVED.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    call.written(out)
}

fn value(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let value = call.value(0);
    if let Value::Number(_) | Value::Boolean(_) = *value {
        return Ok(call.number(0)?.into());
    }
    let text = call.text(0)?;
    if text.trim().is_empty() {
        return Ok(Value::Blank);
    }
    match read_number(text.trim()) {
        Some(number) => Ok(number.into()),
        None => Err(ErrorValue::NotANumber),
    }
}

/// `-1,234.50`, `$1234`, `12 %`. A comma that does not separate thousands is no
/// number: `1,5` is one and a half to some and fifteen to nobody.
fn read_number(text: &str) -> Option<Decimal> {
    // The longest decimal, signs, separators and a currency code.
    if text.len() > 80 {
        return None;
    }
    let (mut rest, mut negative, mut signed, mut currency) = (text, false, false, false);
    loop {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let is_sign = matches!(first, '-' | '+' | '\u{2212}');
        let is_currency = is_currency(first);
        if (is_sign && signed) || (is_currency && currency) {
            return None;
        }
        if is_sign {
            (signed, negative) = (true, first != '+');
        } else if is_currency {
            currency = true;
        } else {
            break;
        }
        rest = &rest[first.len_utf8()..];
    }
    let (mut rest, percent) = match rest.strip_suffix('%') {
        Some(rest) => (rest.trim_end(), true),
        None => (rest, false),
    };
    if !currency && let Some(without) = rest.strip_suffix(is_currency) {
        rest = without.trim_end();
    }
    let mut number = Decimal::from_str_exact(&without_thousands(rest)?).ok()?;
    if percent {
        number = number.checked_div(Decimal::ONE_HUNDRED)?;
    }
    Some(if negative { -number } else { number })
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '¢' | '£' | '¥' | '\u{20a0}'..='\u{20cf}')
}

/// Digits and at most one point, groups of three joined.
fn without_thousands(text: &str) -> Option<String> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let groups: Vec<&str> = whole
        .split([',', ' ', '\'', '\u{2019}', '\u{a0}', '\u{202f}'])
        .collect();
    let grouped = groups.len() > 1;
    for (i, group) in groups.iter().enumerate() {
        let fits = !grouped || group.len() == 3 || (i == 0 && group.len() < 3);
        // `.5` has no whole part.
        let bare_point = whole.is_empty() && fraction.is_some();
        let is_number = fits && is_digits(group);
        if !(is_number || bare_point) {
            return None;
        }
    }
    let mut out = groups.concat();
    if out.is_empty() {
        out.push('0');
    }
    match fraction {
        Some(fraction) if is_digits(fraction) => {
            out.push('.');
            out.push_str(fraction);
        }
        Some("") if !whole.is_empty() => {}
        Some(_) => return None,
        None => {}
    }
    Some(out)
}
