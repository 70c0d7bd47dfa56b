//! A job that proves the pipeline works, from enqueue to effect. `ops/doctor`,
//! `ops/chaos` and `ops/bench` use it; people can enqueue one from the shell.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::queue::{Context, Job, JobError, OrFail, Payload, Step};

/// Waits, leaves a mark exactly once, and is done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Probe {
    /// Milliseconds of pretended work before and after the mark.
    #[serde(default)]
    pub work_ms: u64,
    /// Left in the table `probe_marks`; none if absent.
    #[serde(default)]
    pub mark: Option<String>,
}

impl Payload for Probe {
    const KIND: &'static str = "probe";
}

/// Safe to repeat: the mark and its step commit together.
impl Job for Probe {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        self.work().await;
        if let Some(mark) = &self.mark
            && let Step::Open(mut step) = cx.begin_step::<()>("mark").await?
        {
            sqlx::query("insert into probe_marks (mark, job_id) values (?1, ?2)")
                .bind(mark)
                .bind(cx.id())
                .execute(&mut **step)
                .await
                .or_retry()?;
            step.finish(&()).await?;
        }
        self.work().await;
        Ok(())
    }
}

impl Probe {
    async fn work(&self) {
        if self.work_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.work_ms)).await;
        }
    }
}
