//! What every handler can reach.

use std::sync::Arc;

use crm_jobs::{
    audit::{self, Chain},
    clock::MINUTE,
    db::{Db, DbError, Gauge},
    grid::table::SharedTable,
    queue::Registry,
    search::Dictionary,
};
use tokio::sync::Mutex;

use crate::{
    config::Config,
    limits::Limits,
    live::Live,
    metrics::Requests,
    routes::{
        imports::Applicable,
        state::{blocks::BlockCache, live::Presence},
    },
};

/// The state of the program. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// The environment, read once.
    pub config: Arc<Config>,
    /// All job kinds, to enqueue by name.
    pub registry: Arc<Registry>,
    /// Tells open pages that something changed.
    pub live: Live,
    /// The grid in memory.
    pub grid: SharedTable,
    /// Words of the search index, for typos.
    pub search: Dictionary,
    /// Blocks of it, compressed.
    pub(crate) blocks: BlockCache,
    /// Who is where in it.
    pub(crate) presence: Presence,
    /// The last import a dry run found nothing against.
    pub(crate) applicable: Applicable,
    /// Requests, counted for `/metrics`.
    pub(crate) requests: Requests,
    /// When this process began with the database, UTC milliseconds.
    pub(crate) started_at: i64,
    /// What everybody may still change.
    pub(crate) limits: Limits,
    /// Room on the disk.
    pub gauge: Gauge,
    chain: Arc<Mutex<Option<(i64, Chain)>>>,
}

impl App {
    /// The state over an open, migrated database.
    pub async fn new(db: Db, config: Config, registry: Registry) -> Result<Self, DbError> {
        let grid = SharedTable::new(&db);
        Ok(Self {
            live: Live::start(&db, &grid).await?,
            grid,
            search: Dictionary::default(),
            limits: Limits::default(),
            gauge: Gauge::new(db.dir()),
            blocks: BlockCache::default(),
            presence: Presence::default(),
            requests: Requests::default(),
            started_at: db.now(),
            db,
            config: Arc::new(config),
            registry: Arc::new(registry),
            applicable: Applicable::default(),
            chain: Arc::default(),
        })
    }

    /// Whether the audit log verifies; read from its beginning at most once a
    /// minute, because that takes longer the older the CRM gets.
    pub async fn audit_chain(&self) -> Result<Chain, DbError> {
        let mut known = self.chain.lock().await;
        let now = self.db.now();
        if let Some((at, chain)) = &*known
            && now - at < MINUTE
        {
            return Ok(chain.clone());
        }
        let chain = audit::verify(&self.db).await?;
        *known = Some((now, chain.clone()));
        Ok(chain)
    }

    /// A whole address for a path of ours.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.base_url)
    }
}
