//! Formula columns among the grid's columns: how they refer to each other, how
//! they are kept, and whether they can be computed.

use std::collections::HashMap;

use super::{
    Column, ColumnType, GridError, Names,
    table::{derived_columns, formula_type, is_derived},
};
use crate::formula::{self, Field, Formula, Options, Problem, Type};

/// What formulas may refer to. `columns` are stored and derived ones, see
/// [`with_derived`]; a name that two of them bear means the first.
pub fn fields(columns: &[Column]) -> Vec<Field> {
    columns
        .iter()
        .map(|column| Field {
            id: column.id.clone(),
            name: column.name.clone(),
            kind: formula_type(column.kind),
            computed: is_derived(&column.id) || column.kind == ColumnType::Formula,
        })
        .collect()
}

/// Stored columns and the derived ones behind them.
pub fn with_derived(columns: Vec<Column>, names: &Names) -> Vec<Column> {
    let mut all = columns;
    all.extend(derived_columns(names));
    all
}

fn options(column: &Column) -> Options {
    Options {
        airtable_compatible: column.options.airtable_blanks,
    }
}

/// Compiles all formula columns, each after those it reads; a formula in a cycle
/// or with an unknown column comes with its problem.
pub(super) fn compile_all(columns: &[Column]) -> Vec<(usize, Result<Formula, Problem>)> {
    let mut fields = fields(columns);
    let places: Vec<usize> = (0..columns.len())
        .filter(|at| columns[*at].kind == ColumnType::Formula)
        .collect();
    let mut compiled: HashMap<usize, Result<Formula, Problem>> = HashMap::new();
    // The type of a formula may depend on those it reads: again until none changes.
    for _ in 0..=places.len() {
        let mut is_settled = true;
        for at in &places {
            let column = &columns[*at];
            let source = column.options.formula.as_deref().unwrap_or_default();
            let result = formula::compile_stored_with(source, &fields, options(column));
            let kind = result.as_ref().map_or(Type::Error, Formula::result_type);
            if fields[*at].kind != kind {
                fields[*at].kind = kind;
                is_settled = false;
            }
            compiled.insert(*at, result);
        }
        if is_settled {
            break;
        }
    }
    in_order(columns, &places, compiled)
}

fn in_order(
    columns: &[Column],
    places: &[usize],
    mut compiled: HashMap<usize, Result<Formula, Problem>>,
) -> Vec<(usize, Result<Formula, Problem>)> {
    let good: Vec<usize> = places
        .iter()
        .copied()
        .filter(|at| compiled.get(at).is_some_and(Result::is_ok))
        .collect();
    let graph: Vec<(String, &Formula)> = good
        .iter()
        .filter_map(|at| Some((columns[*at].id.clone(), compiled.get(at)?.as_ref().ok()?)))
        .collect();
    let order = match formula::graph::order(&graph) {
        Ok(order) => order.into_iter().map(|i| good[i]).collect(),
        Err(cycle) => {
            let names = cycle_names(columns, &cycle.columns);
            for at in &good {
                if cycle.columns.contains(&columns[*at].id) {
                    compiled.insert(*at, Err(cycle_problem(&names)));
                }
            }
            good
        }
    };
    let rest: Vec<usize> = places
        .iter()
        .copied()
        .filter(|at| !order.contains(at))
        .collect();
    order
        .into_iter()
        .chain(rest)
        .filter_map(|at| Some((at, compiled.remove(&at)?)))
        .collect()
}

fn cycle_names(columns: &[Column], ids: &[String]) -> String {
    let name = |id: &String| {
        let found = columns.iter().find(|c| c.id == *id);
        found.map_or_else(|| id.clone(), |c| c.name.clone())
    };
    let names: Vec<String> = ids.iter().map(name).collect();
    names.join(" → ")
}

fn cycle_problem(names: &str) -> Problem {
    Problem {
        code: "cycle",
        message: format!("the formulas go round in a circle: {names}"),
        start: 0,
        end: 0,
        suggestion: None,
    }
}

/// Refuses columns whose formulas cannot all be computed.
pub(super) fn check(columns: &[Column]) -> Result<(), GridError> {
    for (at, compiled) in compile_all(columns) {
        if let Err(problem) = compiled {
            return Err(refused(
                &problem,
                &format!("columns.{}.formula", columns[at].id),
            ));
        }
    }
    Ok(())
}

/// A formula as somebody types it, compiled.
pub fn compile(
    source: &str,
    columns: &[Column],
    airtable_blanks: bool,
) -> Result<Formula, Problem> {
    let options = Options {
        airtable_compatible: airtable_blanks,
    };
    let mut fields = fields(columns);
    for (at, compiled) in compile_all(columns) {
        fields[at].kind = compiled.map_or(Type::Error, |f| f.result_type());
    }
    formula::compile_with(source, &fields, options)
}

/// A formula as people wrote it, in the form that survives renaming. One that is
/// in that form already (undone, restored) stays.
pub(super) fn stored(
    source: &str,
    columns: &[Column],
    airtable_blanks: bool,
    field: &str,
) -> Result<String, GridError> {
    let fields = fields(columns);
    let options = Options {
        airtable_compatible: airtable_blanks,
    };
    match formula::compile_with(source, &fields, options) {
        Ok(formula) => Ok(formula.stored()),
        Err(problem) => match formula::compile_stored_with(source, &fields, options) {
            Ok(formula) => Ok(formula.stored()),
            Err(_) => Err(refused(&problem, field)),
        },
    }
}

fn refused(problem: &Problem, field: &str) -> GridError {
    GridError::invalid("invalid_formula", field, problem.message.clone())
}

/// Names of the formula columns that read this column.
pub(super) fn readers(id: &str, all: &[Column]) -> Vec<String> {
    compile_all(all)
        .into_iter()
        .filter(|(at, compiled)| {
            all[*at].id != id
                && compiled.as_ref().is_ok_and(|f| {
                    f.inputs()
                        .iter()
                        .chain(f.watched())
                        .any(|input| input == id)
                })
        })
        .map(|(at, _)| all[at].name.clone())
        .collect()
}

/// Columns with formulas as people read and write them.
pub fn shown(columns: &[Column]) -> Vec<Column> {
    let fields = fields(columns);
    columns
        .iter()
        .map(|column| {
            let mut column = column.clone();
            if let Some(stored) = &column.options.formula {
                column.options.formula = Some(formula::display(stored, &fields));
            }
            column
        })
        .collect()
}
