//! The grid in memory: columns of codes into dictionaries, with derived and
//! computed columns beside the stored ones, kept up by what changed since.
//!
//! It serves every read that looks at many rows: filters, sorting, grouping, the
//! island's blocks, pages, exports. The database stays the authority.

mod as_of;
mod cell;
mod changes;
mod compute;
mod derive;
mod derived;
mod dictionary;
mod fetch;
mod follow;
mod shared;
mod wire;

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value as Json};

use self::{cell::Place, compute::Program, dictionary::Dictionary};
use super::{Column, ColumnType, Names};
use crate::formula::{Moment, Value};

pub(super) use as_of::version_at;
pub use as_of::{AsOf, as_of};
pub use changes::{Changed, ChangedRow, Changes, ColumnFacts};
pub(super) use derived::pipeline_column;
pub use derived::{
    AGEING_DAYS, Around, PIPELINE, STALE_DAYS, derived_columns, is_derived, pipeline_stage,
};
pub use shared::{Reading, SharedTable};
pub use wire::BLOCK;

/// The grid at one version.
#[derive(Clone)]
pub struct Table {
    /// Changes when slots were given out anew.
    pub epoch: String,
    /// Of the grid.
    pub version: i64,
    /// Last change, UTC milliseconds.
    pub updated_at: i64,
    /// By whom.
    pub updated_by: String,
    /// Raised by whatever changes what a reader sees, versions or not.
    pub stamp: u64,
    /// Users and funds.
    pub names: Names,
    /// What formulas take for now.
    pub moment: Moment,
    columns: Vec<TableColumn>,
    by_id: HashMap<String, usize>,
    rows: Vec<Head>,
    slots: HashMap<Arc<str>, u32>,
    /// Slots by position; deleted rows are not in it.
    order: Vec<u32>,
    program: Program,
    around: HashMap<u32, Around>,
    columns_stamp: u64,
    views_stamp: u64,
    /// What derived columns were made from.
    sources: Vec<derived::Source>,
    last_touch: i64,
}

/// One column of the table.
#[derive(Clone)]
pub struct TableColumn {
    /// Its definition. Formulas are in stored form.
    pub column: Column,
    /// What its values are: the column's type, or that of the formula's result.
    pub kind: ColumnType,
    codes: Vec<u32>,
    dictionary: Arc<Dictionary>,
}

/// What a row is apart from its cells.
#[derive(Clone, Debug)]
pub struct Head {
    /// Row id.
    pub id: Arc<str>,
    /// The grid version that last changed it.
    pub version: i64,
    /// Out of the views.
    pub archived: bool,
    /// False once it is deleted; its slot stays empty.
    pub live: bool,
    position: i64,
    created_at: i64,
    updated_at: i64,
    stamp: u64,
}

/// A stored cell as formulas see it; links are not looked up.
pub(super) fn value_of(column: &Column, stored: &Json) -> Value {
    cell::face(column, &Names::default(), &cell::key(column.kind, stored))
}

/// A formula's value as JSON: numbers as decimal text.
pub fn value_json(value: &Value) -> Json {
    cell::to_json(ColumnType::Text, value)
}

/// What a column type means to formulas.
pub(super) fn formula_type(kind: ColumnType) -> crate::formula::Type {
    cell::formula_type(kind)
}

impl Table {
    /// All columns: stored ones from left to right, then derived ones.
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// A column by id.
    pub fn column(&self, id: &str) -> Option<&TableColumn> {
        self.by_id.get(id).map(|at| &self.columns[*at])
    }

    /// Slots given out so far, empty ones included.
    pub fn slots(&self) -> usize {
        self.rows.len()
    }

    /// Live rows' slots by position.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The row in a slot.
    pub fn head(&self, slot: u32) -> Option<&Head> {
        self.rows.get(slot as usize)
    }

    /// A live row's slot.
    pub fn slot(&self, row: &str) -> Option<u32> {
        self.slots
            .get(row)
            .copied()
            .filter(|slot| self.rows[*slot as usize].live)
    }

    /// The row's cells as the API gives them: stored, derived and computed ones.
    pub fn cells(&self, slot: u32) -> Map<String, Json> {
        self.columns
            .iter()
            .filter(|c| c.code(slot) != 0)
            .map(|c| (c.column.id.clone(), c.json(c.code(slot))))
            .collect()
    }

    /// The row's derived and computed cells; blank ones are absent.
    pub fn unwritten(&self, slot: u32) -> Map<String, Json> {
        let is_unwritten =
            |c: &&TableColumn| is_derived(&c.column.id) || c.column.kind == ColumnType::Formula;
        self.columns
            .iter()
            .filter(is_unwritten)
            .filter(|c| c.code(slot) != 0)
            .map(|c| (c.column.id.clone(), c.json(c.code(slot))))
            .collect()
    }

    /// The whole table as one document.
    pub fn document(&self) -> Json {
        let rows: Vec<Json> = self
            .order
            .iter()
            .map(|slot| {
                let head = &self.rows[*slot as usize];
                serde_json::json!({
                    "id": &*head.id, "version": head.version, "archived": head.archived,
                    "cells": self.cells(*slot),
                })
            })
            .collect();
        serde_json::json!({
            "version": self.version, "updated_at": self.updated_at, "updated_by": self.updated_by,
            "columns": self.facts(), "views": [], "rows": rows,
        })
    }

    /// The row's first cell as text.
    pub fn title(&self, slot: u32) -> String {
        let first = self.columns.first().map(|c| c.text(slot, &self.moment));
        first
            .filter(|t| !t.is_empty())
            .unwrap_or_else(|| "Unnamed investor".to_owned())
    }

