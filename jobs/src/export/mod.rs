//! Taking data out: a view as CSV or a workbook, the fund's data as one JSON
//! document, and everything as one archive that reads without the app.
//!
//! Nothing of it is ever whole in memory, and no write waits for it: a view is
//! written from a copy of the grid in memory, a snapshot in one read
//! transaction, an archive by a job from a copy of the database.

pub mod archive;
mod cells;
mod guard;
mod sheet;
pub mod snapshot;
mod workbook;

pub use cells::csv_text;
pub use guard::{guarded, unguarded};
pub use sheet::{Sheet, Wanted};
pub use workbook::WorkbookError;

/// Settings that may leave the house. Whatever is not named here stays: a new
/// setting is a secret until somebody says otherwise.
pub const OPEN_SETTINGS: [&str; 2] = [crate::settings::FUND_ZONE, crate::settings::DEMO];
