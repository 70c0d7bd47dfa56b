//! What the database says: people, tokens, mail, backups, the record.

use crm_jobs::{
    accounts::{self, DEMO_ADMIN, User, second_factor, tokens, users},
    audit::Chain,
    backup, db,
    email::{self, credentials},
    mail::{self, Source},
    outside::{Security, is_this_machine},
    queue::inspect,
};

use super::Check;
use crate::{error::AppError, show, state::App};

pub async fn all(app: &App) -> Result<Vec<Check>, AppError> {
    let people = users::list(&app.db).await?;
    let admins: Vec<&User> = people
        .iter()
        .filter(|user| user.is_admin() && user.disabled_at.is_none())
        .collect();
    Ok(vec![
        demo_admin(app).await?,
        second_factors(app, &admins).await?,
        spare_admin(&admins),
        endless_tokens(app).await?,
        mail_server(app).await?,
        held_mail(app).await?,
        fresh_backups(app).await?,
        safe_backups(app).await?,
        mailboxes(app).await?,
        sqlite(app).await?,
        audit_log(app).await?,
        worker(app).await?,
        disk(app),
    ])
}

async fn demo_admin(app: &App) -> Result<Check, AppError> {
    const ID: &str = "demo_admin";
    let (email, password) = DEMO_ADMIN;
    let works = match users::find(&app.db, email).await? {
        Some(user) if user.disabled_at.is_none() => {
            accounts::password_fits(&app.db, email, password).await?
        }
        _ => false,
    };
    Ok(if works {
        Check::fail(
            ID,
            format!("{email} signs in with the demo password, which is in the source code."),
            "Change that password, or disable the account under Team.",
        )
    } else {
        Check::ok(ID, "Nobody signs in with the demo password.")
    })
}

async fn second_factors(app: &App, admins: &[&User]) -> Result<Check, AppError> {
    const ID: &str = "second_factors";
    let enrolled = second_factor::users(&app.db).await?;
    let without: Vec<&str> = admins
        .iter()
        .filter(|user| !enrolled.contains(&user.id))
        .map(|user| user.name.as_str())
        .collect();
    Ok(if without.is_empty() {
        Check::ok(ID, "Every admin signs in with a second factor.")
    } else {
        Check::warn(
            ID,
            format!("Signing in with a password alone: {}.", without.join(", ")),
            "Each sets it up under Account, Second factor.",
        )
    })
}

fn spare_admin(admins: &[&User]) -> Check {
    const ID: &str = "spare_admin";
    if admins.len() > 1 {
        Check::ok(
            ID,
            format!("There are {} admins: one can help the other.", admins.len()),
        )
    } else {
        Check::warn(
            ID,
            "There is one admin: who loses their password needs a shell on the box.",
            "Make somebody else an admin under Team.",
        )
    }
}

async fn endless_tokens(app: &App) -> Result<Check, AppError> {
    const ID: &str = "endless_tokens";
    let count = tokens::count_endless(&app.db).await?;
    Ok(match count {
        0 => Check::ok(ID, "Every API token ends by itself."),
        n => Check::warn(
            ID,
            format!(
                "{} without an end.",
                show::count(n, "API token works", "API tokens work")
            ),
            "Their owners revoke what they no longer need, and make tokens with an end, under Account.",
        ),
    })
}

async fn mail_server(app: &App) -> Result<Check, AppError> {
    const ID: &str = "mail_server";
    let shown = mail::shown(&app.db).await?;
    Ok(match (shown.source, shown.password_error) {
        (Source::Nowhere, _) => Check::warn(
            ID,
            "No mail server is set, so there is no daily digest and no invitation by mail.",
            "Name one under Digest, Mail server.",
        ),
        (_, Some(error)) => Check::fail(
            ID,
            format!("The mail server's password cannot be used: {error}."),
            "Enter it again under Digest, Mail server.",
        ),
        (_, None) if shown.security == Security::None && !is_this_machine(&shown.host) => {
            Check::fail(
                ID,
                "Mail leaves this machine without TLS.",
                "Choose STARTTLS or TLS under Digest, Mail server.",
            )
        }
        (_, None) if shown.security == Security::None => {
            Check::ok(ID, "Mail goes to a server on this machine.")
        }
        (_, None) => Check::ok(ID, format!("Mail goes to {} over TLS.", shown.host)),
    })
}

async fn held_mail(app: &App) -> Result<Check, AppError> {
    const ID: &str = "held_mail";
    Ok(if mail::is_held(&app.db).await? {
        Check::warn(
            ID,
            "Mail is held since a restore, so that nothing is sent twice.",
            "Look at what waits, then release it under Backups.",
        )
    } else {
        Check::ok(ID, "No mail is held.")
    })
}

