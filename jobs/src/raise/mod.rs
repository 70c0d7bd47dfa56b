//! The raise: what investors put into each fund and when, where they stand on
//! the way there, and the figures of both. Amounts and stages live in the grid;
//! its writes append events ([`crate::grid::apply`]), and all that is here reads
//! those or writes through the grid.

mod book;
mod commit;
mod events;
mod opportunities;
mod pipeline;

pub use book::{Book, COMMITTED, Day, Entry, Position, StageTotal, Totals};
pub use commit::{Recorded, Transfer, Wanted, record, transfer};
pub use events::{Event, EventFilter, events, positions, progress, totals};
pub use opportunities::{
    Opportunity, OpportunityFilter, StageEvent, lost, newest, opportunities, opportunity,
    set_exit_reason, stage_history,
};
pub use pipeline::{Pipeline, ReasonCount, StageFigures, pipeline};
