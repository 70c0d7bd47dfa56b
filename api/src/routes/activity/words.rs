//! The audit log's terms in words.

use crate::routes::page::LinkTo;

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
    ("link.setup_made", "made the set-up link"),
    ("link.invite_made", "made an invitation"),
    ("link.reset_made", "made a link for a new password"),
    ("link.used", "used a one-time link"),
    ("link.withdrawn", "withdrew an invitation"),
    ("job.enqueued", "started"),
    ("job.retried", "retried"),
    ("job.cancelled", "cancelled"),
    ("job.replayed", "replayed a job as"),
    ("jobs.retried", "retried failed jobs"),
    ("jobs.dismissed", "dealt with failed jobs"),
    ("schedule.edited", "changed the schedule"),
    ("kind.paused", "paused a kind of job"),
    ("kind.resumed", "resumed a kind of job"),
    ("backup.asked", "asked for a backup:"),
    ("backup.verification_asked", "asked to verify a backup:"),
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
    ("grid.replaced", "put back the whole grid"),
    ("row.added", "added"),
    ("row.moved", "moved to another list"),
    ("row.archived", "archived"),
    ("row.restored", "restored"),
    ("row.deleted", "deleted"),
    ("grid.undone", "undid a change of the grid"),
    ("grid.changed", "changed several investors or columns"),
    ("grid.columns_changed", "changed the columns"),
    ("import.created", "uploaded"),
    ("import.started", "started"),
    ("import.read_again", "read again"),
    ("import.reverted", "took back"),
    ("import.profile_saved", "saved a profile of"),
    ("import.profile_removed", "removed a profile"),
    ("token.created", "made an API token"),
    ("token.revoked", "revoked an API token"),
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

/// Where a target can be seen, for kinds that have a page.
pub fn link_to(target: &str) -> Option<LinkTo> {
    let (kind, id) = target.split_once(':')?;
    let (label, href) = match kind {
        "job" => (format!("job {id}"), format!("/jobs/{id}")),
        "row" => ("an investor".to_owned(), format!("/investors/{id}")),
        "import" => ("an import".to_owned(), format!("/imports/{id}")),
        "archive" => ("an archive".to_owned(), "/export".to_owned()),
        "view" => ("a view".to_owned(), format!("/grid?view={id}")),
        "backup" => ("a backup".to_owned(), "/backups".to_owned()),
        _ => return None,
    };
    Some(LinkTo::new(&label, &href))
}
