//! The daily digest: what happened since the last one that was delivered, to our
//! own team, in the words of the model on this box or, without it, by rule.
//!
//! Collect, narrate, render, deliver: [`SendDigest`] is the durable job. Each
//! summary and each delivery is a row, so that a crash tells nothing twice and
//! asks the model nothing twice.

mod collect;
mod facts;
mod narrate;
mod policy;
mod render;
mod rollup;
mod store;
#[cfg(test)]
mod tests;

pub use collect::collect;
pub use facts::{Facts, InvestorMail, Mail, PersonMail, Section};
pub use narrate::{Narrative, Narrator, Sentence, ask_about};
pub use policy::{DIGEST_POLICY, Policy, PolicyError, is_opted_out, opt_out, policy, set_policy};
pub use render::{Rendered, render};
pub use store::{
    Delivery, Digest, DigestError, begin, by_id, deliveries, due_deliveries, end_untold, finish,
    history, mark, mark_sending, narratives, next_window, resend, save_facts, save_narrative,
    save_rendered, settle_unfinished,
};

use serde::{Deserialize, Serialize};

use crate::{
    clock::MINUTE,
    db::Db,
    queue::{
        Payload, RetryPolicy, Unique,
        schedules::{CatchUp, DefaultSchedule},
    },
};

/// Its schedule; the policy moves it.
pub const SCHEDULE: DefaultSchedule = DefaultSchedule {
    name: "daily-digest",
    kind: SendDigest::KIND,
    payload: "{}",
    expression: "30 7 * * *",
    catch_up: CatchUp::Once,
};

/// Makes a digest and delivers it, or delivers what is open of one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SendDigest {
    /// An earlier digest, whose open deliveries are tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// A person asked for it now: the switch and quiet days do not matter.
    #[serde(default)]
    pub asked: bool,
}

impl Payload for SendDigest {
    const KIND: &'static str = "send_digest";
    const TIMEOUT: std::time::Duration = std::time::Duration::from_hours(1);
    const MAX_RUNNING: Option<i64> = Some(1);
    /// Eight attempts over about three hours.
    const RETRY: RetryPolicy = RetryPolicy {
        max_attempts: 8,
        initial_ms: MINUTE,
        factor: 2.0,
        max_ms: 60 * MINUTE,
    };

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished(
            self.digest.clone().unwrap_or_else(|| "new".to_owned()),
        ))
    }
}

/// A digest as it would be now, summarized by rule or by the model; stores
/// nothing and moves no window.
pub async fn preview(db: &Db, with_model: bool) -> Result<Rendered, DigestError> {
    let mut tx = db.rehearse().await?;
    let (from, to) = next_window(&mut tx).await?;
    tx.rollback().await?;
    let facts = collect(db, from, to).await?;
    let mut narrator = if with_model {
        Narrator::new(db).await
    } else {
        Narrator::by_rule("this is a preview, the model is asked when the digest is sent")
    };
    let mut told = Vec::new();
    for (user, mail) in facts.to_narrate() {
        told.push(ask_about(db, &mut narrator, &user, &mail).await?);
    }
    let base = base_url(db);
    Ok(render(&facts, &told, &base)?)
}

/// Where links lead.
pub fn base_url(db: &Db) -> String {
    let set = db.outside().base_url.clone();
    set.unwrap_or_else(|| "http://127.0.0.1:8080".to_owned())
}
