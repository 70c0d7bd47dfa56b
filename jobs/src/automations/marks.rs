//! Where the last look ended, and what runs had to do with change sets.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::db::{DbError, WriteTx};

/// How far the change log was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub(super) struct Cursor {
    pub(super) change_set_id: i64,
    pub(super) change_id: i64,
    pub(super) looks: i64,
}

impl Cursor {
    pub(super) async fn read(conn: &mut SqliteConnection) -> Result<Self, DbError> {
        let found: Option<Self> = sqlx::query_as(
            "select change_set_id, change_id, looks from automation_cursor where id = 1",
        )
        .fetch_optional(conn)
        .await?;
        Ok(found.unwrap_or(Self {
            change_set_id: 0,
            change_id: 0,
            looks: 0,
        }))
    }

    pub(super) async fn write(self, tx: &mut WriteTx) -> Result<(), DbError> {
        let now = tx.now();
        sqlx::query(
            "insert into automation_cursor (id, change_set_id, change_id, looks, looked_at) values (1, ?1, ?2, ?3, ?4)
             on conflict (id) do update set change_set_id = ?1, change_id = ?2, looks = ?3, looked_at = ?4",
        )
        .bind(self.change_set_id)
        .bind(self.change_id)
        .bind(self.looks)
        .bind(now)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

/// Which chain a change belongs to, and how deep in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) depth: i64,
    pub(super) root: String,
}

/// Change sets that runs made; all others are where a chain begins.
pub(super) struct Origins(HashMap<i64, Origin>);

impl Origins {
    pub(super) async fn load(
        conn: &mut SqliteConnection,
        sets: impl Iterator<Item = i64>,
    ) -> Result<Self, DbError> {
        let sets: Value = sets.collect();
        let made: Vec<(i64, i64, String)> = sqlx::query_as(
            "select change_set_id, depth, root from automation_runs
             where change_set_id is not null and change_set_id in (select value from json_each(?1))",
        )
        .bind(sets.to_string())
        .fetch_all(conn)
        .await?;
        Ok(Self(
            made.into_iter()
                .map(|(set, depth, root)| {
                    let depth = depth + 1;
                    (set, Origin { depth, root })
                })
                .collect(),
        ))
    }

    pub(super) fn of(&self, set: i64) -> Origin {
        self.0.get(&set).cloned().unwrap_or_else(|| Origin {
            depth: 0,
            root: format!("c{set}"),
        })
    }
}
