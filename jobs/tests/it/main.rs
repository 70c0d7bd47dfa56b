//! The one integration-test binary of `crm-jobs`: real `SQLite`, a fresh file each.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "a test that cannot go on fails"
)]

mod backup;
mod contacts;
mod export;
mod grid;
mod import;
mod investors;
mod queue;
mod raise;
mod sql;
mod table;
mod views;
