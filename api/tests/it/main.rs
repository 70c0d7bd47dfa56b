//! The one integration-test binary: the whole router on a fresh database, no
//! socket, time from a test clock, no sleeps.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod accounts;
mod activity;
mod audit;
mod automations;
mod backups;
mod board;
mod contacts;
mod digest;
mod docs;
mod email;
mod engine;
mod errors;
mod export;
mod feature_requests;
mod grid;
mod harness;
mod headers;
mod imports;
mod limits;
mod matrix;
mod operations;
mod pages;
mod people;
mod proposals;
mod put_back;
mod raise;
mod search;
mod second_factor;
mod security;
mod settings;
mod state;
mod tokens;
mod upgrade;
