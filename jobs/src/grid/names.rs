//! What the ids in cells are called: users and funds.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use crate::{db::DbError, funds};

/// Users and funds by id. Small: a team and its vehicles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Everybody who ever had an account, so that old cells still read.
    pub users: Vec<UserName>,
    /// Live funds.
    pub funds: Vec<FundName>,
    by_id: HashMap<String, String>,
}

/// A user as cells show them.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UserName {
    /// As cells hold it.
    pub id: String,
    /// As people read it.
    pub name: String,
    /// Address.
    pub email: String,
}

/// A fund as cells show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FundName {
    /// As cells hold it.
    pub id: String,
    /// As people read it.
    pub name: String,
    /// ISO 4217 code.
    pub currency: String,
}

impl Names {
    /// All there are now.
    pub async fn load(conn: &mut SqliteConnection) -> Result<Self, DbError> {
        let users: Vec<UserName> =
            sqlx::query_as("select id, name, email from users order by name")
                .fetch_all(&mut *conn)
                .await?;
        let funds: Vec<FundName> = funds::list(conn)
            .await?
            .into_iter()
            .map(|f| FundName {
                id: f.id,
                name: f.name,
                currency: f.currency,
            })
            .collect();
        Ok(Self::of_all(users, funds))
    }

    /// From users and funds as they were read.
    pub(super) fn of_all(users: Vec<UserName>, funds: Vec<FundName>) -> Self {
        let by_id = users
            .iter()
            .map(|u| (u.id.clone(), u.name.clone()))
            .chain(funds.iter().map(|f| (f.id.clone(), f.name.clone())))
            .collect();
        Self {
            users,
            funds,
            by_id,
        }
    }

    /// The name an id stands for, or the id itself.
    pub fn of<'a>(&'a self, id: &'a str) -> &'a str {
        self.by_id.get(id).map_or(id, String::as_str)
    }
}
