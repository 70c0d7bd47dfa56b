//! Backups: what exists, what is proven, and how to check one by hand.

use askama::Template;

use crate::routes::page::{Badge, Frame, Paging, Progress, Tile, When};

/// All backups and how far they are proven.
#[derive(Debug, Template)]
#[template(path = "pages/backups.html")]
pub struct BackupsPage {
    /// The frame.
    pub frame: Frame,
    /// Last verified, count, space taken.
    pub tiles: Vec<Tile>,
    /// What is wrong, a sentence each.
    pub alarms: Vec<String>,
    /// Why the last restore came to nothing.
    pub failed_restore: Option<String>,
    /// Since a restore no mail leaves.
    pub mail_held: bool,
    /// A backup being taken or verified now.
    pub running: Option<RunningBackup>,
    /// Backups, newest first.
    pub backups: Vec<BackupRow>,
    /// Where the list stands.
    pub paging: Paging,
    /// The last drills.
    pub drills: Vec<DrillRow>,
    /// The last restores.
    pub restores: Vec<RestoredRow>,
    /// Schedule and retention, one line each.
    pub policy: Vec<String>,
    /// Directory the files are in.
    pub directory: String,
    /// Commands that check a backup by hand, one a line.
    pub check_commands: String,
    /// Address of this page for live refresh.
    pub live_href: String,
    /// Address of the event stream.
    pub events_href: String,
}

/// A backup being taken or verified.
#[derive(Debug, Clone, Default)]
pub struct RunningBackup {
    /// Such as `"Taking a backup"`.
    pub label: String,
    /// How far it is.
    pub progress: Progress,
    /// Page of its job.
    pub href: String,
}

/// One drill.
#[derive(Debug, Clone, Default)]
pub struct DrillRow {
    /// When.
    pub when: When,
    /// Passed or failed.
    pub state: Badge,
    /// Such as `14 of 14 comparisons equal`.
    pub summary: String,
    /// Why it failed; empty.
    pub error: String,
    /// How long it took.
    pub took: String,
    /// What was compared, and whether it was equal.
    pub lines: Vec<(String, bool)>,
}

/// One restore.
#[derive(Debug, Clone, Default)]
pub struct RestoredRow {
    /// When.
    pub when: When,
    /// Of which file.
    pub file: String,
    /// By whom.
    pub by: String,
    /// How long nobody could work.
    pub downtime: String,
}

/// One backup.
#[derive(Debug, Clone, Default)]
pub struct BackupRow {
    /// Its id.
    pub id: String,
    /// When it was taken.
    pub created: When,
    /// Nightly, by hand, before a restore.
    pub kind: String,
    /// Name of its file.
    pub file: String,
    /// Size, formatted.
    pub size: String,
    /// SHA-256, whole.
    pub sha256: String,
    /// Its first characters.
    pub sha256_short: String,
    /// When it was last read back and checked.
    pub verified: Option<When>,
    /// Verified, unverified, damaged, missing.
    pub state: Badge,
    /// Why it is damaged; empty.
    pub error: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The second copy.
    pub second: Option<Badge>,
    /// Why there is none; empty.
    pub second_error: String,
    /// Whether it can be restored.
    pub can_restore: bool,
    /// Whether it can be deleted: not the newest verified one.
    pub can_delete: bool,
    /// Such as `"31 tables · 48,210 rows"`.
    pub contents: String,
    /// daily, weekly, monthly, by hand.
    pub tier: String,
}

