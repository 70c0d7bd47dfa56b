//! What a refused write to the grid is called over HTTP.

use axum::http::StatusCode;
use crm_jobs::grid::GridError;
use serde_json::json;

use crate::error::{AppError, sentence};

impl From<GridError> for AppError {
    fn from(error: GridError) -> Self {
        let says = sentence(&error.to_string());
        match error {
            GridError::Invalid { code, field, .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, says).at(field)
            }
            GridError::Missing { .. } => Self::not_found(says),
            GridError::Stale { now, .. } => Self::conflict("stale", says)
                .with("current_version", now.version)
                .with("updated_at", now.updated_at)
                .with("updated_by", now.updated_by)
                .with("cells", json!(now.cells))
                .with("differing", now.differing),
            GridError::Db(error) => error.into(),
        }
    }
}
