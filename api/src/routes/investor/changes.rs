//! A row's change sets as people read them.

use std::collections::BTreeMap;

use crm_jobs::grid::{self, Column};
use serde_json::Value as Json;

use super::page::Change;
use crate::{
    error::AppError,
    routes::{
        grid::values::{Names, list_label},
        page::Badge,
    },
    state::App,
};

/// Characters of a value shown in a history.
const SHOWN_CHARS: usize = 400;

/// The lines of one change. `columns` are all there ever were: history names
/// deleted ones.
pub fn lines(
    names: &Names,
    columns: &BTreeMap<String, Column>,
    change: &grid::Change,
) -> Vec<Change> {
    let (before, after) = (
        value(change.before.as_deref()),
        value(change.after.as_deref()),
    );
    let cell = |id: &str, before: &Json, after: &Json| {
        let text = |value: &Json| {
            columns.get(id).map_or_else(
                || value.to_string(),
                |column| clipped(names.text(column, value)),
            )
        };
        Change {
            field: columns.get(id).map_or(id, |column| &column.name).to_owned(),
            before: text(before),
            after: text(after),
        }
    };
    match change.what.as_str() {
        "cell" => vec![cell(
            change.column_id.as_deref().unwrap_or_default(),
            &before,
            &after,
        )],
        "row_added" => {
            let added = grid::added_cells(change);
            let mut lines: Vec<(i64, Change)> = added
                .iter()
                .map(|(id, value)| {
                    let place = columns.get(id).map_or(i64::MAX, |c| c.position);
                    (place, cell(id, &Json::Null, value))
                })
                .collect();
            lines.sort_by_key(|(place, _)| *place);
            let head = plain("Row", "not there", "added");
            std::iter::once(head)
                .chain(lines.into_iter().map(|(_, line)| line))
                .collect()
        }
        "list" => vec![plain("List", &list(&before), &list(&after))],
        "archived" => vec![plain("Archived", &reason(&before), &reason(&after))],
        "deleted" => vec![plain("Row", deleted(&before), deleted(&after))],
        _ => Vec::new(),
    }
}

/// The lines of several changes.
pub async fn lines_of(
    app: &App,
    columns: &BTreeMap<String, Column>,
    changes: &[grid::Change],
) -> Result<Vec<Change>, AppError> {
    let names = Names::load(app).await?;
    let each = changes.iter();
    Ok(each
        .flat_map(|change| lines(&names, columns, change))
        .collect())
}

/// Where changes came from.
pub fn origin(origin: &str) -> Badge {
    match origin {
        "edit" => Badge::new("Edit", "muted"),
        "import" => Badge::new("Import", "info"),
        "document" => Badge::new("Whole grid", "warn"),
        "undo" => Badge::new("Undo", "muted"),
        "log" => Badge::new("Quick log", "muted"),
        "demo" => Badge::new("Demo", "muted"),
        "automation" => Badge::new("Automation", "info"),
        "beginning" => Badge::new("First columns", "muted"),
        other => Badge::new(&other.replace('_', " "), "muted"),
    }
}

fn plain(field: &str, before: &str, after: &str) -> Change {
    Change {
        field: field.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    }
}

fn value(text: Option<&str>) -> Json {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Json::Null)
}

fn list(change: &Json) -> String {
    let label = list_label(change["list"].as_str().unwrap_or_default());
    match change["reason"]
        .as_str()
        .filter(|reason| !reason.is_empty())
    {
        Some(reason) => format!("{label} (“{}”)", clipped(reason.to_owned())),
        None => label.to_owned(),
    }
}

fn reason(value: &Json) -> String {
    value.as_str().map_or_else(
        || "no".to_owned(),
        |reason| format!("“{}”", clipped(reason.to_owned())),
    )
}

fn deleted(value: &Json) -> &'static str {
    if value == &Json::Bool(true) {
        "deleted"
    } else {
        "there"
    }
}

fn clipped(text: String) -> String {
    if text.chars().count() <= SHOWN_CHARS {
        return text;
    }
    let head: String = text.chars().take(SHOWN_CHARS).collect();
    format!("{head}…")
}
