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

/// Contacts of the import that stand in no cell. How many.
pub(super) async fn remove_contacts(tx: &mut WriteTx, import: &str) -> Result<usize, DbError> {
    let columns = columns_of(tx, ColumnType::Contacts).await?;
    let gone = sqlx::query(
        "delete from contacts
         where id in (select thing_id from import_created where import_id = ?1 and what = 'contact')
           and id not in (select p.value ->> 'id' from grid_rows r, json_each(?2) c, json_each(r.cells -> c.value) p
                          where r.deleted_at is null and p.value ->> 'id' is not null)",
    )
    .bind(import)
    .bind(columns)
    .execute(&mut **tx)
    .await?;
    Ok(usize::try_from(gone.rows_affected()).unwrap_or(usize::MAX))
}
