//! Spark: the model on the fund's own box, spoken to through the interface that `OpenAI` made usual.
//!
//! Names and substance of mail go to it and to nobody else, which is why
//! [`reach`] never lets it be a public address.

mod answer;
mod asker;
mod client;
pub mod prompt;
pub mod reach;
#[cfg(test)]
pub(crate) mod tests;

pub use answer::{Answer, Model, plain_line, without_thoughts};
pub use asker::Asker;
pub use client::{Ask, Client, tokens, within};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::reach::Refused;
use crate::{
    db::{Db, DbError, WriteTx},
    settings,
};

/// Where Spark Control is on the fund's box.
pub const DEFAULT_URL: &str = "http://spark-control.startos:9999";
const SETTINGS: &str = "spark";
const STATUS: &str = "spark_status";

/// Why the model said nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SparkError {
    /// Its address is none we may speak to.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nobody answers.
    #[error("the local model is away: {0}")]
    Away(String),
    /// No answer in time.
    #[error("the local model took too long")]
    Slow,
    /// It cannot answer now.
    #[error("the local model cannot answer now: {0}")]
    Busy(String),
    /// The prompt does not fit.
    #[error("the text is too long for the local model")]
    TooLong,
    /// There is no such model.
    #[error("the local model is missing: {0}")]
    NoModel(String),
    /// It said no.
    #[error("the local model refused the question: {0}")]
    Refuses(String),
    /// It said nothing.
    #[error("the local model gave an empty answer")]
    Empty,
    /// The database.
    #[error("{0}")]
    Db(String),
}

impl SparkError {
    /// Asking something else now would end the same way.
    pub fn is_away(&self) -> bool {
        !matches!(self, Self::TooLong | Self::Empty)
    }
}

impl From<DbError> for SparkError {
    fn from(error: DbError) -> Self {
        Self::Db(error.to_string())
    }
}

/// What an admin sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SparkSettings {
    /// Address of the model server; null: Spark on this box.
    #[schemars(length(max = 300))]
    pub url: Option<String>,
    /// Which model; null: the first that is there.
    #[schemars(length(max = 200))]
    pub model: Option<String>,
    /// Longest wait for an answer, seconds.
    #[schemars(range(min = 5, max = 900))]
    pub timeout_s: u16,
    /// Host names that may be in 100.64.0.0/10 (Tailscale); never a public address.
    #[schemars(length(max = 20), inner(length(max = 253)))]
    pub allow: Vec<String>,
}

impl Default for SparkSettings {
    fn default() -> Self {
        Self {
            url: None,
            model: None,
            timeout_s: 120,
            allow: Vec::new(),
        }
    }
}

/// How the model is doing, as last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SparkStatus {
    /// When it last answered, UTC milliseconds.
    pub ok_at: Option<i64>,
    /// Which model did.
    pub model: String,
    /// How long that took.
    pub latency_ms: i64,
    /// Why it did not answer the last time; empty when it did.
    pub error: String,
    /// When that was.
    pub error_at: Option<i64>,
}

impl SparkStatus {
    /// It answered the last time it was asked.
    pub fn is_up(&self) -> bool {
        self.error.is_empty() && self.ok_at.is_some()
    }
}

/// What an admin set.
pub async fn stored(db: &Db) -> Result<SparkSettings, DbError> {
    Ok(settings::get(db, SETTINGS).await?.unwrap_or_default())
}

/// What is in force: the environment's address goes before an admin's.
pub async fn effective(db: &Db) -> Result<SparkSettings, DbError> {
    let mut found = stored(db).await?;
    if let Some(url) = &db.outside().spark_url {
        found.url = Some(url.clone());
    }
    Ok(found)
}

/// How the model was when it was last asked.
pub async fn status(db: &Db) -> Result<SparkStatus, DbError> {
    Ok(settings::get(db, STATUS).await?.unwrap_or_default())
}

/// Takes settings; what is wrong comes back by field.
pub async fn set(
    tx: &mut WriteTx,
    mut new: SparkSettings,
    by: &str,
) -> Result<SparkSettings, SettingsError> {
    for text in [&mut new.url, &mut new.model] {
        *text = text
            .take()
            .map(|t| t.trim().trim_end_matches('/').to_owned())
            .filter(|t| !t.is_empty());
    }
    new.allow = new
        .allow
        .iter()
        .map(|host| host.trim().trim_end_matches('.').to_lowercase())
        .filter(|host| !host.is_empty())
        .collect();
    if let Some(bad) = new.allow.iter().find(|host| {
        host.len() > 253
            || !host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
    }) {
        return Err(field(
            "allow",
            format!("{bad:?} is no host name: write one on each line"),
        ));
    }
    if new.allow.len() > 20 {
        return Err(field("allow", "20 hosts are the most".to_owned()));
    }
    if let Some(url) = &new.url {
        if url.len() > 300 {
            return Err(field("url", "at most 300 characters".to_owned()));
        }
        reach::check(url, &new.allow).map_err(|e| field("url", e.to_string()))?;
    }
    if new.model.as_ref().is_some_and(|m| m.chars().count() > 200) {
        return Err(field("model", "at most 200 characters".to_owned()));
    }
    if !(5..=900).contains(&new.timeout_s) {
        return Err(field(
            "timeout_s",
            "use a number between 5 and 900".to_owned(),
        ));
    }
    settings::set(tx, SETTINGS, &new, by).await?;
    Ok(new)
}

/// Why settings of a service were not taken.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// One field is not right.
    #[error("{message}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) fn field(field: &'static str, message: String) -> SettingsError {
    SettingsError::Field { field, message }
}

/// Remembers how asking went.
pub async fn remember(
    tx: &mut WriteTx,
    asked: Result<(&str, i64), &SparkError>,
) -> Result<(), DbError> {
    let stored: Option<String> =
        sqlx::query_scalar("select value from settings where key = 'spark_status'")
            .fetch_optional(&mut **tx)
            .await?;
    let mut status: SparkStatus = stored
        .and_then(|json| serde_json::from_str(&json).ok())
        .unwrap_or_default();
    match asked {
        Ok((model, latency_ms)) => {
            status.ok_at = Some(tx.now());
            model.clone_into(&mut status.model);
            status.latency_ms = latency_ms;
            status.error.clear();
        }
        Err(error) => {
            status.error = error.to_string();
            status.error_at = Some(tx.now());
        }
    }
    settings::set(tx, STATUS, &status, "system").await
}

/// Asks it to say a word, and remembers how that went.
pub async fn try_out(db: &Db) -> Result<SparkStatus, DbError> {
    let began = tokio::time::Instant::now();
    let tried = async {
        let client = Client::of(db).await?;
        let model = client.model().await?;
        client
            .ask(&model, 16, |_| Ask {
                system: "Answer with one word.".to_owned(),
                user: "Say: ready".to_owned(),
                schema: None,
                max_tokens: 16,
            })
            .await
    };
    // Somebody waits for the answer.
    let tried = tokio::time::timeout(std::time::Duration::from_secs(20), tried).await;
    let tried = tried.unwrap_or(Err(SparkError::Slow));
    let took = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let mut tx = db.write().await?;
    remember(&mut tx, tried.as_ref().map(|a| (a.model.as_str(), took))).await?;
    tx.commit().await?;
    status(db).await
}
