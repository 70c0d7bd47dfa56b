//! One file per job kind: how each is carried out. The payloads live with the
//! domain that enqueues them.

mod apply_import;
mod draft_proposals;
mod drill_backup;
mod look_for_firings;
mod maintain;
mod make_archive;
mod probe;
mod put_back_table;
mod read_mail;
mod revert_change_set;
mod revert_import;
mod run_automation;
mod save_draft;
mod send_digest;
mod send_invite;
mod sync_relational;
mod take_backup;
mod verify_backup;

pub use maintain::Maintain;
pub use probe::Probe;

use crate::{
    accounts::invite_mail::SendInvite,
    automations::{LookForFirings, RunAutomation},
    backup::{DrillBackup, TakeBackup, VerifyBackup},
    digest::{self, SendDigest},
    email::{BackfillMailbox, CaptureMail, CaptureMailbox, MatchEmails, SaveDraft},
    export::archive::{MakeArchive, RemoveArchives},
    grid::{PutBackTable, RevertChangeSet, SyncRelational},
    import::{ApplyImport, RevertImport},
    proposals::DraftProposals,
    queue::{
        Registry,
        schedules::{CatchUp, DefaultSchedule},
    },
};

/// Every kind this release can run.
pub fn registry() -> Registry {
    Registry::default()
        .with::<ApplyImport>()
        .with::<DraftProposals>()
        .with::<BackfillMailbox>()
        .with::<CaptureMail>()
        .with::<CaptureMailbox>()
        .with::<DrillBackup>()
        .with::<LookForFirings>()
        .with::<Maintain>()
        .with::<MakeArchive>()
        .with::<MatchEmails>()
        .with::<Probe>()
        .with::<PutBackTable>()
        .with::<RemoveArchives>()
        .with::<RevertChangeSet>()
        .with::<RevertImport>()
        .with::<RunAutomation>()
        .with::<SaveDraft>()
        .with::<SendDigest>()
        .with::<SendInvite>()
        .with::<SyncRelational>()
        .with::<TakeBackup>()
        .with::<VerifyBackup>()
}

/// The schedules this release comes with; an admin may change them.
pub const SCHEDULES: &[DefaultSchedule] = &[
    DefaultSchedule {
        name: "nightly-backup",
        kind: "take_backup",
        payload: r#"{"why":"nightly"}"#,
        expression: "30 2 * * *",
        catch_up: CatchUp::Once,
    },
    DefaultSchedule {
        name: "weekly-drill",
        kind: "drill_backup",
        payload: "{}",
        expression: "0 3 * * 0",
        catch_up: CatchUp::Once,
    },
    DefaultSchedule {
        name: "maintenance",
        kind: "maintain",
        payload: "{}",
        expression: "15 3 * * *",
        catch_up: CatchUp::Once,
    },
    // Every write asks for a look of its own; this one sees tasks, contacts and days.
    DefaultSchedule {
        name: "automations",
        kind: "look_for_firings",
        payload: "{}",
        expression: "*/5 * * * *",
        catch_up: CatchUp::Once,
    },
    // A new day has new dates: soon after midnight, whatever the other one is set to.
    DefaultSchedule {
        name: "automations-new-day",
        kind: "look_for_firings",
        payload: "{}",
        expression: "1 0 * * *",
        catch_up: CatchUp::Once,
    },
    // Does nothing until an admin switches it on.
    digest::SCHEDULE,
    DefaultSchedule {
        name: "mail",
        kind: "capture_mail",
        payload: "{}",
        expression: "*/15 * * * *",
        catch_up: CatchUp::Once,
    },
    // A safety net: every write enqueues its own sync.
    DefaultSchedule {
        name: "relational-sync",
        kind: "sync_relational",
        payload: "{}",
        expression: "0 * * * *",
        catch_up: CatchUp::Skip,
    },
];
