//! Formula columns: compiled together, computed in the order of their
//! dependencies, and only where something they read has changed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Table, TableColumn, follow::Touched};
use crate::{
    formula::{ErrorValue, Formula, RowFacts, Type, Value, Volatility},
    grid::{Column, ColumnType, NumberFormat, formulas},
};

/// All formulas of a table, each after those it reads.
#[derive(Clone, Default)]
pub(super) struct Program {
    computed: Vec<Computed>,
}

#[derive(Clone)]
struct Computed {
    /// Place in the table's columns.
    column: usize,
    id: String,
    definition: (Option<String>, bool),
    /// None if it does not compile (any more): its cells are errors.
    formula: Option<Arc<Formula>>,
    /// Places of the columns it reads, by the formula's own slots.
    inputs: Vec<usize>,
    /// Places of the columns whose edits it tells the time of.
    watched: Vec<usize>,
    /// By row slot: when a watched column was last edited, UTC milliseconds. None
    /// until it was read from the history.
    edited_at: Option<HashMap<u32, i64>>,
    kind: ColumnType,
}

impl Program {
    /// Compiles the formulas among these columns.
    pub(super) fn compile(columns: &[Column]) -> Self {
        let places: HashMap<&str, usize> = columns
            .iter()
            .enumerate()
            .map(|(at, c)| (c.id.as_str(), at))
            .collect();
        let place = |ids: &[String]| -> Vec<usize> {
            let known = ids.iter().filter_map(|id| places.get(id.as_str()));
            known.copied().collect()
        };
        let computed = formulas::compile_all(columns)
            .into_iter()
            .map(|(at, formula)| {
                let column = &columns[at];
                let formula = formula.ok().map(Arc::new);
                let inputs = formula.as_ref().map(|f| place(f.inputs()));
                let watched = formula.as_ref().map(|f| place(f.watched()));
                Computed {
                    column: at,
                    id: column.id.clone(),
                    definition: (
                        column.options.formula.clone(),
                        column.options.airtable_blanks,
                    ),
                    kind: kind_of(formula.as_deref(), column),
                    formula,
                    inputs: inputs.unwrap_or_default(),
                    watched: watched.unwrap_or_default(),
                    edited_at: None,
                }
            })
            .collect();
        Self { computed }
    }

    /// Places of formula columns that are new or read otherwise than before.
    pub(super) fn changed_from(&self, old: &Self, columns: &[TableColumn]) -> Vec<usize> {
        let is_same = |new: &Computed| {
            old.computed.iter().any(|old| {
                old.id == new.id
                    && old.definition == new.definition
                    && old.kind == new.kind
                    && old.formula.is_some() == new.formula.is_some()
            }) && columns[new.column].kind == new.kind
        };
        let changed = self.computed.iter().filter(|new| !is_same(new));
        changed.map(|c| c.column).collect()
    }

    pub(super) fn kind_of(&self, at: usize, column: &Column) -> ColumnType {
        let found = self.computed.iter().find(|c| c.column == at);
        found.map_or(column.kind, |c| c.kind)
    }

    /// Whether something changes by the minute.
    pub(super) fn has_minutes(&self) -> bool {
        let mut formulas = self.computed.iter().filter_map(|c| c.formula.as_ref());
        formulas.any(|f| f.volatility() == Volatility::Minute)
    }

    /// Every computed column.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.computed.iter().map(|c| c.column)
    }

    /// Columns that read otherwise when a minute or a day turns.
    pub(super) fn volatile(&self, is_new_day: bool) -> Vec<usize> {
        let turns = |f: &Formula| match f.volatility() {
            Volatility::Never => false,
            Volatility::Day => is_new_day,
            Volatility::Minute => true,
        };
        self.computed
            .iter()
            .filter(|c| c.formula.as_deref().is_some_and(turns))
            .map(|c| c.column)
            .collect()
    }

    /// Remembers when watched columns of a row were edited.
    pub(super) fn note_edit(&mut self, slot: u32, at: i64, changed: &[usize]) {
        for computed in &mut self.computed {
            if let Some(edited_at) = &mut computed.edited_at
                && computed.watched.iter().any(|w| changed.contains(w))
            {
                edited_at.insert(slot, at);
            }
        }
    }

    /// Formula columns whose watched columns' history was not read yet, with the
    /// ids of those.
    pub(super) fn lacks_history(&self) -> Vec<(String, Vec<String>)> {
        let lacking = self.computed.iter().filter(|c| c.edited_at.is_none());
        lacking
            .filter_map(|c| Some((c.id.clone(), c.formula.as_ref()?.watched().to_vec())))
            .filter(|(_, watched)| !watched.is_empty())
            .collect()
    }

    pub(super) fn take_history(&mut self, id: &str, edits: HashMap<u32, i64>) -> Option<usize> {
        let computed = self.computed.iter_mut().find(|c| c.id == id)?;
        computed.edited_at = Some(edits);
        Some(computed.column)
    }

    /// What is known of watched columns stays known where they are the same.
    pub(super) fn keep_history_of(&mut self, old: &Self) {
        for computed in &mut self.computed {
            let before = old.computed.iter().find(|o| {
                let watched = |c: &Computed| c.formula.as_ref().map(|f| f.watched().to_vec());
                o.id == computed.id && watched(o) == watched(computed)
            });
            computed.edited_at = before.and_then(|b| b.edited_at.clone());
        }
    }

    /// Forgets the history: the table is to show another time.
    pub(super) fn forget_history(&mut self) {
        for computed in &mut self.computed {
            computed.edited_at = None;
        }
    }

    /// The formula of a column, with the places of its inputs.
    pub(super) fn of(&self, column: usize) -> Option<(&Formula, &[usize])> {
        let found = self.computed.iter().find(|c| c.column == column)?;
        Some((found.formula.as_deref()?, &found.inputs))
    }

    /// When what a column's formula watches was last edited in a row.
    pub(super) fn modified_at(&self, column: usize, table: &Table, slot: u32) -> i64 {
        let found = self.computed.iter().find(|c| c.column == column);
        found.map_or(0, |c| c.modified_at(table, slot))
    }
}

