//! What belongs to this box and not to the data: it goes from the old database
//! into the new one, whatever the backup says.
//!
//! Which backups lie on the disk, which drills and restores there were, the
//! backup policy; and that an API token was revoked, or somebody's account
//! disabled, since the backup was taken: a restore must let nobody back in. Second
//! factors stay as they are now, for the same reason, and because people have in
//! their apps what holds now.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::RestoreError;
use crate::{
    backup::{Manifest, Taken},
    db::{DbError, WriteTx},
};

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Carried {
    /// Rows as JSON arrays, in the columns' order below. Numbers of jobs are left
    /// behind: in the new database they mean other jobs.
    backups: String,
    drills: String,
    restores: String,
    policy: Option<String>,
    revoked_tokens: Vec<String>,
    revoked_feeds: Vec<String>,
    disabled_users: Vec<String>,
    #[serde(default)]
    people: Vec<String>,
    #[serde(default)]
    second_factors: String,
    #[serde(default)]
    recovery_codes: String,
    pub(super) safety: Option<Taken>,
}

const FILE: &str = "carried.json";

impl Carried {
    pub(super) async fn collect(conn: &mut SqliteConnection) -> Result<Self, DbError> {
        Ok(Self {
            backups: sqlx::query_scalar(
                "select json_group_array(json_array(id, file_name, size_bytes, database_bytes, sha256, manifest, state, error, job_id, created_at, verified_at, deleted_at, kind, recipient, second_state, second_error)) from backups",
            )
            .fetch_one(&mut *conn)
            .await?,
            drills: sqlx::query_scalar(
                "select json_group_array(json_array(id, backup_id, state, compared, error, started_at, finished_at)) from drills",
            )
            .fetch_one(&mut *conn)
            .await?,
            restores: sqlx::query_scalar(
                "select json_group_array(json_array(id, backup_id, file, taken_at, by, safety_backup, replaced, downtime_ms, at)) from restores",
            )
            .fetch_one(&mut *conn)
            .await?,
            policy: sqlx::query_scalar("select value from settings where key = 'backup_policy'")
                .fetch_optional(&mut *conn)
                .await?,
            revoked_tokens: sqlx::query_scalar("select id from api_tokens where revoked_at is not null")
                .fetch_all(&mut *conn)
                .await?,
            revoked_feeds: sqlx::query_scalar("select id from calendar_feeds where revoked_at is not null")
                .fetch_all(&mut *conn)
                .await?,
            disabled_users: sqlx::query_scalar("select id from users where disabled_at is not null")
                .fetch_all(&mut *conn)
                .await?,
            people: sqlx::query_scalar("select id from users")
                .fetch_all(&mut *conn)
                .await?,
            second_factors: sqlx::query_scalar(
                "select json_group_array(json_array(user_id, sealed, last_step, created_at, confirmed_at)) from second_factors",
            )
            .fetch_one(&mut *conn)
            .await?,
            recovery_codes: sqlx::query_scalar(
                "select json_group_array(json_array(user_id, code_hash, used_at)) from recovery_codes",
            )
            .fetch_one(conn)
            .await?,
            safety: None,
        })
    }

    pub(super) fn save(&self, scratch: &Path) -> Result<(), RestoreError> {
        let write = || -> std::io::Result<()> {
            let path = scratch.join(FILE);
            fs::write(&path, serde_json::to_vec(self)?)?;
            fs::File::open(path)?.sync_all()?;
            fs::File::open(scratch)?.sync_all()
        };
        write().map_err(RestoreError::file("write down what is carried over"))
    }

    /// Nothing, if nothing was: on a new box, or beside a broken database.
    pub(super) fn load(scratch: &Path) -> Result<Self, RestoreError> {
        match fs::read(scratch.join(FILE)) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(std::io::Error::from)
                .map_err(RestoreError::file("read what is carried over")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(RestoreError::file("read what is carried over")(error)),
        }
    }

