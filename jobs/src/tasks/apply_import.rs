//! Applying an import.

use crate::{
    db::DbError,
    grid::GridError,
    import::{
        self, ApplyImport, Import, ImportError, ImportState, file_table, mark_applied, mark_failed,
        prepare,
    },
    queue::{Context, Job, JobError, OrFail},
};

/// Safe to repeat: the cells, the import's state and the job's end are written in
/// one transaction, so a rerun finds the import applied or nothing done. Bad data
/// ends the import as failed and the job for good; a person reopens it.
impl Job for ApplyImport {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let import = import::load(cx.db(), &self.import_id)
            .await
            .or_retry()?
            .ok_or_else(|| JobError::give_up("the import no longer exists"))?;
        match import.state {
            ImportState::Applied | ImportState::Reverting | ImportState::Reverted => return Ok(()),
            ImportState::Draft => {
                return Err(JobError::give_up("the import was reopened meanwhile"));
            }
            ImportState::Applying | ImportState::Failed => {}
        }
        match apply(cx, &import).await {
            Err(Trouble::Data(reason)) => {
                let mut tx = cx.write().await?;
                mark_failed(&mut tx, &import.id, cx.id(), &reason)
                    .await
                    .or_retry()?;
                tx.commit().await.or_retry()?;
                Err(JobError::give_up(reason))
            }
            Err(Trouble::Job(error)) => Err(error),
            Ok(()) => Ok(()),
        }
    }
}

/// What the file is to blame for, and all else.
enum Trouble {
    Data(String),
    Job(JobError),
}

impl From<JobError> for Trouble {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

impl From<DbError> for Trouble {
    fn from(error: DbError) -> Self {
        Self::Job(JobError::retry(error))
    }
}

impl From<ImportError> for Trouble {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Db(e) | ImportError::Grid(GridError::Db(e)) => e.into(),
            other => Self::Data(other.to_string()),
        }
    }
}

async fn apply(cx: &Context, import: &Import) -> Result<(), Trouble> {
    let rows = import.row_count;
    cx.progress(0, rows, "reading the file");
    let table = file_table(cx.db(), import).await?;
    cx.check_cancelled()?;
    let comparing = format!("comparing {rows} rows with the grid");
    cx.progress(0, rows, comparing.as_str());
    let progress = |done: usize| {
        // Half of the way: the rest is writing.
        let done = i64::try_from(done).unwrap_or(i64::MAX).min(rows) / 2;
        cx.progress(done, rows, comparing.as_str());
    };
    let actor = cx.created_by();
    let mut ready = prepare(cx.db(), import, &table, actor, &progress).await?;
    drop(table);
    cx.check_cancelled()?;
    let writing = format!("writing: {}", ready.report.summary());
    cx.progress(rows / 2, rows, writing);
    let again = async || -> Result<_, Trouble> {
        let table = file_table(cx.db(), import).await?;
        Ok(prepare(cx.db(), import, &table, actor, &progress).await?)
    };
    let mut tx = cx.write().await?;
    if !ready.still_holds(&mut tx).await? {
        // Somebody edited meanwhile. Once more without keeping them waiting …
        tx.rollback().await?;
        drop(ready);
        ready = again().await?;
        cx.check_cancelled()?;
        tx = cx.write().await?;
    }
    let locked = cx.db().now();
    if !ready.still_holds(&mut tx).await? {
        // … and then while this holds the lock, and nobody can.
        drop(ready);
        ready = again().await?;
    }
    let (applied, report) = ready.write(&mut tx, import, cx.id(), actor).await?;
    let summary = report.summary();
    let change_set = (applied.changes > 0).then_some(applied.version);
    if !mark_applied(&mut tx, &import.id, cx.id(), report, change_set).await? {
        return Err(JobError::give_up("the import belongs to another job now").into());
    }
    cx.output(&serde_json::json!({"summary": summary, "change_set_id": change_set}));
    cx.progress(rows, rows, summary);
    cx.complete_tx(tx).await?;
    let held = cx.db().now() - locked;
    cx.log(format!("nobody else could write for {held} ms"));
    Ok(())
}
