//! Taking a large import back.

use crate::{
    import::{self, ImportError, ImportState, RevertImport, finish_revert, prepare_revert},
    queue::{Context, Job, JobError, OrFail},
};

/// Safe to repeat: the cells and the job's end are written in one transaction, so
/// a rerun finds the import reverted or nothing done.
impl Job for RevertImport {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let import = import::load(cx.db(), &self.import_id)
            .await
            .or_retry()?
            .ok_or_else(|| JobError::give_up("the import no longer exists"))?;
        if import.state == ImportState::Reverted {
            return Ok(());
        }
        cx.progress(0, 2, format!("taking {} back", import.file_name));
        let ready = prepare_revert(cx.db(), &import, &self.actor)
            .await
            .map_err(outcome)?;
        cx.check_cancelled()?;
        cx.progress(1, 2, "writing");
        let mut tx = cx.write().await?;
        let ready = if ready.still_holds(&mut tx).await.or_retry()? {
            ready
        } else {
            // Somebody edited meanwhile; nobody can while this holds the lock.
            prepare_revert(cx.db(), &import, &self.actor)
                .await
                .map_err(outcome)?
        };
        let done = finish_revert(&mut tx, ready, &import, &self.actor, Some(cx.id()))
            .await
            .map_err(outcome)?;
        cx.output(&serde_json::json!({
            "rows": done.rows, "cells": done.cells, "kept": done.kept_count,
        }));
        cx.progress(
            2,
            2,
            format!("{} rows and {} cells taken back", done.rows, done.cells),
        );
        cx.complete_tx(tx).await
    }
}

fn outcome(error: ImportError) -> JobError {
    match error {
        ImportError::Db(error) | ImportError::Grid(crate::grid::GridError::Db(error)) => {
            JobError::retry(error)
        }
        refused => JobError::give_up(refused.to_string()),
    }
}
