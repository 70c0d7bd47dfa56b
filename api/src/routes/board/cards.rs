//! One row as a card.

use crm_jobs::{
    formula::Value as Face,
    grid::{
        COLORS, Column, ColumnType,
        table::{Table, TableColumn},
        view::{self, ViewConfig},
    },
};

use super::page::{Card, CardField, Owner};
use crate::{
    routes::{
        grid::page::{Pill, Value},
        page::{Badge, When},
    },
    show,
};

/// Fields on a card at most.
const FIELDS: usize = 4;

/// Draws cards of one view.
pub struct Cards<'t> {
    table: &'t Table,
    /// Columns that may be on a card, in the view's order.
    columns: Vec<&'t TableColumn>,
    owner: Option<&'t TableColumn>,
    reminder: Option<&'t TableColumn>,
    staleness: Option<&'t TableColumn>,
}

impl<'t> Cards<'t> {
    /// Cards that leave out the column the layout goes by.
    pub fn of(table: &'t Table, config: &ViewConfig, by: &str) -> Self {
        let title = table.columns().first().map(|c| c.column.id.as_str());
        // These have places of their own.
        let apart = ["@owner", "@reminder", "@staleness"];
        let columns = view::shown(table, config).into_iter().filter(|c| {
            let id = c.column.id.as_str();
            id != by && Some(id) != title && !apart.contains(&id)
        });
        Self {
            table,
            columns: columns.collect(),
            owner: table.column("@owner"),
            reminder: table.column("@reminder"),
            staleness: table.column("@staleness"),
        }
    }

    /// The card of a row.
    pub fn card(&self, slot: u32, color: Option<&String>) -> Card {
        let head = self.table.head(slot);
        let id = head.map_or("", |h| &h.id);
        let fields = self.columns.iter().filter(|c| c.code(slot) != 0);
        Card {
            id: id.to_owned(),
            version: head.map_or(0, |h| h.version),
            href: format!("/investors/{id}"),
            title: self.table.title(slot),
            color: color.map_or("", |name| colour(name)),
            fields: fields
                .map(|column| CardField {
                    label: column.column.name.clone(),
                    value: value(self.table, column, slot),
                })
                .filter(|field| !field.value.is_empty())
                .take(FIELDS)
                .collect(),
            owner: self.owner(slot),
            badges: self.badges(slot),
            ..Card::default()
        }
    }

    fn owner(&self, slot: u32) -> Option<Owner> {
        let name = self.owner?.text(slot, &self.table.moment);
        (!name.is_empty()).then(|| Owner {
            initials: show::initials(&name),
            name,
        })
    }

    /// Only what somebody should do something about.
    fn badges(&self, slot: u32) -> Vec<Badge> {
        let id = |column: Option<&TableColumn>| match column.map(|c| c.key(slot)) {
            Some(Face::Text(id)) => id.to_string(),
            _ => String::new(),
        };
        let reminder = match id(self.reminder).as_str() {
            "overdue" => Some(Badge::new("Task overdue", "bad")),
            "due_soon" => Some(Badge::new("Task due soon", "warn")),
            _ => None,
        };
        let staleness = match id(self.staleness).as_str() {
            "stale" => Some(Badge::new("Stale", "muted")),
            "ageing" => Some(Badge::new("Ageing", "muted")),
            _ => None,
        };
        reminder.into_iter().chain(staleness).collect()
    }
}

/// A cell as a card draws it: without links, which would be in the way of moving.
fn value(table: &Table, column: &TableColumn, slot: u32) -> Value {
    let text = || column.text(slot, &table.moment);
    match (column.kind, column.key(slot)) {
        (ColumnType::Checkbox, Face::Boolean(true)) => Value::Checked,
        (_, Face::Blank) | (ColumnType::Checkbox, _) => Value::Empty,
        (ColumnType::Select, Face::Text(id)) => Value::Pills(vec![pill(&column.column, id)]),
        (ColumnType::MultiSelect, Face::List(ids)) => Value::Pills(
            ids.iter()
                .filter_map(|id| match id {
                    Face::Text(id) => Some(pill(&column.column, id)),
                    _ => None,
                })
                .collect(),
        ),
        (ColumnType::Rating, Face::Number(n)) => {
            let stars = u8::try_from(*n).unwrap_or(0).min(10);
            Value::Rating(stars, if stars > 5 { 10 } else { 5 })
        }
        (ColumnType::Date, Face::Date(day)) => Value::When(When::new(
            &day.to_string(),
            &day.strftime("%-d %b %Y").to_string(),
        )),
        (ColumnType::DateTime, Face::DateTime(at)) => {
            Value::When(show::moment(&table.moment.zone, at.as_millisecond()))
        }
        (kind, _) if kind.is_decimal() => Value::Number(text()),
        _ => Some(text())
            .filter(|text| !text.trim().is_empty())
            .map_or(Value::Empty, Value::Text),
    }
}

fn pill(column: &Column, id: &str) -> Pill {
    let choice = column.options.choices.iter().find(|c| c.id == id);
    Pill {
        text: choice.map_or(id, |c| &c.name).to_owned(),
        colour: choice.map_or("gray", |c| colour(&c.color)),
    }
}

/// One of the colours the style sheet has.
pub fn colour(name: &str) -> &'static str {
    COLORS
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("gray")
}
