//! Facts about the row itself.

use super::{FunctionDoc, Rule, function};
use crate::formula::call::Arguments;
use crate::formula::types::Type;
use crate::formula::value::{ErrorValue, Value};

pub const TABLE: &[FunctionDoc] = &[
    function!(
        Record,
        "RECORD_ID()",
        0,
        Some(0),
        [],
        Rule::Is(Type::Text),
        record_id,
        "The row's id, which never changes."
    ),
    function!(
        Record,
        "CREATED_TIME()",
        0,
        Some(0),
        [],
        Rule::Is(Type::DateTime),
        created_time,
        "When the row was created."
    ),
    function!(
        Record,
        "LAST_MODIFIED_TIME([column, …])",
        0,
        None,
        [Column],
        Rule::Is(Type::DateTime),
        last_modified_time,
        "When somebody last edited the row, or one of these columns in it."
    ),
];

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn record_id(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.run.row.id.into())
}

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn created_time(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.run.row.created_at.into())
}

#[expect(clippy::unnecessary_wraps, reason = "the table's signature")]
fn last_modified_time(call: &Arguments<'_>) -> Result<Value, ErrorValue> {
    Ok(call.run.row.modified_at.into())
}
