//! Grandfather, father, son: which backups stay.

use std::collections::BTreeSet;

use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::{
    Backup, BackupError, Policy, attached, list, policy::policy, store::reserve_delete, take,
};
use crate::{
    db::{Db, WriteTx},
    settings,
};

/// Which of these verified backups stay, and as what: the newest of each of so
/// many days, weeks and months. Newest first in, newest first out; the newest
/// always stays.
pub fn keep<'a>(
    backups: &'a [Backup],
    zone: &TimeZone,
    policy: &Policy,
) -> Vec<(&'a Backup, &'static str)> {
    let mut kept: Vec<(&Backup, &'static str)> = Vec::new();
    for (tier, most) in [
        ("daily", policy.daily),
        ("weekly", policy.weekly),
        ("monthly", policy.monthly),
    ] {
        let most = usize::from(most);
        let mut periods = BTreeSet::new();
        for backup in backups {
            let at = Timestamp::from_millisecond(backup.created_at).unwrap_or_default();
            let period = period(tier, &at.to_zoned(zone.clone()));
            if periods.len() >= most && !periods.contains(&period) {
                break;
            }
            if periods.insert(period) && kept.iter().all(|(k, _)| k.id != backup.id) {
                kept.push((backup, tier));
            }
        }
    }
    kept.sort_by_key(|(b, _)| std::cmp::Reverse(b.created_at));
    kept
}

fn period(tier: &str, at: &Zoned) -> String {
    match tier {
        "daily" => at.date().to_string(),
        "weekly" => {
            let week = at.date().iso_week_date();
            format!("{}-{}", week.year(), week.week())
        }
        _ => format!("{}-{}", at.year(), at.month()),
    }
}

/// Removes backups past their time. Does nothing while any backup on record
/// fails verification: then every copy may be needed.
pub async fn rotate(db: &Db) -> Result<usize, BackupError> {
    let backups = list(db.read(), None, 1_000).await?;
    if backups.iter().any(|b| b.state != "verified") {
        return Ok(0);
    }
    let zone = TimeZone::get(&settings::fund_zone(db).await?).unwrap_or(TimeZone::UTC);
    let policy = policy(db).await?;
    let kept: BTreeSet<&str> = keep(&backups, &zone, &policy)
        .iter()
        .map(|(b, _)| b.id.as_str())
        .collect();
    let old: Vec<&Backup> = backups
        .iter()
        .filter(|b| !kept.contains(b.id.as_str()))
        .collect();
    let mut tx = db.write().await?;
    for backup in &old {
        reserve_delete(&mut tx, &backup.id).await?;
    }
    WriteTx::commit(tx).await?;
    // The record first: a crash here leaves a file too many, never a record
    // without its file.
    for backup in &old {
        take::remove_stored(&db.dir().backups(), &backup.file_name)?;
    }
    attached::rotate(&db.dir().backups(), &list(db.read(), None, 1_000).await?).await?;
    Ok(old.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY;

    fn backup(day: i64) -> Backup {
        Backup {
            id: format!("b{day}"),
            file_name: String::new(),
            size_bytes: 0,
            database_bytes: 0,
            sha256: String::new(),
            manifest: String::new(),
            state: "verified".into(),
            error: None,
            job_id: None,
            created_at: 1_772_532_000_000 - day * DAY,
            verified_at: None,
            kind: "nightly".into(),
            recipient: None,
            second_state: None,
            second_error: None,
        }
    }

    #[test]
    fn a_year_of_nightly_backups_thins_out() {
        let year: Vec<Backup> = (0..365).map(backup).collect();
        let kept = keep(&year, &TimeZone::UTC, &Policy::default());
        let count = |tier| kept.iter().filter(|(_, t)| *t == tier).count();
        assert_eq!(kept[0].0.id, "b0");
        assert_eq!(count("daily"), 7);
        // The newest of this week and month are daily ones already.
        assert!((2..=4).contains(&count("weekly")), "{}", count("weekly"));
        assert!(
            (10..=12).contains(&count("monthly")),
            "{}",
            count("monthly")
        );
        assert!(kept.last().unwrap().0.created_at < year[300].created_at);
    }

    #[test]
    fn one_backup_is_always_kept() {
        assert_eq!(
            keep(&[backup(4_000)], &TimeZone::UTC, &Policy::default()).len(),
            1
        );
    }
}
