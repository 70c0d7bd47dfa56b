//! A view laid out as a board: the select column it goes by, its lanes, and what
//! they come to.

use std::{collections::BTreeMap, ops::Range};

use super::{Order, SortBy, Summary, ViewConfig, order::OrderQuery};
use crate::grid::{
    Column, ColumnType,
    table::{Table, TableColumn, is_derived, pipeline_column},
};

/// The derived column that is written all the same: by moving the row.
const LIST: &str = "@list";

/// One column of a board.
#[derive(Debug)]
pub struct Lane {
    /// The option's id; none where the cell is blank.
    pub value: Option<String>,
    /// As people read it; empty where the cell is blank.
    pub label: String,
    /// Of the option.
    pub color: String,
    /// False for an option that was removed: cards may only leave.
    pub takes_cards: bool,
    /// Where its rows stand among the slots of the order.
    pub rows: Range<usize>,
    /// Column id → what it comes to here.
    pub totals: BTreeMap<String, String>,
}

/// The columns a view shows, from left to right.
pub fn shown<'t>(table: &'t Table, config: &ViewConfig) -> Vec<&'t TableColumn> {
    let named = config.columns.iter();
    let placed: Vec<&TableColumn> = named
        .clone()
        .filter(|c| c.hidden != Some(true))
        .filter_map(|c| table.column(&c.id))
        .collect();
    let rest = table
        .columns()
        .iter()
        .filter(|c| !c.column.hidden && !named.clone().any(|n| n.id == c.column.id));
    placed.into_iter().chain(rest).collect()
}

/// Whether moving a card may write this column.
pub fn is_movable(column: &TableColumn) -> bool {
    let takes = matches!(
        column.column.kind,
        ColumnType::Select | ColumnType::Date | ColumnType::DateTime
    );
    column.column.id == LIST || (takes && !is_derived(&column.column.id))
}

/// The column the board of a view goes by unless asked otherwise: the view's
/// own, where investors stand in the raise, or the lists.
pub fn board_column<'t>(table: &'t Table, config: &ViewConfig) -> Option<&'t TableColumn> {
    let is_select = |c: &&TableColumn| c.kind == ColumnType::Select;
    let own = config.board_column.as_deref();
    let stored = table.columns().iter().map(|c| &c.column);
    let pipeline = pipeline_column(stored).map(|c| c.id.as_str());
    own.and_then(|id| table.column(id))
        .filter(is_select)
        .or_else(|| table.column(pipeline?))
        .or_else(|| table.column(LIST))
        .or_else(|| table.columns().iter().find(is_select))
}

/// What stands above each lane: the view's summaries, else the sum of the first
/// currency column it shows, else of what is committed.
pub fn totals(table: &Table, config: &ViewConfig) -> BTreeMap<String, Summary> {
    let known = config.summaries.iter();
    let own: BTreeMap<String, Summary> = known
        .filter(|(id, _)| table.column(id).is_some())
        .map(|(id, kind)| (id.clone(), *kind))
        .collect();
    if !own.is_empty() {
        return own;
    }
    let money = shown(table, config)
        .into_iter()
        .find(|c| c.kind == ColumnType::Currency)
        .or_else(|| table.column("@committed"));
    money
        .map(|c| (c.column.id.clone(), Summary::Sum))
        .into_iter()
        .collect()
}

/// Makes a query into that of a board: grouped by its column alone.
pub fn as_board(
    mut query: OrderQuery,
    column: &str,
    table: &Table,
    config: &ViewConfig,
) -> OrderQuery {
    query.groups = vec![SortBy {
        column: column.to_owned(),
        descending: false,
    }];
    query.summaries = totals(table, config);
    query
}

/// The lanes of a board: its options in their order, with and without cards,
/// then options that were removed, then blank cells.
pub fn lanes(column: &Column, order: &Order) -> Vec<Lane> {
    let choices = &column.options.choices;
    let groups = || order.groups.iter().filter(|g| g.depth == 0);
    let lane = |value: Option<&str>, label: &str, color: &str, takes_cards: bool| {
        let group = groups().find(|g| g.value.as_str() == value);
        Lane {
            value: value.map(str::to_owned),
            label: label.to_owned(),
            color: color.to_owned(),
            takes_cards,
            rows: group.map_or(0..0, |g| g.start..g.start + g.count),
            totals: group.map_or_else(BTreeMap::new, |g| g.subtotals.clone()),
        }
    };
    let mut lanes: Vec<Lane> = choices
        .iter()
        .map(|c| lane(Some(&c.id), &c.name, &c.color, true))
        .collect();
    lanes.extend(groups().filter_map(|group| {
        let value = group.value.as_str()?;
        let is_former = !choices.iter().any(|c| c.id == value);
        is_former.then(|| lane(Some(value), &group.label, "gray", false))
    }));
    let may_be_blank = !column.options.required && !is_derived(&column.id);
    let blank = lane(None, "", "gray", may_be_blank);
    if may_be_blank || !blank.rows.is_empty() {
        lanes.push(blank);
    }
    lanes
}
