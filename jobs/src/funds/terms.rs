//! What a fund is and aims at: made, changed and taken away by people.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use super::{check::checked, name_key};
use crate::{
    db::{DbError, WriteTx},
    grid::GridError,
};

/// Percent of an amount that counts in a weighted total, by stage, unless the
/// fund says otherwise.
const WEIGHTS: [(&str, u32); 6] = [
    ("target", 10),
    ("soft", 40),
    ("hard", 80),
    ("signed", 95),
    ("wired", 100),
    ("declined", 0),
];

/// A fund with its terms.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FundTerms {
    /// Time-ordered id.
    pub id: String,
    /// Unique, whatever the case.
    pub name: String,
    /// The legal vehicle, such as `Example Ventures III GmbH & Co. KG`.
    pub vehicle: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Amount aimed at, decimal text.
    pub target: Option<String>,
    /// Amount at most, decimal text.
    pub hard_cap: Option<String>,
    /// Day of the first close.
    pub first_close_on: Option<String>,
    /// Day of the final close.
    pub final_close_on: Option<String>,
    /// `planned`, `raising` or `closed`.
    pub status: String,
    /// Stage → percent that counts in the weighted total.
    pub weights: BTreeMap<String, u32>,
    /// Last change of the terms, UTC milliseconds: what a change is based on.
    pub updated_at: i64,
}

/// Terms to be set; what is absent stays as it is, an empty text clears.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Terms {
    /// Required for a new fund.
    #[schemars(length(max = 100))]
    pub name: Option<String>,
    /// The legal vehicle.
    #[schemars(length(max = 200))]
    pub vehicle: Option<String>,
    /// ISO 4217 code; fixed once the grid has commitments to the fund.
    #[schemars(length(max = 3))]
    pub currency: Option<String>,
    /// Amount, such as `200000000` or `200,000,000`.
    #[schemars(length(max = 40))]
    pub target: Option<String>,
    /// Amount, not below the target.
    #[schemars(length(max = 40))]
    pub hard_cap: Option<String>,
    /// `2026-03-31`.
    #[schemars(length(max = 10))]
    pub first_close_on: Option<String>,
    /// `2026-12-31`, not before the first close.
    #[schemars(length(max = 10))]
    pub final_close_on: Option<String>,
    /// `planned`, `raising` or `closed`.
    #[schemars(length(max = 10))]
    pub status: Option<String>,
    /// Stage → percent from 0 to 100.
    pub weights: Option<BTreeMap<String, u32>>,
    /// The `updated_at` this change is based on; a newer one refuses it.
    pub expected_updated_at: Option<i64>,
}

#[derive(FromRow)]
struct Stored {
    id: String,
    name: String,
    vehicle: String,
    currency: String,
    target: Option<String>,
    hard_cap: Option<String>,
    first_close_on: Option<String>,
    final_close_on: Option<String>,
    status: String,
    weights: String,
    updated_at: i64,
}

impl Stored {
    fn into_terms(self) -> Result<FundTerms, DbError> {
        let set: BTreeMap<String, u32> =
            serde_json::from_str(&self.weights).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        let mut weights: BTreeMap<String, u32> =
            WEIGHTS.map(|(stage, w)| (stage.to_owned(), w)).into();
        weights.extend(set);
        Ok(FundTerms {
            id: self.id,
            name: self.name,
            vehicle: self.vehicle,
            currency: self.currency,
            target: self.target,
            hard_cap: self.hard_cap,
            first_close_on: self.first_close_on,
            final_close_on: self.final_close_on,
            status: self.status,
            weights,
            updated_at: self.updated_at,
        })
    }
}

/// Every live fund: those being raised first, then by name.
pub async fn all(conn: &mut SqliteConnection) -> Result<Vec<FundTerms>, DbError> {
    let stored: Vec<Stored> = sqlx::query_as(
        "select id, name, vehicle, currency, target, hard_cap, first_close_on, final_close_on, status, weights, updated_at
         from funds where deleted_at is null order by status <> 'raising', status = 'closed', name, id",
    )
    .fetch_all(conn)
    .await?;
    stored.into_iter().map(Stored::into_terms).collect()
}

