//! The grid as an import is compared with it.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sqlx::{FromRow, SqliteConnection};

use super::{Mapping, Target};
use crate::{
    db::DbError,
    funds::{self, Fund, name_key},
    grid::{self, Column, ColumnType, people::People},
};

/// Read in one transaction.
pub(super) struct Snapshot {
    pub(super) version: i64,
    pub(super) columns: Vec<Column>,
    /// Ids of deleted columns too: they are never given again.
    pub(super) taken_ids: Vec<String>,
    pub(super) rows: Vec<StoredRow>,
    pub(super) funds: Vec<Fund>,
    pub(super) users: Vec<User>,
    /// Nobody, unless the file names contacts.
    pub(super) people: People,
    pub(super) zone: TimeZone,
}

/// A live row as it is stored: its cells stay text until somebody asks, which
/// takes a fifth of the memory.
#[derive(FromRow)]
pub(super) struct StoredRow {
    pub(super) id: String,
    pub(super) version: i64,
    cells: String,
    /// What the merge key's column says.
    pub(super) key: Option<String>,
    pub(super) is_archived: bool,
}

impl StoredRow {
    pub(super) fn cells(&self) -> Map<String, Value> {
        serde_json::from_str(&self.cells).unwrap_or_default()
    }
}

/// What a row is called.
pub(super) fn title(cells: &Map<String, Value>, columns: &[Column]) -> String {
    columns
        .first()
        .and_then(|c| Some(grid::display(c, cells.get(&c.id)?)))
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| "Unnamed investor".to_owned())
}

/// The column of the grid in which the merge key is looked up.
fn key_column<'a>(mapping: &Mapping, columns: &'a [Column]) -> Option<&'a str> {
    let found = match &mapping.columns.get(mapping.key?)?.target {
        Target::Skip => None,
        Target::Existing { column } => columns.iter().find(|c| c.id == *column),
        Target::New { name } => {
            let lower = name.trim().to_lowercase();
            columns.iter().find(|c| c.name.to_lowercase() == lower)
        }
    };
    found.map(|c| c.id.as_str())
}

#[derive(FromRow)]
pub(super) struct User {
    id: String,
    name: String,
    email: String,
}

/// Reads what the mapping is about. `zone` is the fund's.
pub(super) async fn read(
    conn: &mut SqliteConnection,
    mapping: &Mapping,
    zone: &str,
) -> Result<Snapshot, DbError> {
    let all: BTreeMap<String, Column> = grid::all_columns(conn).await?;
    let columns = grid::columns(conn).await?;
    let rows = sqlx::query_as(
        "select id, version, cells, cells ->> ?1 as key, archived_at is not null as is_archived
         from grid_rows where deleted_at is null order by position, id",
    )
    .bind(key_column(mapping, &columns))
    .fetch_all(&mut *conn)
    .await?;
    Ok(Snapshot {
        version: grid::state(conn).await?.version,
        columns,
        taken_ids: all.into_keys().collect(),
        rows,
        people: People::everybody(conn).await?,
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
