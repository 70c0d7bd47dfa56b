//! What a dry run has just shown need not be found out again: whoever applies an
//! import has mostly looked at its dry run a moment ago. The job checks anyway.

use std::sync::{Arc, Mutex, PoisonError};

use crm_jobs::{
    grid,
    import::{self, Import, ImportError, Report},
};

use crate::state::App;

/// The last import that a dry run found nothing against, with how its file was
/// read and the grid's version.
#[derive(Clone, Default)]
pub struct Applicable(Arc<Mutex<Option<String>>>);

impl Applicable {
    /// Whether nothing has changed since the dry run that found it fine.
    pub async fn knows(&self, app: &App, id: &str) -> Result<bool, ImportError> {
        let mut conn = app.db.read().acquire().await.map_err(ImportError::from)?;
        let version = grid::state(&mut conn).await?.version;
        drop(conn);
        let Some(import) = import::load(&app.db, id).await? else {
            return Ok(false);
        };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.as_deref() == Some(key(&import, version).as_str()))
    }

    fn note(&self, key: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }
}

/// What applying this import would do now.
pub async fn dry_run(app: &App, id: &str) -> Result<Report, ImportError> {
    let before = import::load(&app.db, id).await?;
    let report = import::dry_run(&app.db, id).await?;
    if let Some(import) = before
        && report.errors.is_empty()
    {
        app.applicable.note(key(&import, report.grid_version));
    }
    Ok(report)
}

fn key(import: &Import, version: i64) -> String {
    let read = (&import.encoding, &import.delimiter, &import.sheet);
    serde_json::json!([import.id, version, read, import.mapping]).to_string()
}
