//! Functions on lists.

use std::collections::HashSet;

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::types::Type;
use crate::formula::value::{ErrorValue, Value};
use crate::formula::words;

const LIST: Rule = Rule::Is(Type::List);

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Array,
        "ARRAYJOIN(list, [separator])",
        1,
        Some(2),
        [List, Text],
        Rule::Is(Type::Text),
        arrayjoin,
        "The items as one text, with a separator or `, ` between."
    ),
    function!(
        Array,
        "ARRAYUNIQUE(list)",
        1,
        Some(1),
        [List],
        LIST,
        arrayunique,
        "The items without repetitions."
    ),
    function!(
        Array,
        "ARRAYCOMPACT(list)",
        1,
        Some(1),
        [List],
        LIST,
        arraycompact,
        "The items without blanks and empty text."
    ),
    function!(
        Array,
        "ARRAYSLICE(list, start, [end])",
        2,
        Some(3),
        [List, Number, Number],
        LIST,
        arrayslice,
        "The items from one position to another, both included; negative counts from the end."
    ),
];

fn arrayjoin(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let items = call.items(0)?;
    let zone = &call.run.moment.zone;
    let text = if call.has(1) {
        words::joined(&items, &call.text(1)?, zone)?
    } else {
        words::joined(&items, ", ", zone)?
    };
    call.written(text)
}

fn arrayunique(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let mut items = call.items(0)?;
    let mut seen = HashSet::new();
    items.retain(|item| seen.insert(item.clone()));
    Ok(items.into())
}

fn arraycompact(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let mut items = call.items(0)?;
    items.retain(|item| !item.is_empty());
    Ok(items.into())
}

fn arrayslice(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    let items = call.items(0)?;
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let position = |index: i64| {
        if index < 0 {
            length.saturating_add(index) + 1
        } else {
            index
        }
    };
    let start = position(call.integer(1)?).max(1);
    let end = if call.has(2) {
        position(call.integer(2)?)
    } else {
        length
    };
    let end = end.clamp(0, length);
    if start > end {
        return Ok(Vec::new().into());
    }
    let from = usize::try_from(start - 1).unwrap_or_default();
    let to = usize::try_from(end).unwrap_or_default();
    Ok(items[from..to].to_vec().into())
}
