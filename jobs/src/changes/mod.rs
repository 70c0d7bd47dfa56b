//! Notices that some process changed the database, for pages that follow along.

use sqlx::SqliteConnection;

use crate::db::{Db, DbError, connect_writer};

/// What can change. Grid and activity have counters of their own; the rest is
/// assumed to have changed whenever the file did, which costs a page a fetch.
const UNCOUNTED: [&str; 3] = ["jobs", "imports", "backups"];

/// Watches the file over a connection of its own: `data_version` tells of
/// commits made by any other connection, here or in another process.
pub struct Watch {
    // While this connection lives the file must not be swapped.
    _db: Db,
    conn: SqliteConnection,
    version: i64,
    grid: i64,
    activity: i64,
}

impl Watch {
    /// Begins to watch: what is there now counts as known.
    pub async fn open(db: &Db) -> Result<Self, DbError> {
        let mut watch = Self {
            _db: db.clone(),
            conn: connect_writer(db).await?,
            version: 0,
            grid: 0,
            activity: 0,
        };
        watch.poll().await?;
        Ok(watch)
    }

    /// The topics that changed since the last call. Without a change this is
    /// one look at shared memory.
    pub async fn poll(&mut self) -> Result<Vec<&'static str>, DbError> {
        let version: i64 = sqlx::query_scalar("pragma data_version")
            .fetch_one(&mut self.conn)
            .await?;
        if version == self.version {
            return Ok(Vec::new());
        }
        let (grid, activity): (i64, i64) = sqlx::query_as(
            "select (select version from grid_state), (select coalesce(max(id), 0) from audit_log)",
        )
        .fetch_one(&mut self.conn)
        .await?;
        let mut topics = UNCOUNTED.to_vec();
        if grid != self.grid {
            topics.push("grid");
        }
        if activity != self.activity {
            topics.push("activity");
        }
        (self.version, self.grid, self.activity) = (version, grid, activity);
        Ok(topics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{self, Actor},
        clock::Clock,
    };

    #[tokio::test]
    async fn a_commit_elsewhere_is_noticed_once() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), Clock::test(1)).await.unwrap();
        crate::db::migrate(&db).await.unwrap();
        let mut watch = Watch::open(&db).await.unwrap();
        assert!(watch.poll().await.unwrap().is_empty());
        let mut tx = db.write().await.unwrap();
        audit::record(
            &mut tx,
            &Actor::System,
            "x.y",
            "",
            serde_json::json!({}),
            "",
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(
            watch.poll().await.unwrap(),
            ["jobs", "imports", "backups", "activity"]
        );
        assert!(watch.poll().await.unwrap().is_empty());
    }
}
