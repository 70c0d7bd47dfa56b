//! Export: a view to take out, and for admins everything.

use askama::Template;

use crate::routes::page::{Choice, Frame, Progress, When};

/// What can be taken out, and the archives there are.
#[derive(Debug, Template)]
#[template(path = "pages/export.html")]
pub struct ExportPage {
    /// The frame.
    pub frame: Frame,
    /// Views to choose from.
    pub views: Vec<Choice>,
    /// Lists, instead of the view's own filter.
    pub lists: Vec<Choice>,
    /// Whether everything may be taken.
    pub is_admin: bool,
    /// An archive being made.
    pub running: Option<RunningArchive>,
    /// Why the last one could not be made.
    pub problem: Option<String>,
    /// Archives, the newest first.
    pub archives: Vec<ArchiveRow>,
    /// Address of this page for live refresh.
    pub live_href: String,
    /// Address of the event stream.
    pub events_href: String,
}

/// An archive being made.
#[derive(Debug, Clone, Default)]
pub struct RunningArchive {
    /// How far it is.
    pub progress: Progress,
    /// Page of its job.
    pub href: String,
}

/// One archive.
#[derive(Debug, Clone, Default)]
pub struct ArchiveRow {
    /// Its id.
    pub id: String,
    /// Its name when it is saved.
    pub file: String,
    /// Address of its bytes.
    pub href: String,
    /// Such as `"400 investors · 12 files"`.
    pub contents: String,
    /// Files whose bytes were lost, if any.
    pub warning: String,
    /// Size, formatted.
    pub size: String,
    /// SHA-256, whole.
    pub sha256: String,
    /// Its first characters.
    pub sha256_short: String,
    /// When it was made.
    pub made: When,
    /// Who asked for it.
    pub by: String,
    /// When it goes.
    pub goes: When,
}

#[cfg(any(test, debug_assertions))]
impl ExportPage {
    /// An admin's: one archive ready, one being made.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Export", "/export"),
            views: vec![
                Choice::new("v1", "All investors", true),
                Choice::new("v2", "Follow-up this week", false),
            ],
            lists: vec![
                Choice::new("", "As in the view", true),
                Choice::new("main", "Main", false),
            ],
            is_admin: true,
            running: Some(RunningArchive {
                progress: Progress {
                    done: 6,
                    total: Some(7),
                    text: "writing tables".to_owned(),
                },
                href: "/jobs/12".to_owned(),
            }),
            problem: Some("there is no room left on the disk".to_owned()),
            archives: vec![ArchiveRow {
                id: "sample".to_owned(),
                file: "venture-crm-20250304-080000-1a2b3c4d.zip".to_owned(),
                href: "/api/fundraising/archives/sample/file".to_owned(),
                contents: "400 investors · 12 files".to_owned(),
                warning: "1 file had lost its bytes; README.txt names it.".to_owned(),
                size: "4.2 MB".to_owned(),
                sha256: "3fa1c09b7d5e2f4486aa10c2d9e8f7b6a5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0"
                    .to_owned(),
                sha256_short: "3fa1c09b".to_owned(),
                made: When::new("2025-03-04T08:00:00Z", "12 min ago"),
                by: "Robin Sample".to_owned(),
                goes: When::new("2025-03-05T08:00:00Z", "in 23 h"),
            }],
            live_href: "/export".to_owned(),
            events_href: "/events?topics=jobs".to_owned(),
        }
    }

    /// A member's.
    #[must_use]
    pub fn sample_member() -> Self {
        Self {
            is_admin: false,
            running: None,
            problem: None,
            archives: Vec::new(),
            ..Self::sample()
        }
    }

    /// An admin's who has taken nothing yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            is_admin: true,
            ..Self::sample_member()
        }
    }
}
