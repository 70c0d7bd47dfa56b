//! In which order columns are calculated, and which ones a change concerns.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::Formula;

/// Columns that depend on each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Ids, each depending on the next and the last on the first.
    pub columns: Vec<String>,
}

impl Cycle {
    /// `A → B → A`, with whatever names the caller gives to ids.
    pub fn describe<'n>(&'n self, name: impl Fn(&'n str) -> &'n str) -> String {
        let names: Vec<&str> = self
            .columns
            .iter()
            .chain(self.columns.first())
            .map(|id| name(id))
            .collect();
        names.join(" → ")
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.describe(|id| id))
    }
}

impl std::error::Error for Cycle {}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// Indices of the formulas, each behind those it reads. Independent ones keep the
/// order in which they came.
pub fn order(formulas: &[(String, &Formula)]) -> Result<Vec<usize>, Cycle> {
    let edges = reads(formulas);
    let mut marks = vec![Mark::New; formulas.len()];
    let mut done = Vec::with_capacity(formulas.len());
    for root in 0..formulas.len() {
        if marks[root] != Mark::New {
            continue;
        }
        // On the heap: a chain of columns may be longer than the stack is deep.
        let mut path = vec![(root, 0)];
        marks[root] = Mark::Open;
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            let Some(&read) = edges[at].get(*next) else {
                marks[at] = Mark::Done;
                done.push(at);
                path.pop();
                continue;
            };
            *next += 1;
            match marks[read] {
                Mark::Done => {}
                Mark::New => {
                    marks[read] = Mark::Open;
                    path.push((read, 0));
                }
                Mark::Open => {
                    let columns = path
                        .iter()
                        .map(|(index, _)| *index)
                        .skip_while(|index| *index != read)
                        .map(|index| formulas[index].0.clone())
                        .collect();
                    return Err(Cycle { columns });
                }
            }
        }
    }
    Ok(done)
}

/// For each formula, the formulas it reads.
fn reads(formulas: &[(String, &Formula)]) -> Vec<Vec<usize>> {
    let index: HashMap<&str, usize> = formulas
        .iter()
        .enumerate()
        .map(|(i, (id, _))| (id.as_str(), i))
        .collect();
    formulas
        .iter()
        .map(|(_, formula)| {
            let inputs = formula.inputs().iter();
            inputs
                .filter_map(|id| index.get(id.as_str()).copied())
                .collect()
        })
        .collect()
}

/// Indices of the formulas to calculate again when people changed these columns,
/// directly or through other formulas, in the order of `formulas`. Watching a
/// column counts, as `LAST_MODIFIED_TIME` does.
pub fn dependants(formulas: &[(String, &Formula)], changed: &[&str]) -> Vec<usize> {
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (i, (_, formula)) in formulas.iter().enumerate() {
        for id in formula.inputs() {
            readers.entry(id).or_default().push(i);
        }
    }
    let changed_set: HashSet<&str> = changed.iter().copied().collect();
    let touched = |formula: &Formula| {
        !changed.is_empty()
            && (formula.watches_all()
                || formula
                    .watched()
                    .iter()
                    .any(|id| changed_set.contains(id.as_str())))
    };
    let mut found = vec![false; formulas.len()];
    let mut todo: Vec<&str> = changed.to_vec();
    for (i, (id, formula)) in formulas.iter().enumerate() {
        if touched(formula) {
            found[i] = true;
            todo.push(id);
        }
    }
    while let Some(column) = todo.pop() {
        for &reader in readers.get(column).map_or(&[][..], Vec::as_slice) {
            if !found[reader] {
                found[reader] = true;
                todo.push(&formulas[reader].0);
            }
        }
    }
    (0..formulas.len()).filter(|i| found[*i]).collect()
}
