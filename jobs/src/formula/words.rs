//! Text that is lent where it can be.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::value::{ErrorValue, Value};

pub enum Words<'a> {
    Lent(&'a str),
    Shared(Arc<str>),
    Written(String),
}

impl<'a> Words<'a> {
    /// The value as text, as `&` and CSV write it.
    pub fn of(value: Cow<'a, Value>, zone: &TimeZone) -> Result<Self, ErrorValue> {
        Ok(match value {
            Cow::Borrowed(Value::Text(text)) => Self::Lent(text),
            Cow::Owned(Value::Text(text)) => Self::Shared(text),
            value => match value.as_ref() {
                Value::Blank => Self::Lent(""),
                Value::Error(error) => return Err(*error),
                Value::List(items) => Self::Written(joined(items, ", ", zone)?),
                other => Self::Written(other.text(zone)),
            },
        })
    }
}

impl Deref for Words<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Lent(text) => text,
            Self::Shared(text) => text,
            Self::Written(text) => text,
        }
    }
}

/// A list's items as one text. Errors in it win over its text.
pub fn joined(items: &[Value], separator: &str, zone: &TimeZone) -> Result<String, ErrorValue> {
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            super::eval::push_limited(&mut out, separator)?;
        }
        super::eval::push_limited(&mut out, &Words::of(Cow::Borrowed(item), zone)?)?;
    }
    Ok(out)
}
