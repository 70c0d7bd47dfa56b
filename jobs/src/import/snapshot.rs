//! The grid as an import is compared with it.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use serde_json::Value;
use sqlx::{FromRow, SqliteConnection};

use crate::{
    db::DbError,
    funds::{self, Fund, name_key},
    grid::{self, Column, ColumnType, Row},
};

/// Read in one transaction.
pub(super) struct Snapshot {
    pub(super) version: i64,
    pub(super) columns: Vec<Column>,
    /// Ids of deleted columns too: they are never given again.
    pub(super) taken_ids: Vec<String>,
    pub(super) rows: Vec<Row>,
    pub(super) funds: Vec<Fund>,
    pub(super) users: Vec<User>,
    pub(super) zone: TimeZone,
}

#[derive(FromRow)]
pub(super) struct User {
    id: String,
    name: String,
    email: String,
}

/// Reads all of it. `zone` is the fund's.
pub(super) async fn read(conn: &mut SqliteConnection, zone: &str) -> Result<Snapshot, DbError> {
    let all: BTreeMap<String, Column> = grid::all_columns(conn).await?;
    Ok(Snapshot {
        version: grid::state(conn).await?.version,
        columns: grid::columns(conn).await?,
        taken_ids: all.into_keys().collect(),
        rows: grid::all_rows(conn).await?,
        funds: funds::list(conn).await?,
        users: sqlx::query_as("select id, name, email from users")
            .fetch_all(conn)
            .await?,
        zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC),
    })
}

/// Funds and users by what cells call them, and back.
pub(super) struct Names {
    funds: HashMap<String, String>,
    users: HashMap<String, String>,
    shown: HashMap<String, String>,
}

impl Names {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut names = Self {
            funds: HashMap::new(),
            users: HashMap::new(),
            shown: HashMap::new(),
        };
        for fund in &snapshot.funds {
            names.funds.insert(name_key(&fund.name), fund.id.clone());
            names.funds.insert(fund.id.clone(), fund.id.clone());
            names.shown.insert(fund.id.clone(), fund.name.clone());
        }
        for user in &snapshot.users {
            for key in [&user.name.to_lowercase(), &user.email, &user.id] {
                names
                    .users
                    .entry(key.clone())
                    .or_insert_with(|| user.id.clone());
            }
            names.shown.insert(user.id.clone(), user.name.clone());
        }
        names
    }

    /// The fund's id; `None` if there is none of this name or id.
    pub(super) fn fund(&self, name: &str) -> Option<&String> {
        self.funds
            .get(name)
            .or_else(|| self.funds.get(&name_key(name)))
    }

    /// The user's id.
    pub(super) fn user(&self, name: &str) -> Option<&String> {
        self.users
            .get(name)
            .or_else(|| self.users.get(&name.trim().to_lowercase()))
    }

    /// A value for people; ids of funds and users become names.
    pub(super) fn show(&self, column: &Column, value: Option<&Value>) -> String {
        let Some(value) = value else {
            return String::new();
        };
        let name = |id: &Value| {
            let id = id.as_str().unwrap_or_default();
            self.shown.get(id).cloned().unwrap_or_else(|| id.to_owned())
        };
        match (column.kind, value) {
            (ColumnType::User, id) => name(id),
            (ColumnType::Funds, Value::Array(ids)) => {
                ids.iter().map(name).collect::<Vec<_>>().join(", ")
            }
            _ => grid::display(column, value),
        }
    }
}
