//! People: who they are, how they prove it, and for how long.
//!
//! - [`users`]: who may sign in. [`passwords`]: the policy and the hashes.
//! - [`sign_in`]: a password becomes a session, slowed down for guessers.
//! - [`second_factor`]: a code beside the password; [`half`]: between the two.
//! - [`sessions`], [`tokens`]: what later requests prove themselves with.
//! - [`links`]: one-time links for set-up, invitations and lost passwords;
//!   [`invite_mail`]: an invitation by mail, within our own domains.
//!
//! Whatever a person must keep secret (session ids, links, tokens) is 256
//! random bits and stored only as SHA-256. A fast hash is enough: nobody
//! guesses 256 bits, whatever the speed.

pub mod half;
pub mod invite_mail;
pub mod links;
mod model;
pub mod passwords;
pub mod second_factor;
pub mod sessions;
mod sign_in;
mod throttle;
pub mod tokens;
pub mod users;

pub use model::{AccountError, Origin, Role, Theme, User};
pub use sign_in::{SignIn, change_password, confirm_password, password_fits, sign_in};

use sha2::{Digest, Sha256};

use crate::clock::random_bytes;

/// Address and password of the demo fund's admin, for those who seed one by
/// hand. Production refuses to start while they work.
pub const DEMO_ADMIN: (&str, &str) = ("admin@demo.example", "demo-fund-only");

/// 256 random bits as 64 hex digits.
fn new_secret() -> String {
    crate::hex(&random_bytes::<32>())
}

/// What is stored of a secret.
fn digest(secret: &str) -> String {
    crate::hex(&Sha256::digest(secret))
}

/// A message as a sentence.
fn said(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(char::to_uppercase);
    first
        .into_iter()
        .flatten()
        .chain(chars)
        .chain(['.'])
        .collect()
}

/// What pages and addresses call a row whose key is a digest: enough of it
/// to be unique, useless for signing in.
fn public_id(digest: &str) -> String {
    digest.chars().take(24).collect()
}

#[cfg(test)]
mod tests;
