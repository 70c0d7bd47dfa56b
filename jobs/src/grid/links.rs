//! Whom a cell means: users, funds and contacts found by id, name or address.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sqlx::FromRow;

use super::{Column, ColumnType, ContactPill, merges, people::People};
use crate::{
    db::{DbError, WriteTx},
    funds::{self, Fund, name_key},
};

/// Looked up once per write.
#[derive(Default)]
pub(super) struct Links {
    users: Option<Vec<UserName>>,
    funds: Option<Vec<Fund>>,
    /// Email or name key → contact id, as found so far.
    contacts: HashMap<String, String>,
    /// People this write adds, or everybody there is.
    people: People,
    /// Stored with the rest of the write.
    added: Vec<NewContact>,
    /// Addresses of people named by their id, to be remembered.
    addresses: Vec<(String, String)>,
}

/// A person to be stored.
struct NewContact {
    id: String,
    name: String,
    email: Option<String>,
}

#[derive(FromRow)]
struct UserName {
    id: String,
    name: String,
    email: String,
}

impl Links {
    /// Replaces what a normalized value names by ids. The error is for people.
    pub(super) async fn resolve(
        &mut self,
        tx: &mut WriteTx,
        column: &Column,
        value: Value,
    ) -> Result<Result<Value, String>, DbError> {
        match column.kind {
            ColumnType::User => self.user(tx, &value).await,
            ColumnType::Funds => self.funds(tx, &value).await,
            ColumnType::Contacts => self.contacts(tx, value).await.map(Ok),
            _ => Ok(Ok(value)),
        }
    }

    async fn user(
        &mut self,
        tx: &mut WriteTx,
        value: &Value,
    ) -> Result<Result<Value, String>, DbError> {
        if self.users.is_none() {
            self.users = Some(
                sqlx::query_as("select id, name, email from users")
                    .fetch_all(&mut **tx)
                    .await?,
            );
        }
        let wanted = value.as_str().unwrap_or_default();
        let lower = wanted.trim().to_lowercase();
        let users = self.users.as_deref().unwrap_or_default();
        let found = users
            .iter()
            .find(|u| u.id == wanted || u.email == lower || u.name.to_lowercase() == lower);
        Ok(found.map_or_else(
            || {
                Err(format!(
                    "{wanted:?} is nobody on the team: use a member's name or email address"
                ))
            },
            |u| Ok(u.id.clone().into()),
        ))
    }

    async fn funds(
        &mut self,
        tx: &mut WriteTx,
        value: &Value,
    ) -> Result<Result<Value, String>, DbError> {
        if self.funds.is_none() {
            self.funds = Some(funds::list(tx).await?);
        }
        let funds = self.funds.as_deref().unwrap_or_default();
        let mut ids: Vec<String> = Vec::new();
        for item in value.as_array().into_iter().flatten() {
            let wanted = item.as_str().unwrap_or_default();
            let key = name_key(wanted);
            let Some(fund) = funds
                .iter()
                .find(|f| f.id == wanted || name_key(&f.name) == key)
            else {
                let known: Vec<&str> = funds.iter().map(|f| f.name.as_str()).collect();
                return Ok(Err(format!(
                    "there is no fund {wanted:?}: use one of {}",
                    known.join(", ")
                )));
            };
            if !ids.contains(&fund.id) {
                ids.push(fund.id.clone());
            }
        }
        Ok(Ok(ids.into()))
    }

    /// Gives every pill its person: by id, else by address, else by a name that
    /// exactly one known person bears; else a new person.
    async fn contacts(&mut self, tx: &mut WriteTx, value: Value) -> Result<Value, DbError> {
        let decode = |e| sqlx::Error::Decode(Box::new(e));
        let mut pills: Vec<ContactPill> = serde_json::from_value(value).map_err(decode)?;
        for pill in &mut pills {
            let known = match pill.id.take() {
                Some(id) if self.exists(tx, &id).await? => Some(id),
                given => {
                    pill.id = given;
                    None
                }
            };
            pill.id = Some(match known {
                Some(id) => {
                    self.addresses
                        .extend(pill.email.clone().map(|email| (email, id.clone())));
                    id
                }
                None => self.person(tx, pill).await?,
            });
        }
        let mut seen = HashSet::new();
        pills.retain(|p| seen.insert(p.id.clone()));
        serde_json::to_value(pills).map_err(decode)
    }

