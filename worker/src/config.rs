//! The worker's settings: the only place that reads its environment.
//! `docs/configuration.md` repeats the table.

use std::path::PathBuf;

use crm_jobs::outside::Outside;

/// What the worker reads from the environment.
#[derive(Clone, Debug)]
pub struct Config {
    /// `CRM_DATA_DIR`.
    pub data_dir: PathBuf,
    /// `CRM_LOG`: tracing filter.
    pub log: String,
    /// `CRM_LOG_FORMAT`: JSON lines instead of text.
    pub log_json: bool,
    /// `CRM_CRASH_AT`: a test point of the queue; does nothing in release builds.
    pub crash_at: Option<String>,
    /// Services outside this box; `crm_jobs::outside::VARIABLES` names them.
    pub outside: Outside,
}

impl Config {
    /// Reads the environment; what is absent has its default. All mistakes at once.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one file that reads it"
    )]
    pub fn from_env() -> Result<Self, Vec<String>> {
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        Ok(Self {
            data_dir: var("CRM_DATA_DIR")
                .unwrap_or_else(|| "./data".to_owned())
                .into(),
            log: var("CRM_LOG").unwrap_or_else(|| "info".to_owned()),
            log_json: var("CRM_LOG_FORMAT").is_some_and(|f| f == "json"),
            crash_at: var("CRM_CRASH_AT"),
            outside: Outside::from_lookup(|name| std::env::var(name).ok())?,
        })
    }
}
