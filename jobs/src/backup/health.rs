//! Whether backups are as fresh and as proven as the policy wants.

use schemars::JsonSchema;
use serde::Serialize;

use super::{drill, newest_verified, policy::policy};
use crate::{
    clock::{DAY, HOUR},
    db::{Db, DbError},
};

/// For the home page, the backups page and `/readyz`.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Health {
    /// When the newest verified backup was taken, UTC milliseconds.
    pub last_verified_at: Option<i64>,
    /// When a restore was last proven by a drill.
    pub last_proven_at: Option<i64>,
    /// What is wrong, a sentence each; empty when all is well.
    pub alarms: Vec<String>,
}

/// How backups are now.
pub async fn health(db: &Db) -> Result<Health, DbError> {
    let (policy, now) = (policy(db).await?, db.now());
    let last_verified_at = newest_verified(db.read()).await?.map(|b| b.created_at);
    let newest_drill = drill::list(db.read(), 1).await?.into_iter().next();
    let last_proven_at = drill::last_passed(db.read()).await?;
    let mut alarms = Vec::new();
    match last_verified_at {
        None => alarms.push("There is no verified backup yet.".to_owned()),
        Some(at) if now - at > i64::from(policy.alarm_hours) * HOUR => alarms.push(format!(
            "The newest verified backup is older than {} hours.",
            policy.alarm_hours
        )),
        Some(_) => {}
    }
    if let Some(failed) = newest_drill.filter(|d| d.state == "failed") {
        alarms.push(format!(
            "The last drill failed: {}.",
            failed.error.unwrap_or_default().trim_end_matches('.')
        ));
    } else if last_verified_at.is_some() {
        let limit = i64::from(policy.drill_alarm_days) * DAY;
        match last_proven_at {
            // A young installation has not come to its first drill yet.
            None if first_backup_at(db)
                .await?
                .is_some_and(|at| now - at > limit) =>
            {
                alarms.push("No restore was ever proven by a drill.".to_owned());
            }
            Some(at) if now - at > limit => alarms.push(format!(
                "The last proven restore is more than {} days ago.",
                policy.drill_alarm_days
            )),
            _ => {}
        }
    }
    let broken: i64 = sqlx::query_scalar(
        "select count(*) from backups where deleted_at is null and state = 'failed'",
    )
    .fetch_one(db.read())
    .await?;
    if broken > 0 {
        alarms.push(format!(
            "{broken} stored {} damaged; nothing is removed until that is dealt with.",
            if broken == 1 {
                "backup is"
            } else {
                "backups are"
            }
        ));
    }
    if policy.second_directory.is_some() {
        let error: Option<String> = sqlx::query_scalar(
            "select second_error from backups where deleted_at is null and second_state = 'failed' order by created_at desc limit 1",
        )
        .fetch_optional(db.read())
        .await?
        .flatten();
        if let Some(error) = error {
            alarms.push(format!("A second copy failed: {error}."));
        }
    }
    Ok(Health {
        last_verified_at,
        last_proven_at,
        alarms,
    })
}

async fn first_backup_at(db: &Db) -> Result<Option<i64>, DbError> {
    sqlx::query_scalar("select min(created_at) from backups")
        .fetch_one(db.read())
        .await
}
