//! Bringing the projection up to the grid's version, in short transactions.

use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::SqliteConnection;

use super::{Projected, project};
use crate::{
    db::{Db, DbError, WriteTx},
    grid, search,
};

/// Rows projected in one transaction: five to ten milliseconds, which somebody's edit
/// may have to wait.
const BATCH: usize = 50;
/// Shortest pause between two of them.
const PAUSE: Duration = Duration::from_millis(10);

/// What a sync did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Synced {
    /// The grid version the projection now has.
    pub version: i64,
    /// Rows projected.
    pub rows: usize,
}

/// Projects what changed since the last sync, or everything. Safe to repeat and
/// to stop half-way: rows are projected from their present state, and the synced
/// version moves only at the end. `progress` hears (done, total).
pub async fn sync(
    db: &Db,
    rebuild: bool,
    progress: impl Fn(usize, usize),
) -> Result<Synced, DbError> {
    let mut conn = db.read().acquire().await?;
    let version = grid::state(&mut conn).await?.version;
    let from: i64 = sqlx::query_scalar("select synced_version from fundraising_sync where id = 1")
        .fetch_one(&mut *conn)
        .await?;
    let rows = if rebuild || columns_changed(&mut conn, from).await? {
        all_row_ids(&mut conn).await?
    } else {
        changed_row_ids(&mut conn, from, version).await?
    };
    drop(conn);
    for (done, chunk) in rows.chunks(BATCH).enumerate() {
        let begun = Instant::now();
        let mut tx = db.write().await?;
        write_rows(&mut tx, chunk).await?;
        tx.commit().await?;
        progress((done * BATCH + chunk.len()).min(rows.len()), rows.len());
        if chunk.len() == BATCH {
            // SQLite has no queue: whoever waits for the lock looks now and then, and
            // never finds it free if we take it again at once.
            tokio::time::sleep(begun.elapsed().max(PAUSE)).await;
        }
    }
    let mut tx = db.write().await?;
    write_funds_and_views(&mut tx).await?;
    let now = tx.now();
    sqlx::query("update fundraising_sync set synced_version = ?1, synced_at = ?2 where id = 1")
        .bind(version)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Synced {
        version,
        rows: rows.len(),
    })
}

/// A column's definition decides what every row projects to.
async fn columns_changed(conn: &mut SqliteConnection, from: i64) -> Result<bool, DbError> {
    let found: i64 = sqlx::query_scalar(
        "select exists (select 1 from grid_changes where change_set_id > ?1 and row_id is null)",
    )
    .bind(from)
    .fetch_one(conn)
    .await?;
    Ok(found == 1)
}

async fn all_row_ids(conn: &mut SqliteConnection) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar(
        "select id from grid_rows union select id from fundraising_investors order by id",
    )
    .fetch_all(conn)
    .await
}

async fn changed_row_ids(
    conn: &mut SqliteConnection,
    from: i64,
    to: i64,
) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar(
        "select distinct row_id from grid_changes
         where change_set_id > ?1 and change_set_id <= ?2 and row_id is not null order by row_id",
    )
    .bind(from)
    .bind(to)
    .fetch_all(conn)
    .await
}

/// Replaces what these rows project to; deleted rows project to nothing.
async fn write_rows(tx: &mut WriteTx, ids: &[String]) -> Result<(), DbError> {
    let columns = grid::columns(tx).await?;
    let rows = grid::rows_by_id(tx, ids).await?;
    let projected: Vec<Projected> = rows.iter().map(|r| project(r, &columns)).collect();
    let ids = Value::from(ids).to_string();
    let mut people: Vec<String> = sqlx::query_scalar(
        "select contact_id from fundraising_investor_contacts where investor_id in (select value from json_each(?1))",
    )
    .bind(&ids)
    .fetch_all(&mut **tx)
    .await?;
    clear_rows(tx, &ids).await?;
    insert_rows(tx, &projected).await?;
    search::write_investors(tx, &ids, &rows, &columns).await?;
    search::write_things(tx, &ids).await?;
    people.extend(
        projected
            .iter()
            .flat_map(|p| p.contacts.iter().map(|c| c.contact_id.clone())),
    );
    people.sort_unstable();
    people.dedup();
    write_contacts(tx, &people).await
}

async fn clear_rows(tx: &mut WriteTx, ids: &str) -> Result<(), DbError> {
    sqlx::query("delete from fundraising_investors where id in (select value from json_each(?1))")
        .bind(ids)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "delete from fundraising_investor_contacts where investor_id in (select value from json_each(?1))",
    )
    .bind(ids)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "delete from fundraising_commitments where investor_id in (select value from json_each(?1))",
    )
    .bind(ids)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert_rows(tx: &mut WriteTx, rows: &[Projected]) -> Result<(), DbError> {
    let investors: Vec<_> = rows.iter().map(|p| &p.investor).collect();
    let contacts: Vec<_> = rows.iter().flat_map(|p| &p.contacts).collect();
    let commitments: Vec<_> = rows.iter().flat_map(|p| &p.commitments).collect();
    sqlx::query(
        "insert into fundraising_investors (id, name, list, archived, owner, email, row_version, created_at, updated_at)
         select value ->> 'id', value ->> 'name', value ->> 'list', value ->> 'archived', value ->> 'owner',
                value ->> 'email', value ->> 'row_version', value ->> 'created_at', value ->> 'updated_at'
         from json_each(?1)",
    )
    .bind(json(&investors)?)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into fundraising_investor_contacts (investor_id, contact_id, position, name, email, phone, role)
         select value ->> 'investor_id', value ->> 'contact_id', value ->> 'position', value ->> 'name',
                value ->> 'email', value ->> 'phone', value ->> 'role'
         from json_each(?1)",
    )
    .bind(json(&contacts)?)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into fundraising_commitments (investor_id, fund_id, stage, amount, currency)
         select value ->> 'investor_id', value ->> 'fund_id', value ->> 'stage', value ->> 'amount', value ->> 'currency'
         from json_each(?1)",
    )
    .bind(json(&commitments)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Each of these people as their first investor has them, or gone.
async fn write_contacts(tx: &mut WriteTx, people: &[String]) -> Result<(), DbError> {
    let people = Value::from(people).to_string();
    sqlx::query("delete from fundraising_contacts where id in (select value from json_each(?1))")
        .bind(&people)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "insert into fundraising_contacts (id, name, email, phone, role, investor_count)
         select contact_id, name, email, phone, role,
                (select count(*) from fundraising_investor_contacts o where o.contact_id = c.contact_id)
         from fundraising_investor_contacts c
         where contact_id in (select value from json_each(?1))
           and investor_id = (select min(f.investor_id) from fundraising_investor_contacts f where f.contact_id = c.contact_id)",
    )
    .bind(&people)
    .execute(&mut **tx)
    .await?;
    search::write_contacts(tx, &people).await
}

async fn write_funds_and_views(tx: &mut WriteTx) -> Result<(), DbError> {
    sqlx::query("delete from fundraising_funds")
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "insert into fundraising_funds (id, name, currency, target, hard_cap, status)
         select id, name, currency, target, hard_cap, status from funds where deleted_at is null",
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query("delete from fundraising_views")
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "insert into fundraising_views (id, name, mode, config)
         select id, name, mode, config from grid_views where deleted_at is null",
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}
