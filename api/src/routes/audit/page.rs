//! The audit log, for admins.

use askama::Template;

use crate::routes::page::{Choice, Frame, When};

/// A page of the log.
#[derive(Debug, Template)]
#[template(path = "pages/audit.html")]
pub struct AuditLogPage {
    /// The frame.
    pub frame: Frame,
    /// Every hash fits.
    pub chain_ok: bool,
    /// In one sentence.
    pub chain: String,
    /// People, rules and programs.
    pub actors: Vec<Choice>,
    /// What was done.
    pub actions: Vec<Choice>,
    /// The day asked for; may be empty.
    pub day: String,
    /// Why the filter does not do.
    pub error: Option<String>,
    /// Whether anything was asked for.
    pub is_filtered: bool,
    /// Rows, newest first.
    pub rows: Vec<AuditRow>,
    /// Back to the newest.
    pub first: Option<String>,
    /// Older rows.
    pub older: Option<String>,
}

/// One row.
#[derive(Debug, Clone, Default)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: When,
    /// Who.
    pub who: String,
    /// What, in words.
    pub what: String,
    /// What, as it is stored.
    pub action: String,
    /// To what.
    pub target: String,
    /// More, as JSON; may be empty.
    pub detail: String,
    /// From where; may be empty.
    pub ip: String,
}

#[cfg(any(test, debug_assertions))]
impl AuditLogPage {
    /// One row.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Audit log", "/settings/audit"),
            chain_ok: true,
            chain: "All 1,284 entries carry an unbroken chain of hashes.".to_owned(),
            actors: vec![Choice::new("", "Everybody", true)],
            actions: vec![Choice::new("", "Every action", true)],
            day: String::new(),
            error: None,
            is_filtered: false,
            rows: vec![AuditRow {
                id: 1284,
                at: When::new("2025-03-04T08:12:00Z", "4 Mar 2025, 09:12"),
                who: "Robin Sample".to_owned(),
                what: "disabled the account of".to_owned(),
                action: "user.disabled".to_owned(),
                target: "Kim Placeholder".to_owned(),
                detail: String::new(),
                ip: "192.0.2.10".to_owned(),
            }],
            first: None,
            older: Some("/settings/audit?cursor=1.1".to_owned()),
        }
    }

    /// Nothing fits the filter, and the chain is broken.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            chain_ok: false,
            chain: "Entry 7 does not fit the one before it.".to_owned(),
            error: Some("\"x\" is no day: write it as 2026-03-31.".to_owned()),
            is_filtered: true,
            rows: Vec::new(),
            older: None,
            ..Self::sample()
        }
    }
}
