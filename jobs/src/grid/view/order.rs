//! Rows in a view's order, in its groups, with what its columns come to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::{Filter, GroupBy, RowColor, SortBy, Summary, Viewer, compile, filter::needle, summary};
use crate::{
    formula::Value,
    grid::{
        ColumnType, GridError,
        table::{Table, TableColumn},
    },
};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct OrderQuery {
    /// Which rows; all that are not archived if absent.
    pub filter: Option<Filter>,
    /// By what they stand; by position if empty.
    pub sorts: Vec<SortBy>,
    /// In which groups, at most three levels.
    pub groups: Vec<GroupBy>,
    /// Only rows with this text in a cell.
    pub search: String,
    /// Archived rows instead of the others.
    pub archived: bool,
    /// Colours by filter.
    pub colors: Vec<RowColor>,
    /// What columns come to, in all and by group.
    pub summaries: BTreeMap<String, Summary>,
}

impl OrderQuery {
    /// Columns that must be ranked to answer.
    pub fn ranked(&self) -> Vec<String> {
        let by = self.groups.iter().chain(&self.sorts);
        by.map(|s| s.column.clone()).collect()
    }
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Order {
    /// The grid's version.
    pub version: i64,
    /// Of the slots.
    pub epoch: String,
    /// Of the table.
    pub stamp: u64,
    /// Rows found.
    pub total: usize,
    /// Their slots, in order.
    pub slots: Vec<u32>,
    /// In display order, each parent before its children.
    pub groups: Vec<Group>,
    /// What columns come to over all rows found.
    pub summary: BTreeMap<String, Summarised>,
    /// Slot → colour, of coloured rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub colors: BTreeMap<u32, String>,
}

/// Rows that have a value in common.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Group {
    /// Level, from 0.
    pub depth: usize,
    /// By which column.
    pub column: String,
    /// The value in common; null is blank.
    pub value: Json,
    /// As people read it; empty for blank.
    pub label: String,
    /// Of a select's option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Its first row's place among the slots.
    pub start: usize,
    /// Rows in it.
    pub count: usize,
    /// What columns come to in it, as text.
    pub subtotals: BTreeMap<String, String>,
}

/// One column's summary.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summarised {
    /// Which.
    pub kind: Summary,
    /// As people read it.
    pub text: String,
}

/// Finds, orders and groups rows. Columns in [`OrderQuery::ranked`] must be ranked.
pub fn order(table: &Table, query: &OrderQuery, viewer: Viewer<'_>) -> Result<Order, GridError> {
    if query.groups.len() > 3 {
        return Err(GridError::invalid(
            "invalid_group",
            "group",
            "rows group by at most three columns",
        ));
    }
    if query.sorts.len() > 10 {
        return Err(GridError::invalid(
            "invalid_sort",
            "sort",
            "rows sort by at most ten columns",
        ));
    }
    let mut slots = found(table, query, viewer)?;
    sort(table, query, &mut slots)?;
    let summaries = summaries(table, query)?;
    let mut colors = BTreeMap::new();
    for rule in &query.colors {
        let filter = compile(table, &rule.filter, viewer)?;
        for slot in slots.iter().filter(|slot| filter.holds(**slot)) {
            colors.entry(*slot).or_insert_with(|| rule.color.clone());
        }
    }
    let groups = groups(table, query, &summaries, &slots)?;
    let summary = summaries
        .iter()
        .map(|(column, kind)| {
            let text = summary::text(table, column, *kind, &slots);
            (column.column.id.clone(), Summarised { kind: *kind, text })
        })
        .collect();
    Ok(Order {
        version: table.version,
        epoch: table.epoch.clone(),
        stamp: table.stamp,
        total: slots.len(),
        slots,
        groups,
        summary,
        colors,
    })
}

/// Slots of the rows asked for, by position.
fn found(table: &Table, query: &OrderQuery, viewer: Viewer<'_>) -> Result<Vec<u32>, GridError> {
    let filter = query
        .filter
        .as_ref()
        .map(|filter| compile(table, filter, viewer))
        .transpose()?;
    let search = query.search.trim();
    let search = if search.is_empty() {
        None
    } else {
        Some(Search::new(table, search)?)
    };
    let in_view = |slot: &u32| {
        table
            .head(*slot)
            .is_some_and(|h| h.archived == query.archived)
            && filter.as_ref().is_none_or(|f| f.holds(*slot))
            && search.as_ref().is_none_or(|s| s.finds(*slot))
    };
    Ok(table.order().iter().copied().filter(in_view).collect())
}

/// A text looked for in every column that reads as text or numbers.
struct Search<'t>(Vec<(&'t [u32], Vec<bool>)>);

