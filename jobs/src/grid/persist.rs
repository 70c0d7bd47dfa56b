//! Storing what a write has worked out.

use serde_json::{Value, json};

use super::{
    Applied, ChangeBy, GridError, RowVersion, SyncRelational,
    apply::{Touched, Work},
};
use crate::{
    db::{DbError, WriteTx},
    queue::{EnqueueOptions, Prepared, enqueue_with},
};

impl Work {
    /// Stores all of it, and asks for the sync.
    pub(super) async fn write(
        mut self,
        tx: &mut WriteTx,
        by: &ChangeBy<'_>,
    ) -> Result<Applied, GridError> {
        if self.changes.is_empty() {
            return Ok(Applied {
                version: self.version - 1,
                rows: Vec::new(),
                columns: Vec::new(),
                conflicts: self.conflicts,
                changes: 0,
            });
        }
        self.write_columns(tx).await?;
        let rows = self.write_rows(tx, by).await?;
        self.write_history(tx, by).await?;
        let job = Prepared::new(&SyncRelational::default())?;
        enqueue_with(tx, &job, &EnqueueOptions::by(by.actor)).await?;
        Ok(Applied {
            version: self.version,
            rows,
            columns: self.changed_columns.into_keys().collect(),
            conflicts: self.conflicts,
            changes: self.changes.len(),
        })
    }

    async fn write_columns(&self, tx: &mut WriteTx) -> Result<(), DbError> {
        for (id, write) in &self.changed_columns {
            let Some(column) = self
                .columns
                .get(id)
                .or_else(|| self.deleted_columns.get(id))
            else {
                continue;
            };
            sqlx::query(
                "insert into grid_columns (id, name, type, options, position, hidden, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 on conflict (id) do update set name = ?2, options = ?4, position = ?5, hidden = ?6, deleted_at = ?8",
            )
            .bind(id)
            .bind(&column.name)
            .bind(column.kind.as_str())
            .bind(serde_json::to_string(&column.options).map_err(|e| sqlx::Error::Encode(Box::new(e)))?)
            .bind(column.position)
            .bind(column.hidden)
            .bind(self.now)
            .bind(write.deleted.then_some(self.now))
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }

    async fn write_rows(
        &mut self,
        tx: &mut WriteTx,
        by: &ChangeBy<'_>,
    ) -> Result<Vec<RowVersion>, DbError> {
        let mut written = Vec::new();
        for chunk in self.added.chunks(500) {
            let rows: Vec<Value> = chunk
                .iter()
                .filter_map(|id| Some(new_row(self.rows.get(id)?)))
                .collect();
            sqlx::query(
                "insert into grid_rows (id, position, version, cells, list, list_since_at, list_by, list_reason,
                                        created_at, created_by, updated_at, updated_by, archived_at, archive_reason, deleted_at)
                 select value ->> 0, value ->> 1, ?2, value ->> 2, value ->> 3, ?3, ?4, value ->> 4, ?3, ?4, ?3, ?4,
                        value ->> 5, value ->> 6, value ->> 7
                 from json_each(?1)",
            )
            .bind(Value::from(rows).to_string())
            .bind(self.version)
            .bind(self.now)
            .bind(by.actor)
            .execute(&mut **tx)
            .await?;
        }
        let added: std::collections::HashSet<&String> = self.added.iter().collect();
        for (id, touched) in self
            .rows
            .iter()
            .filter(|(id, t)| t.dirty && !added.contains(id))
        {
            let row = &touched.row;
            sqlx::query(
                "update grid_rows
                 set version = ?2, cells = ?3, list = ?4, list_since_at = ?5, list_by = ?6, list_reason = ?7,
                     updated_at = ?8, updated_by = ?9, archived_at = ?10, archive_reason = ?11, deleted_at = ?12
                 where id = ?1",
            )
            .bind(id)
            .bind(self.version)
            .bind(Value::Object(row.cells.clone()).to_string())
            .bind(&row.list)
            .bind(row.list_since_at)
            .bind(&row.list_by)
            .bind(&row.list_reason)
            .bind(self.now)
            .bind(by.actor)
            .bind(row.archived_at)
            .bind(&row.archive_reason)
            .bind(touched.deleted.then_some(self.now))
            .execute(&mut **tx)
            .await?;
            written.push(id.clone());
        }
        written.extend(self.added.iter().cloned());
        let version = self.version;
        Ok(written
            .into_iter()
            .map(|id| RowVersion { id, version })
            .collect())
    }

    async fn write_history(&self, tx: &mut WriteTx, by: &ChangeBy<'_>) -> Result<(), DbError> {
        sqlx::query("insert into change_sets (id, actor, origin, summary, job_id, at) values (?1, ?2, ?3, ?4, ?5, ?6)")
            .bind(self.version)
            .bind(by.actor)
            .bind(by.origin)
            .bind(by.summary)
            .bind(by.job)
            .bind(self.now)
            .execute(&mut **tx)
            .await?;
        for chunk in self.changes.chunks(2_000) {
            sqlx::query(
                "insert into grid_changes (change_set_id, what, row_id, column_id, before, after)
                 select ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each(?2)",
            )
            .bind(self.version)
            .bind(Value::from(chunk).to_string())
            .execute(&mut **tx)
            .await?;
        }
        sqlx::query(
            "update grid_state set version = ?1, updated_at = ?2, updated_by = ?3 where id = 1",
        )
        .bind(self.version)
        .bind(self.now)
        .bind(by.actor)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

fn new_row(touched: &Touched) -> Value {
    let row = &touched.row;
    let deleted = touched.deleted.then_some(row.updated_at);
    json!([
        row.id,
        row.position,
        Value::Object(row.cells.clone()).to_string(),
        row.list,
        row.list_reason,
        row.archived_at,
        row.archive_reason,
        deleted
    ])
}
