//! What the change sets of a page did: read once it is known which these are.

use std::collections::BTreeSet;

use sqlx::{FromRow, SqliteConnection};

use super::{Entry, MOST_CHANGES, Source};
use crate::db::DbError;

#[derive(FromRow)]
struct Line {
    what: String,
    row_id: Option<String>,
    /// Taken back: out of the archive, not deleted any more.
    is_cleared: bool,
}

pub(super) async fn fill(
    conn: &mut SqliteConnection,
    entries: &mut [Entry],
) -> Result<(), DbError> {
    for entry in entries.iter_mut().filter(|it| it.source == Source::Changes) {
        let lines: Vec<Line> = sqlx::query_as(
            "select what, row_id, after is null as is_cleared from grid_changes
             where change_set_id = ?1 order by row_id limit ?2",
        )
        .bind(entry.id.parse().unwrap_or(0_i64))
        .bind(MOST_CHANGES + 1)
        .fetch_all(&mut *conn)
        .await?;
        tell(entry, &lines);
    }
    Ok(())
}

fn tell(entry: &mut Entry, lines: &[Line]) {
    let count = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    let rows: BTreeSet<&str> = lines.iter().filter_map(|it| it.row_id.as_deref()).collect();
    entry.has_more_changes = count > MOST_CHANGES;
    entry.changes = Some(count.min(MOST_CHANGES));
    entry.rows = Some(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    if rows.len() == 1 {
        entry.target = rows
            .first()
            .map_or_else(String::new, |row| format!("row:{row}"));
    }
    // Undo, redo, a whole document: how it was done says more than what.
    if ["grid.undo", "grid.redo", "grid.document", "grid.import"].contains(&entry.action.as_str()) {
        return;
    }
    action(lines).clone_into(&mut entry.action);
}

/// One action for all of it, if it was one.
fn action(lines: &[Line]) -> &'static str {
    let of = |line: &Line| -> &'static str {
        match (line.what.as_str(), line.is_cleared) {
            ("row_added", _) => "row.added",
            ("list", _) => "row.moved",
            ("archived", false) => "row.archived",
            ("archived" | "deleted", true) => "row.restored",
            ("deleted", false) => "row.deleted",
            ("purged", _) => "row.purged",
            ("column", _) => "grid.columns_changed",
            _ => "cells.changed",
        }
    };
    let actions: BTreeSet<&'static str> = lines.iter().map(of).collect();
    if let (1, Some(only)) = (actions.len(), actions.first()) {
        return only;
    }
    // Cells come with new columns and rows; the larger thing names it.
    if actions.contains("row.added") && !actions.contains("row.deleted") {
        "row.added"
    } else if actions.contains("grid.columns_changed") {
        "grid.columns_changed"
    } else if actions.contains("row.moved") && lines.len() <= 3 {
        "row.moved"
    } else {
        "grid.changed"
    }
}
