//! What the projection holds, how far it is, and the proof that it is right.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use super::{Commitment, Contact, ContactLink, Investor, project};
use crate::{
    db::{Db, DbError},
    funds::{self, Fund},
    grid,
};

/// The state of the projection.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// The grid's version.
    pub grid_version: i64,
    /// The version the projection has.
    pub synced_version: i64,
    /// When it got there, UTC milliseconds.
    pub synced_at: i64,
    /// Versions behind.
    pub lag_versions: i64,
    /// Age of the oldest change it lacks, seconds.
    pub lag_seconds: i64,
    /// Investors, archived ones included.
    pub investors: usize,
    /// People, each once.
    pub contacts: usize,
    /// Places where people stand.
    pub contact_links: usize,
    /// Funds.
    pub funds: usize,
    /// Commitments.
    pub commitments: usize,
    /// Views.
    pub views: usize,
    /// Sums per fund.
    pub sums: Vec<FundSum>,
    /// SHA-256 over the tables.
    pub checksum: String,
    /// SHA-256 over what a rebuild from the grid would write.
    pub rebuild_checksum: String,
    /// The two are equal. False while the projection lags.
    pub matches: bool,
}

/// Commitments to one fund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FundSum {
    /// The fund's id.
    pub fund_id: String,
    /// Its name.
    pub name: String,
    /// ISO 4217 code.
    pub currency: String,
    /// What it aims at, decimal text.
    pub target: Option<String>,
    /// `planned`, `raising` or `closed`.
    pub status: String,
    /// Per stage, in order.
    pub stages: Vec<StageSum>,
}

/// Commitments to one fund in one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageSum {
    /// `target` … `wired`, or `declined`.
    pub stage: String,
    /// Sum, decimal text.
    pub amount: String,
    /// Investors in it.
    pub investors: usize,
}

/// All tables of the projection, in key order.
#[derive(Default)]
struct Tables {
    investors: Vec<Investor>,
    links: Vec<ContactLink>,
    contacts: Vec<Contact>,
    funds: Vec<Fund>,
    commitments: Vec<Commitment>,
    views: Vec<StoredView>,
}

/// Where the raise stands, as a page needs it at every visit: without the proof,
/// which reads the whole grid.
#[derive(Clone, Debug)]
pub struct Overview {
    /// How far the projection is.
    pub progress: Progress,
    /// People, each once.
    pub contacts: i64,
}

/// How far the projection is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The grid's version.
    pub grid_version: i64,
    /// The version the projection has.
    pub synced_version: i64,
    /// When it got there, UTC milliseconds.
    pub synced_at: i64,
    /// Age of the oldest change it lacks, seconds.
    pub lag_seconds: i64,
}

impl Progress {
    /// Versions behind.
    pub fn lag_versions(&self) -> i64 {
        self.grid_version - self.synced_version
    }
}

/// How far the projection is, and how many people there are.
pub async fn overview(db: &Db) -> Result<Overview, DbError> {
    let mut tx = db.read().begin().await?;
    Ok(Overview {
        progress: progress(&mut tx, db.now()).await?,
        contacts: sqlx::query_scalar("select count(*) from fundraising_contacts")
            .fetch_one(&mut *tx)
            .await?,
    })
}

async fn progress(conn: &mut SqliteConnection, now: i64) -> Result<Progress, DbError> {
    let state = grid::state(conn).await?;
    let (synced_version, synced_at): (i64, i64) =
        sqlx::query_as("select synced_version, synced_at from fundraising_sync where id = 1")
            .fetch_one(&mut *conn)
            .await?;
    let oldest: Option<i64> = sqlx::query_scalar("select min(at) from change_sets where id > ?1")
        .bind(synced_version)
        .fetch_one(conn)
        .await?;
    Ok(Progress {
        grid_version: state.version,
        synced_version,
        synced_at,
        lag_seconds: oldest.map_or(0, |at| (now - at).max(0) / 1_000),
    })
}

async fn stored_funds(conn: &mut SqliteConnection) -> Result<Vec<Fund>, DbError> {
    sqlx::query_as(
        "select id, name, currency, target, hard_cap, status from fundraising_funds order by id",
    )
    .fetch_all(conn)
    .await
}

async fn stored_commitments(conn: &mut SqliteConnection) -> Result<Vec<Commitment>, DbError> {
    sqlx::query_as(
        "select investor_id, fund_id, stage, amount, currency from fundraising_commitments order by investor_id, fund_id, stage",
    )
    .fetch_all(conn)
    .await
}

