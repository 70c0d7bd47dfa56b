//! Daily housekeeping.

use serde::{Deserialize, Serialize};

use crate::{
    clock::DAY,
    export::archive,
    files,
    queue::{Context, Job, JobError, OrFail, Payload, control},
};

/// Removes what has had its time, and keeps the query planner informed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Maintain {}

impl Payload for Maintain {
    const KIND: &'static str = "maintain";

    fn group(&self) -> Option<String> {
        Some("maintenance".to_owned())
    }
}

/// Rows deleted in one short transaction.
const BATCH: i64 = 1_000;

/// Safe to repeat: what is gone stays gone.
impl Job for Maintain {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let mut pruned = 0;
        loop {
            cx.check_cancelled()?;
            let mut tx = cx.write().await?;
            let count = control::prune(&mut tx, BATCH).await.or_retry()?;
            tx.commit().await.or_retry()?;
            pruned += count;
            if count == 0 {
                break;
            }
        }
        let mut tx = cx.write().await?;
        let now = tx.now();
        for (sql, before) in [
            (
                "delete from idempotency_keys where created_at < ?1",
                now - 7 * DAY,
            ),
            ("delete from login_failures where at < ?1", now - DAY),
            ("delete from sessions where expires_at < ?1", now),
            ("delete from links where expires_at < ?1", now - 30 * DAY),
            (
                "delete from probe_marks where job_id not in (select id from jobs) and ?1 > 0",
                now,
            ),
        ] {
            sqlx::query(sql)
                .bind(before)
                .execute(&mut *tx)
                .await
                .or_retry()?;
        }
        tx.commit().await.or_retry()?;
        let mut tx = cx.db().write().await.or_retry()?;
        sqlx::query("pragma optimize")
            .execute(&mut *tx)
            .await
            .or_retry()?;
        tx.commit().await.or_retry()?;
        let swept = files::sweep(cx.db()).await.or_retry()?;
        archive::sweep(cx.db(), false).await.or_retry()?;
        cx.log(format!(
            "pruned {pruned} finished jobs; removed {} files that nothing names",
            swept.removed
        ));
        Ok(())
    }
}