    /// Everybody, read at once: for writes that name people by the thousand.
    pub(super) fn expect_people(&mut self, everybody: People) {
        self.people = everybody;
    }

    /// Funds that will be there by the time of the write.
    pub(super) async fn expect_funds(
        &mut self,
        tx: &mut WriteTx,
        expected: &[Fund],
    ) -> Result<(), DbError> {
        let mut known = funds::list(tx).await?;
        known.extend_from_slice(expected);
        self.funds = Some(known);
        Ok(())
    }

    async fn exists(&mut self, tx: &mut WriteTx, id: &str) -> Result<bool, DbError> {
        if self.people.has(id) {
            return Ok(true);
        }
        if self.people.is_everybody() {
            return Ok(false);
        }
        let found: Option<i64> = sqlx::query_scalar("select 1 from contacts where id = ?1")
            .bind(id)
            .fetch_optional(&mut **tx)
            .await?;
        Ok(found.is_some())
    }

    async fn person(&mut self, tx: &mut WriteTx, pill: &ContactPill) -> Result<String, DbError> {
        let key = pill.email.clone().unwrap_or_else(|| name_key(&pill.name));
        if let Some(id) = self.contacts.get(&key) {
            return Ok(id.clone());
        }
        let mut bearers = self.people.bearers(pill.email.as_deref(), &pill.name);
        if !self.people.is_everybody() {
            bearers.extend(stored(tx, pill).await?);
        }
        // Two people of one name: guessing would merge what nobody can part.
        let id = match bearers.pop() {
            Some(id) if bearers.is_empty() => id,
            _ => self.add(tx, pill),
        };
        self.contacts.insert(key, id.clone());
        Ok(id)
    }

    fn add(&mut self, tx: &WriteTx, pill: &ContactPill) -> String {
        let id = pill.id.clone().unwrap_or_else(|| tx.new_id());
        self.people.insert(&id, pill.email.as_deref(), &pill.name);
        self.added.push(NewContact {
            id: id.clone(),
            name: pill.name.clone(),
            email: pill.email.clone(),
        });
        id
    }

    /// Ids of the people this write adds.
    pub(super) fn added(&self) -> impl Iterator<Item = &str> {
        self.added.iter().map(|contact| contact.id.as_str())
    }

    /// Stores the people this write adds.
    pub(super) async fn write(&self, tx: &mut WriteTx) -> Result<(), DbError> {
        let now = tx.now();
        for chunk in self.added.chunks(2_000) {
            let records: Vec<Value> = chunk
                .iter()
                .map(|c| serde_json::json!([c.id, c.name, name_key(&c.name), c.email]))
                .collect();
            sqlx::query(
                "insert into contacts (id, name, name_key, email, created_at)
                 select value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?2 from json_each(?1)",
            )
            .bind(Value::from(records).to_string())
            .bind(now)
            .execute(&mut **tx)
            .await?;
        }
        merges::remember_addresses(tx, &self.addresses).await
    }
}

/// Who has this address, or bears this name; two are as good as many.
async fn stored(tx: &mut WriteTx, pill: &ContactPill) -> Result<Vec<String>, DbError> {
    if let Some(email) = &pill.email {
        return Ok(merges::by_address(tx, email).await?.into_iter().collect());
    }
    sqlx::query_scalar(
        "select id from contacts where name_key = ?1
           and id not in (select merged_id from contact_merges where undone_at is null) limit 2",
    )
    .bind(name_key(&pill.name))
    .fetch_all(&mut **tx)
    .await
}
