//! What depends on services outside this box, as last seen.

use super::{Part, ago};
use crate::{
    clock::{DAY, HOUR},
    db::{Db, DbError},
    digest, email, mail, spark,
};

/// A mailbox nobody could read for longer than this is behind.
const STALE_MAILBOX: i64 = 6 * HOUR;

pub(super) async fn mail_capture(db: &Db) -> Result<Part, DbError> {
    let name = "Mail capture";
    let mut conn = db.read().acquire().await?;
    let mailboxes = email::list_mailboxes(&mut conn).await?;
    drop(conn);
    let active: Vec<_> = mailboxes.iter().filter(|m| m.state == "active").collect();
    if active.is_empty() {
        return Ok(Part::off(name, "No mailbox is read.").at("/mailboxes"));
    }
    if let Err(why) = email::credentials::load(db).await? {
        return Ok(
            Part::act(name, sentence(&why), "Paste the key again under Mailboxes.")
                .at("/mailboxes"),
        );
    }
    let failing: Vec<_> = active.iter().filter(|m| m.error.is_some()).collect();
    if let Some(first) = failing.first() {
        return Ok(Part::look(
            name,
            format!(
                "{} of {} cannot be read. {}: {}",
                failing.len(),
                if active.len() == 1 {
                    "1 mailbox".to_owned()
                } else {
                    format!("{} mailboxes", active.len())
                },
                first.address,
                sentence(first.error.as_deref().unwrap_or_default())
            ),
            "It is tried again by itself; Mailboxes says what to do.",
        )
        .at("/mailboxes"));
    }
    let now = db.now();
    let oldest = active.iter().filter_map(|m| m.synced_at).min();
    Ok(match oldest {
        Some(at) if now - at > STALE_MAILBOX => Part::look(
            name,
            format!("A mailbox was last read {}.", ago(now, at)),
            "Look whether the worker runs, then Mailboxes, Sync now.",
        ),
        Some(at) => Part::well(name, format!("Everything new was read {}.", ago(now, at))),
        None => Part::well(name, "The first reading is under way."),
    }
    .at("/mailboxes"))
}

pub(super) async fn mail_server(db: &Db) -> Result<Part, DbError> {
    let name = "Mail server";
    let shown = mail::shown(db).await?;
    Ok(if shown.host.is_empty() {
        Part::off(name, "None is set: no digest leaves.")
    } else if let Some(why) = shown.password_error {
        Part::act(
            name,
            sentence(&why),
            "Enter the password again under Digest, Mail server.",
        )
    } else if shown.held {
        Part::look(
            name,
            "Outbound mail is held since a restore.",
            "Look at what came back, then release it under Backups.",
        )
    } else {
        Part::well(name, format!("{} takes the digest.", shown.host))
    }
    .at("/digest/mail"))
}

pub(super) async fn digest(db: &Db) -> Result<Part, DbError> {
    let name = "Digest";
    if !digest::policy(db).await?.enabled {
        return Ok(Part::off(name, "It is switched off.").at("/digest"));
    }
    let newest = digest::history(db, None, 1).await?.into_iter().next();
    let now = db.now();
    Ok(match newest {
        None => Part::well(name, "None was due yet."),
        Some(last) if last.state == "failed" => Part::look(
            name,
            format!("The last one failed: {}", sentence(&last.error)),
            "Digest says what to do; `ops/digest send-now` tries again.",
        ),
        Some(last) if last.state == "held" => Part::look(
            name,
            "The last one waits: outbound mail is held since a restore.",
            "Release mail under Backups.",
        ),
        Some(last) if now - last.created_at > 4 * DAY => Part::look(
            name,
            format!("The last one was made {}.", ago(now, last.created_at)),
            "Look under Worker whether its schedule is on.",
        ),
        Some(last) => Part::well(
            name,
            format!("The last one was made {}.", ago(now, last.created_at)),
        ),
    }
    .at("/digest"))
}

pub(super) async fn model(db: &Db) -> Result<Part, DbError> {
    let name = "Local model";
    let status = spark::status(db).await?;
    Ok(match (status.is_up(), status.ok_at) {
        (true, Some(at)) => Part::well(
            name,
            format!("{} answered {}.", status.model, ago(db.now(), at)),
        ),
        _ if status.error.is_empty() => Part::off(name, "It was not asked yet."),
        _ => Part::look(
            name,
            format!(
                "It is away, so summaries are made by rule: {}",
                sentence(&status.error)
            ),
            "Digest, Local model says where it is looked for; Try it out asks it now.",
        ),
    }
    .at("/digest/model"))
}

/// Errors are lower case without a full stop; people read sentences.
fn sentence(error: &str) -> String {
    let mut chars = error.trim().chars();
    let mut says: String = chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default();
    if !says.ends_with(['.', '!', '?']) {
        says.push('.');
    }
    says
}
