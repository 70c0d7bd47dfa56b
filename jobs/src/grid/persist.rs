//! Storing what a write has worked out.

use serde_json::Value;

use super::{
    Applied, ChangeBy, GridError, RowVersion, SyncRelational, apply::Work, bulk::record, ledger,
    opportunities,
};
use crate::{
    automations,
    db::{DbError, WriteTx},
    queue::{EnqueueOptions, Prepared, enqueue_with},
};

/// Changes stored by one statement.
pub(super) const CHANGES_AT_ONCE: usize = 2_000;

impl Work {
    /// Stores all of it, and asks for the sync.
    pub(super) async fn write(
        mut self,
        tx: &mut WriteTx,
        by: &ChangeBy<'_>,
    ) -> Result<Applied, GridError> {
        if self.changes.is_empty() && self.drained.count == 0 {
            return Ok(Applied {
                version: self.version - 1,
                rows: Vec::new(),
                columns: Vec::new(),
                conflicts: self.conflicts,
                changes: 0,
            });
        }
        self.links.write(tx).await?;
        self.write_columns(tx).await?;
        let rows = self.write_rows(tx, by).await?;
        self.write_history(tx, by).await?;
        self.follow_the_raise(tx, by).await?;
        let job = Prepared::new(&SyncRelational::default())?;
        enqueue_with(tx, &job, &EnqueueOptions::by(by.actor)).await?;
        automations::look_soon(tx).await?;
        Ok(Applied {
            version: self.version,
            rows,
            columns: self.changed_columns.into_keys().collect(),
            conflicts: self.conflicts,
            changes: self.drained.count + self.changes.len(),
        })
    }

    /// What the raise keeps of a write: commitments and stages.
    async fn follow_the_raise(
        &mut self,
        tx: &mut WriteTx,
        by: &ChangeBy<'_>,
    ) -> Result<(), DbError> {
        let mut touches = std::mem::take(&mut self.drained.touches);
        touches.extend(self.touches());
        ledger::record(tx, self, &touches, by).await?;
        opportunities::follow(tx, self, &touches, by).await
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
                 on conflict (id) do update set name = ?2, type = ?3, options = ?4, position = ?5, hidden = ?6, deleted_at = ?8",
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
        &self,
        tx: &mut WriteTx,
        by: &ChangeBy<'_>,
    ) -> Result<Vec<RowVersion>, DbError> {
        let added: std::collections::HashSet<&String> = self.added.iter().collect();
        let dirty = self
            .rows
            .iter()
            .filter(|(id, t)| t.dirty && !added.contains(id));
        let changed: Vec<String> = dirty.map(|(id, _)| id.clone()).collect();
        for chunk in &self.drained.added {
            self.insert_rows(tx, &chunk.text()?, by).await?;
        }
        for chunk in self.added.chunks(500) {
            self.insert_rows(tx, &self.records(chunk), by).await?;
        }
        for chunk in &self.drained.changed {
            self.update_rows(tx, &chunk.text()?, by).await?;
        }
        for chunk in changed.chunks(500) {
            self.update_rows(tx, &self.records(chunk), by).await?;
        }
        let version = self.version;
        let drained = self
            .drained
            .changed_ids
            .iter()
            .chain(&self.drained.added_ids);
        let ids = changed.iter().chain(&self.added).chain(drained);
        Ok(ids
            .map(|id| RowVersion {
                id: id.clone(),
                version,
            })
            .collect())
    }

    fn records(&self, ids: &[String]) -> String {
        let touched = ids.iter().filter_map(|id| self.rows.get(id));
        let records = touched.filter_map(|t| record(t, self.now)).collect();
        Value::Array(records).to_string()
    }

    async fn insert_rows(
        &self,
        tx: &mut WriteTx,
        records: &str,
        by: &ChangeBy<'_>,
    ) -> Result<(), DbError> {
        sqlx::query(
            "insert into grid_rows (id, position, version, cells, list, list_since_at, list_by, list_reason,
                                    created_at, created_by, updated_at, updated_by, archived_at, archive_reason, deleted_at)
             select value ->> 0, value ->> 1, ?2, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                    ?3, ?4, ?3, ?4, value ->> 7, value ->> 8, value ->> 9
             from json_each(?1)",
        )
        .bind(records)
        .bind(self.version)
        .bind(self.now)
        .bind(by.actor)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    async fn update_rows(
        &self,
        tx: &mut WriteTx,
        records: &str,
        by: &ChangeBy<'_>,
    ) -> Result<(), DbError> {
        sqlx::query(
            "update grid_rows
             set version = ?2, cells = d.value ->> 2, list = d.value ->> 3, list_since_at = d.value ->> 4,
                 list_by = d.value ->> 5, list_reason = d.value ->> 6, updated_at = ?3, updated_by = ?4,
                 archived_at = d.value ->> 7, archive_reason = d.value ->> 8, deleted_at = d.value ->> 9
             from json_each(?1) d where grid_rows.id = d.value ->> 0",
        )
        .bind(records)
        .bind(self.version)
        .bind(self.now)
        .bind(by.actor)
        .execute(&mut **tx)
        .await?;
        Ok(())
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
        for chunk in &self.drained.history {
            self.write_changes(tx, &chunk.text()?).await?;
        }
        for chunk in self.changes.chunks(CHANGES_AT_ONCE) {
            self.write_changes(tx, &Value::from(chunk).to_string())
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

    async fn write_changes(&self, tx: &mut WriteTx, changes: &str) -> Result<(), DbError> {
        sqlx::query(
            "insert into grid_changes (change_set_id, what, row_id, column_id, before, after)
             select ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each(?2)",
        )
        .bind(self.version)
        .bind(changes)
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
