//! Building the calendar.

use crm_jobs::{
    formula::Value as Face,
    grid::{
        ColumnType,
        table::{Table, TableColumn},
        view::{self, Layout, Month, Order},
    },
};
use jiff::{Timestamp, civil::Date};

use super::{
    cards::{Cards, colour},
    page::{CalendarPage, Card, Day, Undated},
    place::Place,
    seen::{look, ordered},
};
use crate::{
    error::AppError, frame::frame, routes::grid::page::Conflict, session::SignedIn, show,
    state::App,
};

/// Cards of one day that are drawn at once, and those drawn at all.
const AT_ONCE: usize = 4;
const CARDS: usize = 100;
const KINDS: [ColumnType; 2] = [ColumnType::Date, ColumnType::DateTime];

/// The calendar at this place; a move may have met a newer one.
pub async fn build(
    app: &App,
    who: &SignedIn,
    place: Place,
    conflict: Option<Conflict>,
) -> Result<CalendarPage, AppError> {
    let mut seen = look(app, who, place, Layout::Calendar).await?;
    let table = app.grid.read().await?;
    let usual = view::date_column(&table, &seen.config);
    let found = seen.column(&table, &KINDS, usual);
    let movable = found.is_some_and(view::is_movable);
    let column = found.map(|c| c.column.clone());
    let has_times = found.is_some_and(|c| c.kind == ColumnType::DateTime);
    let today = table.moment.today;
    let month = Month::parse(&seen.place.month);
    if month.is_none() && !seen.place.month.is_empty() {
        let note = format!(
            "“{}” is no month such as {}. This is the present one.",
            seen.place.month,
            Month::of(today).id()
        );
        seen.notes.push(note);
        seen.place.month.clear();
    }
    let month = month.unwrap_or(Month::of(today));
    let by = column.as_ref().map(|c| c.id.as_str());
    let mut page = CalendarPage {
        href: seen.place.href(Layout::Calendar),
        switcher: seen.switcher(&table, &KINDS, by, Layout::Calendar),
        month: month.name(),
        previous: at(&seen.place, month.turned(-1)),
        next: at(&seen.place, month.turned(1)),
        today: at(&seen.place, Some(Month::of(today))),
        is_now: month == Month::of(today),
        zone: zone_name(&table),
        is_new: table.order().is_empty(),
        conflict,
        ..CalendarPage::default()
    };
    let query = seen.query(app, who).await?;
    drop(table);
    if let Some(column) = column {
        page.by.clone_from(&column.name);
        page.column.clone_from(&column.id);
        page.has_times = has_times;
        page.movable = movable;
        let config = seen.config.clone();
        let made = move |table: &Table, order: Order| {
            let found = table.column(&column.id).map(|by| Drawn {
                table,
                cards: Cards::of(table, &config, &column.id),
                column: by,
                stage: view::board_column(table, &config),
                order: &order,
            });
            found
                .map(|drawn| drawn.month(month, today))
                .unwrap_or_default()
        };
        (page.days, page.undated) = ordered(app, who, query, made).await?;
        if !page.movable {
            seen.notes.push(format!(
                "{} is worked out, so cards do not move here.",
                page.by
            ));
        }
    }
    page.notes = seen.notes;
    page.frame = frame(app, who, "Calendar").await;
    page.frame.path.clone_from(&page.href);
    Ok(page)
}

fn at(place: &Place, month: Option<Month>) -> Option<String> {
    let place = Place {
        month: month?.id(),
        ..place.clone()
    };
    Some(place.href(Layout::Calendar))
}

/// For the script, which must put moments where the server would.
fn zone_name(table: &Table) -> String {
    table.moment.zone.iana_name().unwrap_or("UTC").to_owned()
}

struct Drawn<'t> {
    table: &'t Table,
    cards: Cards<'t>,
    column: &'t TableColumn,
    /// Gives cards the colour of where the investor stands.
    stage: Option<&'t TableColumn>,
    order: &'t Order,
}

impl Drawn<'_> {
    fn month(&self, month: Month, today: Date) -> (Vec<Day>, Undated) {
        let dates = month.weeks();
        let mut found = view::days(self.table, self.column, &self.order.slots, &dates);
        let days = dates.into_iter().map(|date| {
            let slots = found.rows.remove(&date).unwrap_or_default();
            let mut cards: Vec<Card> = slots.iter().take(CARDS).map(|s| self.card(*s)).collect();
            let folded = cards.split_off(cards.len().min(AT_ONCE));
            Day {
                iso: date.to_string(),
                number: date.day(),
                weekday: date.strftime("%a").to_string(),
                name: date.strftime("%A, %-d %B %Y").to_string(),
                is_today: date == today,
                is_outside: !month.has(date),
                folded_count: slots.len() - cards.len(),
                beyond: slots.len().saturating_sub(CARDS),
                cards,
                folded,
            }
        });
        let undated = Undated {
            total: found.undated.len(),
            count: show::number(i64::try_from(found.undated.len()).unwrap_or(i64::MAX)),
            cards: found
                .undated
                .iter()
                .take(CARDS)
                .map(|slot| self.card(*slot))
                .collect(),
        };
        (days.collect(), undated)
    }

    fn card(&self, slot: u32) -> Card {
        let mut card = self.cards.card(slot, self.order.colors.get(&slot));
        if card.color.is_empty() {
            card.color = self.stage_colour(slot).unwrap_or("gray");
        }
        match self.column.key(slot) {
            Face::Date(day) => card.date = day.to_string(),
            Face::DateTime(at) => {
                let local = at.to_zoned(self.table.moment.zone.clone());
                card.date = local.date().to_string();
                card.clock = local.strftime("%H:%M:%S").to_string();
                card.time = time(self.table, *at);
            }
            _ => {}
        }
        card
    }

    fn stage_colour(&self, slot: u32) -> Option<&'static str> {
        let column = self.stage?;
        let value = column.json(column.code(slot));
        let choices = &column.column.options.choices;
        let choice = choices
            .iter()
            .find(|c| Some(c.id.as_str()) == value.as_str())?;
        Some(colour(&choice.color))
    }
}

fn time(table: &Table, at: Timestamp) -> String {
    show::time(&table.moment.zone, at.as_millisecond()).text
}
