//! One-time links: the first set-up, invitations, lost passwords.

use serde_json::json;
use sqlx::FromRow;

use super::{
    AccountError, Origin, Role, SignIn, User, digest, new_secret, passwords, public_id, sessions,
    sign_in::admit,
    throttle::{self, Guess},
    users::{self, NewUser},
};
use crate::{
    audit::{self, Actor},
    clock::HOUR,
    db::{Db, DbError, WriteTx},
};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
pub enum Purpose {
    /// The first admin of a new installation.
    Setup,
    /// Somebody joins.
    Invite,
    /// Somebody chooses a new password.
    Reset,
}

impl Purpose {
    /// How long such a link works.
    pub fn lifetime_ms(self) -> i64 {
        match self {
            Self::Setup => 24 * HOUR,
            Self::Invite => 72 * HOUR,
            Self::Reset => HOUR,
        }
    }
}

/// A link, without what would open it.
#[derive(Clone, Debug, FromRow)]
pub struct Link {
    token_hash: String,
    /// What it is for.
    pub purpose: Purpose,
    /// For whom; nobody yet when it is the first set-up.
    pub email: Option<String>,
    /// What the new account may do.
    pub role: Role,
    /// Who made it, as the audit log writes it.
    pub created_by: String,
    /// UTC milliseconds.
    pub created_at: i64,
    /// Until when it works.
    pub expires_at: i64,
}

impl Link {
    /// What pages call it.
    pub fn id(&self) -> String {
        public_id(&self.token_hash)
    }

    pub(super) fn token_hash(&self) -> &str {
        &self.token_hash
    }
}

/// A link just made. The secret goes into the address and is known nowhere else.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// What to put into the address.
    pub secret: String,
    /// The rest.
    pub link: Link,
}

/// Makes the link for the first admin; none when there is an admin already.
pub async fn set_up(tx: &mut WriteTx, actor: &Actor) -> Result<Option<NewLink>, AccountError> {
    if users::has_admin(tx).await? {
        return Ok(None);
    }
    Ok(Some(
        make(tx, Purpose::Setup, None, Role::Admin, actor, "").await?,
    ))
}

/// Invites somebody. An earlier invitation of the same address stops working.
pub async fn invite(
    tx: &mut WriteTx,
    email: &str,
    role: Role,
    actor: &Actor,
    ip: &str,
) -> Result<NewLink, AccountError> {
    let email = users::clean_email(email)?;
    if users::by_email(tx, &email).await?.is_some() {
        return Err(AccountError::Taken);
    }
    make(tx, Purpose::Invite, Some(&email), role, actor, ip).await
}

/// A link with which a user chooses a new password. Made by an admin or a
/// shell, and handed over by them.
pub async fn reset(
    tx: &mut WriteTx,
    user_id: &str,
    actor: &Actor,
    ip: &str,
) -> Result<NewLink, AccountError> {
    let user = users::by_id(tx, user_id)
        .await?
        .ok_or(AccountError::NoSuchUser)?;
    if user.disabled_at.is_some() {
        return Err(AccountError::field(
            "user",
            "This account is disabled; enable it first.",
        ));
    }
    make(tx, Purpose::Reset, Some(&user.email), user.role, actor, ip).await
}

async fn make(
    tx: &mut WriteTx,
    purpose: Purpose,
    email: Option<&str>,
    role: Role,
    actor: &Actor,
    ip: &str,
) -> Result<NewLink, AccountError> {
    let (secret, now) = (new_secret(), tx.now());
    let link = Link {
        token_hash: digest(&secret),
        purpose,
        email: email.map(ToOwned::to_owned),
        role,
        created_by: actor.to_string(),
        created_at: now,
        expires_at: now + purpose.lifetime_ms(),
    };
    sqlx::query(
        "update links set used_at = ?3 where purpose = ?1 and email is ?2 and used_at is null",
    )
    .bind(purpose)
    .bind(email)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "insert into links (token_hash, purpose, email, role, created_by, created_at, expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(&link.token_hash)
    .bind(purpose)
    .bind(email)
    .bind(role)
    .bind(&link.created_by)
    .bind(now)
    .bind(link.expires_at)
    .execute(&mut **tx)
    .await?;
    let action = match purpose {
        Purpose::Setup => "link.setup_made",
        Purpose::Invite => "link.invite_made",
        Purpose::Reset => "link.reset_made",
    };
    let detail = json!({ "email": email, "role": role });
    audit::record(
        tx,
        actor,
        action,
        &format!("link:{}", link.id()),
        detail,
        ip,
    )
    .await?;
    Ok(NewLink { secret, link })
}

