//! Saved views: all SQL about them.

use serde_json::json;
use sqlx::{FromRow, SqliteConnection};

use super::{Mode, View, ViewConfig};
use crate::{
    db::{DbError, WriteTx},
    grid::{GridError, LISTS},
};

#[derive(FromRow)]
struct Record {
    id: String,
    name: String,
    mode: String,
    owner: Option<String>,
    config: String,
    position: i64,
}

impl Record {
    fn into_view(self) -> View {
        View {
            id: self.id,
            name: self.name,
            mode: match self.mode.as_str() {
                "personal" => Mode::Personal,
                "locked" => Mode::Locked,
                _ => Mode::Shared,
            },
            owner: self.owner,
            // A view that an older program wrote is shown as far as it reads.
            config: serde_json::from_str(&self.config).unwrap_or_default(),
            position: self.position,
        }
    }
}

/// A view to be made.
#[derive(Clone, Debug)]
pub struct NewView<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Who may see and change it.
    pub mode: Mode,
    /// User id of who makes it.
    pub owner: &'a str,
    /// What it shows.
    pub config: &'a ViewConfig,
}

/// A change to a view; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ViewChange<'a> {
    /// New name.
    pub name: Option<&'a str>,
    /// New mode.
    pub mode: Option<Mode>,
    /// New configuration.
    pub config: Option<&'a ViewConfig>,
    /// New place in the list.
    pub position: Option<i64>,
}

/// The views a user sees: shared and locked ones, and their own.
pub async fn list(conn: &mut SqliteConnection, user: &str) -> Result<Vec<View>, DbError> {
    let records: Vec<Record> = sqlx::query_as(
        "select id, name, mode, owner, config, position from grid_views
         where deleted_at is null and (mode <> 'personal' or owner = ?1) order by position, id",
    )
    .bind(user)
    .fetch_all(conn)
    .await?;
    Ok(records.into_iter().map(Record::into_view).collect())
}

/// One view, if the user sees it.
pub async fn find(
    conn: &mut SqliteConnection,
    id: &str,
    user: &str,
) -> Result<Option<View>, DbError> {
    let record: Option<Record> = sqlx::query_as(
        "select id, name, mode, owner, config, position from grid_views
         where id = ?1 and deleted_at is null and (mode <> 'personal' or owner = ?2)",
    )
    .bind(id)
    .bind(user)
    .fetch_optional(conn)
    .await?;
    Ok(record.map(Record::into_view))
}

