//! What an admin may change at run time: small JSON values by key. Changes take
//! effect without a restart.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::SqliteConnection;

use crate::db::{Db, DbError, WriteTx};

/// The fund's IANA time zone; schedules, dates and digests follow it.
pub const FUND_ZONE: &str = "fund_zone";
/// True while the database holds the synthetic demo fund.
pub const DEMO: &str = "demo";

/// A setting, if it was ever set.
pub async fn get<T: DeserializeOwned>(db: &Db, key: &str) -> Result<Option<T>, DbError> {
    let value: Option<String> = sqlx::query_scalar("select value from settings where key = ?1")
        .bind(key)
        .fetch_optional(db.read())
        .await?;
    value
        .map(|json| serde_json::from_str(&json))
        .transpose()
        .map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

/// Sets a setting.
pub async fn set<T: Serialize>(
    tx: &mut WriteTx,
    key: &str,
    value: &T,
    actor: &str,
) -> Result<(), DbError> {
    let json = serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let now = tx.now();
    sqlx::query(
        "insert into settings (key, value, updated_at, updated_by) values (?1, ?2, ?3, ?4)
         on conflict (key) do update set value = ?2, updated_at = ?3, updated_by = ?4",
    )
    .bind(key)
    .bind(json)
    .bind(now)
    .bind(actor)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The fund's time zone, UTC until somebody says otherwise.
pub async fn fund_zone(db: &Db) -> Result<String, DbError> {
    Ok(get(db, FUND_ZONE)
        .await?
        .unwrap_or_else(|| "UTC".to_owned()))
}

/// The fund's time zone, as a transaction sees it.
pub async fn fund_zone_in(conn: &mut SqliteConnection) -> Result<String, DbError> {
    let value: Option<String> =
        sqlx::query_scalar("select value ->> '$' from settings where key = 'fund_zone'")
            .fetch_optional(conn)
            .await?;
    Ok(value.unwrap_or_else(|| "UTC".to_owned()))
}
