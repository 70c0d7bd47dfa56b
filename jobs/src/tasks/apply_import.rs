//! Applying an import.

use crate::{
    db::DbError,
    grid::GridError,
    import::{
        self, ApplyImport, Import, ImportError, ImportState, file_table, mark_applied, mark_failed,
        plan_now, write_plan,
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
            ImportState::Applied => return Ok(()),
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
    cx.progress(0, rows, format!("comparing {rows} rows with the grid"));
    let plan = plan_now(cx.db(), import, &table).await?;
    cx.check_cancelled()?;
    cx.progress(
        rows / 2,
        rows,
        format!("writing: {}", plan.report.summary()),
    );
    let mut tx = cx.write().await?;
    let (applied, report) = write_plan(
        cx.db(),
        &mut tx,
        import,
        &table,
        plan,
        cx.id(),
        cx.created_by(),
    )
    .await?;
    let summary = report.summary();
    let change_set = (applied.changes > 0).then_some(applied.version);
    if !mark_applied(&mut tx, &import.id, cx.id(), report, change_set).await? {
        return Err(JobError::give_up("the import belongs to another job now").into());
    }
    cx.output(&serde_json::json!({"summary": summary, "change_set_id": change_set}));
    cx.progress(rows, rows, summary);
    cx.complete_tx(tx).await?;
    Ok(())
}
