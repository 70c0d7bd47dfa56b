//! The form of the backup policy.

use askama::Template;
use crm_jobs::backup::{DrillDay, Policy};

use crate::routes::page::{Choice, Frame};

/// When, for how long, where to, for whom.
#[derive(Debug, Template)]
#[template(path = "pages/backup_policy.html")]
pub struct PolicyPage {
    /// The frame.
    pub frame: Frame,
    /// Inputs in rows.
    pub fields: Vec<Field>,
    /// Days of the drill.
    pub days: Vec<Choice>,
    /// The key backups are encrypted to now.
    pub recipient: Option<String>,
    /// A key that is about to be proven.
    pub proof: Option<Proof>,
    /// What is wrong with the key or the phrase.
    pub key_error: Option<String>,
    /// What is wrong and belongs to no input.
    pub error: Option<String>,
}

/// One input.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Its name and id.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// `text`, `time` or `number`.
    pub kind: &'static str,
    /// What is in it.
    pub value: String,
    /// What helps.
    pub hint: String,
    /// What is wrong.
    pub error: Option<String>,
    /// Takes the whole width.
    pub wide: bool,
}

/// A key and the text made for it.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// The public key.
    pub recipient: String,
    /// The sealed phrase; empty before it was made.
    pub armored: String,
}

impl PolicyPage {
    /// The form over a policy.
    pub fn new(
        frame: Frame,
        policy: &Policy,
        fund_zone: &str,
        proof: Option<Proof>,
        error: Option<&(String, String)>,
    ) -> Self {
        let field = |name, label, kind, value: String, hint: &str| Field {
            name,
            label,
            kind,
            value,
            hint: hint.to_owned(),
            error: error
                .filter(|(field, _)| field == name)
                .map(|(_, says)| says.clone()),
            wide: name == "second_directory",
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let fields = vec![
            field("time", "Every night at", "time", policy.time.clone(), ""),
            field(
                "zone",
                "In the time zone",
                "text",
                text(&policy.zone),
                &format!("Empty: the fund's own, {fund_zone}"),
            ),
            field(
                "daily",
                "Days kept",
                "number",
                policy.daily.to_string(),
                "The newest backup of each",
            ),
            field(
                "weekly",
                "Weeks kept",
                "number",
                policy.weekly.to_string(),
                "The newest of each",
            ),
            field(
                "monthly",
                "Months kept",
                "number",
                policy.monthly.to_string(),
                "The newest of each",
            ),
            field(
                "alarm_hours",
                "Alarm when the newest is older than, hours",
                "number",
                policy.alarm_hours.to_string(),
                "",
            ),
            field(
                "drill_alarm_days",
                "Alarm when the last drill is older than, days",
                "number",
                policy.drill_alarm_days.to_string(),
                "",
            ),
            field(
                "second_directory",
                "Second directory",
                "text",
                text(&policy.second_directory),
                "Each backup is copied here too: a mounted disk, or a folder that something else carries away. Empty: nowhere",
            ),
        ];
        let is_key =
            |(field, _): &&(String, String)| matches!(field.as_str(), "recipient" | "phrase");
        let is_field = |name: &str| fields.iter().any(|f| f.name == name);
        Self {
            key_error: error.filter(is_key).map(|(_, says)| says.clone()),
            error: error
                .filter(|e| !is_key(e) && !is_field(&e.0))
                .map(|(_, says)| says.clone()),
            days: DrillDay::ALL
                .iter()
                .map(|(day, name)| {
                    Choice::new(&name.to_lowercase(), name, *day == policy.drill_day)
                })
                .collect(),
            fields,
            recipient: policy.recipient.clone(),
            proof,
            frame,
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl PolicyPage {
    /// The policy of a new installation.
    #[must_use]
    pub fn sample() -> Self {
        let frame = Frame::sample("Backup policy", "/backups");
        Self::new(frame, &Policy::default(), "Europe/Berlin", None, None)
    }

    /// A key to be proven, and a directory that is not there.
    #[must_use]
    pub fn sample_proof() -> Self {
        let proof = Proof {
            recipient: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".to_owned(),
            armored: "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3Yx\n-----END AGE ENCRYPTED FILE-----\n".to_owned(),
        };
        let policy = Policy {
            second_directory: Some("/mnt/usb".to_owned()),
            ..Policy::default()
        };
        let error = (
            "second_directory".to_owned(),
            "There is no such directory: make it, or mount the disk, first.".to_owned(),
        );
        let frame = Frame::sample("Backup policy", "/backups");
        Self::new(frame, &policy, "Europe/Berlin", Some(proof), Some(&error))
    }
}
