//! Taking in what changed: rows, columns, names, surroundings, the turn of a day.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value as Json};

use super::{
    Head, Table, TableColumn, cell,
    compute::{self, Program},
    derived,
    fetch::{self, Delta, Fetched},
};
use crate::{
    formula::{Moment, Value},
    grid::{Column, ColumnType},
};

/// What a delta touched, for recomputing no more than that.
#[derive(Default)]
pub(super) struct Touched {
    /// Slots with the columns that changed in them.
    pub(super) cells: Vec<(u32, Vec<usize>)>,
    /// Columns that changed as a whole.
    pub(super) columns: BTreeSet<usize>,
    /// Rows that were not there before.
    pub(super) fresh: HashSet<u32>,
    /// Everything is new: single cells are not noted.
    pub(super) is_whole: bool,
}

impl Table {
    /// A table with everything in it.
    pub(super) fn build(delta: Delta, now: i64, epoch: String) -> Self {
        let moment = moment(now, &delta.zone);
        let mut table = Self {
            epoch,
            version: 0,
            updated_at: 0,
            updated_by: String::new(),
            stamp: 1,
            names: delta.names.clone(),
            moment,
            columns: Vec::new(),
            by_id: std::collections::HashMap::new(),
            rows: Vec::new(),
            slots: std::collections::HashMap::new(),
            order: Vec::new(),
            program: Program::default(),
            around: std::collections::HashMap::new(),
            columns_stamp: 1,
            views_stamp: 1,
            sources: Vec::new(),
            last_touch: 0,
        };
        table.follow(delta);
        table
    }

    /// Takes a delta in.
    pub(super) fn follow(&mut self, mut delta: Delta) {
        self.stamp += 1;
        let zone_changed = zone(&delta.zone) != self.moment.zone;
        if zone_changed {
            self.moment = moment(self.moment.now.as_millisecond(), &delta.zone);
        }
        let mut touched = Touched {
            is_whole: delta.from.is_none(),
            ..Touched::default()
        };
        self.take_columns(&mut delta, &mut touched);
        let mut rows = std::mem::take(&mut delta.rows);
        for row in &mut rows {
            self.take_row(row, &mut touched);
            // Beside the table there is no room for the text of 50,000 rows.
            row.cells = String::new();
        }
        self.take_around(&delta, &mut touched);
        self.place(&rows, &touched.fresh, delta.positions.take());
        self.version = delta.state.version;
        self.updated_at = delta.state.updated_at;
        self.updated_by = delta.state.updated_by;
        self.last_touch = delta.last_touch;
        if delta.touched.iter().any(|row| row == fetch::VIEWS) {
            self.views_stamp = self.stamp;
        }
        if zone_changed {
            self.turn_the_day(&mut touched);
            // Any formula may write a moment or ask what day it is.
            touched.columns.extend(self.program.all());
        }
        compute::recompute(self, &touched);
    }

    /// Lets time pass. True if something reads otherwise now.
    pub(super) fn tick(&mut self, now: i64) -> bool {
        let new = moment(now, self.moment.zone.iana_name().unwrap_or("UTC"));
        let is_new_day = new.today != self.moment.today;
        let is_new_minute = now / 60_000 != self.moment.now.as_millisecond() / 60_000;
        let turns = is_new_day || (is_new_minute && self.program.has_minutes());
        if !turns {
            return false;
        }
        self.moment = new;
        self.stamp += 1;
        let mut touched = Touched::default();
        if is_new_day {
            self.turn_the_day(&mut touched);
        }
        touched.columns.extend(self.program.volatile(is_new_day));
        compute::recompute(self, &touched);
        true
    }

    fn turn_the_day(&mut self, touched: &mut Touched) {
        for slot in self.order.clone() {
            self.derive_around(slot, touched);
        }
    }

