//! Writing a snapshot, a piece at a time.

use std::future::Future;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use super::{
    FORMAT,
    tables::{SnapshotTable, TABLES},
};
use crate::{
    db::{self, Db, DbError, SCHEMA_VERSION},
    export::OPEN_SETTINGS,
};

/// A piece is handed on once it is so large, bytes.
const PIECE: usize = 64 * 1024;

/// Why a snapshot ended early.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Nobody takes what is written.
    #[error("the reader of the snapshot went away")]
    Gone,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// All tables at one moment, ready to be written. It has a connection of its own:
/// a slow reader takes none from those who work.
pub struct Snapshot {
    conn: SqliteConnection,
    at: i64,
    rows: i64,
}

impl Snapshot {
    /// Holds the moment fast.
    pub async fn open(db: &Db) -> Result<Self, DbError> {
        let mut conn = db::connect_writer(db).await?;
        sqlx::query("pragma query_only = on")
            .execute(&mut conn)
            .await?;
        sqlx::query("begin deferred").execute(&mut conn).await?;
        let mut rows = 0;
        for table in TABLES {
            let mut sql = "select count(*)".to_owned();
            sql.push_str(&from(table));
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut conn)
                .await?;
            rows += count;
        }
        Ok(Self {
            conn,
            at: db.now(),
            rows,
        })
    }

    /// Rows of all tables.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// Writes all of it. `hand_on` gets one piece after the other and says whether
    /// anybody wants more.
    pub async fn write<F, W>(mut self, hand_on: F) -> Result<(), SnapshotError>
    where
        F: Fn(Vec<u8>) -> W + Send,
        W: Future<Output = bool> + Send,
    {
        let at = jiff::Timestamp::from_millisecond(self.at).unwrap_or_default();
        let mut piece = format!(
            "{{\"format\":\"{FORMAT}\",\"schema\":{SCHEMA_VERSION},\"at\":\"{at}\",\"tables\":{{"
        )
        .into_bytes();
        for (n, table) in TABLES.iter().enumerate() {
            let columns: Vec<&str> = table.column_names().collect();
            let columns =
                serde_json::to_string(&columns).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
            let comma = if n == 0 { "" } else { "," };
            let head = format!(
                "{comma}\n\"{}\":{{\"columns\":{columns},\"rows\":[",
                table.name
            );
            piece.extend_from_slice(head.as_bytes());
            let mut rows =
                sqlx::query_scalar::<_, String>(AssertSqlSafe(select(table))).fetch(&mut self.conn);
            let mut before = "\n";
            while let Some(row) = rows.try_next().await? {
                piece.extend_from_slice(before.as_bytes());
                piece.extend_from_slice(row.as_bytes());
                before = ",\n";
                if piece.len() >= PIECE && !hand_on(std::mem::take(&mut piece)).await {
                    return Err(SnapshotError::Gone);
                }
            }
            piece.extend_from_slice(b"\n]}");
        }
        piece.extend_from_slice(b"\n}}\n");
        let is_taken = hand_on(piece).await;
        self.conn.close().await?;
        if is_taken {
            Ok(())
        } else {
            Err(SnapshotError::Gone)
        }
    }
}

/// Each row as one JSON array, made by the database: whole numbers and texts as
/// they are stored.
fn select(table: &SnapshotTable) -> String {
    format!(
        "select json_array({}){} order by {}",
        table.columns,
        from(table),
        table.order
    )
}

/// Names come from the list of tables.
fn from(table: &SnapshotTable) -> String {
    if table.name == "settings" {
        let open = OPEN_SETTINGS.map(|key| format!("'{key}'")).join(", ");
        format!(" from settings where key in ({open})")
    } else {
        format!(" from {}", table.name)
    }
}
