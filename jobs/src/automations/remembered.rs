//! The grid in memory of this process, for jobs: kept from one to the next.

use crate::{db::Db, grid::table::SharedTable};

/// The table of this database.
///
/// Whoever holds a reading of it must not wait for the write lock: runs bring the
/// table up to date while they hold that lock.
pub fn table_of(db: &Db) -> SharedTable {
    db.kept(|| SharedTable::new(db))
}
