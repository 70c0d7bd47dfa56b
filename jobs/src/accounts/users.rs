//! Who may sign in.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::SqliteConnection;

use super::{AccountError, Role, Theme, User, sessions};
use crate::{
    audit::{self, Actor},
    db::{Db, DbError, WriteTx},
};

/// A user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Address; any case.
    pub email: String,
    /// Name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// From [`super::passwords::hash`]; without it they cannot sign in yet.
    pub password_hash: Option<String>,
}

/// Creates a user.
pub async fn create(
    tx: &mut WriteTx,
    new: NewUser,
    actor: &Actor,
    ip: &str,
) -> Result<User, AccountError> {
    let email = clean_email(&new.email)?;
    let name = clean_name(&new.name)?;
    if by_email(tx, &email).await?.is_some() {
        return Err(AccountError::Taken);
    }
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into users (id, email, name, role, password_hash, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(&id)
    .bind(&email)
    .bind(name)
    .bind(new.role)
    .bind(new.password_hash)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let detail = json!({ "email": email, "role": new.role });
    audit::record(tx, actor, "user.created", &target(&id), detail, ip).await?;
    by_id(tx, &id).await?.ok_or(AccountError::NoSuchUser)
}

/// Everybody, by name.
pub async fn list(db: &Db) -> Result<Vec<User>, DbError> {
    sqlx::query_as(
        "select id, email, name, role, theme, created_at, disabled_at from users order by name, id",
    )
    .fetch_all(db.read())
    .await
}

/// One user.
pub async fn get(db: &Db, id: &str) -> Result<Option<User>, DbError> {
    by_id(&mut *db.read().acquire().await?, id).await
}

/// One user, by address.
pub async fn find(db: &Db, email: &str) -> Result<Option<User>, DbError> {
    by_email(
        &mut *db.read().acquire().await?,
        &email.trim().to_lowercase(),
    )
    .await
}

/// Names by id, for feeds and histories.
pub async fn names(db: &Db) -> Result<BTreeMap<String, String>, DbError> {
    // Rules act too; they stand under their whole name, `rule:ID`.
    let rows: Vec<(String, String)> = sqlx::query_as(
        "select id, name from users union all select 'rule:' || id, name from automation_rules",
    )
    .fetch_all(db.read())
    .await?;
    Ok(rows.into_iter().collect())
}

/// When each user last used a session that still exists.
pub async fn last_seen(db: &Db) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select user_id, max(last_seen_at) from sessions group by user_id")
            .fetch_all(db.read())
            .await?;
    Ok(rows.into_iter().collect())
}

/// Whether somebody can administer this CRM. Until then a set-up link works.
pub async fn has_admin(conn: &mut SqliteConnection) -> Result<bool, DbError> {
    sqlx::query_scalar(
        "select exists (select 1 from users
         where role = 'admin' and disabled_at is null and password_hash is not null)",
    )
    .fetch_one(conn)
    .await
}

/// Changes the name.
pub async fn rename(
    tx: &mut WriteTx,
    id: &str,
    name: &str,
    actor: &Actor,
    ip: &str,
) -> Result<(), AccountError> {
    let name = clean_name(name)?;
    sqlx::query("update users set name = ?2 where id = ?1")
        .bind(id)
        .bind(name)
        .execute(&mut **tx)
        .await?;
    audit::record(tx, actor, "user.renamed", &target(id), json!({}), ip).await?;
    Ok(())
}