/// What the results are, for showing, filtering and sorting them.
fn kind_of(formula: Option<&Formula>, column: &Column) -> ColumnType {
    use ColumnType as T;
    match (
        formula.map(Formula::result_type),
        column.options.number_format,
    ) {
        (Some(Type::Number | Type::Currency | Type::Percent), Some(format)) => match format {
            NumberFormat::Number => T::Number,
            NumberFormat::Currency => T::Currency,
            NumberFormat::Percent => T::Percent,
        },
        (Some(Type::Number), None) => T::Number,
        (Some(Type::Currency), None) => T::Currency,
        (Some(Type::Percent), None) => T::Percent,
        (Some(Type::Date), _) => T::Date,
        (Some(Type::DateTime), _) => T::DateTime,
        (Some(Type::Boolean), _) => T::Checkbox,
        _ => T::Text,
    }
}

/// Computes again what depends on what was touched.
pub(super) fn recompute(table: &mut Table, touched: &Touched) {
    let mut whole: BTreeSet<usize> = touched.columns.clone();
    let mut cells: HashMap<u32, Vec<usize>> = HashMap::new();
    for (slot, columns) in &touched.cells {
        cells.entry(*slot).or_default().extend(columns);
    }
    for at in 0..table.program.computed.len() {
        let computed = &table.program.computed[at];
        let column = computed.column;
        let watches_all = computed.formula.as_ref().is_some_and(|f| f.watches_all());
        let reads = |place: &usize| {
            watches_all || computed.inputs.contains(place) || computed.watched.contains(place)
        };
        let slots: Vec<u32> = if whole.contains(&column) || whole.iter().any(reads) {
            table.order.clone()
        } else {
            let affected = cells.iter().filter(|(slot, columns)| {
                touched.fresh.contains(slot) || columns.iter().any(reads)
            });
            affected.map(|(slot, _)| *slot).collect()
        };
        let is_whole = slots.len() == table.order.len();
        let results = evaluate_all(table, at, &slots);
        let mut changes = 0;
        for (slot, value) in slots.into_iter().zip(results) {
            let value = kept(table.columns[column].kind, value);
            if table.columns[column].set(slot, value, &table.names) {
                changes += 1;
                table.rows[slot as usize].stamp = table.stamp;
                if !is_whole {
                    cells.entry(slot).or_default().push(column);
                }
            }
        }
        if is_whole && changes > 0 {
            whole.insert(column);
        }
    }
}

/// A result as its column keeps it: 12.5 for a share of 0.125.
fn kept(kind: ColumnType, value: Value) -> Value {
    match (kind, value) {
        (ColumnType::Percent, Value::Number(n)) => n
            .checked_mul(rust_decimal::Decimal::ONE_HUNDRED)
            .map_or(Value::Error(ErrorValue::Overflow), Value::Number),
        (_, Value::Text(text)) if text.is_empty() => Value::Blank,
        (_, other) => other,
    }
}

/// Rows that are worth a thread of their own.
const WORTH_A_THREAD: usize = 5_000;

/// Evaluates a formula in many rows, on all cores where there are many.
fn evaluate_all(table: &Table, at: usize, slots: &[u32]) -> Vec<Value> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (slots.len() / WORTH_A_THREAD).clamp(1, cores);
    let part = |slots: &[u32]| -> Vec<Value> {
        slots
            .iter()
            .map(|slot| evaluate(table, at, *slot))
            .collect()
    };
    if threads == 1 {
        return part(slots);
    }
    std::thread::scope(|scope| {
        let chunks = slots.chunks(slots.len().div_ceil(threads));
        let running: Vec<_> = chunks
            .map(|slots| (slots, scope.spawn(move || part(slots))))
            .collect();
        running
            .into_iter()
            // Formulas do not panic; if one did, its rows are computed again here.
            .flat_map(|(slots, thread)| thread.join().unwrap_or_else(|_| part(slots)))
            .collect()
    })
}

fn evaluate(table: &Table, at: usize, slot: u32) -> Value {
    let computed = &table.program.computed[at];
    let Some(formula) = &computed.formula else {
        return Value::Error(ErrorValue::Argument);
    };
    let facts = facts(table, computed.modified_at(table, slot), slot);
    let cells = |input: usize| table.columns[computed.inputs[input]].face(slot);
    formula.evaluate(&facts, &cells, &table.moment)
}

impl Computed {
    /// When somebody last edited what the formula watches: the named columns, or
    /// the row. One never edited since is as old as its row.
    fn modified_at(&self, table: &Table, slot: u32) -> i64 {
        let head = &table.rows[slot as usize];
        if self.watched.is_empty() {
            return head.updated_at;
        }
        let edited = self.edited_at.as_ref().and_then(|e| e.get(&slot));
        edited.copied().unwrap_or(head.created_at)
    }
}

/// What a formula may know of the row itself.
pub(super) fn facts(table: &Table, modified_at: i64, slot: u32) -> RowFacts<'_> {
    let head = &table.rows[slot as usize];
    let time = |ms: i64| Timestamp::from_millisecond(ms).unwrap_or_default();
    RowFacts {
        id: &head.id,
        created_at: time(head.created_at),
        modified_at: time(modified_at),
    }
}
