//! A draft's mapping as a form.

use crm_jobs::{
    grid::{Column, ColumnType},
    import::{Blank, DateOrder, Import, Target},
};

use super::page::MappedColumn;
use crate::routes::page::Choice;

/// One line for each column of the file.
pub fn columns(import: &Import, grid: &[Column]) -> Vec<MappedColumn> {
    (0..import.mapping.columns.len())
        .map(|index| column(import, grid, index))
        .collect()
}

fn column(import: &Import, grid: &[Column], index: usize) -> MappedColumn {
    let mapped = &import.mapping.columns[index];
    let profile = import.profile.get(index);
    let is_new = matches!(mapped.target, Target::New { .. });
    let skipped = matches!(mapped.target, Target::Skip);
    MappedColumn {
        index,
        header: mapped.header.clone(),
        samples: profile.map(|p| p.samples.join(" · ")).unwrap_or_default(),
        targets: targets(&mapped.target, grid),
        kinds: if is_new {
            kinds(mapped.kind)
        } else {
            Vec::new()
        },
        blanks: vec![
            Choice::new("skip", "Leave as it is", mapped.blank == Blank::Skip),
            Choice::new("clear", "Clear the value", mapped.blank == Blank::Clear),
        ],
        date_orders: if profile.is_some_and(|p| p.ambiguous_dates) {
            orders(mapped.date_order)
        } else {
            Vec::new()
        },
        keep_text: mapped.keep_as_text,
        skipped,
        error: profile
            .filter(|p| !skipped && !p.notes.is_empty())
            .map(|p| p.notes.join(" ")),
    }
}

fn targets(chosen: &Target, grid: &[Column]) -> Vec<Choice> {
    let mut choices = vec![
        Choice::new("skip", "Skip this column", *chosen == Target::Skip),
        Choice::new("new", "New column", matches!(chosen, Target::New { .. })),
    ];
    choices.extend(grid.iter().map(|c| {
        let is = matches!(chosen, Target::Existing { column } if *column == c.id);
        Choice::new(
            &format!("column:{}", c.id),
            &format!("{} ({})", c.name, c.kind.label()),
            is,
        )
    }));
    choices
}

fn kinds(chosen: ColumnType) -> Vec<Choice> {
    ColumnType::ALL
        .iter()
        .map(|k| Choice::new(k.as_str(), k.label(), *k == chosen))
        .collect()
}

fn orders(chosen: Option<DateOrder>) -> Vec<Choice> {
    vec![
        Choice::new("", "Day or month first?", chosen.is_none()),
        Choice::new(
            "dmy",
            "Day first (3 April)",
            chosen == Some(DateOrder::DayFirst),
        ),
        Choice::new(
            "mdy",
            "Month first (4 March)",
            chosen == Some(DateOrder::MonthFirst),
        ),
    ]
}

/// Which column tells rows apart.
pub fn keys(import: &Import) -> Vec<Choice> {
    let mapping = &import.mapping;
    let each = mapping
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.target != Target::Skip)
        .map(|(index, column)| {
            let label = format!("{} is the same", column.header);
            Choice::new(&index.to_string(), &label, mapping.key == Some(index))
        });
    let none = Choice::new("none", "Never: every row is new", mapping.key.is_none());
    each.chain(std::iter::once(none)).collect()
}
