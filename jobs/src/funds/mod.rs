//! Funds: the vehicles being raised.

mod check;
mod terms;

pub(crate) use check::amount;
pub use terms::{FundTerms, Terms, all, create, delete, get, restore, update};

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use crate::db::{DbError, WriteTx};

/// The stages of a commitment, in order, and the way out.
pub const STAGES: [&str; 6] = ["target", "soft", "hard", "signed", "wired", "declined"];

/// A vehicle being raised.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Fund {
    /// Time-ordered id.
    pub id: String,
    /// Unique, whatever the case.
    pub name: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Amount aimed at, decimal text.
    pub target: Option<String>,
    /// Amount at most, decimal text.
    pub hard_cap: Option<String>,
    /// `planned`, `raising` or `closed`.
    pub status: String,
}

impl Fund {
    /// One that is about to be raised, of which no more is known.
    pub fn raising(id: String, name: &str, currency: &str) -> Self {
        Self {
            id,
            name: name.trim().to_owned(),
            currency: currency.to_owned(),
            target: None,
            hard_cap: None,
            status: "raising".to_owned(),
        }
    }
}

/// Stores a fund under its own id.
pub async fn add(tx: &mut WriteTx, fund: &Fund) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "insert into funds (id, name, name_key, currency, created_at) values (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(&fund.id)
    .bind(&fund.name)
    .bind(name_key(&fund.name))
    .bind(&fund.currency)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// All live funds by name.
pub async fn list(conn: &mut SqliteConnection) -> Result<Vec<Fund>, DbError> {
    sqlx::query_as(
        "select id, name, currency, target, hard_cap, status from funds where deleted_at is null order by name, id",
    )
    .fetch_all(conn)
    .await
}

/// The fund of this name, created if there is none.
pub async fn find_or_create(
    tx: &mut WriteTx,
    name: &str,
    currency: &str,
) -> Result<String, DbError> {
    let key = name_key(name);
    let known: Option<String> =
        sqlx::query_scalar("select id from funds where name_key = ?1 and deleted_at is null")
            .bind(&key)
            .fetch_optional(&mut **tx)
            .await?;
    if let Some(id) = known {
        return Ok(id);
    }
    let fund = Fund::raising(tx.new_id(), name, currency);
    add(tx, &fund).await?;
    Ok(fund.id)
}

/// How names are compared.
pub fn name_key(name: &str) -> String {
    name.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}