    fn take_columns(&mut self, delta: &mut Delta, touched: &mut Touched) {
        let names_changed = delta.names != self.names;
        if delta.columns.is_none() && !names_changed {
            return;
        }
        self.names = delta.names.clone();
        let stored = delta.columns.take().unwrap_or_else(|| {
            let own = self.columns.iter().map(|c| c.column.clone());
            own.filter(|c| !derived::is_derived(&c.id)).collect()
        });
        let derived = derived::derived_columns(&self.names);
        let mut old: Vec<Option<TableColumn>> = std::mem::take(&mut self.columns)
            .into_iter()
            .map(Some)
            .collect();
        for column in stored.into_iter().chain(derived) {
            let kept = old
                .iter_mut()
                .find(|o| o.as_ref().is_some_and(|o| o.column.id == column.id))
                .and_then(Option::take)
                .filter(|o| o.column.kind == column.kind);
            let at = self.columns.len();
            if let Some(mut kept) = kept {
                let reads_otherwise = names_changed || kept.column.options != column.options;
                kept.column = column;
                if reads_otherwise && cell::has_faces(kept.kind) {
                    kept.reface(&self.names);
                    touched.columns.insert(at);
                }
                self.columns.push(kept);
            } else {
                let cells = delta.cells.remove(&column.id).unwrap_or_default();
                let fresh = self.filled(column, &cells);
                touched.columns.insert(at);
                self.columns.push(fresh);
            }
        }
        self.reindex();
        self.columns_stamp = self.stamp;
        self.take_program(touched);
        let sources = derived::sources(self.columns.iter().map(|c| &c.column));
        if sources != self.sources {
            self.sources = sources;
            for slot in self.order.clone() {
                self.derive_cells(slot, touched);
                self.derive_around(slot, touched);
            }
        }
    }

    /// A new column with the cells it has in the database.
    fn filled(&self, column: Column, cells: &[(String, String)]) -> TableColumn {
        let kind = column.kind;
        let mut fresh = TableColumn::new(column, kind, self.rows.len());
        for (row, json) in cells {
            let value: Json = serde_json::from_str(json).unwrap_or_default();
            if let Some(slot) = self.slots.get(row.as_str()) {
                fresh.set(*slot, cell::key(kind, &value), &self.names);
            }
        }
        fresh
    }

    /// Compiles the formulas anew; those that read otherwise are computed again.
    fn take_program(&mut self, touched: &mut Touched) {
        let definitions: Vec<Column> = self.columns.iter().map(|c| c.column.clone()).collect();
        let mut program = Program::compile(&definitions);
        program.keep_history_of(&self.program);
        for at in program.changed_from(&self.program, &self.columns) {
            let kind = program.kind_of(at, &self.columns[at].column);
            if self.columns[at].kind != kind {
                let column = self.columns[at].column.clone();
                self.columns[at] = TableColumn::new(column, kind, self.rows.len());
            }
            touched.columns.insert(at);
        }
        self.program = program;
    }

    pub(super) fn lacks_history(&self) -> bool {
        !self.program.lacks_history().is_empty()
    }

    /// Takes in when watched columns were last edited, and computes what tells it.
    pub(super) fn take_history(&mut self, id: &str, edits: Vec<(String, i64)>) {
        let edits = edits.into_iter();
        let by_slot = edits.filter_map(|(row, at)| Some((*self.slots.get(row.as_str())?, at)));
        if let Some(at) = self.program.take_history(id, by_slot.collect()) {
            self.stamp += 1;
            let mut touched = Touched::default();
            touched.columns.insert(at);
            compute::recompute(self, &touched);
        }
    }

    fn take_row(&mut self, row: &Fetched, touched: &mut Touched) {
        let known = self.slots.get(row.id.as_str());
        let was_live = known.is_some_and(|slot| self.rows[*slot as usize].live);
        let slot = self.slot_of(row);
        if !was_live {
            touched.fresh.insert(slot);
            if !touched.is_whole {
                touched.cells.push((slot, Vec::new()));
            }
        }
        let mut changed = Vec::new();
        if row.deleted {
            return;
        }
        let cells: Map<String, Json> = serde_json::from_str(&row.cells).unwrap_or_default();
        for (at, column) in self.columns.iter_mut().enumerate() {
            if derived::is_derived(&column.column.id) || column.column.kind == ColumnType::Formula {
                continue;
            }
            let value = cells.get(&column.column.id).unwrap_or(&Json::Null);
            if column.set(slot, cell::key(column.kind, value), &self.names) {
                changed.push(at);
            }
        }
        let user = |actor: &str| Value::from(actor.strip_prefix("user:").unwrap_or(actor));
        let at = |ms: i64| Value::DateTime(Timestamp::from_millisecond(ms).unwrap_or_default());
        for (id, value) in [
            ("@list", Value::from(row.list.as_str())),
            ("@created_at", at(row.created_at)),
            ("@created_by", user(&row.created_by)),
            ("@modified_at", at(row.updated_at)),
            ("@modified_by", user(&row.updated_by)),
        ] {
            self.set_derived(slot, id, value, &mut changed);
        }
        self.program.note_edit(slot, row.updated_at, &changed);
        self.note(slot, changed, touched);
        self.derive_cells(slot, touched);
        self.derive_around(slot, touched);
    }

