//! What happened, in words.

use crm_jobs::activity::{Entry, Source};

use crate::{routes::page::LinkTo, show};

/// Action and what it reads like after a name. An action without words still
/// reads: `grid.row_added` becomes "grid row added".
const WORDS: &[(&str, &str)] = &[
    ("session.started", "signed in"),
    ("session.ended", "ended a session"),
    ("session.ended_everywhere", "signed out everywhere"),
    ("session.refused", "refused a sign-in"),
    ("user.created", "created the account of"),
    ("user.renamed", "changed the name of"),
    ("user.role_changed", "changed the role of"),
    ("user.disabled", "disabled the account of"),
    ("user.enabled", "enabled the account of"),
    ("user.password_changed", "changed their password"),
    ("user.password_reset", "chose a new password behind a link"),
    ("second_factor.enabled", "switched on the second factor of"),
    (
        "second_factor.disabled",
        "switched off the second factor of",
    ),
    ("second_factor.removed", "removed the second factor of"),
    ("second_factor.refused", "refused a code of"),
    ("second_factor.codes_made", "made new recovery codes for"),
    (
        "second_factor.recovery_code_used",
        "used up a recovery code of",
    ),
    ("audit.exported", "exported the audit log"),
    ("link.setup_made", "made the set-up link"),
    ("link.invite_made", "made an invitation"),
    ("link.reset_made", "made a link for a new password"),
    ("link.used", "used a one-time link"),
    ("link.withdrawn", "withdrew an invitation"),
    ("token.created", "made an API token"),
    ("token.revoked", "revoked an API token"),
    ("calendar.created", "made a calendar address"),
    ("calendar.revoked", "revoked a calendar address"),
    ("job.enqueued", "started"),
    ("job.retried", "retried"),
    ("job.cancelled", "cancelled"),
    ("job.replayed", "replayed a job as"),
    ("job.failed", "asked for something that failed:"),
    ("jobs.retried", "retried failed jobs"),
    ("jobs.dismissed", "dealt with failed jobs"),
    ("schedule.edited", "changed the schedule"),
    ("kind.paused", "paused a kind of job"),
    ("kind.resumed", "resumed a kind of job"),
    ("backup.asked", "asked for a backup:"),
    ("backup.taken", "backed everything up:"),
    ("backup.verification_asked", "asked to verify a backup:"),
    (
        "database.upgraded",
        "upgraded the database to a newer release",
    ),
    ("export.view", "exported a view"),
    ("export.snapshot", "took a snapshot of everything"),
    ("archive.asked", "asked for an archive of everything:"),
    ("archive.made", "made an archive of everything"),
    ("archive.downloaded", "downloaded an archive of everything"),
    ("archive.removed", "removed an archive"),
    (
        "snapshot.loaded",
        "loaded a snapshot into the empty database",
    ),
    ("cells.changed", "changed fields of"),
    ("row.added", "added"),
    ("row.moved", "moved to another list:"),
    ("row.archived", "archived"),
    ("row.restored", "restored"),
    ("row.deleted", "deleted"),
    ("row.purged", "purged an investor for good"),
    ("grid.changed", "changed the grid"),
    ("grid.columns_changed", "changed the columns"),
    ("grid.replaced", "put back the whole grid"),
    ("grid.document", "put back the whole grid"),
    ("grid.undone", "undid a change of the grid"),
    ("grid.undo", "undid a change"),
    ("grid.redone", "redid a change of the grid"),
    ("grid.redo", "redid a change"),
    ("grid.reverted", "took a change of the grid back"),
    ("grid.put_back", "put the table back to how it was"),
    ("grid.import", "imported a file"),
    ("view.added", "added the view"),
    ("view.changed", "changed the view"),
    ("view.deleted", "deleted the view"),
    ("view.restored", "brought back the view"),
    ("import.created", "uploaded"),
    ("import.started", "started"),
    ("import.applied", "imported"),
    ("import.read_again", "read again"),
    ("import.reverted", "took back"),
    ("import.deleted", "deleted"),
    ("import.reopened", "opened again"),
    ("import.profile_saved", "saved a profile of"),
    ("import.profile_removed", "removed a profile"),
    ("export.made", "exported"),
    ("task.added", "added a task for"),
    ("task.changed", "changed a task of"),
    ("task.done", "finished a task of"),
    ("task.snoozed", "snoozed a task of"),
    ("task.reopened", "opened a task again of"),
    ("task.deleted", "deleted a task of"),
    ("task.restored", "brought back a task of"),
    ("note.added", "wrote a note on"),
    ("note.changed", "changed a note on"),
    ("note.deleted", "deleted a note on"),
    ("note.restored", "brought back a note on"),
    ("file.attached", "attached a file to"),
    ("file.deleted", "deleted a file of"),
    ("file.restored", "brought back a file of"),
    ("communication.logged", "logged a contact with"),
    ("contact.noted", "logged a contact with"),
    ("contact.changed", "changed the contact"),
    ("contact.merged", "made two contacts one:"),
    ("contact.kept_apart", "said that two contacts are two:"),
    ("fund.created", "added the fund"),
    ("fund.changed", "changed the terms of"),
    ("fund.deleted", "deleted the fund"),
    ("fund.restored", "brought back the fund"),
    ("commitment.recorded", "recorded a commitment of"),
    ("commitment.transferred", "transferred a commitment of"),
    ("opportunity.explained", "said why they lost"),
    ("mailbox.enrolled", "enrolled the mailbox"),
    ("mailbox.changed", "changed the mailbox"),
    ("mailbox.paused", "paused the mailbox"),
    ("mailbox.resumed", "resumed the mailbox"),
    ("mailbox.removed", "removed a mailbox"),
    ("mailbox.restored", "brought back the mailbox"),
    ("mailbox.failed", "could not read the mailbox"),
    ("email.drafted", "wrote a reply as a draft"),
    ("mailbox.synced", "asked Gmail for news of"),
    ("gmail.credentials_changed", "stored a key of Google’s"),
    ("gmail.credentials_forgotten", "forgot the key of Google’s"),
    ("email.attached", "attached an email"),
    ("email.detached", "took an email away from an investor"),
    ("near_match.decided", "decided a near match"),
    ("request.added", "wished for"),
    ("request.changed", "changed the request"),
    ("request.answered", "answered the request"),
    ("request.deleted", "deleted the request"),
    ("request.restored", "brought back the request"),
    ("automation.added", "added the rule"),
    ("automation.changed", "changed the rule"),
    ("automation.deleted", "deleted the rule"),
    ("automation.restored", "brought back the rule"),
    ("automation.switched_on", "switched on the rule"),
    ("automation.turned_off", "switched off the rule"),
    (
        "automation.switched_off",
        "switched off a rule that fed itself:",
    ),
    ("automation.started", "started the rule"),
    ("automation.approved", "said yes to a rule for"),
    ("automation.declined", "said no to a rule for"),
    ("automation.replayed", "ran a rule again for"),
    ("automation.reverted", "took back what a rule did to"),
    ("draft.used", "used an email draft for"),
    ("draft.dismissed", "dismissed an email draft for"),
    ("draft.reopened", "proposed an email draft again for"),
];

