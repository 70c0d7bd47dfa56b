//! Who did what, when and from where. Rows are only ever added (a trigger
//! refuses the rest), and each carries the hash of the one before it, so that
//! a row changed behind our back breaks the chain from there on.
//!
//! Details name things and counts. Secrets, passwords and message texts never
//! go in: the log is read by every member and copied into every backup.

mod actor;
pub mod export;
mod store;

use sha2::{Digest, Sha256};

pub use actor::Actor;
pub use store::{Entry, Filter, Sealing, actions, list, record, sealings, with_hash};

use crate::db::{Db, DbError};

/// The hash before the first row.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The newest row's hash: kept in every backup manifest, so that a log that
/// was cut short no longer matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Id of the newest row; 0 when there is none.
    pub id: i64,
    /// Its hash.
    pub hash: String,
}

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Every row has the hash it should have.
    Unbroken {
        /// How many rows there are.
        rows: i64,
        /// The newest one.
        head: Head,
    },
    /// The first row whose hash or predecessor is not what it should be.
    Broken {
        /// Its id.
        id: i64,
    },
}

/// Reads the whole log and recomputes every hash.
pub async fn verify(db: &Db) -> Result<Chain, DbError> {
    use futures_util::TryStreamExt;
    let mut stored = store::stream(db);
    let (mut rows, mut head) = (0, Head::genesis());
    while let Some(row) = stored.try_next().await? {
        if row.prev_hash != head.hash || row.hash != hash(&head.hash, &row.sealed()) {
            return Ok(Chain::Broken { id: row.id });
        }
        rows += 1;
        head = Head {
            id: row.id,
            hash: row.hash,
        };
    }
    Ok(Chain::Unbroken { rows, head })
}

/// The newest row.
pub async fn head(db: &Db) -> Result<Head, DbError> {
    let mut conn = db.read().acquire().await?;
    store::head(&mut conn).await
}

impl Head {
    fn genesis() -> Self {
        Self {
            id: 0,
            hash: GENESIS.to_owned(),
        }
    }
}

/// The part of a row that its hash covers. The field order is the canonical
/// one: changing it breaks every chain there is.
#[derive(serde::Serialize)]
struct Sealed<'a> {
    action: &'a str,
    actor: &'a str,
    at: i64,
    detail: &'a str,
    ip: &'a str,
    target: &'a str,
}

fn hash(prev: &str, row: &Sealed<'_>) -> String {
    let json = serde_json::to_vec(row).expect("strings and numbers are always JSON");
    crate::hex(
        &Sha256::new()
            .chain_update(prev)
            .chain_update(json)
            .finalize(),
    )
}

#[cfg(test)]
mod tests;
