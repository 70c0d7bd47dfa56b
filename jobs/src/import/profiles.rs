//! Saved profiles: how files of the same columns are taken, week after week.

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::{Import, ImportError, Mapping, Profile, Target};
use crate::{
    db::{DbError, WriteTx},
    funds::name_key,
    grid::{self, Column},
};

/// Profiles there are at most: the list is read whole.
const MAX_PROFILES: u32 = 200;
/// Characters of a name at most.
const MAX_NAME: usize = 100;

/// How files of the same columns are taken.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImportProfile {
    /// Time-ordered id.
    pub id: String,
    /// Unique, whatever the case.
    pub name: String,
    /// The columns a file must have to be taken by it, in lower case and sorted.
    pub headers: Vec<String>,
    /// How they are taken.
    pub mapping: Mapping,
    /// Who saved it.
    pub created_by: String,
    /// When, UTC milliseconds.
    pub created_at: i64,
    /// When a file was last taken by it.
    pub used_at: Option<i64>,
}

#[derive(FromRow)]
struct ProfileRecord {
    id: String,
    name: String,
    headers: String,
    mapping: String,
    created_by: String,
    created_at: i64,
    used_at: Option<i64>,
}

impl ProfileRecord {
    fn into_profile(self) -> Result<ImportProfile, DbError> {
        let decode = |e| sqlx::Error::Decode(Box::new(e));
        Ok(ImportProfile {
            id: self.id,
            name: self.name,
            headers: serde_json::from_str(&self.headers).map_err(decode)?,
            mapping: serde_json::from_str(&self.mapping).map_err(decode)?,
            created_by: self.created_by,
            created_at: self.created_at,
            used_at: self.used_at,
        })
    }
}

fn sorted<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut headers: Vec<String> = headers.map(str::to_lowercase).collect();
    headers.sort_unstable();
    headers
}

impl ImportProfile {
    /// Whether a file of these headers is one of its own.
    pub(super) fn fits(&self, headers: &[String]) -> bool {
        self.headers == sorted(headers.iter().map(String::as_str))
    }

    /// Puts what it remembers into a suggested mapping. What the file itself leaves
    /// no doubt about (date order, decimal comma) is taken from the file, and a
    /// column that has left the grid stays as suggested.
    pub(super) fn apply_to(&self, mapping: &mut Mapping, found: &[Profile], grid: &[Column]) {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        for (column, found) in mapping.columns.iter_mut().zip(found) {
            let saved = self.mapping.columns.iter();
            let Some(saved) = saved.into_iter().find(|s| same(&s.header, &column.header)) else {
                continue;
            };
            if let Target::Existing { column: id } = &saved.target
                && !grid.iter().any(|c| c.id == *id)
            {
                continue;
            }
            let header = std::mem::take(&mut column.header);
            *column = saved.clone();
            column.header = header;
            column.date_order = found.date_order.or(saved.date_order);
            if found.decimal_told {
                column.decimal_comma = found.decimal_comma;
            }
        }
        let key = self.mapping.key.and_then(|k| self.mapping.columns.get(k));
        mapping.key = key.and_then(|key| {
            let mut columns = mapping.columns.iter();
            columns.position(|c| same(&c.header, &key.header) && c.target != Target::Skip)
        });
    }
}

/// All of them, the one used last first.
pub async fn profiles(conn: &mut SqliteConnection) -> Result<Vec<ImportProfile>, DbError> {
    let records: Vec<ProfileRecord> = sqlx::query_as(
        "select id, name, headers, mapping, created_by, created_at, used_at from import_profiles
         where deleted_at is null order by coalesce(used_at, created_at) desc, id desc limit ?1",
    )
    .bind(MAX_PROFILES)
    .fetch_all(conn)
    .await?;
    records
        .into_iter()
        .map(ProfileRecord::into_profile)
        .collect()
}

/// Saves how an import's file is taken. A profile of this name is replaced.
pub async fn save_profile(
    tx: &mut WriteTx,
    name: &str,
    import: &Import,
    actor: &str,
) -> Result<ImportProfile, ImportError> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() || name.chars().count() > MAX_NAME || name.eq_ignore_ascii_case("none") {
        return Err(ImportError::invalid(
            "invalid_name",
            "name",
            "a profile's name has 1 to 100 characters and is not “none”: call it after the file, such as “Weekly export”",
        ));
    }
    let mapping = settled(import.mapping.clone(), &grid::columns(tx).await?);
    let headers = sorted(mapping.columns.iter().map(|c| c.header.as_str()));
    let (now, id) = (tx.now(), tx.new_id());
    let encode = |e| sqlx::Error::Encode(Box::new(e));
    let known: Vec<ImportProfile> = profiles(tx).await?;
    let old = known.iter().find(|p| name_key(&p.name) == name_key(&name));
    if old.is_none() && known.len() >= MAX_PROFILES as usize {
        return Err(ImportError::invalid(
            "too_many_profiles",
            "name",
            "there are 200 profiles already: remove one that nobody uses",
        ));
    }
    sqlx::query(
        "insert into import_profiles (id, name, name_key, headers, mapping, created_by, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict (name_key) where deleted_at is null
         do update set name = ?2, headers = ?4, mapping = ?5, created_by = ?6, created_at = ?7",
    )
    .bind(&id)
    .bind(&name)
    .bind(name_key(&name))
    .bind(serde_json::to_string(&headers).map_err(encode)?)
    .bind(serde_json::to_string(&mapping).map_err(encode)?)
    .bind(actor)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let id = old.map_or(id, |old| old.id.clone());
    let saved = profiles(tx).await?.into_iter().find(|p| p.id == id);
    Ok(saved.ok_or(sqlx::Error::RowNotFound)?)
}

/// New columns that exist by now are meant by their ids: they may be renamed.
fn settled(mut mapping: Mapping, grid: &[Column]) -> Mapping {
    for column in &mut mapping.columns {
        if let Target::New { name } = &column.target {
            let lower = name.trim().to_lowercase();
            let kind = column.new_kind();
            let mut same = grid.iter().filter(|c| c.kind == kind);
            if let Some(found) = same.find(|c| c.name.to_lowercase() == lower) {
                column.target = Target::Existing {
                    column: found.id.clone(),
                };
            }
        }
    }
    mapping
}

/// Removes a profile; imports that were taken by it stay as they are. False if
/// there is none.
pub async fn remove_profile(tx: &mut WriteTx, id: &str) -> Result<bool, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update import_profiles set deleted_at = ?2 where id = ?1 and deleted_at is null",
    )
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a file was taken by it.
pub(super) async fn mark_used(tx: &mut WriteTx, id: &str) -> Result<(), DbError> {
    let now = tx.now();
    sqlx::query("update import_profiles set used_at = ?2 where id = ?1")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