/// The link with this secret, if it still works. Looking does not use it up.
pub async fn find(db: &Db, secret: &str) -> Result<Option<Link>, DbError> {
    sqlx::query_as(
        "select token_hash, purpose, email, role, created_by, created_at, expires_at
         from links where token_hash = ?1 and used_at is null and expires_at > ?2",
    )
    .bind(digest(secret))
    .bind(db.now())
    .fetch_optional(db.read())
    .await
}

/// Invitations nobody has accepted yet, the newest first.
pub async fn open_invites(db: &Db) -> Result<Vec<Link>, DbError> {
    sqlx::query_as(
        "select token_hash, purpose, email, role, created_by, created_at, expires_at
         from links where purpose = 'invite' and used_at is null and expires_at > ?1
         order by created_at desc",
    )
    .bind(db.now())
    .fetch_all(db.read())
    .await
}

/// Withdraws an invitation. False: there was none by that id.
pub async fn withdraw(
    tx: &mut WriteTx,
    id: &str,
    actor: &Actor,
    ip: &str,
) -> Result<bool, DbError> {
    let now = tx.now();
    let done = sqlx::query(
        "update links set used_at = ?2
         where purpose = 'invite' and substr(token_hash, 1, 24) = ?1 and used_at is null",
    )
    .bind(id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let withdrawn = done.rows_affected() > 0;
    if withdrawn {
        audit::record(
            tx,
            actor,
            "link.withdrawn",
            &format!("link:{id}"),
            json!({}),
            ip,
        )
        .await?;
    }
    Ok(withdrawn)
}

/// What somebody fills in behind a link.
#[derive(Clone, Debug, Default)]
pub struct Accept {
    /// Name; not asked for by a reset.
    pub name: String,
    /// Address; only the first set-up takes it from here.
    pub email: String,
    /// The password they choose.
    pub password: String,
}

/// Uses a link: creates the account or sets the password, and signs in. A new
/// password is no way around a second factor: its code is asked for as ever.
pub async fn accept(
    db: &Db,
    secret: &str,
    form: &Accept,
    origin: &Origin,
) -> Result<SignIn, AccountError> {
    let link = find(db, secret).await?.ok_or(AccountError::LinkInvalid)?;
    let email = link.email.as_deref().unwrap_or(&form.email);
    passwords::check(&form.password, &[email, &form.name])?;
    let hash = passwords::hash(&form.password).await?;
    let mut tx = db.write().await?;
    use_up(&mut tx, &link).await?;
    let user = match link.purpose {
        Purpose::Setup if users::has_admin(&mut tx).await? => {
            return Err(AccountError::LinkInvalid);
        }
        Purpose::Setup | Purpose::Invite => {
            let new = NewUser {
                email: email.to_owned(),
                name: form.name.clone(),
                role: link.role,
                password_hash: Some(hash),
            };
            let actor = match link.purpose {
                Purpose::Setup => Actor::Shell,
                _ => Actor::System,
            };
            users::create(&mut tx, new, &actor, &origin.ip).await?
        }
        Purpose::Reset => set_password(&mut tx, email, &hash, origin).await?,
    };
    let (actor, target) = (Actor::User(user.id.clone()), format!("link:{}", link.id()));
    audit::record(&mut tx, &actor, "link.used", &target, json!({}), &origin.ip).await?;
    let signed_in = admit(&mut tx, user, origin).await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// Of two who hold the same link, the condition lets one through.
async fn use_up(tx: &mut WriteTx, link: &Link) -> Result<(), AccountError> {
    let now = tx.now();
    let done = sqlx::query(
        "update links set used_at = ?2 where token_hash = ?1 and used_at is null and expires_at > ?2",
    )
    .bind(&link.token_hash)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(AccountError::LinkInvalid)
    }
}

async fn set_password(
    tx: &mut WriteTx,
    email: &str,
    hash: &str,
    origin: &Origin,
) -> Result<User, AccountError> {
    let user = users::by_email(tx, email)
        .await?
        .filter(|user| user.disabled_at.is_none())
        .ok_or(AccountError::LinkInvalid)?;
    users::set_password_hash(tx, &user.id, hash).await?;
    throttle::forget(tx, Guess::Code, email).await?;
    sessions::end_all(tx, &user.id, None).await?;
    let actor = Actor::User(user.id.clone());
    audit::record(
        tx,
        &actor,
        "user.password_reset",
        &users::target(&user.id),
        json!({}),
        &origin.ip,
    )
    .await?;
    Ok(user)
}
