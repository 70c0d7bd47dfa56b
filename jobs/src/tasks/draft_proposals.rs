//! Drafting what new matched mail suggests.

use jiff::tz::TimeZone;

use crate::{
    proposals::{self, DraftProposals},
    queue::{Context, Job, JobError, OrFail},
    settings,
};

/// Safe to repeat: a proposal and the mark that its mail was weighed are written
/// together.
impl Job for DraftProposals {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let zone = settings::fund_zone(cx.db()).await.or_retry()?;
        let zone = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
        let mut drafted = 0;
        loop {
            cx.check_cancelled()?;
            let mut conn = cx.db().read().acquire().await.or_retry()?;
            let (gathered, silent) = proposals::gather(&mut conn, &zone).await.or_retry()?;
            drop(conn);
            if gathered.is_empty() && silent.is_empty() {
                break;
            }
            let mut tx = cx.write().await?;
            proposals::pass_over(&mut tx, &silent).await.or_retry()?;
            tx.commit().await.or_retry()?;
            for from in &gathered {
                cx.check_cancelled()?;
                let draft = proposals::by_rule(from);
                let mut tx = cx.write().await?;
                proposals::keep(&mut tx, from, &draft).await.or_retry()?;
                tx.commit().await.or_retry()?;
                drafted += 1;
                cx.progress(drafted, 0, format!("{}: {}", from.row_title, from.day));
            }
        }
        cx.output(&serde_json::json!({"proposals": drafted}));
        Ok(())
    }
}
