//! Handlers, one area each; page structs sit beside them in `page.rs`.

pub mod accounts;
pub mod activity;
pub mod backups;
pub mod board;
pub mod calendar_feed;
pub mod contacts;
pub mod errors;
pub mod feature_requests;
pub mod files;
pub mod grid;
pub mod home;
pub mod imports;
pub mod investor;
pub mod jobs;
pub mod members;
pub mod my_day;
pub mod notes;
pub mod operations;
pub mod page;
pub mod raise;
pub mod reminders;
pub mod search;
pub mod settings;
pub mod state;
pub mod style;
