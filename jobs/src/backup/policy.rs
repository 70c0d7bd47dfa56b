//! When backups are taken, for how long they stay, where a second copy goes and
//! who can read them: one setting, changed by admins.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::crypt;
use crate::{
    clock::{HOUR, random_bytes},
    db::{Db, DbError, WriteTx},
    queue::schedules::{self, CatchUp, ScheduleEdit, ScheduleError},
    settings,
};

/// The settings' key.
pub const BACKUP_POLICY: &str = "backup_policy";
/// A recipient somebody is about to prove.
const CHALLENGE: &str = "backup_challenge";
/// How long a challenge can be answered.
const CHALLENGE_MS: i64 = HOUR;

/// The policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Policy {
    /// Time of the nightly backup, `HH:MM`.
    #[schemars(length(max = 5))]
    pub time: String,
    /// IANA zone of that time; null: the fund's own.
    #[schemars(length(max = 64))]
    pub zone: Option<String>,
    /// Days whose newest backup is kept.
    #[schemars(range(min = 1, max = 366))]
    pub daily: u16,
    /// Weeks whose newest backup is kept.
    #[schemars(range(min = 0, max = 520))]
    pub weekly: u16,
    /// Months whose newest backup is kept.
    #[schemars(range(min = 0, max = 240))]
    pub monthly: u16,
    /// Each backup is copied here too: a mounted disk, or a folder that something else carries away.
    #[schemars(length(max = 500))]
    pub second_directory: Option<String>,
    /// age public key that backups are encrypted to; null: they are not encrypted.
    #[schemars(length(max = 100))]
    pub recipient: Option<String>,
    /// Day of the weekly drill.
    pub drill_day: DrillDay,
    /// The newest verified backup may be this old before the app says so, hours.
    #[schemars(range(min = 1, max = 1000))]
    pub alarm_hours: u16,
    /// The last proven restore may be this old before the app says so, days.
    #[schemars(range(min = 1, max = 366))]
    pub drill_alarm_days: u16,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "days of the week")]
pub enum DrillDay {
    Sunday,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
}

impl DrillDay {
    /// From Monday on, with their names.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Monday, "Monday"),
        (Self::Tuesday, "Tuesday"),
        (Self::Wednesday, "Wednesday"),
        (Self::Thursday, "Thursday"),
        (Self::Friday, "Friday"),
        (Self::Saturday, "Saturday"),
        (Self::Sunday, "Sunday"),
    ];

    /// As people read it.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(day, _)| *day == self)
            .map_or("", |(_, name)| name)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            time: "02:30".to_owned(),
            zone: None,
            daily: 7,
            weekly: 4,
            monthly: 12,
            second_directory: None,
            recipient: None,
            drill_day: DrillDay::Sunday,
            alarm_hours: 26,
            drill_alarm_days: 8,
        }
    }
}

/// Why a policy was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// One field is not right.
    #[error("{message}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn field(field: &'static str, message: impl Into<String>) -> PolicyError {
    PolicyError::Field {
        field,
        message: message.into(),
    }
}

/// The policy in force.
pub async fn policy(db: &Db) -> Result<Policy, DbError> {
    Ok(settings::get(db, BACKUP_POLICY).await?.unwrap_or_default())
}

/// A text that only the owner of a key can read, and the phrase in it is to be
/// sent back.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Challenge {
    /// The public key it is sealed for.
    pub recipient: String,
    /// The text, as `age -d -i key.txt` takes it.
    pub armored: String,
    /// Until when the answer counts, UTC milliseconds.
    pub expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct Asked {
    recipient: String,
    phrase_sha256: String,
    expires_at: i64,
}

/// Seals a random phrase for a public key: with it pasted back, the policy takes
/// the key. So nobody encrypts to a key that nobody holds.
pub async fn challenge(
    tx: &mut WriteTx,
    recipient: &str,
    by: &str,
) -> Result<Challenge, PolicyError> {
    let recipient = recipient.trim();
    let phrase = crate::hex(&random_bytes::<12>());
    let armored = crypt::sealed_phrase(recipient, &phrase).map_err(|e| field("recipient", e))?;
    let asked = Asked {
        recipient: recipient.to_owned(),
        phrase_sha256: crate::hex(&Sha256::digest(&phrase)),
        expires_at: tx.now() + CHALLENGE_MS,
    };
    settings::set(tx, CHALLENGE, &asked, by).await?;
    Ok(Challenge {
        recipient: asked.recipient,
        armored,
        expires_at: asked.expires_at,
    })
}

async fn is_proven(
    tx: &mut WriteTx,
    recipient: &str,
    phrase: Option<&str>,
) -> Result<bool, DbError> {
    let stored: Option<String> =
        sqlx::query_scalar("select value from settings where key = 'backup_challenge'")
            .fetch_optional(&mut **tx)
            .await?;
    let asked: Option<Asked> = stored.and_then(|json| serde_json::from_str(&json).ok());
    let sent = phrase.map(|p| crate::hex(&Sha256::digest(p.trim())));
    Ok(asked.is_some_and(|a| {
        a.recipient == recipient && a.expires_at > tx.now() && Some(a.phrase_sha256) == sent
    }))
}

