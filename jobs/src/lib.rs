//! What Venture CRM does, and the durable jobs that do it.
//!
//! Arrows inside this crate point one way: `tasks → domain modules → queue → db`.
//! The crate knows no HTTP; both binaries stand on it.

pub mod accounts;
pub mod activity;
pub mod audit;
pub mod automations;
pub mod backup;
pub mod changes;
pub mod clock;
pub mod contacts;
pub mod db;
pub mod demo;
pub mod digest;
pub mod email;
pub mod export;
pub mod feature_requests;
pub mod files;
pub mod formula;
pub mod funds;
pub mod grid;
pub mod health;
pub mod idempotency;
pub mod import;
pub mod investors;
pub mod mail;
pub mod measure;
pub mod notes;
pub mod outside;
pub mod programs;
pub mod proposals;
pub mod queue;
pub mod raise;
pub mod restore;
pub mod search;
pub mod secrets;
pub mod settings;
pub mod spark;
pub mod tasks;
pub mod testing;
pub mod timeline;
mod turn;
pub mod upgrade;
pub mod work;

/// Bytes as lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