    /// Writes it into the new database. Its own rows about files on the disk may
    /// name files that are long gone.
    pub(super) async fn put(&self, tx: &mut WriteTx, on_disk: &[Manifest]) -> Result<(), DbError> {
        for sql in ["delete from backups", "delete from drills"] {
            sqlx::query(sql).execute(&mut **tx).await?;
        }
        if !self.backups.is_empty() {
            self.put_rows(tx).await?;
        }
        if let Some(safety) = &self.safety {
            crate::backup::record(tx, safety, None).await?;
        }
        // What the old database did not know, or could not tell any more.
        for manifest in on_disk {
            let taken = Taken {
                manifest: manifest.clone(),
                verified_at: manifest.created_at,
            };
            crate::backup::record(tx, &taken, None).await?;
        }
        let now = tx.now();
        for (sql, ids) in [
            (
                "update api_tokens set revoked_at = ?1 where revoked_at is null and id in (select value from json_each(?2))",
                &self.revoked_tokens,
            ),
            (
                "update calendar_feeds set revoked_at = ?1 where revoked_at is null and id in (select value from json_each(?2))",
                &self.revoked_feeds,
            ),
            (
                "update users set disabled_at = ?1 where disabled_at is null and id in (select value from json_each(?2))",
                &self.disabled_users,
            ),
        ] {
            sqlx::query(sql)
                .bind(now)
                .bind(serde_json::json!(ids).to_string())
                .execute(&mut **tx)
                .await?;
        }
        self.put_second_factors(tx).await
    }

    /// Of those whom both databases know.
    async fn put_second_factors(&self, tx: &mut WriteTx) -> Result<(), DbError> {
        let people = serde_json::json!(self.people).to_string();
        for sql in [
            "delete from second_factors where user_id in (select value from json_each(?1))",
            "delete from recovery_codes where user_id in (select value from json_each(?1))",
        ] {
            sqlx::query(sql).bind(&people).execute(&mut **tx).await?;
        }
        for (sql, rows) in [
            (
                "insert into second_factors (user_id, sealed, last_step, created_at, confirmed_at)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 from json_each(?1)
                 where value ->> 0 in (select id from users)",
                &self.second_factors,
            ),
            (
                "insert into recovery_codes (user_id, code_hash, used_at)
                 select value ->> 0, value ->> 1, value ->> 2 from json_each(?1)
                 where value ->> 0 in (select id from users)",
                &self.recovery_codes,
            ),
        ] {
            if !rows.is_empty() {
                sqlx::query(sql).bind(rows).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    async fn put_rows(&self, tx: &mut WriteTx) -> Result<(), DbError> {
        let now = tx.now();
        sqlx::query(
            "insert into backups (id, file_name, size_bytes, database_bytes, sha256, manifest, state, error, job_id, created_at, verified_at, deleted_at, kind, recipient, second_state, second_error)
             select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, null, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15
             from json_each(?1)",
        )
        .bind(&self.backups)
        .execute(&mut **tx)
        .await?;
        sqlx::query(
            "insert into drills (id, backup_id, state, compared, error, started_at, finished_at)
             select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 from json_each(?1)",
        )
        .bind(&self.drills)
        .execute(&mut **tx)
        .await?;
        sqlx::query(
            "insert into restores (id, backup_id, file, taken_at, by, safety_backup, replaced, downtime_ms, at)
             select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8 from json_each(?1) where true
             on conflict (id) do nothing",
        )
        .bind(&self.restores)
        .execute(&mut **tx)
        .await?;
        sqlx::query("delete from settings where key = 'backup_policy'")
            .execute(&mut **tx)
            .await?;
        if let Some(policy) = &self.policy {
            sqlx::query(
                "insert into settings (key, value, updated_at, updated_by) values ('backup_policy', ?1, ?2, 'system')",
            )
            .bind(policy)
            .bind(now)
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }
}