/// Adds a view at the end of the list. Check its configuration first.
pub async fn add(tx: &mut WriteTx, new: &NewView<'_>) -> Result<View, GridError> {
    let name = checked_name(new.name)?;
    let (id, now) = (tx.new_id(), tx.now());
    let position: i64 = sqlx::query_scalar(
        "select coalesce(max(position), 0) + 1 from grid_views where deleted_at is null",
    )
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query(
        "insert into grid_views (id, name, mode, owner, config, position, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(&id)
    .bind(name)
    .bind(new.mode.as_str())
    .bind(new.owner)
    .bind(config_json(new.config)?)
    .bind(position)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    touch(tx).await?;
    Ok(View {
        id,
        name: name.to_owned(),
        mode: new.mode,
        owner: Some(new.owner.to_owned()),
        config: new.config.clone(),
        position,
    })
}

/// Changes a view. A locked one takes a new mode only. Check its configuration
/// first.
pub async fn change(
    tx: &mut WriteTx,
    view: &View,
    wanted: &ViewChange<'_>,
) -> Result<View, GridError> {
    let stays_locked = view.mode == Mode::Locked && wanted.mode.is_none_or(|m| m == Mode::Locked);
    if stays_locked && (wanted.name.is_some() || wanted.config.is_some()) {
        return Err(GridError::invalid(
            "view_locked",
            "mode",
            "this view is locked: unlock it first, or save yours as a new view",
        ));
    }
    if wanted
        .position
        .is_some_and(|p| !(0..=1_000_000).contains(&p))
    {
        return Err(GridError::invalid(
            "invalid_position",
            "position",
            "a position is 0 to 1,000,000",
        ));
    }
    let changed = View {
        id: view.id.clone(),
        name: match wanted.name {
            Some(name) => checked_name(name)?.to_owned(),
            None => view.name.clone(),
        },
        mode: wanted.mode.unwrap_or(view.mode),
        owner: view.owner.clone(),
        config: wanted.config.unwrap_or(&view.config).clone(),
        position: wanted.position.unwrap_or(view.position),
    };
    sqlx::query(
        "update grid_views set name = ?2, mode = ?3, config = ?4, position = ?5 where id = ?1 and deleted_at is null",
    )
    .bind(&changed.id)
    .bind(&changed.name)
    .bind(changed.mode.as_str())
    .bind(config_json(&changed.config)?)
    .bind(changed.position)
    .execute(&mut **tx)
    .await?;
    touch(tx).await?;
    Ok(changed)
}

/// Deletes a view (softly). The last shared one stays: there must be a way in.
pub async fn delete(tx: &mut WriteTx, view: &View) -> Result<(), GridError> {
    let others: i64 = sqlx::query_scalar(
        "select count(*) from grid_views where deleted_at is null and mode <> 'personal' and id <> ?1",
    )
    .bind(&view.id)
    .fetch_one(&mut **tx)
    .await?;
    if others == 0 && view.mode != Mode::Personal {
        return Err(GridError::invalid(
            "last_view",
            "id",
            "this is the last view that everybody sees: add another one first",
        ));
    }
    let now = tx.now();
    sqlx::query("update grid_views set deleted_at = ?2 where id = ?1")
        .bind(&view.id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    touch(tx).await?;
    Ok(())
}

/// Brings a deleted view back. False if there is none such for this user.
pub async fn restore(tx: &mut WriteTx, id: &str, user: &str) -> Result<bool, DbError> {
    let done = sqlx::query(
        "update grid_views set deleted_at = null where id = ?1 and deleted_at is not null and (mode <> 'personal' or owner = ?2)",
    )
    .bind(id)
    .bind(user)
    .execute(&mut **tx)
    .await?;
    touch(tx).await?;
    Ok(done.rows_affected() == 1)
}

/// The views a new grid begins with; shared.
pub async fn add_default(tx: &mut WriteTx) -> Result<(), DbError> {
    let on_list =
        |list: &str| json!({"filter": {"all": [{"column": "@list", "op": "is", "value": list}]}});
    let mut views = vec![("All", json!({}))];
    for (name, list) in ["Main", "Follow-up", "Longshot", "Graveyard"]
        .into_iter()
        .zip(LISTS)
    {
        views.push((name, on_list(list)));
    }
    views.push((
        "My investors",
        json!({"filter": {"all": [{"column": "@owner", "op": "is", "value": "me"}]}}),
    ));
    views.push((
        "Stale 60 days",
        json!({"filter": {"all": [
            {"column": "@staleness", "op": "is", "value": "stale"},
            {"column": "@list", "op": "is_not", "value": "graveyard"},
        ]}, "sorts": [{"column": "@last_contact"}]}),
    ));
    let now = tx.now();
    for (position, (name, config)) in (0_i64..).zip(views) {
        let id = tx.new_id();
        sqlx::query(
            "insert into grid_views (id, name, mode, config, position, created_at) values (?1, ?2, 'shared', ?3, ?4, ?5)",
        )
        .bind(id)
        .bind(name)
        .bind(config.to_string())
        .bind(position)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Tells readers who keep the grid in memory that views changed.
async fn touch(tx: &mut WriteTx) -> Result<(), DbError> {
    sqlx::query("insert into grid_touches (row_id) values ('@views')")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn checked_name(name: &str) -> Result<&str, GridError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(GridError::invalid(
            "invalid_name",
            "name",
            "a view's name has 1 to 100 characters",
        ));
    }
    Ok(name)
}

fn config_json(config: &ViewConfig) -> Result<String, DbError> {
    serde_json::to_string(config).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}
