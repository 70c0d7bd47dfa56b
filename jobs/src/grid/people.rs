//! People by id, address and name, in memory: a file names them by the thousand,
//! and asking the database for each takes longer than all the rest.

use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;

use crate::{db::DbError, funds::name_key};

/// Some people, or everybody.
#[derive(Clone, Default)]
pub(crate) struct People {
    ids: HashSet<String>,
    by_email: HashMap<String, String>,
    /// At most two of a name: more say nothing new.
    by_name: HashMap<String, Vec<String>>,
    is_everybody: bool,
}

impl People {
    /// Everybody there is now.
    pub(crate) async fn everybody(conn: &mut SqliteConnection) -> Result<Self, DbError> {
        let records: Vec<(String, Option<String>, String)> =
            sqlx::query_as("select id, email, name_key from contacts order by id")
                .fetch_all(conn)
                .await?;
        let mut people = Self {
            is_everybody: true,
            ..Self::default()
        };
        for (id, email, name) in records {
            people.insert(&id, email.as_deref(), &name);
        }
        Ok(people)
    }

    /// Whether nobody is missing.
    pub(crate) fn is_everybody(&self) -> bool {
        self.is_everybody
    }

    /// Whether somebody has this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Who has this address; without one, who bears this name: at most two.
    pub(crate) fn bearers(&self, email: Option<&str>, name: &str) -> Vec<String> {
        match email {
            Some(email) => self.by_email.get(email).cloned().into_iter().collect(),
            None => self
                .by_name
                .get(&name_key(name))
                .cloned()
                .unwrap_or_default(),
        }
    }

    /// One more.
    pub(crate) fn insert(&mut self, id: &str, email: Option<&str>, name: &str) {
        self.ids.insert(id.to_owned());
        if let Some(email) = email {
            self.by_email.insert(email.to_owned(), id.to_owned());
        }
        let bearers = self.by_name.entry(name_key(name)).or_default();
        if bearers.len() < 2 {
            bearers.push(id.to_owned());
        }
    }
}