/// Takes a policy: checks every field, tries the second directory by writing to
/// it, moves the schedules. A new recipient needs the phrase that was sealed for
/// it.
pub async fn set_policy(
    tx: &mut WriteTx,
    db: &Db,
    mut policy: Policy,
    phrase: Option<&str>,
    by: &str,
) -> Result<Policy, PolicyError> {
    let before = self::policy(db).await?;
    for text in [
        &mut policy.zone,
        &mut policy.second_directory,
        &mut policy.recipient,
    ] {
        *text = text
            .take()
            .map(|t| t.trim().to_owned())
            .filter(|t| !t.is_empty());
    }
    let (hour, minute) = time_of(&policy.time)?;
    if let Some(zone) = &policy.zone {
        TimeZone::get(zone).map_err(|_| {
            field(
                "zone",
                format!("{zone:?} is no time zone: use a name like Europe/Zurich"),
            )
        })?;
    }
    for (name, value, least, most) in [
        ("daily", policy.daily, 1, 366),
        ("weekly", policy.weekly, 0, 520),
        ("monthly", policy.monthly, 0, 240),
        ("alarm_hours", policy.alarm_hours, 1, 1_000),
        ("drill_alarm_days", policy.drill_alarm_days, 1, 366),
    ] {
        if !(least..=most).contains(&value) {
            return Err(field(
                name,
                format!("use a number between {least} and {most}"),
            ));
        }
    }
    if let Some(second) = &policy.second_directory {
        try_second(db.dir().path(), Path::new(second))?;
    }
    if let Some(recipient) = &policy.recipient
        && policy.recipient != before.recipient
    {
        crypt::parse_recipient(recipient).map_err(|e| field("recipient", e))?;
        if !is_proven(tx, recipient, phrase).await? {
            return Err(field(
                "phrase",
                "decrypt the text that was made for this key and paste the phrase in it, within an hour",
            ));
        }
    }
    let fund_zone = settings::fund_zone_in(tx).await?;
    let day = policy.drill_day as u8;
    for (name, expression) in [
        ("nightly-backup", format!("{minute} {hour} * * *")),
        (
            "weekly-drill",
            format!("{} {hour} * * {day}", (minute + 30) % 60),
        ),
    ] {
        let edit = ScheduleEdit {
            expression,
            zone: policy.zone.clone(),
            catch_up: CatchUp::Once,
            enabled: true,
        };
        match schedules::edit(tx, name, &edit, &fund_zone).await {
            // Installed by the worker's first start; then this policy is read.
            Ok(()) | Err(ScheduleError::Missing(_)) => {}
            Err(ScheduleError::Db(error)) => return Err(error.into()),
            Err(other) => return Err(field("time", other.to_string())),
        }
    }
    settings::set(tx, BACKUP_POLICY, &policy, by).await?;
    if phrase.is_some() {
        sqlx::query("delete from settings where key = ?1")
            .bind(CHALLENGE)
            .execute(&mut **tx)
            .await?;
    }
    Ok(policy)
}

fn time_of(text: &str) -> Result<(u8, u8), PolicyError> {
    let parsed = text.trim().split_once(':').and_then(|(h, m)| {
        let (hour, minute): (u8, u8) = (h.parse().ok()?, m.parse().ok()?);
        (hour < 24 && minute < 60 && m.len() == 2).then_some((hour, minute))
    });
    parsed.ok_or_else(|| field("time", "write the time as HH:MM, such as 02:30"))
}

/// A second place must exist, be another place, and take a file.
fn try_second(data_dir: &Path, second: &Path) -> Result<(), PolicyError> {
    let refuse = |message: String| Err(field("second_directory", message));
    if !second.is_absolute() {
        return refuse("write the whole path, beginning with /".to_owned());
    }
    let Ok(real) = second.canonicalize() else {
        return refuse("there is no such directory: make it, or mount the disk, first".to_owned());
    };
    if !real.is_dir() {
        return refuse("this is a file, not a directory".to_owned());
    }
    let inside = |a: &Path, b: &PathBuf| a.starts_with(b);
    if inside(&real, &data_dir.to_owned()) || inside(data_dir, &real) {
        return refuse(
            "choose a place outside the data directory: a copy beside the original goes with it"
                .to_owned(),
        );
    }
    let probe = real.join(".crm-write-test.tmp");
    let tried = fs::write(&probe, b"ok").and_then(|()| fs::remove_file(&probe));
    match tried {
        Ok(()) => Ok(()),
        Err(error) => refuse(format!("nothing can be written there: {error}")),
    }
}
