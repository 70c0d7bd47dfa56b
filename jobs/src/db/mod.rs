//! The one `SQLite` file: how it is opened, migrated, read and written.
//!
//! Each process has one writer connection and a few readers. Every write goes
//! through [`Db::write`], which takes the write lock at once.

mod dirs;
mod examine;
pub(crate) mod gate;
mod gauge;
mod load;
mod migrate;
mod open;
mod room;
mod write;

pub use dirs::DataDir;
pub use examine::{Examined, examine};
pub use gauge::Gauge;
pub use load::{Load, PoolLoad};
pub use migrate::{SCHEMA_VERSION, check_schema, migrate, schema_version};
pub(crate) use open::connect_for_copy;
pub use open::{Db, OpenError, connect_writer, sqlite_version};
pub use room::{Room, room};
pub use write::WriteTx;

/// What the database itself can answer: see [`is_full`] and [`is_busy`] for
/// the two cases a caller treats differently.
pub type DbError = sqlx::Error;

/// The disk has no room left (`SQLITE_FULL`).
pub fn is_full(error: &DbError) -> bool {
    code(error).is_some_and(|c| c & 0xff == 13)
}

/// Another writer held the lock for longer than the busy timeout
/// (`SQLITE_BUSY`, `SQLITE_LOCKED`), or no connection came free in time.
pub fn is_busy(error: &DbError) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut)
        || code(error).is_some_and(|c| matches!(c & 0xff, 5 | 6))
}

fn code(error: &DbError) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
