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
    /// A backup being taken or verified now.
    pub running: Option<RunningBackup>,
    /// Backups, newest first.
    pub backups: Vec<BackupRow>,
    /// Where the list stands.
    pub paging: Paging,
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

/// One backup.
#[derive(Debug, Clone, Default)]
pub struct BackupRow {
    /// Its id.
    pub id: String,
    /// When it was taken.
    pub created: When,
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
        };
        Self {
            frame: Frame::sample("Backups", "/backups"),
            tiles: vec![
                Tile::new("Last verified", "9 h ago", "4 Mar, 02:00", "ok"),
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
            backups: Vec::new(),
            ..Self::sample()
        }
    }
}