/// What somebody did.
pub fn for_action(action: &str) -> String {
    WORDS
        .iter()
        .find(|(known, _)| *known == action)
        .map_or_else(
            || action.replace(['.', '_'], " "),
            |(_, words)| (*words).to_owned(),
        )
}

/// What somebody did, with how much of it.
pub fn what(entry: &Entry) -> String {
    // A task of the team's stands for itself.
    let (is_task, is_task_alone) = (
        entry.action.starts_with("task."),
        entry.target.starts_with("task:"),
    );
    if is_task && is_task_alone {
        let words = for_action(&entry.action);
        let words = words.trim_end_matches(" of").trim_end_matches(" for");
        return words.replace(" a task", " the task");
    }
    let (Source::Changes, Some(changes), Some(rows)) = (entry.source, entry.changes, entry.rows)
    else {
        return for_action(&entry.action);
    };
    let more = if entry.has_more_changes {
        "more than "
    } else {
        ""
    };
    let many = format!("{more}{}", show::count(rows, "investor", "investors"));
    let fields = format!("{more}{}", show::count(changes, "field", "fields"));
    match (entry.action.as_str(), rows) {
        ("cells.changed", 1) => format!("changed {fields} of"),
        ("cells.changed", _) => format!("changed {fields} of {many}"),
        ("row.moved", 2..) => format!("moved {many} to another list"),
        ("row.added" | "row.archived" | "row.restored" | "row.deleted", 2..) => {
            format!("{} {many}", for_action(&entry.action))
        }
        ("grid.undo" | "grid.redo", 1) => format!("{} of", for_action(&entry.action)),
        ("grid.changed", 1) => format!("changed {} of", show::count(changes, "thing", "things")),
        ("grid.changed", 2..) => format!("changed {many}"),
        ("grid.undo" | "grid.redo", 2..) => format!("{} of {many}", for_action(&entry.action)),
        _ => for_action(&entry.action),
    }
}

/// Where what it was done to can be seen, for kinds that have a page. What has no
/// name is gone; then the page leads where its like are.
pub fn link(entry: &Entry) -> Option<LinkTo> {
    if entry.action == "row.purged" {
        return None;
    }
    let (kind, id) = entry.target.split_once(':')?;
    let one = |gone: &str, list: &str, page: String| match &entry.name {
        Some(name) => LinkTo::new(name, &page),
        None => LinkTo::new(gone, list),
    };
    Some(match kind {
        "job" => {
            let kind = entry.name.as_deref().unwrap_or_default().replace('_', " ");
            let label = format!("job {id} {kind}");
            LinkTo::new(label.trim_end(), &format!("/jobs/{id}"))
        }
        "row" => one(
            "a deleted investor",
            "/grid/trash",
            format!("/investors/{id}"),
        ),
        "contact" => one("a contact", "/contacts", format!("/contacts/{id}")),
        "fund" => one("a deleted fund", "/funds", format!("/funds/{id}")),
        "task" => one("a deleted task", "/day", format!("/tasks/{id}")),
        "import" => one("an import", "/imports", format!("/imports/{id}")),
        "request" => one(
            "a deleted request",
            "/feature-requests",
            format!("/feature-requests#request-{id}"),
        ),
        "rule" => one(
            "a deleted rule",
            "/automations",
            format!("/automations/{id}"),
        ),
        "archive" => one("an archive", "/export", "/export".to_owned()),
        "view" => one("a view", "/grid", format!("/grid?view={id}")),
        "backup" => one("a backup", "/backups", "/backups".to_owned()),
        _ => return None,
    })
}

/// How the entry should be taken.
pub fn tone(entry: &Entry) -> &'static str {
    match (entry.source, entry.note.is_empty()) {
        (Source::Jobs, _) | (Source::Backups, false) => "bad",
        _ => "",
    }
}
