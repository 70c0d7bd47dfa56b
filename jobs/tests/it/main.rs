//! The one integration-test binary of `crm-jobs`: real `SQLite`, a fresh file each.

mod import;
mod queue;
mod sql;
