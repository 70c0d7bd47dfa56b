//! Whom a cell means: users, funds and contacts found by id, name or address.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::FromRow;

use super::{Column, ColumnType, ContactPill, merges};
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
                    if let Some(email) = &pill.email {
                        merges::remember_address(tx, &id, email).await?;
                    }
                    id
                }
                None => self.person(tx, pill).await?,
            });
        }
        let mut seen = std::collections::HashSet::new();
        pills.retain(|p| seen.insert(p.id.clone()));
        serde_json::to_value(pills).map_err(decode)
    }

    async fn exists(&mut self, tx: &mut WriteTx, id: &str) -> Result<bool, DbError> {
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
        let known = if let Some(email) = &pill.email {
            merges::by_address(tx, email).await?
        } else {
            let mut bearers: Vec<String> = sqlx::query_scalar(
                "select id from contacts where name_key = ?1
                   and id not in (select merged_id from contact_merges where undone_at is null) limit 2",
            )
            .bind(&key)
            .fetch_all(&mut **tx)
            .await?;
            // Two people of one name: guessing would merge what nobody can part.
            if bearers.len() == 1 {
                bearers.pop()
            } else {
                None
            }
        };
        let id = match known {
            Some(id) => id,
            None => self.add(tx, pill).await?,
        };
        self.contacts.insert(key, id.clone());
        Ok(id)
    }

    async fn add(&mut self, tx: &mut WriteTx, pill: &ContactPill) -> Result<String, DbError> {
        let id = pill.id.clone().unwrap_or_else(|| tx.new_id());
        let now = tx.now();
        sqlx::query(
            "insert into contacts (id, name, name_key, email, created_at) values (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(&id)
        .bind(&pill.name)
        .bind(name_key(&pill.name))
        .bind(&pill.email)
        .bind(now)
        .execute(&mut **tx)
        .await?;
        Ok(id)
    }
}
