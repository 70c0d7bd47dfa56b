//! Who a person is after merges, and by which addresses they are known.

use crate::db::{DbError, WriteTx};

/// Merges of merges followed at most: more would be a circle.
const MAX_STEPS: usize = 20;

/// Whom an address belongs to, merges followed.
pub(super) async fn by_address(tx: &mut WriteTx, email: &str) -> Result<Option<String>, DbError> {
    let found: Option<String> = sqlx::query_scalar(
        "select id from contacts where email = ?1 union all select contact_id from contact_addresses where email = ?1 limit 1",
    )
    .bind(email)
    .fetch_optional(&mut **tx)
    .await?;
    match found {
        Some(id) => Ok(Some(kept(tx, id).await?)),
        None => Ok(None),
    }
}

/// The person this one was merged into, or they themselves.
pub(super) async fn kept(tx: &mut WriteTx, id: String) -> Result<String, DbError> {
    let mut id = id;
    for _ in 0..MAX_STEPS {
        let into: Option<String> = sqlx::query_scalar(
            "select kept_id from contact_merges where merged_id = ?1 and undone_at is null order by id desc limit 1",
        )
        .bind(&id)
        .fetch_optional(&mut **tx)
        .await?;
        match into {
            Some(next) => id = next,
            None => break,
        }
    }
    Ok(id)
}

/// Remembers more addresses of people, those that nobody has yet.
pub(super) async fn remember_addresses(
    tx: &mut WriteTx,
    addresses: &[(String, String)],
) -> Result<(), DbError> {
    for chunk in addresses.chunks(2_000) {
        sqlx::query(
            "insert into contact_addresses (email, contact_id)
             select a.value ->> 0, a.value ->> 1 from json_each(?1) a
             where not exists (select 1 from contacts c where c.email = a.value ->> 0)
             on conflict (email) do nothing",
        )
        .bind(serde_json::json!(chunk).to_string())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// A set was taken back: merges it made are no longer in force, or are again if
/// the set was itself a taking back.
pub(super) async fn follow_revert(tx: &mut WriteTx, set: i64) -> Result<(), DbError> {
    let (mut root, mut is_in_force) = (set, false);
    for _ in 0..MAX_STEPS {
        let reverted: Option<i64> =
            sqlx::query_scalar("select reverts from change_sets where id = ?1")
                .bind(root)
                .fetch_optional(&mut **tx)
                .await?
                .flatten();
        let Some(next) = reverted else { break };
        (root, is_in_force) = (next, !is_in_force);
    }
    let now = tx.now();
    sqlx::query("update contact_merges set undone_at = ?2 where change_set_id = ?1")
        .bind(root)
        .bind((!is_in_force).then_some(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
