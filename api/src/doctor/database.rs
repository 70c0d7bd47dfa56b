//! The database: whether it is whole, of which release, and what is on record.

use crm_jobs::{
    backup,
    clock::{Clock, MINUTE, utc_text},
    db::{self, DataDir, Db, SCHEMA_VERSION},
    email, health,
    health::{Part, Tone},
};

use super::files;
use crate::config::Config;

const NAME: &str = "Database";

pub(super) async fn check(dir: &DataDir, config: Option<&Config>) -> Vec<Part> {
    if !dir.database().exists() {
        return vec![Part::act(
            NAME,
            format!("There is none in {}.", dir.path().display()),
            "If there was one, CRM_DATA_DIR names the wrong place, or restore a backup: `crm-worker restore FILE --yes`. For a new CRM start crm-api.",
        )];
    }
    let found = match db::examine(dir).await {
        Ok(found) => found,
        Err(error) => return vec![damaged(&error.to_string())],
    };
    if !found.damage.is_empty() {
        return vec![damaged(&found.damage.join("; "))];
    }
    let mut parts: Vec<Part> = clock(dir, found.newest_at).into_iter().collect();
    match found.schema {
        None => parts.push(Part::act(
            NAME,
            "The file crm.db is a database, but none of Venture CRM.",
            "CRM_DATA_DIR names the wrong place, or the file was replaced: restore a backup.",
        )),
        Some(schema) if schema > SCHEMA_VERSION => parts.push(Part::act(
            NAME,
            format!("It has schema {schema}, and this release knows {SCHEMA_VERSION}: a newer release was here."),
            "Install that newer release again, or go back with its backup: docs/operations.md, The way back.",
        )),
        Some(schema) if schema < SCHEMA_VERSION => parts.push(Part::act(
            NAME,
            format!("It has schema {schema}, and this release needs {SCHEMA_VERSION}."),
            "Start crm-api or run `crm-api migrate`: a verified backup is taken first.",
        )),
        Some(schema) => {
            parts.push(Part::well(NAME, format!("Whole, schema {schema}.")));
            if let Some(config) = config {
                parts.extend(on_record(dir, config).await);
            }
        }
    }
    parts
}

fn damaged(why: &str) -> Part {
    Part::act(
        NAME,
        format!("It is damaged: {}.", why.trim_end_matches('.')),
        "Stop both programs, keep a copy of the data directory, then `crm-worker restore FILE --yes --damaged` with the newest file in backups/.",
    )
}

/// What was written in the future was written under another clock.
fn clock(dir: &DataDir, newest: Option<i64>) -> Option<Part> {
    let now = Clock::System.now();
    let file = std::fs::metadata(dir.database())
        .and_then(|meta| meta.modified())
        .ok()
        .and_then(|at| jiff::Timestamp::try_from(at).ok())
        .map(jiff::Timestamp::as_millisecond);
    let newest = newest.into_iter().chain(file).max()?;
    (newest - now > 10 * MINUTE).then(|| {
        Part::act(
            "Clock",
            format!(
                "This machine says {}, and the newest record is from {}.",
                utc_text(now),
                utc_text(newest)
            ),
            "Set the clock (`timedatectl set-ntp true`), then restart both programs: schedules and sessions go by it.",
        )
    })
}

async fn on_record(dir: &DataDir, config: &Config) -> Vec<Part> {
    let opened = Db::open(dir.path(), Clock::System).await;
    let db = match opened {
        Ok(db) => db.reaching(config.outside.clone()),
        Err(error) => {
            return vec![Part::act(
                NAME,
                format!("It does not open: {error}."),
                "The sentence before says why.",
            )];
        }
    };
    let parts = look(&db).await;
    db.close().await;
    parts.unwrap_or_else(|error| vec![damaged(&error.to_string())])
}

async fn look(db: &Db) -> Result<Vec<Part>, db::DbError> {
    // The disk was looked at already.
    let mut parts = health::parts(db).await?;
    parts.retain(|part| part.name != "Disk");
    let policy = backup::policy(db).await?;
    if let Some(second) = &policy.second_directory {
        parts.extend(files::second_directory(second));
    }
    let gmail = email::credentials::shown(db).await?;
    let is_told = parts
        .iter()
        .any(|part| part.name == "Mail capture" && part.tone == Tone::Act);
    if let (Some(problem), false) = (gmail.problem, is_told) {
        parts.push(Part::act(
            "Gmail key",
            format!("{}.", problem.trim_end_matches('.')),
            "Under Mailboxes paste the key of the service account again, or mend the file that CRM_GMAIL_CREDENTIALS names.",
        ));
    }
    Ok(parts)
}
