//! Putting a reply draft into Gmail.

use crate::{
    email::{self, SaveDraft},
    queue::{Context, Job, JobError},
};

/// Safe to repeat: what Gmail has under the draft's own Message-ID is not made again.
impl Job for SaveDraft {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        email::save_draft(cx, &self.draft).await
    }
}
