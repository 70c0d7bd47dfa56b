//! The relational projection of the grid: the tables reports, matching and the
//! digest read. Written by the sync job only.
//!
//! What a row projects to depends on nothing but the row, the columns and the
//! funds, so catching up by the change log and building anew give the same
//! tables; [`summary`] proves it by checksum.

mod project;
mod summary;
mod sync;

pub use project::{Commitment, Contact, ContactLink, Investor, Projected, project};
pub use summary::{FundSum, Overview, Progress, StageSum, Summary, overview, summary};
pub use sync::{Synced, sync};
