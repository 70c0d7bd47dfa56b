//! Looking for what fires.

use std::time::Duration;

use crate::{
    automations::{self, LookForFirings},
    clock::Clock,
    grid::GridError,
    queue::{Context, Job, JobError, OrFail, reached},
};

/// How long a look lets edits gather: they come in bursts.
const GATHER: Duration = Duration::from_millis(100);

/// Safe to repeat: what a look found and the place it came to are written
/// together, and a look that another one overtook writes nothing.
impl Job for LookForFirings {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        if matches!(cx.db().clock(), Clock::System) {
            tokio::time::sleep(GATHER).await;
        }
        automations::install_shipped(cx.db()).await.or_retry()?;
        let mut fired = 0;
        loop {
            cx.check_cancelled()?;
            let plan = automations::plan(cx.db()).await.or_retry()?;
            let mut tx = cx.write().await?;
            let looked = automations::take_in(&mut tx, &plan).await.or_retry()?;
            reached("before_firings_commit");
            tx.commit().await.or_retry()?;
            reached("after_firings_commit");
            fired += looked.fired;
            for name in &looked.switched_off {
                cx.log(format!(
                    "switched the rule “{name}” off: it kept feeding itself"
                ));
            }
            if !plan.more && !looked.was_late {
                break;
            }
        }
        if fired > 0 {
            cx.log(format!("{fired} runs"));
        }
        cx.output(&serde_json::json!({ "fired": fired }));
        Ok(())
    }
}

/// What cannot be mended by trying again.
pub(super) fn is_final(error: &GridError) -> bool {
    !matches!(error, GridError::Db(_))
}
