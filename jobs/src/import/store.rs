//! Imports in the database, and the states they go through:
//! `draft → applying → applied`, or `→ failed → draft`.

use sqlx::{FromRow, SqliteConnection};

use super::{
    ApplyImport, Delimiter, Encoding, Import, ImportError, ImportPage, ImportState, ImportSummary,
    Mapping, Report, Upload, UsedProfile, profiles,
};
use crate::{
    db::{Db, DbError, WriteTx},
    queue::{EnqueueOptions, JobId, Prepared, enqueue_with},
};

#[derive(FromRow)]
struct ImportRecord {
    id: String,
    file_name: String,
    size_bytes: i64,
    sha256: String,
    encoding: String,
    delimiter: String,
    sheet: Option<String>,
    sheets: String,
    first_lines: String,
    profile_id: Option<String>,
    profile_name: Option<String>,
    row_count: i64,
    mapping: String,
    profile: String,
    state: String,
    outcome: Option<String>,
    error: Option<String>,
    job_id: Option<i64>,
    job_state: Option<String>,
    job_error: Option<String>,
    change_set_id: Option<i64>,
    created_by: String,
    created_at: i64,
    applied_at: Option<i64>,
    revert_job_id: Option<i64>,
    revert_job_state: Option<String>,
    revert_job_error: Option<String>,
    revert_outcome: Option<String>,
    reverted_at: Option<i64>,
    reverted_by: Option<String>,
}

fn decode_error(what: &str) -> DbError {
    sqlx::Error::Decode(format!("import {what}").into())
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, DbError> {
    serde_json::from_str(json).map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}

/// Whether an applied import is being taken back, or was.
fn taken_back(state: ImportState, is_reverted: bool, job_state: Option<&str>) -> ImportState {
    match (state, job_state) {
        (ImportState::Applied, _) if is_reverted => ImportState::Reverted,
        (ImportState::Applied, Some("scheduled" | "available" | "running")) => {
            ImportState::Reverting
        }
        (state, _) => state,
    }
}

/// An import whose job has ended without finishing it has failed, whatever its
/// row says: a job that was cancelled writes nothing more.
fn standing(
    state: &str,
    error: Option<String>,
    job_state: Option<&str>,
    job_error: Option<String>,
) -> Result<(ImportState, Option<String>), DbError> {
    let state = ImportState::parse(state).ok_or_else(|| decode_error("state"))?;
    if state != ImportState::Applying {
        return Ok((state, error));
    }
    Ok(match job_state {
        Some("scheduled" | "available" | "running") => (state, error),
        Some("cancelled") => (
            ImportState::Failed,
            Some("its job was cancelled; nothing has changed".to_owned()),
        ),
        _ => (
            ImportState::Failed,
            job_error.or_else(|| Some("its job ended; nothing has changed".to_owned())),
        ),
    })
}

impl ImportRecord {
    fn into_import(self) -> Result<Import, DbError> {
        let (state, error) = standing(
            &self.state,
            self.error,
            self.job_state.as_deref(),
            self.job_error,
        )?;
        let revert_job = self.revert_job_state.as_deref();
        let state = taken_back(state, self.reverted_at.is_some(), revert_job);
        let has_failed =
            state == ImportState::Applied && matches!(revert_job, Some("discarded" | "cancelled"));
        Ok(Import {
            id: self.id,
            file_name: self.file_name,
            size_bytes: self.size_bytes,
            sha256: self.sha256,
            encoding: Encoding::parse(&self.encoding).ok_or_else(|| decode_error("encoding"))?,
            delimiter: Delimiter::parse(&self.delimiter)
                .ok_or_else(|| decode_error("delimiter"))?,
            sheet: self.sheet,
            sheets: from_json(&self.sheets)?,
            first_lines: from_json(&self.first_lines)?,
            saved_profile: self
                .profile_id
                .zip(self.profile_name)
                .map(|(id, name)| UsedProfile { id, name }),
            row_count: self.row_count,
            mapping: from_json(&self.mapping)?,
            profile: from_json(&self.profile)?,
            state,
            outcome: self.outcome.as_deref().map(from_json).transpose()?,
            error,
            job_id: self.job_id,
            change_set_id: self.change_set_id,
            created_by: self.created_by,
            created_at: self.created_at,
            applied_at: self.applied_at,
            revert_job_id: self.revert_job_id,
            revert: self.revert_outcome.as_deref().map(from_json).transpose()?,
            revert_error: has_failed.then(|| {
                let cancelled = || "its job was cancelled; nothing has changed".to_owned();
                self.revert_job_error.unwrap_or_else(cancelled)
            }),
            reverted_at: self.reverted_at,
            reverted_by: self.reverted_by,
        })
    }
}

/// Stores a file that was read, as a draft with its suggested mapping.
pub async fn create(tx: &mut WriteTx, upload: &Upload, actor: &str) -> Result<Import, ImportError> {
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into imports (id, file_name, size_bytes, sha256, encoding, delimiter, row_count, mapping, profile,
                              state, created_by, created_at, sheet, sheets, first_lines, profile_id)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'draft', ?10, ?11, ?12, ?13, ?14, ?15)",
    )
    .bind(&id)
    .bind(&upload.file_name)
    .bind(i64::try_from(upload.size_bytes).unwrap_or(i64::MAX))
    .bind(&upload.sha256)
    .bind(upload.encoding.as_str())
    .bind(upload.delimiter.as_str())
    .bind(i64::try_from(upload.row_count).unwrap_or(i64::MAX))
    .bind(to_json(&upload.mapping)?)
    .bind(to_json(&upload.profile)?)
    .bind(actor)
    .bind(now)
    .bind(&upload.sheet)
    .bind(to_json(&upload.sheets)?)
    .bind(to_json(&upload.first_lines)?)
    .bind(&upload.saved_profile)
    .execute(&mut **tx)
    .await?;
    if let Some(profile) = &upload.saved_profile {
        profiles::mark_used(tx, profile).await?;
    }
    sqlx::query("insert into import_files (import_id, zstd) values (?1, ?2)")
        .bind(&id)
        .bind(&upload.zstd)
        .execute(&mut **tx)
        .await?;
    find(tx, &id).await?.ok_or(ImportError::Missing(id))
}