    fn slot_of(&mut self, row: &Fetched) -> u32 {
        let fresh = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let id: Arc<str> = row.id.as_str().into();
        let slot = *self.slots.entry(id.clone()).or_insert(fresh);
        let head = Head {
            id,
            version: row.version,
            archived: row.archived,
            live: !row.deleted,
            position: row.position,
            created_at: row.created_at,
            updated_at: row.updated_at,
            stamp: self.stamp,
        };
        if slot == fresh {
            self.rows.push(head);
        } else {
            self.rows[slot as usize] = head;
        }
        slot
    }

    fn take_around(&mut self, delta: &Delta, touched: &mut Touched) {
        let slot = |table: &Self, row: &str| table.slots.get(row).copied();
        for row in &delta.touched {
            if let Some(slot) = slot(self, row) {
                self.around.remove(&slot);
            }
        }
        for (row, around) in &delta.around {
            if let Some(slot) = slot(self, row) {
                self.around.insert(slot, *around);
            }
        }
        let rows = delta.touched.iter();
        let found: BTreeSet<u32> = rows
            .chain(delta.around.iter().map(|(row, _)| row))
            .filter_map(|row| slot(self, row))
            .collect();
        for slot in found {
            self.derive_around(slot, touched);
        }
    }

    /// Keeps the order of rows: all anew, or the changed ones in their places.
    fn place(
        &mut self,
        rows: &[Fetched],
        fresh: &HashSet<u32>,
        positions: Option<Vec<(String, i64)>>,
    ) {
        let is_anew = positions.is_some();
        let is_in = |slot: u32| self.rows[slot as usize].live;
        let stays = |row: &Fetched| !row.deleted && is_in(self.slots[row.id.as_str()]);
        if !is_anew && fresh.is_empty() && rows.iter().all(stays) {
            return;
        }
        for (id, position) in positions.into_iter().flatten() {
            if let Some(slot) = self.slots.get(id.as_str()) {
                self.rows[*slot as usize].position = position;
            }
        }
        let known: Vec<bool> = {
            let mut known = vec![false; self.rows.len()];
            for slot in &self.order {
                known[*slot as usize] = true;
            }
            known
        };
        let heads = &self.rows;
        let mut is_sorted = !is_anew;
        self.order.retain(|slot| heads[*slot as usize].live);
        for row in rows {
            let slot = self.slots[row.id.as_str()];
            if row.deleted || known[slot as usize] {
                continue;
            }
            if let Some(last) = self.order.last()
                && heads[*last as usize].position > row.position
            {
                is_sorted = false;
            }
            self.order.push(slot);
        }
        if !is_sorted {
            self.order.sort_by(|a, b| {
                let place = |slot: &u32| {
                    let head = &heads[*slot as usize];
                    (head.position, head.id.clone())
                };
                place(a).cmp(&place(b))
            });
        }
    }
}

impl TableColumn {
    fn reface(&mut self, names: &crate::grid::Names) {
        let typed = Column {
            kind: self.kind,
            ..self.column.clone()
        };
        let dictionary = Arc::make_mut(&mut self.dictionary);
        dictionary.reface(|key| cell::face(&typed, names, key));
    }
}

/// What formulas take for now, in the fund's zone.
fn moment(now: i64, zone_name: &str) -> Moment {
    let now = Timestamp::from_millisecond(now).unwrap_or_default();
    let zone = zone(zone_name);
    Moment {
        now,
        today: now.to_zoned(zone.clone()).date(),
        zone,
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}
