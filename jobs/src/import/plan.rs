//! The one comparison of a file with the grid. A dry run shows its report; an
//! import applies its operations: they cannot differ.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use super::{
    Blank, Mapping,
    amounts::read_amount,
    headers,
    merge::{merge_pills, same},
    report::{
        CellChange, NewChoices, NewRow, Rejected, Report, RowConflict, SHOWN_CHANGES,
        SHOWN_CONFLICTS, SHOWN_NEW,
    },
    snapshot::{Names, Snapshot, StoredRow, title},
    table::{Record, Table},
    targets::{Filled, NewFund, note_fund, resolve},
    values::{CellProblem, read_cell},
};
use crate::{
    funds::name_key,
    grid::{Column, ColumnType, Operation, people::People},
};

/// Most funds one file creates: beyond that the column is no list of funds.
pub(super) const MAX_NEW_FUNDS: usize = 100;

/// Operations handed on together: all that are about a row are in one batch.
const BATCH: usize = 4_000;

/// What an import does, but for its rows: [`plan`] hands those on as it goes.
pub(crate) struct Plan {
    /// What happens to columns, before any row; empty if the report has errors.
    pub(super) columns: Vec<Operation>,
    /// To be created first; operations name them.
    pub(super) funds: Vec<NewFund>,
    pub(crate) report: Report,
}

/// Who wants to know more than the report keeps.
#[derive(Default)]
pub(super) struct Listeners<'a> {
    /// Operations on rows, in batches; false ends it.
    pub(super) rows: Option<&'a mut (dyn FnMut(Vec<Operation>) -> bool + 'a)>,
    /// Every changed cell.
    pub(super) cells: Option<&'a mut (dyn FnMut(CellChange) + 'a)>,
}

/// Compares every row of the file with the grid.
pub(super) fn plan<'a>(
    table: &Table,
    mapping: &'a Mapping,
    grid: &'a Snapshot,
    listeners: Listeners<'a>,
) -> Plan {
    let mut planner = match Planner::new(table, mapping, grid, listeners) {
        Ok(planner) => planner,
        Err(report) => {
            return Plan {
                columns: Vec::new(),
                funds: Vec::new(),
                report: *report,
            };
        }
    };
    let lines = planner.lines_by_key(table);
    let index = planner.rows_by_key();
    for record in &table.records {
        planner.take(record, &index);
        if !planner.hand_on(BATCH) {
            break;
        }
    }
    planner.hand_on(1);
    planner.name_duplicates(&lines);
    planner.finish(table)
}

pub(super) struct Planner<'a> {
    pub(super) grid: &'a Snapshot,
    /// Position in `filled`.
    pub(super) key: Option<usize>,
    /// Position in `filled` of the column that names rows.
    pub(super) title: Option<usize>,
    pub(super) filled: Vec<Filled<'a>>,
    pub(super) names: Names,
    pub(super) funds: Vec<NewFund>,
    pub(super) report: Report,
    listeners: Listeners<'a>,
    row_operations: Vec<Operation>,
    /// Everybody, and whom the file adds.
    people: People,
    met: HashSet<String>,
    /// Of funds that the file only names.
    currency: String,
    /// Per filled column: dates that can be two, the first of them.
    pub(super) ambiguous: BTreeMap<usize, (usize, String)>,
    pub(super) abbreviated: BTreeMap<usize, usize>,
}