#[cfg(any(test, debug_assertions))]
impl BackupsPage {
    /// Four backups, one damaged, and one being taken.
    #[must_use]
    pub fn sample() -> Self {
        let row = |id: &str, text: &str, verified: Option<&str>, state, tier: &str| BackupRow {
            id: id.to_owned(),
            created: When::new("2025-03-04T02:00:00Z", text),
            file: format!("crm-{id}.db.zst"),
            size: "4.2 MB".to_owned(),
            sha256: "3fa1c09b7d5e2f4486aa10c2d9e8f7b6a5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0".to_owned(),
            sha256_short: "3fa1c09b".to_owned(),
            verified: verified.map(|v| When::new("2025-03-04T02:00:40Z", v)),
            state,
            contents: "31 tables · 48,210 rows".to_owned(),
            tier: tier.to_owned(),
            kind: "Nightly".to_owned(),
            error: String::new(),
            encrypted: tier != "monthly",
            second: Some(Badge::new("Copied", "ok")),
            second_error: String::new(),
            can_restore: verified.is_some(),
            can_delete: id != "2025-03-04",
        };
        Self {
            alarms: vec!["A second copy failed: the second directory is not there: is the disk mounted?.".to_owned()],
            failed_restore: None,
            mail_held: true,
            drills: vec![
                DrillRow {
                    when: When::new("2025-03-02T03:00:00Z", "2 days ago"),
                    state: Badge::new("Passed", "ok"),
                    summary: "14 of 14 comparisons equal".to_owned(),
                    error: String::new(),
                    took: "4 s".to_owned(),
                    lines: vec![("grid version: 1204".to_owned(), true), ("committed to Sample Fund III: 58000000".to_owned(), true)],
                },
                DrillRow {
                    when: When::new("2025-02-23T03:00:00Z", "9 days ago"),
                    state: Badge::new("Failed", "bad"),
                    summary: "13 of 14 comparisons equal".to_owned(),
                    error: "audit chain: a was expected, b found".to_owned(),
                    took: "4 s".to_owned(),
                    lines: vec![("audit chain: a expected, b found".to_owned(), false)],
                },
            ],
            restores: vec![RestoredRow {
                when: When::new("2025-02-20T10:00:00Z", "12 days ago"),
                file: "crm-2025-02-19.db.zst".to_owned(),
                by: "Robin Sample".to_owned(),
                downtime: "1.4 s".to_owned(),
            }],
            frame: Frame::sample("Backups", "/backups"),
            tiles: vec![
                Tile::new("Last verified", "9 h ago", "4 Mar, 02:00", "ok"),
                Tile::new("Last proven restore", "2 days ago", "", "ok"),
                Tile::new("Kept", "14", "7 daily, 4 weekly, 3 monthly", ""),
                Tile::new("Space", "58 MB", "212 GB free", ""),
            ],
            running: Some(RunningBackup {
                label: "Taking a backup".to_owned(),
                progress: Progress { done: 2, total: Some(5), text: "compressing".to_owned() },
                href: "/jobs/sample".to_owned(),
            }),
            backups: vec![
                row("2025-03-04", "9 h ago", Some("9 h ago"), Badge::new("Verified", "ok"), "daily"),
                row("2025-03-03", "yesterday", None, Badge::new("Not verified", "warn"), "daily"),
                row("2025-03-02", "2 days ago", Some("2 days ago"), Badge::new("Verified", "ok"), "weekly"),
                row("2025-02-01", "1 Feb 2025", Some("1 Mar 2025"), Badge::new("Damaged", "bad"), "monthly"),
            ],
            paging: Paging { page: 1, pages: 1, total: "4 backups".to_owned(), prev: None, next: None },
            policy: vec![
                "Every night at 02:00 (Europe/Berlin), and whenever someone asks.".to_owned(),
                "7 daily, 4 weekly and 12 monthly ones are kept.".to_owned(),
            ],
            directory: "/data/backups".to_owned(),
            check_commands: "sha256sum crm-2025-03-04.db.zst\nzstd -d crm-2025-03-04.db.zst -o copy.db\nsqlite3 copy.db 'pragma integrity_check'".to_owned(),
            live_href: "/backups".to_owned(),
            events_href: "/backups/events".to_owned(),
        }
    }

    /// No backup yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            tiles: vec![Tile::new(
                "Last verified",
                "never",
                "take the first one now",
                "bad",
            )],
            running: None,
            alarms: vec!["There is no verified backup yet.".to_owned()],
            mail_held: false,
            drills: Vec::new(),
            restores: Vec::new(),
            backups: Vec::new(),
            ..Self::sample()
        }
    }
}
