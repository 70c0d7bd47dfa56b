//! The rows of a view, in its order, as a CSV that is written piece by piece.

use super::{cells::csv_text, guard::guarded};
use crate::grid::{
    Column, GridError,
    table::{Table, is_derived},
    view::{self, OrderQuery, ViewColumn, Viewer},
};

/// What is to be written.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Which rows, in which order.
    pub order: OrderQuery,
    /// The view's columns; empty for the grid's.
    pub columns: Vec<ViewColumn>,
    /// Hidden ones too.
    pub all_columns: bool,
}

/// A view at one version, cut off from the grid in memory: reading it, however
/// slowly, keeps nobody from writing.
pub struct Sheet {
    pub(super) table: Table,
    pub(super) columns: Vec<ShownColumn>,
    pub(super) slots: Vec<u32>,
    next: Option<usize>,
}

/// A column of a sheet.
pub(super) struct ShownColumn {
    /// A formula has the type of its result.
    pub(super) column: Column,
    /// Pixels, where the view says so.
    pub(super) width: Option<u16>,
}

impl Sheet {
    /// Takes the view. Columns in [`OrderQuery::ranked`] must be ranked.
    pub fn take(table: &Table, wanted: &Wanted, viewer: Viewer<'_>) -> Result<Self, GridError> {
        let slots = view::order(table, &wanted.order, viewer)?.slots;
        Ok(Self {
            columns: columns(table, wanted),
            table: table.clone(),
            slots,
            next: None,
        })
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.slots.len()
    }

    /// Columns' names, from left to right.
    pub fn headers(&self) -> Vec<&str> {
        let names = self.columns.iter().map(|c| c.column.name.as_str());
        names.collect()
    }

    /// The next piece of the CSV, of so many rows at most; none at the end. The
    /// first begins with a byte order mark, by which Excel knows UTF-8.
    pub fn next_csv(&mut self, rows: usize) -> Option<Vec<u8>> {
        let start = match self.next {
            Some(start) if start >= self.slots.len() => return None,
            start => start.unwrap_or(0),
        };
        let mut out = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::with_capacity(64 * 1024));
        if self.next.is_none() {
            out = csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer(b"\xef\xbb\xbf".to_vec());
            let headers = self.headers();
            let headers = headers.into_iter().map(|name| guarded(name.to_owned()));
            write(&mut out, headers);
        }
        let end = start.saturating_add(rows).min(self.slots.len());
        for slot in &self.slots[start..end] {
            write(&mut out, self.row(*slot));
        }
        self.next = Some(end);
        out.into_inner().ok()
    }

    /// A row's cells as a CSV has them.
    pub(super) fn row(&self, slot: u32) -> impl Iterator<Item = String> + '_ {
        self.columns.iter().map(move |shown| {
            let key = self.table.column(&shown.column.id).map(|c| c.key(slot));
            key.map_or_else(String::new, |key| {
                csv_text(&shown.column, &self.table.names, key)
            })
        })
    }
}

/// Writing to memory does not fail.
fn write(out: &mut csv::Writer<Vec<u8>>, cells: impl Iterator<Item = String>) {
    let _ = out.write_record(cells);
}

/// The view's columns in its order, then the others; those it hides only if all
/// are wanted.
fn columns(table: &Table, wanted: &Wanted) -> Vec<ShownColumn> {
    let named = wanted.columns.iter().filter_map(|w| {
        let found = table.column(&w.id)?;
        let is_seen = wanted.all_columns || !w.hidden.unwrap_or(found.column.hidden);
        is_seen.then_some((found, w.width))
    });
    let rest = table
        .columns()
        .iter()
        .filter(|c| wanted.all_columns || !c.column.hidden)
        .filter(|c| !wanted.columns.iter().any(|w| w.id == c.column.id))
        .map(|c| (c, None));
    let mut shown: Vec<ShownColumn> = named
        .chain(rest)
        .map(|(found, width)| ShownColumn {
            column: Column {
                kind: found.kind,
                ..found.column.clone()
            },
            width,
        })
        .collect();
    // Two columns of one name would be one for whoever reads the file.
    for at in 0..shown.len() {
        let name = shown[at].column.name.to_lowercase();
        let is_twice = shown
            .iter()
            .enumerate()
            .any(|(other, c)| other != at && c.column.name.to_lowercase() == name);
        if is_twice && is_derived(&shown[at].column.id) {
            shown[at].column.name.push_str(" (computed)");
        }
    }
    shown
}