/// Which filled column names rows: the grid's first, or in an empty grid the one
/// that will be it.
fn title_of(filled: &[Filled<'_>], grid: &Snapshot) -> Option<usize> {
    if let Some(first) = grid.columns.first() {
        return filled.iter().position(|f| f.column.id == first.id);
    }
    let is_text = |f: &Filled<'_>| f.column.kind == ColumnType::Text;
    filled
        .iter()
        .position(|f| is_text(f) && headers::names_the_row(f.header))
        .or_else(|| {
            filled
                .iter()
                .position(|f| is_text(f) && !headers::record_id(f.header))
        })
}

impl<'a> Planner<'a> {
    /// Brings file and grid together; a report with errors if they do not fit.
    pub(super) fn new(
        table: &Table,
        mapping: &'a Mapping,
        grid: &'a Snapshot,
        listeners: Listeners<'a>,
    ) -> Result<Self, Box<Report>> {
        let mut report = Report {
            grid_version: grid.version,
            rows: table.records.len(),
            ..Report::default()
        };
        let names = Names::of(grid);
        let mut funds = Vec::new();
        let filled = match resolve(mapping, grid, &names, &mut funds) {
            Ok(filled) => filled,
            Err(errors) => {
                report.errors = errors;
                return Err(Box::new(report));
            }
        };
        let names_people = filled.iter().any(|f| f.column.kind == ColumnType::Contacts);
        let mut planner = Self {
            grid,
            key: None,
            title: title_of(&filled, grid),
            currency: filled
                .iter()
                .find_map(|f| f.column.options.currency.clone())
                .unwrap_or_else(|| "USD".to_owned()),
            people: if names_people {
                grid.people.clone()
            } else {
                People::default()
            },
            met: HashSet::new(),
            filled,
            names,
            funds,
            report,
            listeners,
            row_operations: Vec::new(),
            ambiguous: BTreeMap::new(),
            abbreviated: BTreeMap::new(),
        };
        planner.find_key(mapping);
        Ok(planner)
    }

    /// Hands operations on once there are so many. False if nobody wants more.
    fn hand_on(&mut self, least: usize) -> bool {
        match &mut self.listeners.rows {
            Some(rows) if self.row_operations.len() >= least => {
                rows(std::mem::take(&mut self.row_operations))
            }
            _ => true,
        }
    }

    /// Counts whom these pills would add, as the grid will find them.
    fn meet(&mut self, pills: &Value) {
        for pill in pills.as_array().into_iter().flatten() {
            if pill["id"].as_str().is_some_and(|id| self.people.has(id)) {
                continue;
            }
            let name = pill["name"].as_str().unwrap_or_default();
            let email = pill["email"].as_str();
            if !self
                .met
                .insert(email.map_or_else(|| name_key(name), str::to_owned))
            {
                continue;
            }
            if self.people.bearers(email, name).len() != 1 {
                self.report.new_contacts += 1;
                let id = format!("new {}", self.report.new_contacts);
                self.people.insert(&id, email, name);
            }
        }
    }

    fn take(&mut self, record: &Record, index: &HashMap<String, Vec<usize>>) {
        let values = match self.read(record) {
            Ok(values) => values,
            Err(rejects) => {
                self.report.rejected += 1;
                self.report.rejects.extend(rejects);
                return;
            }
        };
        let known: &[usize] = match (self.key, self.key.and_then(|k| values[k].as_ref())) {
            (None, _) => &[],
            (Some(key), Some(value)) => index
                .get(&self.key_of(key, value))
                .map_or(&[], Vec::as_slice),
            (Some(key), None) => {
                let header = self.filled[key].header;
                let reason = format!("{header} is empty, so the row cannot be told apart");
                self.reject_row(record, header.to_owned(), reason);
                return;
            }
        };
        match known {
            [] => self.add(record, values),
            [one] => self.change(record, &self.grid.rows[*one], values),
            several => {
                self.report.conflicting += 1;
                if self.report.conflicts.len() < SHOWN_CONFLICTS {
                    let key = self
                        .key
                        .map_or("", |k| record.cell(self.filled[k].index).trim());
                    self.report.conflicts.push(RowConflict {
                        line: record.line,
                        key: key.to_owned(),
                        row_ids: several
                            .iter()
                            .map(|i| self.grid.rows[*i].id.clone())
                            .collect(),
                    });
                }
            }
        }
    }

    fn reject_row(&mut self, record: &Record, column: String, reason: String) {
        let row = self.called(record);
        self.report.rejected += 1;
        self.report.rejects.push(Rejected {
            line: record.line,
            row,
            column,
            reason,
        });
    }

    pub(super) fn called(&self, record: &Record) -> String {
        let cell = self
            .title
            .map_or("", |t| record.cell(self.filled[t].index).trim());
        cell.chars().take(120).collect()
    }

    /// All values of a row, or all that is wrong with it.
    pub(super) fn read(&mut self, record: &Record) -> Result<Vec<Option<Value>>, Vec<Rejected>> {
        if let Some(problem) = &record.problem {
            return Err(vec![Rejected {
                line: record.line,
                row: self.called(record),
                column: String::new(),
                reason: problem.clone(),
            }]);
        }
        let mut values = Vec::with_capacity(self.filled.len());
        let mut rejects = Vec::new();
        for (at, filled) in self.filled.iter().enumerate() {
            let text = record.cell(filled.index);
            let read = read_cell(&filled.column, &filled.reading, text)
                .and_then(|value| self.link(&filled.column, value));
            match read {
                Ok(value) => values.push(value),
                Err(problem) => {
                    if let CellProblem::AmbiguousDate(sample) = &problem {
                        self.ambiguous
                            .entry(at)
                            .or_insert_with(|| (0, sample.clone()))
                            .0 += 1;
                    }
                    rejects.push(Rejected {
                        line: record.line,
                        row: self.called(record),
                        column: filled.header.to_owned(),
                        reason: problem.to_string(),
                    });
                }
            }
            if filled.column.kind.is_decimal()
                && text.trim_end().ends_with(['k', 'K', 'm', 'M', 'b', 'B'])
                && read_amount(text, filled.reading.decimal_comma).is_some_and(|a| a.abbreviated)
            {
                *self.abbreviated.entry(at).or_default() += 1;
            }
        }
        if rejects.is_empty() {
            Ok(values)
        } else {
            Err(rejects)
        }
    }

    /// Names of funds and users become ids; funds that do not exist stay names.
    fn link(&self, column: &Column, value: Option<Value>) -> Result<Option<Value>, CellProblem> {
        let Some(value) = value else {
            return Ok(None);
        };
        Ok(Some(match (column.kind, value) {
            (ColumnType::Funds, Value::Array(names)) => {
                let mut ids: Vec<Value> = Vec::new();
                for name in names {
                    let id = name
                        .as_str()
                        .and_then(|n| self.names.fund(n))
                        .map_or(name.clone(), |id| id.clone().into());
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
                ids.into()
            }
            (ColumnType::User, name) => {
                let name = name.as_str().unwrap_or_default();
                let id = self.names.user(name).ok_or_else(|| {
                    CellProblem::Refused(format!(
                        "{name:?} is nobody on the team: use a member's name or email address"
                    ))
                })?;
                id.clone().into()
            }
            (_, value) => value,
        }))
    }

    /// What only rows that are taken may bring about: options and funds.
    pub(super) fn settle(&mut self, at: usize, value: Value) -> Value {
        if self.filled[at].is_choice() {
            return self.filled[at].choose(&value);
        }
        if self.filled[at].column.kind == ColumnType::Funds {
            for name in value.as_array().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                if self.names.fund(name).is_none() && self.funds.len() <= MAX_NEW_FUNDS {
                    note_fund(&mut self.funds, name, &self.currency);
                }
            }
        }
        value
    }

    fn add(&mut self, record: &Record, values: Vec<Option<Value>>) {
        let mut cells = Map::new();
        for (at, value) in values.into_iter().enumerate() {
            if let Some(value) = value {
                let value = self.settle(at, value);
                cells.insert(self.filled[at].column.id.clone(), value);
            }
        }
        if cells.is_empty() {
            let reason = "is blank in every column that is taken".to_owned();
            self.reject_row(record, String::new(), reason);
            return;
        }
        self.report.new += 1;
        if self.report.new_rows.len() < SHOWN_NEW {
            self.report.new_rows.push(NewRow {
                line: record.line,
                row: self.called(record),
            });
        }
        for filled in 0..self.filled.len() {
            let column = &self.filled[filled].column;
            if column.kind == ColumnType::Contacts
                && let Some(pills) = cells.get(&column.id).cloned()
            {
                self.meet(&pills);
            }
        }
        if self.listeners.rows.is_some() {
            self.row_operations.push(Operation::AddRow {
                after: None,
                id: None,
                cells,
                list: None,
            });
        }
    }

    fn change(&mut self, record: &Record, row: &StoredRow, values: Vec<Option<Value>>) {
        let mut changed = 0;
        let cells = row.cells();
        for (at, value) in values.into_iter().enumerate() {
            let column = &self.filled[at].column;
            let before = cells.get(&column.id);
            let after = match value {
                None if self.filled[at].blank == Blank::Skip => continue,
                None => None,
                Some(value) if column.kind == ColumnType::Contacts => {
                    Some(merge_pills(before, value))
                }
                Some(value) => Some(self.settle(at, value)),
            };
            let column = &self.filled[at].column;
            if same(column.kind, before, after.as_ref()) {
                continue;
            }
            changed += 1;
            let is_shown = self.report.changes.len() < SHOWN_CHANGES;
            if is_shown || self.listeners.cells.is_some() {
                let change = CellChange {
                    line: record.line,
                    row_id: row.id.clone(),
                    row: title(&cells, &self.grid.columns),
                    column: column.name.clone(),
                    before: self.names.show(column, before),
                    after: self.names.show(column, after.as_ref()),
                };
                if let Some(listen) = &mut self.listeners.cells {
                    listen(change.clone());
                }
                if is_shown {
                    self.report.changes.push(change);
                }
            }
            if let (ColumnType::Contacts, Some(pills)) = (column.kind, &after) {
                self.meet(pills);
            }
            if self.listeners.rows.is_some() {
                self.row_operations.push(Operation::Set {
                    row: row.id.clone(),
                    column: self.filled[at].column.id.clone(),
                    value: after.unwrap_or(Value::Null),
                    base: row.version,
                });
            }
        }
        self.report.changed_cells += changed;
        if changed == 0 {
            self.report.unchanged += 1;
        } else {
            self.report.changed += 1;
        }
    }

    fn finish(mut self, table: &Table) -> Plan {
        self.judge();
        self.warn(table);
        let mut columns = Vec::new();
        if self.report.errors.is_empty() {
            // The column that names rows comes first, or another would name them.
            let mut order: Vec<usize> = (0..self.filled.len()).collect();
            order.sort_by_key(|at| Some(*at) != self.title);
            columns.extend(order.iter().filter_map(|at| self.filled[*at].operation()));
        }
        for filled in &self.filled {
            if filled.is_new {
                self.report.new_columns.push(filled.column.name.clone());
            } else if !filled.choices.added.is_empty() {
                self.report.new_choices.push(NewChoices {
                    column: filled.column.name.clone(),
                    names: filled.choices.added.clone(),
                });
            }
        }
        self.report.new_funds = self.funds.iter().map(|f| f.name.clone()).collect();
        Plan {
            columns,
            funds: self.funds,
            report: self.report,
        }
    }
}
