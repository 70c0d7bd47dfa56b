//! One table for a whole process, brought up to date whenever somebody reads.

use std::sync::Arc;

use sqlx::SqliteConnection;
use tokio::sync::{Mutex, OwnedRwLockReadGuard, RwLock, watch};

use super::{
    Table,
    fetch::{self, Known},
};
use crate::db::{Db, DbError};

/// A table to read, at the version the database had when it was asked for.
pub type Reading = OwnedRwLockReadGuard<Option<Table>, Table>;

/// The grid in memory, shared by all readers of a process. Cheap to clone.
#[derive(Clone)]
pub struct SharedTable {
    db: Db,
    table: Arc<RwLock<Option<Table>>>,
    /// One follower at a time; readers of the last state do not wait for it.
    following: Arc<Mutex<()>>,
    stamp: watch::Sender<u64>,
}

impl SharedTable {
    /// An empty place; the first reader loads it.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            table: Arc::default(),
            following: Arc::default(),
            stamp: watch::channel(0).0,
        }
    }

    /// The table as the database is now.
    pub async fn read(&self) -> Result<Reading, DbError> {
        self.follow().await?;
        self.last().await
    }

    /// The same with these columns ranked, for sorting by them.
    pub async fn read_ranked(&self, columns: &[String]) -> Result<Reading, DbError> {
        self.follow().await?;
        if !columns.is_empty()
            && let Some(table) = self.table.write().await.as_mut()
        {
            for column in columns {
                table.rank(column);
            }
        }
        self.last().await
    }

    /// Hears of every change; the value is the table's stamp.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.stamp.subscribe()
    }

    /// Takes in what changed, if anybody has asked for the table yet.
    pub async fn follow_if_read(&self) -> Result<(), DbError> {
        if self.table.read().await.is_some() {
            self.follow().await?;
        }
        Ok(())
    }

    /// Takes in what changed since the last time.
    pub async fn follow(&self) -> Result<(), DbError> {
        let _only = self.following.lock().await;
        let now = self.db.now();
        let table = self.table.read().await;
        let Some(known) = table.as_ref().map(Known::of) else {
            drop(table);
            let delta = fetch::everything(&self.db).await?;
            let epoch = self.db.clock().new_id();
            let mut table = tokio::task::spawn_blocking(move || Table::build(delta, now, epoch))
                .await
                .map_err(|e| sqlx::Error::Io(std::io::Error::other(e)))?;
            let mut conn = self.db.read().acquire().await?;
            history(&mut conn, &mut table).await?;
            self.stamp.send_replace(table.stamp);
            *self.table.write().await = Some(table);
            return Ok(());
        };
        let delta = fetch::since(&self.db, &known).await?;
        drop(table);
        let mut table = self.table.write().await;
        if let Some(table) = table.as_mut() {
            let before = table.stamp;
            if let Some(delta) = delta {
                table.follow(delta);
            }
            table.tick(now);
            if table.lacks_history() {
                let mut conn = self.db.read().acquire().await?;
                history(&mut conn, table).await?;
            }
            if table.stamp != before {
                self.stamp.send_replace(table.stamp);
            }
        }
        Ok(())
    }

    /// The table as it was last taken in, without a look at the database.
    pub async fn last(&self) -> Result<Reading, DbError> {
        let guard = self.table.clone().read_owned().await;
        OwnedRwLockReadGuard::try_map(guard, Option::as_ref).map_err(|_| sqlx::Error::RowNotFound)
    }
}

/// Reads the history that formulas with `LAST_MODIFIED_TIME` of certain columns
/// need, where it was not read yet.
pub(super) async fn history(conn: &mut SqliteConnection, table: &mut Table) -> Result<(), DbError> {
    for (id, columns) in table.program.lacks_history() {
        let edits = fetch::edits(conn, &columns, table.version).await?;
        table.take_history(&id, edits);
    }
    Ok(())
}
