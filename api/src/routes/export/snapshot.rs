//! The snapshot, as it is written.

use std::{io, time::Duration};

use axum::response::Response;
use crm_jobs::export::snapshot::{Snapshot, SnapshotError};
use serde_json::json;
use tokio::sync::mpsc;

use super::{AHEAD, channel_body, recorded, saved};
use crate::{error::AppError, session::SignedIn, state::App};

/// A reader that takes nothing for so long is gone: the snapshot keeps old pages
/// of the database in use.
const PATIENCE: Duration = Duration::from_mins(1);

pub async fn send(app: &App, who: &SignedIn) -> Result<Response, AppError> {
    let snapshot = Snapshot::open(&app.db).await?;
    let detail = json!({"format": "json", "rows": snapshot.rows()});
    recorded(app, who, "export.snapshot", "", detail).await?;
    let (out, inbox) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let hand_on = |piece| {
            let sent = out.send_timeout(Ok(piece), PATIENCE);
            async move { sent.await.is_ok() }
        };
        if let Err(error) = snapshot.write(hand_on).await {
            if !matches!(error, SnapshotError::Gone) {
                tracing::error!(%error, "a snapshot could not be finished");
            }
            let broken = io::Error::other("the snapshot could not be finished");
            let _ = out.try_send(Err(broken));
        }
    });
    let day = jiff::Timestamp::from_millisecond(app.db.now()).unwrap_or_default();
    let name = format!("venture-crm-snapshot-{}.json", day.strftime("%Y-%m-%d"));
    Ok(saved(channel_body(inbox), "application/json", &name))
}
