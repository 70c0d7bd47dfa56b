//! What a write did to some columns, read back from its changes.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{apply::Work, opportunities};

/// A value that a write changed. Only text counts: amounts and options are text.
#[derive(Debug)]
pub(super) struct Touch {
    pub(super) row: String,
    pub(super) column: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// One of a write's changes, as `apply::change` makes it: what, row, column,
/// before and after, the last two as JSON text.
#[derive(Clone, Copy)]
pub(super) struct Made<'a>(&'a Value);

impl<'a> Made<'a> {
    pub(super) fn all(changes: &'a [Value]) -> impl Iterator<Item = Self> {
        changes.iter().map(Self)
    }

    /// Changes of columns that a write makes.
    pub(super) fn of_columns(work: &'a Work) -> impl Iterator<Item = Self> {
        let all = work.drained.columns.iter().chain(&work.changes).map(Self);
        all.filter(|change| change.what() == "column")
    }

    pub(super) fn what(self) -> &'a str {
        self.0[0].as_str().unwrap_or_default()
    }

    fn row(self) -> Option<&'a str> {
        self.0[1].as_str()
    }

    pub(super) fn column(self) -> Option<&'a str> {
        self.0[2].as_str()
    }

    pub(super) fn before(self) -> Option<&'a str> {
        self.0[3].as_str()
    }

    pub(super) fn after(self) -> Option<&'a str> {
        self.0[4].as_str()
    }
}

impl Work {
    /// What its changes that are not put aside yet did to the columns that the
    /// raise goes by.
    pub(super) fn touches(&self) -> Vec<Touch> {
        let bound = self.columns.values();
        let watched = bound
            .filter(|c| c.options.commitment.is_some())
            .chain(opportunities::pipeline(self));
        touches(&self.changes, &watched.map(|c| c.id.as_str()).collect())
    }
}

/// What a write did to these columns, in its order.
fn touches(changes: &[Value], columns: &BTreeSet<&str>) -> Vec<Touch> {
    let mut found = Vec::new();
    if columns.is_empty() {
        return found;
    }
    for change in Made::all(changes) {
        let Some(row) = change.row() else { continue };
        match (change.what(), change.column()) {
            ("cell", Some(column)) if columns.contains(column) => found.push(Touch {
                row: row.to_owned(),
                column: column.to_owned(),
                before: text(change.before()),
                after: text(change.after()),
            }),
            ("row_added", _) => {
                let cells: HashMap<String, Value> = parsed(change.after());
                for column in columns {
                    if let Some(Value::String(value)) = cells.get(*column) {
                        found.push(Touch {
                            row: row.to_owned(),
                            column: (*column).to_owned(),
                            before: None,
                            after: Some(value.clone()),
                        });
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// JSON text read; nothing where there is none.
pub(super) fn parsed<T: serde::de::DeserializeOwned + Default>(text: Option<&str>) -> T {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn text(json: Option<&str>) -> Option<String> {
    match parsed(json) {
        Value::String(text) => Some(text),
        _ => None,
    }
}
