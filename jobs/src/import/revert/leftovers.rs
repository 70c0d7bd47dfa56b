//! Funds and contacts that an import created and nothing refers to any more.

use serde_json::Value;

use crate::{
    db::{DbError, WriteTx},
    grid::{self, ColumnType},
};

/// Ids of all columns of a type, deleted ones too: their cells are still there.
async fn columns_of(tx: &mut WriteTx, kind: ColumnType) -> Result<String, DbError> {
    let all = grid::all_columns(tx).await?;
    let ids: Vec<String> = all
        .into_values()
        .filter(|c| c.kind == kind)
        .map(|c| c.id)
        .collect();
    Ok(Value::from(ids).to_string())
}

/// Funds of the import that stand in no cell and no column, and on which nobody has
/// put terms since. Their names.
pub(super) async fn remove_funds(tx: &mut WriteTx, import: &str) -> Result<Vec<String>, DbError> {
    let (now, columns) = (tx.now(), columns_of(tx, ColumnType::Funds).await?);
    sqlx::query_scalar(
        "update funds set deleted_at = ?2
         where id in (select thing_id from import_created where import_id = ?1 and what = 'fund')
           and deleted_at is null and target is null and hard_cap is null
           and not exists (select 1 from grid_columns c
                           where c.deleted_at is null and c.options ->> '$.commitment.fund' = funds.id)
           and id not in (select f.value from grid_rows r, json_each(?3) c, json_each(r.cells -> c.value) f
                          where r.deleted_at is null)
         returning name",
    )
    .bind(import)
    .bind(now)
    .bind(columns)
    .fetch_all(&mut **tx)
    .await
}

/// Contacts of the import that stand in no cell, and of whom nothing else tells.
/// How many.
pub(super) async fn remove_contacts(tx: &mut WriteTx, import: &str) -> Result<usize, DbError> {
    let columns = columns_of(tx, ColumnType::Contacts).await?;
    let gone: Vec<String> = sqlx::query_scalar(
        "select id from contacts
         where id in (select thing_id from import_created where import_id = ?1 and what = 'contact')
           and id not in (select p.value ->> 'id' from grid_rows r, json_each(?2) c, json_each(r.cells -> c.value) p
                          where r.deleted_at is null and p.value ->> 'id' is not null)
           and not exists (select 1 from contact_merges m where contacts.id in (m.kept_id, m.merged_id))
           and not exists (select 1 from contacts_distinct d where contacts.id in (d.one_id, d.other_id))
           and not exists (select 1 from tasks t where t.contact_id = contacts.id)
           and not exists (select 1 from notes n where n.contact_id = contacts.id)
           and not exists (select 1 from interactions i where i.contact_id = contacts.id)
           and not exists (select 1 from files f where f.contact_id = contacts.id)",
    )
    .bind(import)
    .bind(columns)
    .fetch_all(&mut **tx)
    .await?;
    for chunk in gone.chunks(2_000) {
        let ids = Value::from(chunk).to_string();
        for sql in [
            "delete from contact_addresses where contact_id in (select value from json_each(?1))",
            "delete from contacts where id in (select value from json_each(?1))",
        ] {
            sqlx::query(sql).bind(&ids).execute(&mut **tx).await?;
        }
    }
    Ok(gone.len())
}
