//! Views: which rows, in which order, in which groups. One engine for pages, the
//! API, exports, automations and the island.

mod board;
mod calendar;
mod check;
mod dates;
mod filter;
mod model;
mod order;
mod store;
mod summary;
mod why;

pub use board::{Lane, as_board, board_column, is_movable, lanes, shown};
pub use calendar::{Days, Month, date_column, days, moved_to};
pub use check::check;
pub use dates::DateOperand;
pub use filter::{Compiled, Viewer, compile};
pub use model::{
    Condition, Filter, GroupBy, Layout, Mode, RowColor, RowHeight, SortBy, Summary, View,
    ViewColumn, ViewConfig,
};
pub use order::{Group, Order, OrderQuery, order};
pub use store::add_default as add_default_views;
pub use store::{NewView, ViewChange, add, change, delete, find, list, restore};
pub use why::{Reason, why, words};
