//! Changing people: in every cell they stand in, as one change set that undo
//! takes back.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::store::{family, find_kept, places};
use crate::{
    db::{DbError, WriteTx},
    grid::{self, Applied, ChangeBy, Column, ColumnType, ContactPill, GridError, Operation, Row},
};

/// What to change about a person; what is absent stays, an empty text clears.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Details {
    /// Full name; never empty.
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Address.
    #[schemars(length(max = 254))]
    pub email: Option<String>,
    /// Number.
    #[schemars(length(max = 60))]
    pub phone: Option<String>,
    /// What they do, at every investor.
    #[schemars(length(max = 120))]
    pub role: Option<String>,
}

/// Two entries that are one person.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct MergeWanted {
    /// Who stays: their details win.
    #[schemars(length(min = 1, max = 64))]
    pub keep: String,
    /// Who goes into the other.
    #[schemars(length(min = 1, max = 64))]
    pub merge: String,
}

/// Changes a person wherever they stand. `None` if they stand nowhere.
pub async fn edit(
    tx: &mut WriteTx,
    id: &str,
    details: &Details,
    by: &ChangeBy<'_>,
) -> Result<Option<Applied>, GridError> {
    let rows = rows_of(tx, &[id.to_owned()]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    if details.name.as_ref().is_some_and(|n| n.trim().is_empty()) {
        return Err(GridError::invalid(
            "invalid_name",
            "name",
            "a person needs a name",
        ));
    }
    let email = details.email.as_deref().map(|e| e.trim().to_lowercase());
    if let Some(email) = email.as_deref().filter(|e| !e.is_empty()) {
        check_address(tx, id, email).await?;
    }
    let set = |slot: &mut Option<String>, given: Option<&str>| {
        if let Some(text) = given.map(str::trim) {
            *slot = (!text.is_empty()).then(|| text.to_owned());
        }
    };
    let operations = changed_cells(tx, &rows, |pills| {
        for pill in pills.iter_mut().filter(|p| p.id.as_deref() == Some(id)) {
            if let Some(name) = details.name.as_deref() {
                name.trim().clone_into(&mut pill.name);
            }
            set(&mut pill.email, email.as_deref());
            set(&mut pill.phone, details.phone.as_deref());
            set(&mut pill.role, details.role.as_deref());
        }
    })
    .await?;
    Ok(Some(grid::apply(tx, &operations, by).await?))
}

async fn check_address(tx: &mut WriteTx, id: &str, email: &str) -> Result<(), GridError> {
    let family = family(tx, id).await?;
    let owner: Option<(String, String)> = sqlx::query_as(
        "select c.id, c.name from fundraising_contacts c where c.email = ?1 and c.id <> ?2 limit 1",
    )
    .bind(email)
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    match owner {
        Some((other, name)) if !family.contains(&other) => Err(GridError::invalid(
            "address_taken",
            "email",
            format!("{email} belongs to {name}: merge the two if they are one person"),
        )),
        _ => Ok(()),
    }
}

/// Makes two entries one person: every cell that named the one names the other.
/// Undoing the change set parts them again.
pub async fn merge(
    tx: &mut WriteTx,
    wanted: &MergeWanted,
    by: &ChangeBy<'_>,
) -> Result<Applied, GridError> {
    if wanted.keep == wanted.merge {
        return Err(GridError::invalid(
            "same_contact",
            "merge",
            "choose two different people",
        ));
    }
    for (id, field) in [(&wanted.keep, "keep"), (&wanted.merge, "merge")] {
        let known: Option<i64> = sqlx::query_scalar("select 1 from contacts where id = ?1")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?;
        if known.is_none() || find_kept(tx, id).await?.is_some() {
            return Err(GridError::invalid(
                "no_such_contact",
                field,
                "there is no such person, or they were merged already: load the list again",
            ));
        }
    }
    let rows = rows_of(tx, &[wanted.keep.clone(), wanted.merge.clone()]).await?;
    let kept = details_of(tx, &rows, &wanted.keep).await?;
    let merged = details_of(tx, &rows, &wanted.merge).await?;
    let (Some(kept), Some(merged)) = (kept, merged) else {
        return Err(GridError::invalid(
            "no_such_contact",
            "keep",
            "one of them stands at no investor any more: load the list again",
        ));
    };
    let one = ContactPill {
        email: kept.email.or(merged.email),
        phone: kept.phone.or(merged.phone),
        ..kept
    };
    let operations = changed_cells(tx, &rows, |pills| {
        let mut seen = false;
        pills.retain_mut(|pill| {
            let is_one = [&wanted.keep, &wanted.merge]
                .iter()
                .any(|id| pill.id.as_ref() == Some(*id));
            if !is_one {
                return true;
            }
            pill.id = Some(wanted.keep.clone());
            pill.name.clone_from(&one.name);
            pill.email.clone_from(&one.email);
            pill.phone.clone_from(&one.phone);
            !std::mem::replace(&mut seen, true)
        });
    })
    .await?;
    let applied = grid::apply(tx, &operations, by).await?;
    let now = tx.now();
    sqlx::query(
        "insert into contact_merges (kept_id, merged_id, change_set_id, at, by) values (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(&wanted.keep)
    .bind(&wanted.merge)
    .bind((applied.changes > 0).then_some(applied.version))
    .bind(now)
    .bind(by.actor)
    .execute(&mut **tx)
    .await?;
    Ok(applied)
}

/// Says that two people are not one: they are not proposed again.
pub async fn keep_apart(
    tx: &mut WriteTx,
    one: &str,
    other: &str,
    by: &str,
) -> Result<(), GridError> {
    let (one, other) = if one < other {
        (one, other)
    } else {
        (other, one)
    };
    let known: i64 = sqlx::query_scalar("select count(*) from contacts where id in (?1, ?2)")
        .bind(one)
        .bind(other)
        .fetch_one(&mut **tx)
        .await?;
    if known != 2 {
        return Err(GridError::invalid(
            "no_such_contact",
            "other",
            "there is no such person",
        ));
    }
    let now = tx.now();
    sqlx::query(
        "insert into contacts_distinct (one_id, other_id, at, by) values (?1, ?2, ?3, ?4) on conflict do nothing",
    )
    .bind(one)
    .bind(other)
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Live rows that these people stand in: the projection says where to look, the
/// grid what is there.
async fn rows_of(tx: &mut WriteTx, people: &[String]) -> Result<Vec<Row>, DbError> {
    let mut ids = BTreeSet::new();
    for person in people {
        ids.extend(places(tx, person).await?.into_iter().map(|p| p.row_id));
        // Rows written since the last sync.
        let fresh: Vec<String> = sqlx::query_scalar(
            "select id from grid_rows
             where version > (select synced_version from fundraising_sync where id = 1)
               and deleted_at is null and instr(cells, ?1) > 0",
        )
        .bind(person)
        .fetch_all(&mut **tx)
        .await?;
        ids.extend(fresh);
    }
    let ids: Vec<String> = ids.into_iter().collect();
    grid::rows_by_id(tx, &ids).await
}

async fn details_of(
    tx: &mut WriteTx,
    rows: &[Row],
    id: &str,
) -> Result<Option<ContactPill>, DbError> {
    let columns = contact_columns(tx).await?;
    let mut pills = rows
        .iter()
        .flat_map(|row| columns.iter().flat_map(|c| pills(row, c)));
    Ok(pills.find(|p| p.id.as_deref() == Some(id)))
}

async fn contact_columns(tx: &mut WriteTx) -> Result<Vec<Column>, DbError> {
    let columns = grid::columns(tx).await?;
    Ok(columns
        .into_iter()
        .filter(|c| c.kind == ColumnType::Contacts)
        .collect())
}

fn pills(row: &Row, column: &Column) -> Vec<ContactPill> {
    row.cells
        .get(&column.id)
        .and_then(|cell| serde_json::from_value(cell.clone()).ok())
        .unwrap_or_default()
}

/// The cells of these rows that a change to their people changes.
async fn changed_cells(
    tx: &mut WriteTx,
    rows: &[Row],
    change: impl Fn(&mut Vec<ContactPill>),
) -> Result<Vec<Operation>, DbError> {
    let columns = contact_columns(tx).await?;
    let mut operations = Vec::new();
    for row in rows {
        for column in &columns {
            let before = pills(row, column);
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                continue;
            }
            let value: Value =
                serde_json::to_value(after).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
            operations.push(Operation::Set {
                row: row.id.clone(),
                column: column.id.clone(),
                value,
                base: row.version,
            });
        }
    }
    Ok(operations)
}