/// One import.
pub async fn load(db: &Db, id: &str) -> Result<Option<Import>, DbError> {
    let mut conn = db.read().acquire().await?;
    find(&mut conn, id).await
}

pub(super) async fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<Import>, DbError> {
    let record: Option<ImportRecord> = sqlx::query_as(
        "select i.id, i.file_name, i.size_bytes, i.sha256, i.encoding, i.delimiter, i.row_count, i.mapping, i.profile,
                i.state, i.outcome, i.error, i.job_id, j.state as job_state, j.last_error as job_error,
                i.change_set_id, i.created_by, i.created_at, i.applied_at, i.sheet, i.sheets, i.first_lines,
                i.profile_id, p.name as profile_name, i.revert_job_id, k.state as revert_job_state,
                k.last_error as revert_job_error, i.revert_outcome, r.at as reverted_at, r.actor as reverted_by
         from imports i
         left join jobs j on j.id = i.job_id
         left join jobs k on k.id = i.revert_job_id
         left join import_profiles p on p.id = i.profile_id
         left join change_sets s on s.id = i.change_set_id
         left join change_sets r on r.id = s.undone_by and r.id <> s.id and r.undone_by is null
         where i.id = ?1 and i.deleted_at is null",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    record.map(ImportRecord::into_import).transpose()
}

/// The stored file, compressed.
pub(super) async fn load_file(db: &Db, id: &str) -> Result<Vec<u8>, ImportError> {
    sqlx::query_scalar("select zstd from import_files where import_id = ?1")
        .bind(id)
        .fetch_optional(db.read())
        .await?
        .ok_or_else(|| ImportError::Missing(id.to_owned()))
}

#[derive(FromRow)]
struct SummaryRecord {
    id: String,
    file_name: String,
    size_bytes: i64,
    row_count: i64,
    column_count: i64,
    state: String,
    new: Option<i64>,
    changed: Option<i64>,
    unchanged: Option<i64>,
    rejected: Option<i64>,
    error: Option<String>,
    job_id: Option<i64>,
    job_state: Option<String>,
    job_error: Option<String>,
    created_by: String,
    created_at: i64,
    applied_at: Option<i64>,
    is_reverted: bool,
    revert_job_state: Option<String>,
}

/// Imports, newest first; pages count from 1.
pub async fn list(
    conn: &mut SqliteConnection,
    page: i64,
    per_page: i64,
) -> Result<ImportPage, DbError> {
    let per_page = per_page.clamp(1, 200);
    let total: i64 = sqlx::query_scalar("select count(*) from imports where deleted_at is null")
        .fetch_one(&mut *conn)
        .await?;
    let records: Vec<SummaryRecord> = sqlx::query_as(
        "select i.id, i.file_name, i.size_bytes, i.row_count, json_array_length(i.mapping, '$.columns') as column_count,
                i.state, i.outcome ->> 'new' as new, i.outcome ->> 'changed' as changed,
                i.outcome ->> 'unchanged' as unchanged, i.outcome ->> 'rejected' as rejected, i.error,
                i.job_id, j.state as job_state, j.last_error as job_error, i.created_by, i.created_at, i.applied_at,
                r.id is not null as is_reverted, k.state as revert_job_state
         from imports i
         left join jobs j on j.id = i.job_id
         left join jobs k on k.id = i.revert_job_id
         left join change_sets s on s.id = i.change_set_id
         left join change_sets r on r.id = s.undone_by and r.id <> s.id and r.undone_by is null
         where i.deleted_at is null order by i.created_at desc, i.id desc limit ?1 offset ?2",
    )
    .bind(per_page)
    .bind((page.max(1) - 1).saturating_mul(per_page))
    .fetch_all(conn)
    .await?;
    let imports = records
        .into_iter()
        .map(summary)
        .collect::<Result<_, DbError>>()?;
    Ok(ImportPage { imports, total })
}

fn summary(record: SummaryRecord) -> Result<ImportSummary, DbError> {
    let (state, error) = standing(
        &record.state,
        record.error,
        record.job_state.as_deref(),
        record.job_error,
    )?;
    let state = taken_back(
        state,
        record.is_reverted,
        record.revert_job_state.as_deref(),
    );
    let count = |n: Option<i64>| usize::try_from(n.unwrap_or(0)).unwrap_or(0);
    let report = Report {
        new: count(record.new),
        changed: count(record.changed),
        unchanged: count(record.unchanged),
        rejected: count(record.rejected),
        ..Report::default()
    };
    Ok(ImportSummary {
        id: record.id,
        file_name: record.file_name,
        size_bytes: record.size_bytes,
        row_count: record.row_count,
        column_count: record.column_count,
        state,
        result: report.summary(),
        error,
        job_id: record.job_id,
        created_by: record.created_by,
        created_at: record.created_at,
        applied_at: record.applied_at,
    })
}

pub(super) async fn needed(tx: &mut WriteTx, id: &str) -> Result<Import, ImportError> {
    find(tx, id)
        .await?
        .ok_or_else(|| ImportError::Missing(id.to_owned()))
}

async fn draft(tx: &mut WriteTx, id: &str) -> Result<Import, ImportError> {
    let import = needed(tx, id).await?;
    if import.state == ImportState::Draft {
        return Ok(import);
    }
    Err(ImportError::State {
        now: import.state,
        needs: "only a draft can be changed; reopen it if it has failed",
    })
}

/// Keeps a reviewed mapping. Only a draft takes one.
pub async fn set_mapping(
    tx: &mut WriteTx,
    id: &str,
    mapping: &Mapping,
) -> Result<Import, ImportError> {
    let import = draft(tx, id).await?;
    let headers: Vec<String> = import.profile.iter().map(|p| p.header.clone()).collect();
    mapping.check(&headers)?;
    if (mapping.encoding, mapping.delimiter) != (import.encoding, import.delimiter) {
        return Err(ImportError::invalid(
            "read_again",
            "mapping.delimiter",
            "another encoding or delimiter makes other columns: read the file again",
        ));
    }
    sqlx::query("update imports set mapping = ?2 where id = ?1 and state = 'draft'")
        .bind(id)
        .bind(to_json(mapping)?)
        .execute(&mut **tx)
        .await?;
    needed(tx, id).await
}

/// Keeps what [`super::read_again`] made of the file. Only a draft takes it.
pub async fn set_upload(
    tx: &mut WriteTx,
    id: &str,
    upload: &Upload,
) -> Result<Import, ImportError> {
    draft(tx, id).await?;
    sqlx::query(
        "update imports
         set encoding = ?2, delimiter = ?3, row_count = ?4, mapping = ?5, profile = ?6, sheet = ?7, sheets = ?8,
             first_lines = ?9, profile_id = ?10
         where id = ?1 and state = 'draft'",
    )
    .bind(id)
    .bind(upload.encoding.as_str())
    .bind(upload.delimiter.as_str())
    .bind(i64::try_from(upload.row_count).unwrap_or(i64::MAX))
    .bind(to_json(&upload.mapping)?)
    .bind(to_json(&upload.profile)?)
    .bind(&upload.sheet)
    .bind(to_json(&upload.sheets)?)
    .bind(to_json(&upload.first_lines)?)
    .bind(&upload.saved_profile)
    .execute(&mut **tx)
    .await?;
    if let Some(profile) = &upload.saved_profile {
        profiles::mark_used(tx, profile).await?;
    }
    needed(tx, id).await
}

/// Notes what exists because of an import: `[what, id]` each.
pub(super) async fn note_created(
    tx: &mut WriteTx,
    id: &str,
    created: Vec<serde_json::Value>,
) -> Result<(), DbError> {
    for chunk in created.chunks(5_000) {
        sqlx::query(
            "insert into import_created (import_id, what, thing_id)
             select ?1, value ->> 0, value ->> 1 from json_each(?2) where true on conflict do nothing",
        )
        .bind(id)
        .bind(serde_json::Value::from(chunk).to_string())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Enqueues the job that applies a draft. Starting twice answers the same job.
pub async fn start(tx: &mut WriteTx, id: &str, actor: &str) -> Result<JobId, ImportError> {
    let import = needed(tx, id).await?;
    match (import.state, import.job_id) {
        (ImportState::Applying, Some(job)) => return Ok(job),
        (ImportState::Draft, _) => {}
        (now, _) => {
            return Err(ImportError::State {
                now,
                needs: "only a draft can be applied; reopen it if it has failed",
            });
        }
    }
    let job = Prepared::new(&ApplyImport {
        import_id: id.to_owned(),
    })?;
    let job = enqueue_with(tx, &job, &EnqueueOptions::by(actor)).await?.id;
    sqlx::query(
        "update imports set state = 'applying', job_id = ?2, error = null where id = ?1 and state = 'draft'",
    )
    .bind(id)
    .bind(job)
    .execute(&mut **tx)
    .await?;
    Ok(job)
}

/// Makes a failed import a draft again.
pub async fn reopen(tx: &mut WriteTx, id: &str) -> Result<Import, ImportError> {
    let done = sqlx::query(
        "update imports set state = 'draft', error = null, job_id = null
         where id = ?1 and deleted_at is null
           and (state = 'failed' or state = 'applying' and not exists (
             select 1 from jobs where jobs.id = imports.job_id and jobs.state in ('scheduled', 'available', 'running')))",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    let import = needed(tx, id).await?;
    if done.rows_affected() == 1 {
        return Ok(import);
    }
    Err(ImportError::State {
        now: import.state,
        needs: "only a failed import can be reopened",
    })
}

/// Takes an import off the list (softly). One whose job is at work stays.
pub async fn remove(tx: &mut WriteTx, id: &str) -> Result<(), ImportError> {
    let import = needed(tx, id).await?;
    if matches!(import.state, ImportState::Applying | ImportState::Reverting) {
        return Err(ImportError::State {
            now: import.state,
            needs: "wait for its job, or cancel that first",
        });
    }
    let now = tx.now();
    sqlx::query("update imports set deleted_at = ?2 where id = ?1 and deleted_at is null")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Records what came of it, in the transaction of the change set. False if the
/// import no longer belongs to this job.
pub(crate) async fn mark_applied(
    tx: &mut WriteTx,
    id: &str,
    job: JobId,
    report: Report,
    change_set: Option<i64>,
) -> Result<bool, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update imports set state = 'applied', outcome = ?3, error = null, change_set_id = ?4, applied_at = ?5
         where id = ?1 and job_id = ?2 and state in ('applying', 'failed')",
    )
    .bind(id)
    .bind(job)
    .bind(to_json(&report.shortened())?)
    .bind(change_set)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records why it failed.
pub(crate) async fn mark_failed(
    tx: &mut WriteTx,
    id: &str,
    job: JobId,
    error: &str,
) -> Result<(), DbError> {
    sqlx::query(
        "update imports set state = 'failed', error = ?3
         where id = ?1 and job_id = ?2 and state in ('applying', 'failed')",
    )
    .bind(id)
    .bind(job)
    .bind(error)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
