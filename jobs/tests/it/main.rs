//! The one integration-test binary of `crm-jobs`: real `SQLite`, a fresh file each.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "a test that cannot go on fails"
)]

mod activity;
mod automations;
mod backup;
mod contacts;
mod export;
mod feature_requests;
mod grid;
mod import;
mod investors;
mod policy;
mod proposals;
mod put_back;
mod queue;
mod raise;
mod restore;
mod search;
mod sql;
mod table;
mod views;
