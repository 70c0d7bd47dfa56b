//! Functions that look for text in text.

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::eval::push_limited;
use crate::formula::types::Type;
use crate::formula::value::{ErrorValue, Value};

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Text,
        "FIND(wanted, text, [start])",
        2,
        Some(3),
        [Text, Text, Number],
        Rule::Is(Type::Number),
        find,
        "Where the wanted text begins, from 1; 0 if it is missing. Capitals matter."
    ),
    function!(
        Text,
        "SEARCH(wanted, text, [start])",
        2,
        Some(3),
        [Text, Text, Number],
        Rule::Is(Type::Number),
        search,
        "Where the wanted text begins, from 1; blank if it is missing. Capitals do not matter."
    ),
    function!(
        Text,
        "SUBSTITUTE(text, old, new, [which])",
        3,
        Some(4),
        [Text, Text, Text, Number],
        Rule::Is(Type::Text),
        substitute,
        "Puts new text for old, everywhere or at one occurrence only."
    ),
];

/// The 1-based character at which `wanted` begins, not before the third argument.
fn position(call: &Arguments<'_>, wanted: &str, text: &str) -> Result<Option<i64>, ErrorValue> {
    let start = if call.has(2) { call.size(2)?.max(1) } else { 1 };
    let Some(from) = text
        .char_indices()
        .map(|(byte, _)| byte)
        .chain([text.len()])
        .nth(start - 1)
    else {
        return Ok(None);
    };
    call.run.spend(text.len())?;
    Ok(text[from..].find(wanted).map(|byte| {
        let characters = text[..from + byte].chars().count() + 1;
        i64::try_from(characters).unwrap_or(i64::MAX)
    }))
}

fn find(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let found = position(call, &call.text(0)?, &call.text(1)?)?;
    Ok(found.unwrap_or(0).into())
}

fn search(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (wanted, text) = (folded(&call.text(0)?), folded(&call.text(1)?));
    let found = position(call, &wanted, &text)?;
    Ok(found.map_or(Value::Blank, Value::from))
}

/// Small letters, one for one: positions stay what they were.
fn folded(text: &str) -> String {
    text.chars()
        .map(|c| {
            let mut small = c.to_lowercase();
            match (small.next(), small.next()) {
                (Some(one), None) => one,
                _ => c,
            }
        })
        .collect()
}

fn substitute(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (text, old, new) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let only = if call.has(3) {
        Some(call.size(3)?)
    } else {
        None
    };
    if old.is_empty() {
        return Ok((*text).into());
    }
    let mut out = String::new();
    let mut behind = 0;
    for (count, (at, _)) in text.match_indices(&*old).enumerate() {
        if only.is_some_and(|only| only != count + 1) {
            continue;
        }
        push_limited(&mut out, &text[behind..at])?;
        push_limited(&mut out, &new)?;
        behind = at + old.len();
    }
    push_limited(&mut out, &text[behind..])?;
    call.written(out)
}