/// Changes the colours. A taste, not an event: it is not audited.
pub async fn set_theme(tx: &mut WriteTx, id: &str, theme: Theme) -> Result<(), DbError> {
    sqlx::query("update users set theme = ?2 where id = ?1")
        .bind(id)
        .bind(theme)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Changes what somebody may do. Their sessions end: whatever was open under
/// the old role must not go on under the new one.
pub async fn set_role(
    tx: &mut WriteTx,
    id: &str,
    role: Role,
    actor: &Actor,
    ip: &str,
) -> Result<(), AccountError> {
    let user = by_id(tx, id).await?.ok_or(AccountError::NoSuchUser)?;
    if user.role == role {
        return Ok(());
    }
    if role == Role::Member {
        keep_an_admin(tx, id).await?;
    }
    sqlx::query("update users set role = ?2 where id = ?1")
        .bind(id)
        .bind(role)
        .execute(&mut **tx)
        .await?;
    sessions::end_all(tx, id, None).await?;
    let detail = json!({ "from": user.role, "to": role });
    audit::record(tx, actor, "user.role_changed", &target(id), detail, ip).await?;
    Ok(())
}

/// Takes access away, or gives it back. Sessions end at the next request.
pub async fn set_disabled(
    tx: &mut WriteTx,
    id: &str,
    disabled: bool,
    actor: &Actor,
    ip: &str,
) -> Result<(), AccountError> {
    let user = by_id(tx, id).await?.ok_or(AccountError::NoSuchUser)?;
    if user.disabled_at.is_some() == disabled {
        return Ok(());
    }
    if disabled {
        keep_an_admin(tx, id).await?;
        sessions::end_all(tx, id, None).await?;
    }
    let at = disabled.then(|| tx.now());
    sqlx::query("update users set disabled_at = ?2 where id = ?1")
        .bind(id)
        .bind(at)
        .execute(&mut **tx)
        .await?;
    let action = if disabled {
        "user.disabled"
    } else {
        "user.enabled"
    };
    audit::record(tx, actor, action, &target(id), json!({}), ip).await?;
    Ok(())
}

/// What the audit log calls a user.
pub(super) fn target(id: &str) -> String {
    format!("user:{id}")
}

pub(super) async fn by_id(conn: &mut SqliteConnection, id: &str) -> Result<Option<User>, DbError> {
    sqlx::query_as(
        "select id, email, name, role, theme, created_at, disabled_at from users where id = ?1",
    )
    .bind(id)
    .fetch_optional(conn)
    .await
}

pub(super) async fn by_email(
    conn: &mut SqliteConnection,
    email: &str,
) -> Result<Option<User>, DbError> {
    sqlx::query_as(
        "select id, email, name, role, theme, created_at, disabled_at from users where email = ?1",
    )
    .bind(email)
    .fetch_optional(conn)
    .await
}

pub(super) async fn password_hash(
    conn: &mut SqliteConnection,
    id: &str,
) -> Result<Option<String>, DbError> {
    sqlx::query_scalar("select password_hash from users where id = ?1")
        .bind(id)
        .fetch_one(conn)
        .await
}

pub(super) async fn set_password_hash(
    tx: &mut WriteTx,
    id: &str,
    hash: &str,
) -> Result<(), DbError> {
    sqlx::query("update users set password_hash = ?2 where id = ?1")
        .bind(id)
        .bind(hash)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Refuses to lose the last admin who can sign in.
async fn keep_an_admin(tx: &mut WriteTx, leaving: &str) -> Result<(), AccountError> {
    let other: bool = sqlx::query_scalar(
        "select exists (select 1 from users
         where role = 'admin' and disabled_at is null and password_hash is not null and id <> ?1)",
    )
    .bind(leaving)
    .fetch_one(&mut **tx)
    .await?;
    let user = by_id(tx, leaving).await?;
    if !other && user.is_some_and(|u| u.role == Role::Admin && u.disabled_at.is_none()) {
        return Err(AccountError::LastAdmin);
    }
    Ok(())
}

/// An address in the one form we store. Whether it exists only mail can tell.
pub fn clean_email(email: &str) -> Result<String, AccountError> {
    let email = email.trim().to_lowercase();
    let well_formed = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    if !well_formed
        || email.len() > 254
        || email.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(AccountError::field(
            "email",
            "Write the whole address, such as jo@example.org.",
        ));
    }
    Ok(email)
}

fn clean_name(name: &str) -> Result<String, AccountError> {
    let is_plain = !name.chars().any(char::is_control);
    let name = name.trim();
    if name.is_empty() {
        return Err(AccountError::field(
            "name",
            "Write the name others know you by.",
        ));
    }
    if name.chars().count() > 120 || !is_plain {
        return Err(AccountError::field(
            "name",
            "Use at most 120 plain characters.",
        ));
    }
    Ok(name.to_owned())
}
