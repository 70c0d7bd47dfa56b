//! Drafting what new matched mail suggests.

use jiff::tz::TimeZone;

use crate::{
    proposals::{self, DraftProposals},
    queue::{Context, Job, JobError, OrFail},
    settings,
    spark::Asker,
};

/// Safe to repeat, without asking the model again for what is kept: a proposal and the mark that its mail was weighed are written
/// together.
impl Job for DraftProposals {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let zone = settings::fund_zone(cx.db()).await.or_retry()?;
        let zone = TimeZone::get(&zone).unwrap_or(TimeZone::UTC);
        let mut asker = None;
        let (mut drafted, mut by_model) = (0, 0);
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
                // The model is looked for once there is something to ask.
                let asker = match &mut asker {
                    Some(asker) => asker,
                    none => none.insert(Asker::new(cx.db()).await),
                };
                let draft = proposals::draft(cx.db(), asker, from).await;
                by_model += i64::from(!draft.model.is_empty());
                let mut tx = cx.write().await?;
                proposals::keep(&mut tx, from, &draft).await.or_retry()?;
                tx.commit().await.or_retry()?;
                drafted += 1;
                cx.progress(drafted, 0, format!("{}: {}", from.row_title, from.day));
            }
        }
        cx.output(&serde_json::json!({"proposals": drafted, "by_model": by_model}));
        Ok(())
    }
}
