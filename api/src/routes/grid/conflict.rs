//! Two people changed one cell: what each wants, for the reader to decide.

use crm_jobs::grid::{self, Column};

use super::{page::Conflict, values::Names};
use crate::show;

/// What the reader typed, and where.
pub struct Typed {
    /// The investor.
    pub title: String,
    /// The version "keep mine" is then based on.
    pub version: i64,
    /// As posted.
    pub values: Vec<String>,
    /// Where the edit came from.
    pub next: String,
}

/// Both sides of a conflict.
pub fn conflict(names: &Names, column: &Column, met: &grid::Conflict, typed: Typed) -> Conflict {
    Conflict {
        row_title: typed.title,
        label: column.name.clone(),
        yours: names.text(column, &met.yours),
        theirs: names.text(column, &met.theirs),
        by: show::actor(&met.by, &names.users),
        at: show::ago(names.now, met.at),
        action: "/grid/cells".to_owned(),
        row: met.row.clone(),
        column: column.id.clone(),
        version: typed.version,
        values: typed.values,
        keep_theirs_href: typed.next,
    }
}