/// Reads the projection and what a rebuild would give, in one snapshot.
pub async fn summary(db: &Db) -> Result<Summary, DbError> {
    let mut tx = db.read().begin().await?;
    let progress = progress(&mut tx, db.now()).await?;
    let stored = stored(&mut tx).await?;
    let rebuilt = rebuilt(&mut tx).await?;
    let (checksum, rebuild_checksum) = (stored.checksum(), rebuilt.checksum());
    Ok(Summary {
        grid_version: progress.grid_version,
        synced_version: progress.synced_version,
        synced_at: progress.synced_at,
        lag_versions: progress.lag_versions(),
        lag_seconds: progress.lag_seconds,
        investors: stored.investors.len(),
        contacts: stored.contacts.len(),
        contact_links: stored.links.len(),
        funds: stored.funds.len(),
        commitments: stored.commitments.len(),
        views: stored.views.len(),
        sums: stored.sums(),
        matches: checksum == rebuild_checksum,
        checksum,
        rebuild_checksum,
    })
}

async fn stored(conn: &mut SqliteConnection) -> Result<Tables, DbError> {
    Ok(Tables {
        investors: sqlx::query_as(
            "select id, name, list, archived, owner, email, row_version, created_at, updated_at
             from fundraising_investors order by id",
        )
        .fetch_all(&mut *conn)
        .await?,
        links: sqlx::query_as(
            "select investor_id, contact_id, position, name, email, phone, role
             from fundraising_investor_contacts order by investor_id, contact_id",
        )
        .fetch_all(&mut *conn)
        .await?,
        contacts: sqlx::query_as(
            "select id, name, email, phone, role, investor_count from fundraising_contacts order by id",
        )
        .fetch_all(&mut *conn)
        .await?,
        funds: stored_funds(conn).await?,
        commitments: stored_commitments(conn).await?,
        views: sqlx::query_as("select id, name, mode, config from fundraising_views order by id")
            .fetch_all(conn)
            .await?,
    })
}

/// A view as both tables have it.
#[derive(sqlx::FromRow, Serialize)]
struct StoredView {
    id: String,
    name: String,
    mode: String,
    config: String,
}

async fn live_views(conn: &mut SqliteConnection) -> Result<Vec<StoredView>, DbError> {
    sqlx::query_as("select id, name, mode, config from grid_views where deleted_at is null")
        .fetch_all(conn)
        .await
}

async fn rebuilt(conn: &mut SqliteConnection) -> Result<Tables, DbError> {
    let columns = grid::columns(conn).await?;
    let mut tables = Tables {
        funds: funds::list(conn).await?,
        views: live_views(conn).await?,
        ..Tables::default()
    };
    for row in grid::all_rows(conn).await? {
        let projected = project(&row, &columns);
        tables.investors.push(projected.investor);
        tables.links.extend(projected.contacts);
        tables.commitments.extend(projected.commitments);
    }
    tables.investors.sort();
    tables.links.sort();
    tables.commitments.sort();
    tables.funds.sort_by(|a, b| a.id.cmp(&b.id));
    tables.views.sort_by(|a, b| a.id.cmp(&b.id));
    let mut people: BTreeMap<&str, Contact> = BTreeMap::new();
    for link in &tables.links {
        people
            .entry(&link.contact_id)
            .and_modify(|c| c.investor_count += 1)
            .or_insert_with(|| Contact {
                id: link.contact_id.clone(),
                name: link.name.clone(),
                email: link.email.clone(),
                phone: link.phone.clone(),
                role: link.role.clone(),
                investor_count: 1,
            });
    }
    tables.contacts = people.into_values().collect();
    Ok(tables)
}

impl Tables {
    fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        add(&mut hash, &self.investors);
        add(&mut hash, &self.links);
        add(&mut hash, &self.contacts);
        add(&mut hash, &self.funds);
        add(&mut hash, &self.commitments);
        add(&mut hash, &self.views);
        crate::hex(&hash.finalize())
    }

    /// By name: ids of funds made in one millisecond stand in any order.
    fn sums(&self) -> Vec<FundSum> {
        let mut funds: Vec<&Fund> = self.funds.iter().collect();
        funds.sort_by_key(|fund| (&fund.name, &fund.id));
        funds
            .into_iter()
            .map(|fund| FundSum {
                fund_id: fund.id.clone(),
                name: fund.name.clone(),
                currency: fund.currency.clone(),
                target: fund.target.clone(),
                status: fund.status.clone(),
                stages: funds::STAGES
                    .iter()
                    .filter_map(|stage| self.stage_sum(&fund.id, stage))
                    .collect(),
            })
            .collect()
    }

    fn stage_sum(&self, fund: &str, stage: &str) -> Option<StageSum> {
        let amounts: Vec<Decimal> = self
            .commitments
            .iter()
            .filter(|c| c.fund_id == fund && c.stage == stage)
            .filter_map(|c| Decimal::from_str_exact(&c.amount).ok())
            .collect();
        (!amounts.is_empty()).then(|| StageSum {
            stage: stage.to_owned(),
            amount: amounts.iter().sum::<Decimal>().normalize().to_string(),
            investors: amounts.len(),
        })
    }
}

fn add<T: Serialize>(hash: &mut Sha256, rows: &[T]) {
    for row in rows {
        hash.update(serde_json::to_vec(row).unwrap_or_default());
        hash.update(b"\n");
    }
    hash.update(b"\n");
}
