//! What tells rows apart, in the file and in the grid.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Mapping, headers,
    plan::Planner,
    table::{Record, Table},
    values::read_cell,
};
use crate::{funds::name_key, grid::ColumnType};

/// Duplicate keys a report names.
const SHOWN_DUPLICATES: usize = 20;

impl Planner<'_> {
    pub(super) fn find_key(&mut self, mapping: &Mapping) {
        let Some(key) = mapping.key else {
            return;
        };
        self.key = self.filled.iter().position(|f| f.index == key);
        let fits = |kind| {
            matches!(
                kind,
                ColumnType::Text
                    | ColumnType::LongText
                    | ColumnType::Email
                    | ColumnType::Phone
                    | ColumnType::Url
                    | ColumnType::Number
            )
        };
        match self.key.map(|k| &self.filled[k]) {
            None => self
                .report
                .errors
                .push("the key column is skipped: choose another key".to_owned()),
            Some(f) if !fits(f.column.kind) => self.report.errors.push(format!(
                "{} cannot be the key: choose a column of text, numbers or addresses",
                f.header
            )),
            Some(_) => {}
        }
    }

    /// How keys are compared: record ids exactly, all else as names.
    pub(super) fn key_of(&self, key: usize, value: &Value) -> String {
        match value.as_str() {
            Some(text) => self.key_text(key, text),
            None => self.key_text(key, &value.to_string()),
        }
    }

    fn key_text(&self, key: usize, text: &str) -> String {
        let filled = &self.filled[key];
        if headers::record_id(filled.header) {
            text.trim().to_owned()
        } else {
            name_key(text)
        }
    }

    pub(super) fn lines_by_key(&self, table: &Table) -> HashMap<String, Vec<u64>> {
        let mut lines: HashMap<String, Vec<u64>> = HashMap::new();
        let Some(key) = self.key else {
            return lines;
        };
        let filled = &self.filled[key];
        for record in table.records.iter().filter(|r| r.problem.is_none()) {
            let cell = record.cell(filled.index);
            if let Ok(Some(value)) = read_cell(&filled.column, &filled.reading, cell) {
                lines
                    .entry(self.key_of(key, &value))
                    .or_default()
                    .push(record.line);
            }
        }
        lines
    }

    pub(super) fn rows_by_key(&self) -> HashMap<String, Vec<usize>> {
        let mut index: HashMap<String, Vec<usize>> = HashMap::new();
        if let Some(key) = self.key {
            for (i, row) in self.grid.rows.iter().enumerate() {
                if let Some(text) = &row.key {
                    index.entry(self.key_text(key, text)).or_default().push(i);
                }
            }
        }
        index
    }

    /// The rows of the grid that a row of the file is about, whatever else is
    /// wrong with it.
    pub(super) fn known_by<'i>(
        &self,
        record: &Record,
        key: usize,
        index: &'i HashMap<String, Vec<usize>>,
    ) -> Option<&'i Vec<usize>> {
        let filled = &self.filled[key];
        let value = read_cell(&filled.column, &filled.reading, record.cell(filled.index));
        index.get(&self.key_of(key, &value.ok()??))
    }

    pub(super) fn name_duplicates(&mut self, lines: &HashMap<String, Vec<u64>>) {
        let mut twice: Vec<(&String, &Vec<u64>)> =
            lines.iter().filter(|(_, l)| l.len() > 1).collect();
        twice.sort_by_key(|(_, lines)| lines[0]);
        let header = self.key.map_or("", |k| self.filled[k].header);
        let more = twice.len().saturating_sub(SHOWN_DUPLICATES);
        for (key, lines) in twice.into_iter().take(SHOWN_DUPLICATES) {
            let shown: Vec<String> = lines.iter().take(10).map(u64::to_string).collect();
            self.report.errors.push(format!(
                "{header} {key:?} stands on lines {}: keep one row, or choose another key",
                shown.join(", ")
            ));
        }
        if more > 0 {
            self.report
                .errors
                .push(format!("{more} more keys stand on several lines"));
        }
    }
}