    /// What a formula column gives: `number`, `date`, `boolean`, `list` …
    pub fn result_of(&self, id: &str) -> Option<String> {
        let at = *self.by_id.get(id)?;
        let column = &self.columns[at];
        if column.column.kind != ColumnType::Formula {
            return None;
        }
        if column.kind.is_decimal() {
            return Some(column.kind.as_str().to_owned());
        }
        let kind = self
            .program
            .of(at)
            .map_or(crate::formula::Type::Error, |(f, _)| f.result_type());
        let name = serde_json::to_value(kind).ok()?;
        name.as_str().map(str::to_owned)
    }

    /// Every step on the way to a computed cell, inner ones first. None if the
    /// column is no formula that can be computed.
    pub fn explain(&self, id: &str, slot: u32) -> Option<Vec<crate::formula::Step>> {
        let at = *self.by_id.get(id)?;
        let (formula, inputs) = self.program.of(at)?;
        let facts = compute::facts(self, self.program.modified_at(at, self, slot), slot);
        let cells = |input: usize| self.columns[inputs[input]].face(slot);
        Some(formula.explain(&facts, &cells, &self.moment))
    }

    /// Computes a formula that is in no column for one row.
    pub fn compute(&self, formula: &crate::formula::Formula, slot: u32) -> Value {
        let inputs: Vec<usize> = formula
            .inputs()
            .iter()
            .filter_map(|id| self.by_id.get(id).copied())
            .collect();
        let facts = compute::facts(self, self.rows[slot as usize].updated_at, slot);
        let cells = |input: usize| self.columns[inputs[input]].face(slot);
        formula.evaluate(&facts, &cells, &self.moment)
    }

    /// The definitions as people read them: formulas with today's names.
    pub fn definitions(&self) -> Vec<Column> {
        let all: Vec<Column> = self.columns.iter().map(|c| c.column.clone()).collect();
        super::formulas::shown(&all)
    }

    fn reindex(&mut self) {
        self.by_id = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, c)| (c.column.id.clone(), at))
            .collect();
    }
}

impl TableColumn {
    fn new(column: Column, kind: ColumnType, slots: usize) -> Self {
        Self {
            column,
            kind,
            codes: vec![0; slots],
            dictionary: Arc::new(Dictionary::new(cell::has_faces(kind))),
        }
    }

    /// The code in a slot; 0 is blank.
    pub fn code(&self, slot: u32) -> u32 {
        self.codes.get(slot as usize).copied().unwrap_or(0)
    }

    /// Codes by slot.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The stored value in a slot.
    pub fn key(&self, slot: u32) -> &Value {
        self.dictionary.key(self.code(slot))
    }

    /// What people and formulas see in a slot. An unchecked box is false.
    pub fn face(&self, slot: u32) -> &Value {
        self.face_by_code(self.code(slot))
    }

    /// What people and formulas see of a code.
    pub fn face_by_code(&self, code: u32) -> &Value {
        if code == 0 && self.kind == ColumnType::Checkbox {
            return &Value::Boolean(false);
        }
        self.dictionary.face(code)
    }

    /// The stored value of a code, as the API gives it.
    pub fn json(&self, code: u32) -> Json {
        cell::to_json(self.kind, self.dictionary.key(code))
    }

    /// The value in a slot as one line of text.
    pub fn text(&self, slot: u32, moment: &Moment) -> String {
        self.text_of(self.code(slot), moment)
    }

    /// The value of a code as one line of text.
    pub fn text_of(&self, code: u32, moment: &Moment) -> String {
        match (self.kind, self.dictionary.key(code)) {
            (_, Value::Blank) => String::new(),
            (ColumnType::Checkbox, Value::Boolean(checked)) => {
                if *checked { "checked" } else { "" }.to_owned()
            }
            (kind, key) if kind.is_decimal() => super::display(
                &Column {
                    kind,
                    ..self.column.clone()
                },
                &cell::to_json(kind, key),
            ),
            _ => self.dictionary.face(code).text(&moment.zone),
        }
    }

    /// For every code, blank first: whether the predicate over stored value and
    /// face holds.
    pub fn holds(&self, predicate: impl Fn(&Value, &Value) -> bool) -> Vec<bool> {
        self.dictionary.holds(predicate)
    }

    /// Distinct values so far.
    pub fn distinct(&self) -> usize {
        self.dictionary.len()
    }

    /// Rank by code; blank has 0. Up to date after [`Table::rank`].
    pub fn ranks(&self) -> &[u32] {
        self.dictionary.ranks()
    }

    /// The number of a code, as people count: 12.5 for 12.5 %.
    pub fn number(&self, code: u32) -> Option<rust_decimal::Decimal> {
        cell::number(self.dictionary.key(code))
    }

    fn set(&mut self, slot: u32, key: Value, names: &Names) -> bool {
        let (column, kind) = (&self.column, self.kind);
        // A dictionary that is shared with the past is copied only for a new value.
        let code = self.dictionary.known(&key).unwrap_or_else(|| {
            Arc::make_mut(&mut self.dictionary).add(key, |key| {
                let typed = Column {
                    kind,
                    ..column.clone()
                };
                cell::face(&typed, names, key)
            })
        });
        let at = slot as usize;
        if self.codes.len() <= at {
            self.codes.resize(at + 1, 0);
        }
        std::mem::replace(&mut self.codes[at], code) != code
    }
}

impl Table {
    /// Brings the sorting ranks of a column up to date.
    pub fn rank(&mut self, id: &str) {
        if let Some(at) = self.by_id.get(id) {
            let TableColumn {
                column,
                kind,
                dictionary,
                ..
            } = &mut self.columns[*at];
            let typed = Column {
                kind: *kind,
                ..column.clone()
            };
            Arc::make_mut(dictionary).rank(|key, face| Place::within(&typed, key, face));
        }
    }
}
