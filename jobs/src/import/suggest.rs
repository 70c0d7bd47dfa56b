//! The mapping proposed for a file: a person reviews it before anything happens.

use std::collections::{HashMap, HashSet};

use super::{
    Blank, ColumnMapping, Delimiter, Encoding, Mapping, Profile, Target,
    headers::{self, introduces_fund, names_the_row, record_id},
    infer,
    table::{Table, cell_list},
};
use crate::{
    funds::{Fund, name_key},
    grid::{self, Column, ColumnOptions, ColumnType, Commitment},
};

/// Taken where a file says nothing about currency.
const DEFAULT_CURRENCY: &str = "USD";

/// The proposed mapping, and what it rests on.
pub(super) fn suggest(
    table: &Table,
    delimiter: Delimiter,
    encoding: Encoding,
    columns: &[Column],
    funds: &[Fund],
) -> (Mapping, Vec<Profile>) {
    let known: HashSet<String> = funds.iter().map(|f| name_key(&f.name)).collect();
    let primary = primary(&table.headers);
    let mut profiles: Vec<Profile> = (0..table.headers.len())
        .map(|i| infer::profile(table, i, Some(i) == primary, &known))
        .collect();
    let mut targets = Targets::new(columns);
    let mut mapped: Vec<ColumnMapping> = (0..profiles.len())
        .map(|i| {
            let profile = &profiles[i];
            let existing = targets.take(&profile.header, columns, Some(i) == primary);
            column_mapping(profile, existing)
        })
        .collect();
    skip_computed(columns, funds, &mut mapped, &profiles);
    propose_commitments(table, funds, &mut mapped, &mut profiles);
    let key = key(&profiles, &mapped, primary, columns);
    let mapping = Mapping {
        delimiter,
        encoding,
        key,
        columns: mapped,
    };
    (mapping, profiles)
}

fn column_mapping(profile: &Profile, existing: Option<&Column>) -> ColumnMapping {
    let kind = existing.map_or(profile.kind, |c| c.kind);
    ColumnMapping {
        header: profile.header.clone(),
        target: existing.map_or_else(
            || Target::New {
                name: profile.header.clone(),
            },
            |c| Target::Existing {
                column: c.id.clone(),
            },
        ),
        kind,
        options: ColumnOptions {
            currency: profile.currency.clone(),
            ..ColumnOptions::default()
        },
        // An unticked box is exported as a blank: leaving it would keep the tick.
        blank: if kind == ColumnType::Checkbox {
            Blank::Clear
        } else {
            Blank::Skip
        },
        date_order: profile.date_order,
        decimal_comma: profile.decimal_comma,
        keep_as_text: false,
    }
}

/// What the grid computes cannot be written. A formula's column is left out always,
/// a derived one only if every column of the file is the grid's: then the file is
/// an export of ours, and else the column may be somebody's own of the same name.
fn skip_computed(
    columns: &[Column],
    funds: &[Fund],
    mapped: &mut [ColumnMapping],
    profiles: &[Profile],
) {
    let mut names = grid::Names::default();
    names.funds = funds.iter().map(fund_name).collect();
    let derived: HashSet<String> = grid::table::derived_columns(&names)
        .iter()
        .flat_map(|c| {
            [
                name_key(&c.name),
                name_key(&format!("{} (computed)", c.name)),
            ]
        })
        .collect();
    let is_derived = |m: &ColumnMapping| {
        matches!(m.target, Target::New { .. }) && derived.contains(&name_key(&m.header))
    };
    let is_ours = mapped
        .iter()
        .all(|m| matches!(m.target, Target::Existing { .. }) || is_derived(m));
    for (mapping, profile) in mapped.iter_mut().zip(profiles) {
        let is_formula = |id: &String| {
            let found = columns.iter().find(|c| c.id == *id);
            found.is_some_and(|c| c.kind == ColumnType::Formula)
        };
        let skips = match &mapping.target {
            Target::Existing { column } => is_formula(column),
            _ => is_ours && is_derived(mapping),
        };
        if skips {
            (mapping.target, mapping.kind) = (Target::Skip, profile.kind);
        }
    }
}

fn fund_name(fund: &Fund) -> grid::FundName {
    grid::FundName {
        id: fund.id.clone(),
        name: fund.name.clone(),
        currency: fund.currency.clone(),
    }
}

/// The file column that names its rows: one called so, else the first that is
/// no id.
fn primary(headers: &[String]) -> Option<usize> {
    let named = headers.iter().position(|h| names_the_row(h));
    named.or_else(|| headers.iter().position(|h| !record_id(h)))
}