async fn fresh_backups(app: &App) -> Result<Check, AppError> {
    const ID: &str = "backups";
    let health = backup::health(&app.db).await?;
    let proven = health.last_proven_at.is_some();
    Ok(match (health.alarms.is_empty(), proven) {
        (true, true) => Check::ok(ID, "Backups are fresh, and a restore was proven."),
        (true, false) => Check::warn(
            ID,
            "Backups are fresh, and none was ever proven by a restore.",
            "Run a drill under Backups; it happens weekly by itself.",
        ),
        (false, _) => Check::fail(ID, health.alarms.join(" "), "See Backups."),
    })
}

async fn safe_backups(app: &App) -> Result<Check, AppError> {
    const ID: &str = "backups_elsewhere";
    let policy = backup::policy(&app.db).await?;
    Ok(
        match (
            policy.recipient.is_some(),
            policy.second_directory.is_some(),
        ) {
            (true, true) => Check::ok(
                ID,
                "Backups are encrypted to your key and copied to a second place.",
            ),
            (true, false) => Check::warn(
                ID,
                "Backups are encrypted and lie on this box only: a broken disk takes them along.",
                "Name a second directory on another disk under Backups, Policy.",
            ),
            (false, true) => Check::warn(
                ID,
                "Backups are copied to a second place and are not encrypted: whoever finds one reads everything.",
                "Name a key under Backups, Policy.",
            ),
            (false, false) => Check::fail(
                ID,
                "Backups lie on this box only and are not encrypted.",
                "Name a second directory and a key under Backups, Policy.",
            ),
        },
    )
}

async fn mailboxes(app: &App) -> Result<Check, AppError> {
    const ID: &str = "mailboxes";
    let key = credentials::shown(&app.db).await?;
    let mut conn = app.db.read().acquire().await?;
    let boxes = email::list_mailboxes(&mut conn).await?;
    drop(conn);
    let troubled: Vec<&str> = boxes
        .iter()
        .filter(|it| it.error.is_some())
        .map(|it| it.address.as_str())
        .collect();
    Ok(match (key.problem, boxes.is_empty(), troubled.is_empty()) {
        (Some(problem), ..) => Check::fail(
            ID,
            format!(
                "Google's key cannot be used: {}.",
                problem.trim_end_matches('.')
            ),
            "Store it again under Mailboxes.",
        ),
        (None, true, _) => Check::ok(ID, "No mailbox is read."),
        (None, false, true) => Check::ok(
            ID,
            "Every mailbox is read with the narrow scopes that were asked for.",
        ),
        (None, false, false) => Check::warn(
            ID,
            format!("Gmail refuses or fails for {}.", troubled.join(", ")),
            format!(
                "Mailboxes says why. Delegate exactly {}, and {} only for reply drafts.",
                key.scope, key.draft_scope
            ),
        ),
    })
}

async fn sqlite(app: &App) -> Result<Check, AppError> {
    let version = db::sqlite_version(&app.db).await?;
    // An older one is refused at the start.
    Ok(Check::ok(
        "sqlite",
        format!("SQLite {version} has the fix for lost commits."),
    ))
}

async fn audit_log(app: &App) -> Result<Check, AppError> {
    const ID: &str = "audit_log";
    Ok(match app.audit_chain().await? {
        Chain::Unbroken { rows, .. } => Check::ok(
            ID,
            format!(
                "All {} entries of the audit log fit together.",
                show::number(rows)
            ),
        ),
        Chain::Broken { id } => Check::fail(
            ID,
            format!(
                "Entry {id} of the audit log does not fit the one before it: somebody wrote to the file."
            ),
            "Compare with a backup of before: `crm-api audit verify` works on a copy too.",
        ),
    })
}

async fn worker(app: &App) -> Result<Check, AppError> {
    const ID: &str = "worker";
    let workers = inspect::workers(app.db.read()).await?;
    let lives = workers.iter().any(|it| it.lease_until >= app.db.now());
    Ok(if lives {
        Check::ok(ID, "A worker is alive: backups and the digest happen.")
    } else {
        Check::fail(
            ID,
            "No worker is alive: no backups, no digest, no mail.",
            "Start crm-worker beside crm-api, with the same environment.",
        )
    })
}

fn disk(app: &App) -> Check {
    const ID: &str = "disk";
    let mib = |bytes: u64| bytes / (1024 * 1024);
    match app.gauge.room() {
        None => Check::warn(
            ID,
            "The disk does not say how much room it has.",
            "See the program's log.",
        ),
        Some(room) if room.is_low() => Check::fail(
            ID,
            format!(
                "{} MiB are free, and changes stop below {} MiB.",
                mib(room.free_bytes),
                mib(room.floor_bytes)
            ),
            "Make room: delete backups, archives or files, or give it a larger disk.",
        ),
        Some(room) if room.free_bytes < 2 * room.floor_bytes => Check::warn(
            ID,
            format!(
                "{} MiB are free, and changes stop below {} MiB.",
                mib(room.free_bytes),
                mib(room.floor_bytes)
            ),
            "Make room before it comes to that.",
        ),
        Some(room) => Check::ok(ID, format!("{} MiB are free.", mib(room.free_bytes))),
    }
}
