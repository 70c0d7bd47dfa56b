//! Who we are: mail among ourselves concerns nobody, and our own domain is never
//! an investor's.

use std::collections::HashSet;

use sqlx::SqliteConnection;

use super::address;
use crate::db::DbError;

/// Our addresses and domains.
#[derive(Clone, Debug, Default)]
pub struct Team {
    domains: HashSet<String>,
    addresses: HashSet<String>,
}

impl Team {
    /// From the people who sign in and the mailboxes enrolled.
    pub async fn load(conn: &mut SqliteConnection) -> Result<Self, DbError> {
        let addresses: Vec<String> = sqlx::query_scalar(
            "select lower(email) from users union select address from mailboxes where deleted_at is null",
        )
        .fetch_all(conn)
        .await?;
        let domains = addresses
            .iter()
            .map(|a| address::domain(a))
            .filter(|d| !d.is_empty() && !address::is_public(d))
            .map(str::to_owned)
            .collect();
        Ok(Self {
            domains,
            addresses: addresses.into_iter().collect(),
        })
    }

    /// Whether an address is one of ours.
    pub fn is_ours(&self, text: &str) -> bool {
        self.addresses.contains(text) || self.owns(address::domain(text))
    }

    /// Whether a domain is ours.
    pub fn owns(&self, domain: &str) -> bool {
        self.domains.contains(domain)
    }

    /// Our domains, in order.
    pub fn domains(&self) -> Vec<String> {
        let mut all: Vec<String> = self.domains.iter().cloned().collect();
        all.sort();
        all
    }
}
