//! A view as a board, and as a calendar.

use askama::Template;

use crate::routes::{
    grid::page::{Conflict, Value},
    page::{Badge, Choice, Frame},
};

/// Cards in lanes, one for each option of a select column.
#[derive(Debug, Default, Template)]
#[template(path = "pages/board.html")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says one thing about the page"
)]
pub struct BoardPage {
    /// The frame.
    pub frame: Frame,
    /// This page's address.
    pub href: String,
    /// The bar above the board.
    pub switcher: Switcher,
    /// Sentences about what could not be taken as asked.
    pub notes: Vec<String>,
    /// A move that met a newer change.
    pub conflict: Option<Conflict>,
    /// Name of the column the board goes by; empty if there is none.
    pub by: String,
    /// Its id.
    pub column: String,
    /// Whether cards move.
    pub movable: bool,
    /// Whether the form asks for a reason.
    pub asks_why: bool,
    /// From left to right.
    pub lanes: Vec<Lane>,
    /// Where a card may go.
    pub targets: Vec<Choice>,
    /// Investors found.
    pub total: usize,
    /// The same in words.
    pub found: String,
    /// Whether the grid has no rows at all.
    pub is_new: bool,
    /// Whether there is a select column besides the derived ones.
    pub has_select: bool,
}

/// Cards on the days of a month.
#[derive(Debug, Default, Template)]
#[template(path = "pages/calendar.html")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says one thing about the page"
)]
pub struct CalendarPage {
    /// The frame.
    pub frame: Frame,
    /// This page's address.
    pub href: String,
    /// The bar above the calendar.
    pub switcher: Switcher,
    /// Sentences about what could not be taken as asked.
    pub notes: Vec<String>,
    /// A move that met a newer change.
    pub conflict: Option<Conflict>,
    /// Name of the column the calendar goes by; empty if there is none.
    pub by: String,
    /// Its id.
    pub column: String,
    /// Whether it holds times, too.
    pub has_times: bool,
    /// Whether cards move.
    pub movable: bool,
    /// Such as `November 2026`.
    pub month: String,
    /// Address of the month before, if there is one.
    pub previous: Option<String>,
    /// Address of the month after, if there is one.
    pub next: Option<String>,
    /// Address of the present month.
    pub today: Option<String>,
    /// Whether it is shown.
    pub is_now: bool,
    /// The fund's zone.
    pub zone: String,
    /// In whole weeks from Monday.
    pub days: Vec<Day>,
    /// Rows without a date.
    pub undated: Undated,
    /// Whether the grid has no rows at all.
    pub is_new: bool,
}

impl CalendarPage {
    /// How many cards stand in the month itself.
    #[must_use]
    pub fn in_month(&self) -> usize {
        let days = self.days.iter().filter(|day| !day.is_outside);
        days.map(|day| day.cards.len() + day.folded_count).sum()
    }
}

/// The bar above both layouts.
#[derive(Debug, Clone, Default)]
pub struct Switcher {
    /// Where its form leads.
    pub action: &'static str,
    /// Grid, board, calendar.
    pub layouts: Vec<LayoutLink>,
    /// Saved views.
    pub views: Vec<Choice>,
    /// Columns the layout can go by.
    pub columns: Vec<Choice>,
    /// Of a calendar; else empty.
    pub month: String,
    /// What is searched for; empty for nothing.
    pub search: String,
    /// The page without the search.
    pub clear_href: String,
    /// The view, if what is shown could be saved into it; else empty.
    pub saves: String,
    /// The column the layout goes by.
    pub by: String,
    /// `board` or `calendar`.
    pub layout: &'static str,
}

/// A way to look at the view.
#[derive(Debug, Clone, Default)]
pub struct LayoutLink {
    /// Its name.
    pub label: String,
    /// Its address.
    pub href: String,
    /// Whether it is shown now.
    pub current: bool,
}

/// One column of a board.
#[derive(Debug, Clone, Default)]
pub struct Lane {
    /// The option's id; empty for blank cells.
    pub id: String,
    /// Its name.
    pub label: String,
    /// Its colour.
    pub colour: &'static str,
    /// Whether cards may go there.
    pub takes_cards: bool,
    /// Whether it stands for blank cells.
    pub is_blank: bool,
    /// How many rows it has, formatted.
    pub count: String,
    /// What columns come to.
    pub totals: Vec<Total>,
    /// Its first cards.
    pub cards: Vec<Card>,
    /// How many there are beyond those, formatted.
    pub more: Option<String>,
    /// Where to see them.
    pub more_href: String,
}

/// What a column comes to in a lane.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// Name of the column.
    pub label: String,
    /// Formatted.
    pub text: String,
}

/// One investor.
#[derive(Debug, Clone, Default)]
pub struct Card {
    /// The row's id.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// Address of its record.
    pub href: String,
    /// Its title.
    pub title: String,
    /// Colour of the row; empty for none.
    pub color: &'static str,
    /// A few cells.
    pub fields: Vec<CardField>,
    /// Whose relationship it is.
    pub owner: Option<Owner>,
    /// What somebody should do something about.
    pub badges: Vec<Badge>,
    /// Its day in a calendar.
    pub date: String,
    /// Its time of day there, to the second; empty for dates.
    pub clock: String,
    /// The same for reading.
    pub time: String,
}

/// A cell on a card.
#[derive(Debug, Clone, Default)]
pub struct CardField {
    /// Name of its column.
    pub label: String,
    /// What it holds.
    pub value: Value,
}

/// Who looks after an investor.
#[derive(Debug, Clone, Default)]
pub struct Owner {
    /// Name.
    pub name: String,
    /// Letters for the avatar.
    pub initials: String,
}

/// One day.
#[derive(Debug, Clone, Default)]
pub struct Day {
    /// `2026-11-23`
    pub iso: String,
    /// Of the month.
    pub number: i8,
    /// Such as `Mon`.
    pub weekday: String,
    /// In full.
    pub name: String,
    /// Whether it is today in the fund's zone.
    pub is_today: bool,
    /// Whether it belongs to another month.
    pub is_outside: bool,
    /// Cards drawn at once.
    pub cards: Vec<Card>,
    /// Those behind “more”.
    pub folded: Vec<Card>,
    /// How many are behind it.
    pub folded_count: usize,
    /// How many of these are not drawn at all.
    pub beyond: usize,
}

impl Day {
    /// Whether nothing is on it.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.cards.is_empty()
    }
}

/// Rows without a date.
#[derive(Debug, Clone, Default)]
pub struct Undated {
    /// How many.
    pub total: usize,
    /// The same, formatted.
    pub count: String,
    /// The first of them.
    pub cards: Vec<Card>,
}

#[cfg(any(test, debug_assertions))]
#[path = "sample.rs"]
mod sample;
