//! What a cell of the grid and a cell of the file have in common.

use std::collections::HashSet;

use serde_json::Value;

use crate::{funds::name_key, grid::ColumnType};

/// Whether a cell stays as it is. The order of options and funds says nothing, nor
/// do blanks around a line of text: reading a file cuts them off.
pub(super) fn same(kind: ColumnType, before: Option<&Value>, after: Option<&Value>) -> bool {
    match (kind, before, after) {
        (
            ColumnType::MultiSelect | ColumnType::Funds,
            Some(Value::Array(before)),
            Some(Value::Array(after)),
        ) => before.len() == after.len() && before.iter().all(|b| after.contains(b)),
        (ColumnType::Text, Some(Value::String(before)), Some(Value::String(after))) => {
            before.trim() == after.trim()
        }
        _ => before == after,
    }
}

/// The pills of a file cell with what the grid knows of the same people: exports
/// name people and leave out the rest.
pub(super) fn merge_pills(before: Option<&Value>, incoming: Value) -> Value {
    let known: &[Value] = before.and_then(Value::as_array).map_or(&[], Vec::as_slice);
    let Value::Array(incoming) = incoming else {
        return incoming;
    };
    let mut seen = HashSet::new();
    let mut pills = Vec::with_capacity(incoming.len());
    for pill in incoming {
        let merged = find(known, &pill).map_or_else(|| pill.clone(), |k| named_as(k, &pill));
        let identity = merged["id"]
            .as_str()
            .or(merged["email"].as_str())
            .map_or_else(|| name_key(text(&merged, "name")), str::to_owned);
        if seen.insert(identity) {
            pills.push(merged);
        }
    }
    pills.into()
}

/// The same person: by address, or by name where the file gives no address.
fn find<'a>(known: &'a [Value], pill: &Value) -> Option<&'a Value> {
    if let Some(email) = pill["email"].as_str() {
        return known.iter().find(|k| k["email"] == email);
    }
    let name = name_key(text(pill, "name"));
    let mut bearers = known.iter().filter(|k| name_key(text(k, "name")) == name);
    let first = bearers.next()?;
    if first["email"].is_null() {
        return Some(first);
    }
    Some(bearers.find(|k| k["email"].is_null()).unwrap_or(first))
}

fn named_as(known: &Value, pill: &Value) -> Value {
    let mut merged = known.clone();
    let stands_in = pill["email"] == pill["name"];
    let alike = name_key(text(known, "name")) == name_key(text(pill, "name"));
    if !stands_in && !alike {
        merged["name"] = pill["name"].clone();
    }
    merged
}

fn text<'a>(pill: &'a Value, field: &str) -> &'a str {
    pill[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_grid_knows_of_a_person_stays() {
        let known =
            json!([{"id": "1", "name": "Ada Sample", "email": "ada@example.org", "phone": "1"}]);
        let incoming = json!([{"name": "ada sample"}, {"name": "Bo Sample"}]);
        assert_eq!(
            merge_pills(Some(&known), incoming),
            json!([known[0], {"name": "Bo Sample"}])
        );
        let renamed = json!([{"name": "Ada S. Sample", "email": "ada@example.org"}]);
        assert_eq!(
            merge_pills(Some(&known), renamed)[0]["name"],
            "Ada S. Sample"
        );
    }

    #[test]
    fn two_of_a_name_are_kept_apart() {
        let known = json!([{"id": "1", "name": "Ada", "email": "ada@example.org"}, {"id": "2", "name": "Ada"}]);
        let incoming = json!([{"name": "Ada", "email": "ada@example.org"}, {"name": "Ada"}]);
        assert_eq!(merge_pills(Some(&known), incoming), known);
    }
}
