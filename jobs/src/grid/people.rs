//! People by id, address and name, in memory: a file names them by the thousand,
//! and asking the database for each takes longer than all the rest.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sqlx::SqliteConnection;

use crate::{db::DbError, funds::name_key};

/// Some people, or everybody and some more. What was read is shared between
/// clones.
#[derive(Clone, Default)]
pub struct People {
    read: Option<Arc<Known>>,
    added: Known,
}

#[derive(Clone, Default)]
struct Known {
    ids: HashSet<String>,
    by_email: HashMap<String, String>,
    /// At most two of a name: more say nothing new.
    by_name: HashMap<String, Vec<String>>,
}

impl People {
    /// Everybody there is now.
    pub async fn everybody(conn: &mut SqliteConnection) -> Result<Self, DbError> {
        let records: Vec<(String, Option<String>, String)> =
            sqlx::query_as("select id, email, name_key from contacts order by id")
                .fetch_all(&mut *conn)
                .await?;
        let mut people = Known::default();
        let merged: HashMap<String, String> = sqlx::query_as::<_, (String, String)>(
            "select merged_id, kept_id from contact_merges where undone_at is null order by id",
        )
        .fetch_all(&mut *conn)
        .await?
        .into_iter()
        .collect();
        for (id, email, name) in records {
            let kept = kept(&merged, &id);
            if kept == id {
                people.insert(&id, email.as_deref(), &name);
                continue;
            }
            // Merged ones are known by id and address, no longer by name.
            people.by_email.extend(email.map(|e| (e, kept.to_owned())));
            people.ids.insert(id);
        }
        let addresses: Vec<(String, String)> =
            sqlx::query_as("select email, contact_id from contact_addresses")
                .fetch_all(conn)
                .await?;
        for (email, id) in addresses {
            let kept = kept(&merged, &id).to_owned();
            people.by_email.entry(email).or_insert(kept);
        }
        Ok(Self {
            read: Some(Arc::new(people)),
            added: Known::default(),
        })
    }

    /// Whether nobody is missing.
    pub(crate) fn is_everybody(&self) -> bool {
        self.read.is_some()
    }

    /// Whether somebody has this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.known().any(|known| known.ids.contains(id))
    }

    /// Who has this address; without one, who bears this name: at most two.
    pub(crate) fn bearers(&self, email: Option<&str>, name: &str) -> Vec<String> {
        let Some(email) = email else {
            let key = name_key(name);
            let bearers = self.known().filter_map(|known| known.by_name.get(&key));
            return bearers.flatten().take(2).cloned().collect();
        };
        let mut owners = self.known().filter_map(|known| known.by_email.get(email));
        owners.next().cloned().into_iter().collect()
    }

    fn known(&self) -> impl Iterator<Item = &Known> {
        self.read.as_deref().into_iter().chain([&self.added])
    }

    /// One more.
    pub(crate) fn insert(&mut self, id: &str, email: Option<&str>, name: &str) {
        self.added.insert(id, email, name);
    }
}

impl Known {
    fn insert(&mut self, id: &str, email: Option<&str>, name: &str) {
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

/// Whom somebody was merged into, step by step.
fn kept<'a>(merged: &'a HashMap<String, String>, id: &'a str) -> &'a str {
    let mut id = id;
    // A circle cannot be made, and would end here.
    for _ in 0..20 {
        match merged.get(id) {
            Some(next) => id = next,
            None => break,
        }
    }
    id
}
