//! The grid in memory of this process, for jobs: kept from one to the next.

use std::sync::{Mutex, OnceLock};

use crate::{db::Db, grid::table::SharedTable};

/// Databases of one process that are remembered: more than one only in tests.
const MOST: usize = 4;

static TABLES: OnceLock<Mutex<Vec<(Db, SharedTable)>>> = OnceLock::new();

/// The table of this database.
///
/// Whoever holds a reading of it must not wait for the write lock: runs bring the
/// table up to date while they hold that lock.
pub fn table_of(db: &Db) -> SharedTable {
    let tables = TABLES.get_or_init(Mutex::default);
    let mut tables = match tables.lock() {
        Ok(tables) => tables,
        Err(poisoned) => poisoned.into_inner(),
    };
    if let Some((_, table)) = tables.iter().find(|(known, _)| known.is_same(db)) {
        return table.clone();
    }
    let table = SharedTable::new(db);
    if tables.len() >= MOST {
        tables.remove(0);
    }
    tables.push((db.clone(), table.clone()));
    table
}