/// One live fund.
pub async fn get(conn: &mut SqliteConnection, id: &str) -> Result<Option<FundTerms>, DbError> {
    let stored: Option<Stored> = sqlx::query_as(
        "select id, name, vehicle, currency, target, hard_cap, first_close_on, final_close_on, status, weights, updated_at
         from funds where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .fetch_optional(conn)
    .await?;
    stored.map(Stored::into_terms).transpose()
}

/// Adds a fund. Returns its id.
pub async fn create(tx: &mut WriteTx, terms: &Terms) -> Result<String, GridError> {
    let id = tx.new_id();
    let fresh = FundTerms {
        id: id.clone(),
        name: String::new(),
        vehicle: String::new(),
        currency: "EUR".to_owned(),
        target: None,
        hard_cap: None,
        first_close_on: None,
        final_close_on: None,
        status: "raising".to_owned(),
        weights: BTreeMap::new(),
        updated_at: 0,
    };
    let fund = checked(tx, fresh, terms).await?;
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
    store(tx, &fund).await?;
    Ok(id)
}

/// Changes a fund's terms. `None` if there is no such fund.
pub async fn update(
    tx: &mut WriteTx,
    id: &str,
    terms: &Terms,
) -> Result<Option<FundTerms>, GridError> {
    let Some(fund) = get(tx, id).await? else {
        return Ok(None);
    };
    if terms
        .expected_updated_at
        .is_some_and(|at| at != fund.updated_at)
    {
        return Err(GridError::invalid(
            "fund_changed",
            "expected_updated_at",
            "somebody changed this fund meanwhile: load it again and repeat your change",
        ));
    }
    let currency = fund.currency.clone();
    let fund = checked(tx, fund, terms).await?;
    if fund.currency != currency && is_bound(tx, id).await? {
        return Err(GridError::invalid(
            "currency_in_use",
            "currency",
            "the grid has commitment columns of this fund in its old currency: change or delete those first",
        ));
    }
    store(tx, &fund).await?;
    Ok(get(tx, id).await?)
}

/// Deletes a fund (softly). Refused while a column holds commitments to it or a
/// row links to it. False if there is no such fund.
pub async fn delete(tx: &mut WriteTx, id: &str) -> Result<bool, GridError> {
    let refused = |why: &str| Err(GridError::invalid("fund_in_use", "id", why));
    if is_bound(tx, id).await? {
        return refused("the grid has commitment columns of this fund: delete those first");
    }
    let linked: i64 = sqlx::query_scalar(
        "select exists (select 1 from grid_rows where deleted_at is null and instr(cells, ?1) > 0)",
    )
    .bind(id)
    .fetch_one(&mut **tx)
    .await?;
    if linked == 1 {
        return refused("investors are linked to this fund: take it out of their cells first");
    }
    let now = tx.now();
    let done = sqlx::query("update funds set deleted_at = ?2 where id = ?1 and deleted_at is null")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Brings a deleted fund back. False if there is none, or its name is taken.
pub async fn restore(tx: &mut WriteTx, id: &str) -> Result<bool, DbError> {
    let done = sqlx::query(
        "update funds set deleted_at = null
         where id = ?1 and deleted_at is not null
           and not exists (select 1 from funds o where o.name_key = funds.name_key and o.deleted_at is null)",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn is_bound(tx: &mut WriteTx, id: &str) -> Result<bool, DbError> {
    let found: i64 = sqlx::query_scalar(
        "select exists (select 1 from grid_columns where deleted_at is null and options ->> '$.commitment.fund' = ?1)",
    )
    .bind(id)
    .fetch_one(&mut **tx)
    .await?;
    Ok(found == 1)
}

async fn store(tx: &mut WriteTx, fund: &FundTerms) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query(
        "update funds set name = ?2, name_key = ?3, vehicle = ?4, currency = ?5, target = ?6, hard_cap = ?7,
                          first_close_on = ?8, final_close_on = ?9, status = ?10, weights = ?11,
                          updated_at = max(?12, updated_at + 1)
         where id = ?1 and deleted_at is null",
    )
    .bind(&fund.id)
    .bind(&fund.name)
    .bind(name_key(&fund.name))
    .bind(&fund.vehicle)
    .bind(&fund.currency)
    .bind(&fund.target)
    .bind(&fund.hard_cap)
    .bind(&fund.first_close_on)
    .bind(&fund.final_close_on)
    .bind(&fund.status)
    .bind(serde_json::to_string(&fund.weights).map_err(|e| sqlx::Error::Encode(Box::new(e)))?)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