impl<'t> Search<'t> {
    fn new(table: &'t Table, text: &str) -> Result<Self, GridError> {
        if text.chars().count() > 200 {
            return Err(GridError::invalid(
                "invalid_search",
                "search",
                "look for at most 200 characters",
            ));
        }
        let needle = needle(text, false)
            .map_err(|why| GridError::invalid("invalid_search", "search", why))?;
        let zone = &table.moment.zone;
        let columns = table.columns().iter().filter(|c| {
            c.kind != ColumnType::Checkbox && !crate::grid::table::is_derived(&c.column.id)
        });
        Ok(Self(
            columns
                .map(|column| {
                    let holds = column.holds(|key, face| match (key, face) {
                        (_, Value::Blank) => false,
                        // Contacts: addresses are looked at too.
                        (Value::Text(stored), Value::List(_)) => needle.is_match(stored),
                        (_, Value::Text(text)) => needle.is_match(text),
                        (Value::Number(n), _) => needle.is_match(&n.to_string()),
                        (_, face) => needle.is_match(&face.text(zone)),
                    });
                    (column.codes(), holds)
                })
                .filter(|(_, holds)| holds.contains(&true))
                .collect(),
        ))
    }

    fn finds(&self, slot: u32) -> bool {
        self.0
            .iter()
            .any(|(codes, holds)| holds[codes.get(slot as usize).copied().unwrap_or(0) as usize])
    }
}

/// Sorts by groups first, then by the sorts; ties stay by position.
fn sort(table: &Table, query: &OrderQuery, slots: &mut [u32]) -> Result<(), GridError> {
    let mut keys = Vec::new();
    for (field, by) in query
        .groups
        .iter()
        .map(|g| ("group", g))
        .chain(query.sorts.iter().map(|s| ("sort", s)))
    {
        keys.push((known(table, &by.column, field)?, by.descending));
    }
    let rank = |(column, descending): &(&TableColumn, bool), slot: u32| {
        match column.ranks().get(column.code(slot) as usize) {
            // Blanks last, whichever way.
            None | Some(0) => u32::MAX,
            Some(rank) if *descending => u32::MAX - 1 - *rank,
            Some(rank) => *rank,
        }
    };
    match keys.as_slice() {
        [] => {}
        [one] => slots.sort_by_cached_key(|slot| rank(one, *slot)),
        many => {
            let mut keyed: Vec<(Vec<u32>, u32)> = slots
                .iter()
                .map(|slot| (many.iter().map(|key| rank(key, *slot)).collect(), *slot))
                .collect();
            keyed.sort_by(|a, b| a.0.cmp(&b.0));
            for (place, (_, slot)) in slots.iter_mut().zip(keyed) {
                *place = slot;
            }
        }
    }
    Ok(())
}

fn known<'t>(table: &'t Table, id: &str, field: &str) -> Result<&'t TableColumn, GridError> {
    table.column(id).ok_or_else(|| {
        GridError::invalid(
            "unknown_column",
            field,
            format!("there is no column {id:?}"),
        )
    })
}

fn summaries<'t>(
    table: &'t Table,
    query: &OrderQuery,
) -> Result<Vec<(&'t TableColumn, Summary)>, GridError> {
    query
        .summaries
        .iter()
        .map(|(id, kind)| Ok((known(table, id, "summary")?, *kind)))
        .collect()
}

/// Runs of equal values, level by level.
fn groups(
    table: &Table,
    query: &OrderQuery,
    summaries: &[(&TableColumn, Summary)],
    slots: &[u32],
) -> Result<Vec<Group>, GridError> {
    let columns = query
        .groups
        .iter()
        .map(|by| known(table, &by.column, "group"))
        .collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    split(table, &columns, summaries, slots, 0, 0, &mut found);
    Ok(found)
}

fn split(
    table: &Table,
    columns: &[&TableColumn],
    summaries: &[(&TableColumn, Summary)],
    slots: &[u32],
    offset: usize,
    depth: usize,
    found: &mut Vec<Group>,
) {
    let Some((column, deeper)) = columns.split_first() else {
        return;
    };
    let mut start = 0;
    for run in slots.chunk_by(|a, b| column.code(*a) == column.code(*b)) {
        let code = column.code(run[0]);
        let value = column.json(code);
        found.push(Group {
            depth,
            column: column.column.id.clone(),
            label: column.text_of(code, &table.moment),
            color: value
                .as_str()
                .filter(|_| column.kind == ColumnType::Select)
                .and_then(|id| column.column.options.choice(id))
                .map(|choice| choice.color.clone()),
            value,
            start: offset + start,
            count: run.len(),
            subtotals: summaries
                .iter()
                .map(|(column, kind)| {
                    let text = summary::text(table, column, *kind, run);
                    (column.column.id.clone(), text)
                })
                .collect(),
        });
        split(
            table,
            deeper,
            summaries,
            run,
            offset + start,
            depth + 1,
            found,
        );
        start += run.len();
    }
}
