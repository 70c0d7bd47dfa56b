//! What captured mail suggests: a dated note, perhaps a new person, a follow-up, a
//! stage. Nothing reaches the grid before a person approves it.

mod ask;
mod decide;
mod draft;
mod gather;
mod store;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use ask::draft;
pub use decide::{Approval, Approved, Undone, approve, dismiss, undo};
pub use draft::{Drafted, by_rule};
pub(crate) use gather::pass_over;
pub use gather::{Gathered, Mail, gather, keep};
pub use store::{decided_together, find, list, pending, sources};

use crate::queue::{Payload, Unique};

/// Characters of a proposed note at most.
pub const MAX_NOTE: usize = 2_000;

/// Drafts what new matched mail suggests. Enqueued when mail was matched.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DraftProposals {}

impl Payload for DraftProposals {
    const KIND: &'static str = "draft_proposals";
    /// Two at once would draft the same mail.
    const MAX_RUNNING: Option<i64> = Some(1);

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_queued("all"))
    }
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// Somebody has to decide.
    #[default]
    Pending,
    /// It was taken, perhaps edited.
    Approved,
    /// It was let go.
    Dismissed,
}

impl ProposalState {
    /// As stored and in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Dismissed => "dismissed",
        }
    }
}

/// Somebody who wrote and is no contact yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewPerson {
    /// As they sign; may be empty.
    #[schemars(length(max = 200))]
    pub name: String,
    /// Their address.
    #[schemars(length(max = 254))]
    pub email: String,
}

/// One suggestion.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Proposal {
    /// Time-ordered id.
    pub id: String,
    /// The investor.
    pub row_id: String,
    /// Their name.
    pub row_title: String,
    /// The thread it comes from.
    pub thread_id: String,
    /// The day of its mail, in the fund's zone.
    pub day: String,
    /// Who wrote, if known.
    pub contact_id: Option<String>,
    /// One dated line: as drafted, or as approved.
    pub note: String,
    /// Who might become a contact.
    pub new_contact: Option<NewPerson>,
    /// When to follow up.
    pub follow_up_on: Option<String>,
    /// The stage it sounds like: `lead`, `engaged`, `diligence`, `commitment`, `lost`.
    pub stage_hint: Option<String>,
    /// `model` or `rule`.
    pub drafted_by: String,
    /// Which model; empty for a rule.
    pub model: String,
    /// Where it stands.
    pub state: ProposalState,
    /// UTC milliseconds.
    pub created_at: i64,
    /// UTC milliseconds.
    pub decided_at: Option<i64>,
    /// Who decided.
    pub decided_by: Option<String>,
}

/// A mail that a proposal rests on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Source {
    /// Its id.
    pub id: String,
    /// UTC milliseconds.
    pub sent_at: i64,
    /// `in` or `out`.
    pub direction: String,
    /// May be empty.
    pub from_name: String,
    /// Address.
    pub from_address: String,
    /// Empty where the mailbox does not share it.
    pub subject: String,
    /// What it says, without quotes and signatures; empty where not shared.
    pub said: String,
}
