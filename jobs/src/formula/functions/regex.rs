//! Regular expressions.

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::eval::push_limited;
use crate::formula::types::Type;
use crate::formula::value::{ErrorValue, Value};

const TEXT: Rule = Rule::Is(Type::Text);

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Regex,
        "REGEX_MATCH(text, pattern)",
        2,
        Some(2),
        [Text, Pattern],
        Rule::Is(Type::Boolean),
        regex_match,
        "Whether the pattern occurs in the text."
    ),
    function!(
        Regex,
        "REGEX_EXTRACT(text, pattern)",
        2,
        Some(2),
        [Text, Pattern],
        TEXT,
        regex_extract,
        "The first part of the text that the pattern matches; an error if there is none."
    ),
    function!(
        Regex,
        "REGEX_REPLACE(text, pattern, new)",
        3,
        Some(3),
        [Text, Pattern, Text],
        TEXT,
        regex_replace,
        "Puts new text wherever the pattern matches; $1 is the first group."
    ),
];

fn regex_match(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (text, pattern) = (call.text(0)?, call.pattern(1)?);
    Ok(pattern.is_match(&text).into())
}

fn regex_extract(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (text, pattern) = (call.text(0)?, call.pattern(1)?);
    let found = pattern.find(&text).ok_or(ErrorValue::NoMatch)?;
    Ok(found.as_str().into())
}

fn regex_replace(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let (text, pattern, new) = (call.text(0)?, call.pattern(1)?, call.text(2)?);
    let mut out = String::new();
    let mut behind = 0;
    for groups in pattern.captures_iter(&text) {
        let Some(whole) = groups.get(0) else { break };
        // One search is linear, but each may read to the end of the text. Reading is
        // eight times cheaper than what else is counted.
        call.run
            .spend((text.len() - whole.start()) / 8 + new.len())?;
        push_limited(&mut out, &text[behind..whole.start()])?;
        expand(&new, &groups, &mut out)?;
        behind = whole.end();
    }
    push_limited(&mut out, &text[behind..])?;
    call.written(out)
}

/// Fills in `$1` to `$99`, `$0` or `$&` for the whole match, and `$$` for a dollar.
/// A group that the pattern does not have stays as it is written.
fn expand(new: &str, groups: &::regex::Captures<'_>, out: &mut String) -> Result<(), ErrorValue> {
    let mut rest = new;
    while let Some(at) = rest.find('$') {
        push_limited(out, &rest[..at])?;
        let behind = &rest[at + 1..];
        let digits = behind
            .bytes()
            .take(2)
            .take_while(u8::is_ascii_digit)
            .count();
        // `$12` is group 12 if there is one, else group 1 and a 2.
        let group = (1..=digits).rev().find_map(|n| {
            Some((
                n,
                behind[..n]
                    .parse::<usize>()
                    .ok()
                    .filter(|g| *g < groups.len())?,
            ))
        });
        let length = if let Some((length, group)) = group {
            push_limited(out, groups.get(group).map_or("", |m| m.as_str()))?;
            length
        } else if behind.starts_with('&') {
            push_limited(out, groups.get(0).map_or("", |m| m.as_str()))?;
            1
        } else {
            push_limited(out, "$")?;
            usize::from(behind.starts_with('$'))
        };
        rest = &behind[length..];
    }
    push_limited(out, rest)
}
