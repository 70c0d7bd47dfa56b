//! Work that does itself: a rule says when, whether and what.
//!
//! A look reads the change log from where the last one ended and writes down what
//! fires: one run for each rule × row × cause, with its job, in one transaction
//! with the place it has come to. A run does all it does in one transaction with
//! its own state. So whatever crashes, nothing fires twice and nothing is lost.

mod acts;
mod drafts;
mod dry;
mod fire;
mod history;
mod lists;
mod look;
mod marks;
mod remembered;
mod render;
mod rule;
mod run;
mod runs;
mod shipped;
mod store;
mod words;

pub use drafts::{Draft, DraftState, decide as decide_draft, find as find_draft, list as drafts};
pub use dry::{DRY_DAYS, Dry, DryRow, dry_run, matching};
pub use fire::{Looked, MAX_DEPTH, MOST_EXCESS, start_by_hand, take_in};
pub use lists::{ListCount, ListMember, ListPage, lists, members_of, why_of_row};
pub use look::{Plan, plan};
pub use remembered::table_of;
pub use rule::{Action, Definition, Trigger, check};
pub(crate) use run::failed as mark_failed;
pub use run::{Ran, carry_out};
pub use runs::{
    Answer, Reverted, Run, RunFilter, RunPage, RunStep, asked, by_change_sets, decide, find_run,
    list as runs, replay, revert,
};
pub use shipped::install as install_shipped;
pub use store::{
    Rule, RuleChange, activity, add, alerts, change, find, list, remove, restore, titles,
};
pub use words::{condition_sentences, sentence, sentence_of_action};

use serde::{Deserialize, Serialize};

use crate::{
    db::{DbError, WriteTx},
    queue::{EnqueueOptions, Payload, Prepared, Unique, enqueue_with},
};

/// Looks for what fires. Enqueued by every write of the grid while a rule is on;
/// writes that follow before it starts share it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LookForFirings {
    /// The slot of a schedule it is for, UTC milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
}

impl Payload for LookForFirings {
    const KIND: &'static str = "look_for_firings";

    fn group(&self) -> Option<String> {
        Some("automations".to_owned())
    }

    fn unique(&self) -> Option<Unique> {
        // One that waits for its hour must not stand in for one that is wanted now.
        Some(Unique::while_queued(
            self.at
                .map_or_else(|| "now".to_owned(), |at| format!("at {at}")),
        ))
    }
}

/// Does what a rule says, for one row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunAutomation {
    /// The run.
    pub run: i64,
}

impl Payload for RunAutomation {
    const KIND: &'static str = "run_automation";

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished(self.run.to_string()))
    }
}

/// Asks for a look, if there is a rule that could fire.
pub(crate) async fn look_soon(tx: &mut WriteTx) -> Result<(), DbError> {
    let has_rules: bool = sqlx::query_scalar(
        "select exists (select 1 from automation_rules where enabled = 1 and deleted_at is null)",
    )
    .fetch_one(&mut **tx)
    .await?;
    if has_rules {
        let job = Prepared::new(&LookForFirings::default())?;
        enqueue_with(tx, &job, &EnqueueOptions::default()).await?;
    }
    Ok(())
}

/// The actor that a rule's changes are written under.
pub fn actor_of(rule: &str) -> String {
    format!("rule:{rule}")
}
