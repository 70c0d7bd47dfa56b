//! Reading a snapshot's document as it comes, a batch of rows at a time.

use std::{fmt, io::Read};

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::FORMAT;

/// Rows handed on together.
const BATCH: usize = 500;

/// A part of the document, in its order.
pub(super) enum Part {
    /// What it is, before any table.
    Head { schema: i64 },
    /// A table begins; its rows follow.
    Table { name: String, columns: Vec<String> },
    /// Rows of the table that began last: JSON arrays in one.
    Rows { json: String, count: usize },
}

/// Who takes the parts; the error ends the reading.
pub(super) type Take<'a> = dyn FnMut(Part) -> Result<(), String> + 'a;

/// Reads all of it.
pub(super) fn read(from: impl Read, take: &mut Take<'_>) -> Result<(), String> {
    let mut json = serde_json::Deserializer::from_reader(from);
    Document(take)
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|e| e.to_string())
}

struct Document<'a, 'b>(&'a mut Take<'b>);
struct Tables<'a, 'b>(&'a mut Take<'b>);
struct Table<'a, 'b>(&'a mut Take<'b>, String);
struct Rows<'a, 'b>(&'a mut Take<'b>, usize);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a snapshot of Venture CRM")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut format, mut schema) = (None::<String>, None::<i64>);
        let mut has_tables = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format" => format = Some(map.next_value()?),
                "schema" => schema = Some(map.next_value()?),
                "tables" => {
                    let (Some(FORMAT), Some(schema)) = (format.as_deref(), schema) else {
                        return Err(de::Error::custom(format_args!(
                            "this is no snapshot: it does not begin with \"format\": \"{FORMAT}\" and \"schema\""
                        )));
                    };
                    (self.0)(Part::Head { schema }).map_err(de::Error::custom)?;
                    map.next_value_seed(Tables(&mut *self.0))?;
                    has_tables = true;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has_tables {
            Ok(())
        } else {
            Err(de::Error::custom("this is no snapshot: it has no tables"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Tables<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Tables<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tables by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(Table(&mut *self.0, name))?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Table<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Table<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "columns and rows of {}", self.1)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut width = None;
        while let Some(key) = map.next_key::<String>()? {
            match (key.as_str(), width) {
                ("columns", None) => {
                    let columns: Vec<String> = map.next_value()?;
                    width = Some(columns.len());
                    let name = self.1.clone();
                    (self.0)(Part::Table { name, columns }).map_err(de::Error::custom)?;
                }
                ("rows", Some(width)) => map.next_value_seed(Rows(&mut *self.0, width))?,
                _ => {
                    return Err(de::Error::custom(format_args!(
                        "{}: a table has \"columns\" and then \"rows\"",
                        self.1
                    )));
                }
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut rows: Vec<Vec<Value>> = Vec::with_capacity(BATCH);
        loop {
            let next = seq.next_element::<Vec<Value>>()?;
            let is_last = next.is_none();
            if let Some(row) = next {
                let is_plain = |v: &Value| v.is_null() || v.is_i64() || v.is_string();
                if row.len() != self.1 || !row.iter().all(is_plain) {
                    return Err(de::Error::custom(format_args!(
                        "a row does not have one text, whole number or null for each of {} columns",
                        self.1
                    )));
                }
                rows.push(row);
            }
            if !rows.is_empty() && (is_last || rows.len() == BATCH) {
                let json = serde_json::to_string(&rows).map_err(de::Error::custom)?;
                let count = rows.len();
                rows.clear();
                (self.0)(Part::Rows { json, count }).map_err(de::Error::custom)?;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}
