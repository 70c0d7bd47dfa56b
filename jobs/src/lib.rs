//! What Venture CRM does, and the durable jobs that do it.
//!
//! Arrows inside this crate point one way: `tasks → domain modules → queue → db`.
//! The crate knows no HTTP; both binaries stand on it.

pub mod clock;
pub mod db;
pub mod funds;
pub mod grid;
pub mod import;
pub mod queue;
pub mod settings;
mod tasks;
pub mod testing;