/// Grid columns, each given away once.
struct Targets {
    by_name: HashMap<String, usize>,
    by_key: HashMap<String, usize>,
    taken: HashSet<usize>,
}

impl Targets {
    fn new(columns: &[Column]) -> Self {
        let named = columns.iter().enumerate();
        Self {
            by_name: named.clone().map(|(i, c)| (c.name.clone(), i)).collect(),
            by_key: named.map(|(i, c)| (name_key(&c.name), i)).collect(),
            taken: HashSet::new(),
        }
    }

    fn take<'a>(&mut self, header: &str, all: &'a [Column], primary: bool) -> Option<&'a Column> {
        let first = primary && !all.is_empty() && is_text(all[0].kind);
        let found = self
            .by_name
            .get(header)
            .or_else(|| self.by_key.get(&name_key(header)))
            .copied()
            .or(first.then_some(0))
            .filter(|i| !self.taken.contains(i))?;
        self.taken.insert(found);
        Some(&all[found])
    }
}

fn is_text(kind: ColumnType) -> bool {
    matches!(kind, ColumnType::Text | ColumnType::LongText)
}

/// `Fund III soft` with amounts below becomes a commitment column, once for each
/// fund and stage.
fn propose_commitments(
    table: &Table,
    funds: &[Fund],
    mapped: &mut [ColumnMapping],
    profiles: &mut [Profile],
) {
    let known: HashMap<String, &Fund> = funds.iter().map(|f| (name_key(&f.name), f)).collect();
    let named = funds_in_file(table, profiles);
    let usual = profiles.iter().find_map(|p| p.currency.clone());
    let mut taken: HashSet<(String, &str)> = HashSet::new();
    for (column, profile) in mapped.iter_mut().zip(profiles) {
        let is_new = matches!(column.target, Target::New { .. });
        let is_amount = matches!(column.kind, ColumnType::Number | ColumnType::Currency);
        let Some((fund, stage)) = headers::commitment(&column.header)
            .filter(|_| is_new && (is_amount || profile.filled == 0))
        else {
            continue;
        };
        let key = name_key(&fund);
        if !(known.contains_key(&key) || named.contains(&key) || introduces_fund(&fund)) {
            continue;
        }
        if !taken.insert((key.clone(), stage)) {
            profile.notes.push(format!(
                "another column holds what {fund} has at {stage} already: taken as plain amounts"
            ));
            continue;
        }
        column.kind = ColumnType::Currency;
        if column.options.currency.is_none() {
            let currency = known
                .get(&key)
                .map(|f| f.currency.clone())
                .or_else(|| usual.clone())
                .unwrap_or_else(|| DEFAULT_CURRENCY.to_owned());
            if profile.filled > 0 {
                profile
                    .notes
                    .push(format!("the amounts name no currency: taken as {currency}"));
            }
            column.options.currency = Some(currency);
        }
        column.options.commitment = Some(Commitment {
            fund: known.get(&key).map_or(fund, |f| f.id.clone()),
            stage: stage.to_owned(),
        });
    }
}

/// Keys of the fund names that stand in the file's own funds columns.
fn funds_in_file(table: &Table, profiles: &[Profile]) -> HashSet<String> {
    let columns: Vec<usize> = (0..profiles.len())
        .filter(|i| profiles[*i].kind == ColumnType::Funds)
        .collect();
    let mut names = HashSet::new();
    let mut cells = HashSet::new();
    for record in &table.records {
        for column in &columns {
            if cells.insert(record.cell(*column)) {
                names.extend(
                    cell_list(record.cell(*column))
                        .iter()
                        .map(|name| name_key(name)),
                );
            }
        }
    }
    names
}

/// A record id, else an email address, else the name. In a grid with columns the
/// key must be one of them, or every row would be new.
fn key(
    profiles: &[Profile],
    mapped: &[ColumnMapping],
    primary: Option<usize>,
    columns: &[Column],
) -> Option<usize> {
    let comparable =
        |i: usize| columns.is_empty() || matches!(mapped[i].target, Target::Existing { .. });
    let candidates = || (0..profiles.len()).filter(|i| profiles[*i].unique && comparable(*i));
    candidates()
        .find(|i| record_id(&profiles[*i].header))
        .or_else(|| candidates().find(|i| mapped[*i].kind == ColumnType::Email))
        .or_else(|| primary.filter(|i| mapped[*i].target != Target::Skip))
}
