//! What tests in every crate share: a fresh, migrated database file each, a disk
//! that is full, a damaged file.

mod small_disk;

use std::path::{Path, PathBuf};

use crate::{
    clock::Clock,
    db::{self, Db},
};

pub use small_disk::SmallDisk;

/// Tuesday 2026-03-03 10:00:00 UTC: where test clocks start.
pub const TEST_START: i64 = 1_772_532_000_000;

/// The file with a bit of the byte `at` flipped, or, each second `n`, cut off there.
pub fn damaged(whole: &[u8], n: usize, at: usize) -> Vec<u8> {
    let mut damaged = whole.to_vec();
    if n.is_multiple_of(2) {
        damaged[at] ^= 1 << (n % 8);
    } else {
        damaged.truncate(at);
    }
    damaged
}

/// A data directory of its own, removed when dropped.
pub struct TestDb {
    /// The migrated database.
    pub db: Db,
    dir: PathBuf,
}

impl TestDb {
    /// A fresh database on a test clock.
    ///
    /// # Panics
    /// If the file cannot be made: a test cannot go on then.
    pub async fn new() -> Self {
        Self::with_clock(Clock::test(TEST_START)).await
    }

    /// A fresh database on the machine's clock.
    ///
    /// # Panics
    /// See [`TestDb::new`].
    pub async fn on_system_clock() -> Self {
        Self::with_clock(Clock::System).await
    }

    async fn with_clock(clock: Clock) -> Self {
        let dir = std::env::temp_dir().join(format!("crm-{}", Clock::System.new_id()));
        let db = Db::open(&dir, clock).await.expect("a test database opens");
        db::migrate(&db).await.expect("a test database migrates");
        Self { db, dir }
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Closes the database while something else has it, then opens it again.
    ///
    /// # Panics
    /// If it does not open.
    pub async fn while_closed<T>(&mut self, work: impl Future<Output = T>) -> T {
        let clock = self.db.clock().clone();
        let meanwhile = Db::open(&self.dir.join("meanwhile"), clock.clone())
            .await
            .expect("a place holder opens");
        std::mem::replace(&mut self.db, meanwhile).close().await;
        let result = work.await;
        let again = Db::open(&self.dir, clock).await.expect("it opens again");
        std::mem::replace(&mut self.db, again).close().await;
        result
    }

    /// Moves the test clock.
    pub fn advance(&self, ms: i64) {
        self.db.clock().advance(ms);
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
