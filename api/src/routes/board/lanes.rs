//! Building the board.

use crm_jobs::grid::{
    Column, ColumnType,
    table::{Table, TableColumn, is_derived},
    view::{self, Layout, Order},
};

use super::{
    cards::{Cards, colour},
    page::{BoardPage, Lane, Total},
    place::Place,
    seen::{Seen, look, ordered},
};
use crate::{
    error::AppError,
    frame::frame,
    routes::{grid::page::Conflict, page::Choice},
    session::SignedIn,
    show,
    state::App,
};

/// Lanes of one board at most.
const LANES: usize = 60;
/// Cards of one lane at most: fewer where there are many lanes, because a page
/// of six thousand forms helps nobody.
const CARDS: usize = 100;
const CARDS_OF_ALL: usize = 1_500;
const KINDS: [ColumnType; 1] = [ColumnType::Select];

/// The board at this place; a move may have met a newer one.
pub async fn build(
    app: &App,
    who: &SignedIn,
    place: Place,
    conflict: Option<Conflict>,
) -> Result<BoardPage, AppError> {
    let mut seen = look(app, who, place, Layout::Board).await?;
    let table = app.grid.read().await?;
    let usual = view::board_column(&table, &seen.config);
    let found = seen.column(&table, &KINDS, usual);
    let column = found.map(|c| (c.column.clone(), view::is_movable(c)));
    let by = column.as_ref().map(|(c, _)| c.id.as_str());
    let switcher = seen.switcher(&table, &KINDS, by, Layout::Board);
    let is_own = |c: &TableColumn| c.column.kind == ColumnType::Select && !is_derived(&c.column.id);
    let has_select = table.columns().iter().any(is_own);
    let is_new = table.order().is_empty();
    let query = seen.query(app, who).await?;
    let mut page = BoardPage {
        href: seen.place.href(Layout::Board),
        is_new,
        has_select,
        switcher,
        conflict,
        ..BoardPage::default()
    };
    if let Some((column, movable)) = column {
        let query = view::as_board(query, &column.id, &table, &seen.config);
        // Held on, the guard would keep a writer out while the page waits to read.
        drop(table);
        page.by.clone_from(&column.name);
        page.column.clone_from(&column.id);
        page.movable = movable;
        page.asks_why = column.id == "@list";
        let (config, place) = (seen.config.clone(), seen.place.clone());
        let made = move |table: &Table, order: Order| {
            let cards = Cards::of(table, &config, &column.id);
            let lanes = drawn(view::lanes(&column, &order));
            let drawn = lanes_of(table, &cards, &order, lanes, &place, &column);
            (order.total, drawn)
        };
        (page.total, page.lanes) = ordered(app, who, query, made).await?;
        page.targets = targets(&page.lanes);
    }
    notes(&mut seen, &page);
    page.notes = seen.notes;
    page.found = show::count(
        i64::try_from(page.total).unwrap_or(i64::MAX),
        "investor",
        "investors",
    );
    page.frame = frame(app, who, "Board").await;
    page.frame.path.clone_from(&page.href);
    Ok(page)
}

fn notes(seen: &mut Seen, page: &BoardPage) {
    if page.lanes.len() >= LANES {
        seen.notes.push(format!(
            "{} has more options than a board can show: these are the {LANES} with most to see.",
            page.by
        ));
    }
    if !page.movable && !page.by.is_empty() {
        seen.notes.push(format!(
            "{} is worked out from other columns, so cards do not move here.",
            page.by
        ));
    }
}

/// All lanes, or, of too many, those with cards first.
fn drawn(mut lanes: Vec<view::Lane>) -> Vec<view::Lane> {
    if lanes.len() > LANES {
        lanes.sort_by_key(|lane| lane.rows.is_empty());
        lanes.truncate(LANES);
    }
    lanes
}

fn lanes_of(
    table: &Table,
    cards: &Cards<'_>,
    order: &Order,
    lanes: Vec<view::Lane>,
    place: &Place,
    by: &Column,
) -> Vec<Lane> {
    let most = (CARDS_OF_ALL / lanes.len().max(1)).min(CARDS);
    let lane = |lane: view::Lane| {
        let slots = order.slots.get(lane.rows.clone()).unwrap_or_default();
        let count = i64::try_from(slots.len()).unwrap_or(i64::MAX);
        let more = slots.len().saturating_sub(most);
        let label = if lane.value.is_none() {
            format!("No {}", by.name.to_lowercase())
        } else {
            lane.label
        };
        let looked_for = if place.q.is_empty() { &label } else { &place.q };
        let more_href = match (&lane.value, by.id.as_str()) {
            (Some(list), "@list") => format!("/grid?list={list}"),
            (None, _) => place.in_grid(&place.q),
            _ => place.in_grid(looked_for),
        };
        let totals = lane.totals.iter().filter_map(|(id, text)| {
            Some(Total {
                label: table.column(id)?.column.name.clone(),
                text: Some(text.clone())
                    .filter(|t| !t.is_empty())
                    .unwrap_or_else(|| "–".to_owned()),
            })
        });
        Lane {
            id: lane.value.clone().unwrap_or_default(),
            colour: colour(&lane.color),
            takes_cards: lane.takes_cards,
            is_blank: lane.value.is_none(),
            count: show::number(count),
            totals: totals.collect(),
            cards: slots
                .iter()
                .take(most)
                .map(|slot| cards.card(*slot, order.colors.get(slot)))
                .collect(),
            more: (more > 0).then(|| show::number(i64::try_from(more).unwrap_or(i64::MAX))),
            more_href,
            label,
        }
    };
    lanes.into_iter().map(lane).collect()
}

/// Where a card may go, for the form on each card.
fn targets(lanes: &[Lane]) -> Vec<Choice> {
    lanes
        .iter()
        .filter(|lane| lane.takes_cards)
        .map(|lane| Choice::new(&lane.id, &lane.label, false))
        .collect()
}
