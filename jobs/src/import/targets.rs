//! A mapping brought together with the grid: which columns are filled, added or
//! given more options.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    Blank, Mapping, Target,
    snapshot::{Names, Snapshot},
    values::Reading,
};
use crate::{
    funds::name_key,
    grid::{Column, ColumnType, MAX_COLUMNS, Operation, slug},
};

/// Most options a column gets: beyond that it is text.
const MAX_CHOICES: usize = 1_000;

/// One file column on its way into one grid column.
pub(super) struct Filled<'a> {
    pub(super) index: usize,
    pub(super) header: &'a str,
    pub(super) column: Column,
    pub(super) is_new: bool,
    pub(super) blank: Blank,
    pub(super) reading: Reading<'a>,
    pub(super) choices: Choices,
}

/// Options by id and name, so that a cell costs one look.
#[derive(Default)]
pub(super) struct Choices {
    ids: HashSet<String>,
    by_name: HashMap<String, String>,
    pub(super) added: Vec<String>,
    pub(super) too_many: bool,
}

impl Choices {
    fn of(column: &Column) -> Self {
        let mut choices = Self::default();
        for choice in &column.options.choices {
            choices.ids.insert(choice.id.clone());
            choices
                .by_name
                .entry(choice.name.to_lowercase())
                .or_insert_with(|| choice.id.clone());
        }
        choices
    }
}

impl Filled<'_> {
    pub(super) fn is_choice(&self) -> bool {
        matches!(
            self.column.kind,
            ColumnType::Select | ColumnType::MultiSelect
        )
    }

    /// Ids for names; a name that is no option yet becomes one.
    pub(super) fn choose(&mut self, names: &Value) -> Value {
        match names {
            Value::Array(names) => {
                let mut ids: Vec<Value> = Vec::with_capacity(names.len());
                for name in names {
                    let id = self.choice(name.as_str().unwrap_or_default());
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
                ids.into()
            }
            name => self.choice(name.as_str().unwrap_or_default()),
        }
    }

    fn choice(&mut self, name: &str) -> Value {
        if self.choices.ids.contains(name) {
            return name.into();
        }
        let lower = name.trim().to_lowercase();
        if let Some(id) = self.choices.by_name.get(&lower) {
            return id.clone().into();
        }
        if self.column.options.choices.len() >= MAX_CHOICES {
            self.choices.too_many = true;
            return Value::Null;
        }
        self.column.options.ensure_choice(name);
        let id = self
            .column
            .options
            .choices
            .last()
            .map(|c| c.id.clone())
            .unwrap_or_default();
        self.choices.ids.insert(id.clone());
        self.choices.by_name.insert(lower, id.clone());
        self.choices.added.push(name.trim().to_owned());
        id.into()
    }

    /// What must happen to the column before the rows come.
    pub(super) fn operation(&self) -> Option<Operation> {
        if self.is_new {
            return Some(Operation::AddColumn {
                id: Some(self.column.id.clone()),
                name: self.column.name.clone(),
                kind: self.column.kind,
                options: self.column.options.clone(),
            });
        }
        (!self.choices.added.is_empty()).then(|| Operation::UpdateColumn {
            column: self.column.id.clone(),
            name: None,
            options: Some(self.column.options.clone()),
            hidden: None,
        })
    }
}

/// A fund that is named and does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewFund {
    pub(super) name: String,
    pub(super) currency: String,
}

/// All columns that are filled, or why that cannot be.
pub(super) fn resolve<'a>(
    mapping: &'a Mapping,
    grid: &'a Snapshot,
    names: &Names,
    funds: &mut Vec<NewFund>,
) -> Result<Vec<Filled<'a>>, Vec<String>> {
    let mut errors = Vec::new();
    let mut ids: Vec<String> = grid.taken_ids.clone();
    let mut filled: Vec<Filled<'_>> = Vec::new();
    let mut used = HashSet::new();
    for (index, wanted) in mapping.columns.iter().enumerate() {
        let found = match &wanted.target {
            Target::Skip => continue,
            Target::Existing { column } => grid.columns.iter().find(|c| c.id == *column),
            Target::New { name } => {
                let lower = name.trim().to_lowercase();
                grid.columns.iter().find(|c| c.name.to_lowercase() == lower)
            }
        };
        let column = match (found, &wanted.target) {
            (Some(column), Target::New { name }) if column.kind != wanted.new_kind() => {
                errors.push(format!(
                    "{}: there is a column {name:?} of type {} already: map to it or choose another name",
                    wanted.header, column.kind.label()
                ));
                continue;
            }
            (Some(column), _) => column.clone(),
            (None, Target::New { name }) => {
                let name = name.trim();
                if name.is_empty() || name.chars().count() > 100 {
                    errors.push(format!(
                        "{}: a column name has 1 to 100 characters",
                        wanted.header
                    ));
                    continue;
                }
                let mut options = wanted.options.clone();
                if wanted.new_kind() == ColumnType::Currency {
                    name_fund(&mut options, names, funds);
                } else {
                    (options.currency, options.commitment) = (None, None);
                }
                let id = slug(name, "column", ids.iter().map(String::as_str));
                ids.push(id.clone());
                Column {
                    id,
                    name: name.to_owned(),
                    kind: wanted.new_kind(),
                    options,
                    position: 0,
                    hidden: false,
                }
            }
            (None, _) => {
                errors.push(format!(
                    "{}: the grid column it goes to does not exist any more: choose another",
                    wanted.header
                ));
                continue;
            }
        };
        if !used.insert(column.name.to_lowercase()) {
            errors.push(format!(
                "{}: another column of the file goes to {:?} already",
                wanted.header, column.name
            ));
            continue;
        }
        filled.push(Filled {
            index,
            header: &wanted.header,
            is_new: found.is_none(),
            blank: wanted.blank,
            reading: Reading {
                date_order: wanted.date_order,
                decimal_comma: wanted.decimal_comma,
                zone: &grid.zone,
            },
            choices: Choices::of(&column),
            column,
        });
    }
    let added = filled.iter().filter(|f| f.is_new).count();
    if grid.columns.len() + added > MAX_COLUMNS {
        errors.push(format!(
            "the grid would have {} columns, and takes 200: skip some",
            grid.columns.len() + added
        ));
    }
    if errors.is_empty() {
        Ok(filled)
    } else {
        Err(errors)
    }
}

/// A commitment's fund by id; by name while it does not exist.
fn name_fund(options: &mut crate::grid::ColumnOptions, names: &Names, funds: &mut Vec<NewFund>) {
    let currency = options.currency.clone().unwrap_or_else(|| "USD".to_owned());
    if let Some(commitment) = &mut options.commitment {
        match names.fund(&commitment.fund) {
            Some(id) => commitment.fund.clone_from(id),
            None => note_fund(funds, &commitment.fund, &currency),
        }
    }
}

/// Remembers a fund to create, once.
pub(super) fn note_fund(funds: &mut Vec<NewFund>, name: &str, currency: &str) {
    let key = name_key(name);
    if !funds.iter().any(|f| name_key(&f.name) == key) {
        funds.push(NewFund {
            name: name.trim().to_owned(),
            currency: currency.to_owned(),
        });
    }
}
