//! Which mail server: the environment's, or else an admin's, whose password is
//! sealed and never shown again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MailError;
use crate::{
    db::{Db, DbError, WriteTx},
    outside::{self, Security, SmtpServer},
    secrets, settings,
    spark::{SettingsError, field},
};

const KEY: &str = "smtp";
/// What the sealed password is for.
const PURPOSE: &str = "smtp_password";

/// A mail server as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SmtpSettings {
    /// Its name; empty: none is set.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name to sign in with; empty: no sign-in.
    pub user: String,
    /// Sender.
    pub from: String,
    /// How the line is protected.
    pub security: Security,
    /// The password, sealed.
    pub sealed: Option<String>,
}

/// Where the settings in force come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `SMTP_…`.
    Environment,
    /// An admin's page.
    Page,
    /// There are none.
    Nowhere,
}

/// What may be shown of a mail server: everything but the password.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SmtpShown {
    /// Where these settings come from; those of the environment cannot be changed here.
    pub source: Source,
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name to sign in with; empty: no sign-in.
    pub user: String,
    /// Sender.
    pub from: String,
    /// How the line is protected.
    pub security: Security,
    /// There is a password; it is never shown.
    pub has_password: bool,
    /// Why the stored password cannot be used.
    pub password_error: Option<String>,
    /// Mail is held since a restore.
    pub held: bool,
}

/// What an admin stored.
pub async fn stored(db: &Db) -> Result<SmtpSettings, DbError> {
    Ok(settings::get(db, KEY).await?.unwrap_or_default())
}

/// The mail server in force.
pub async fn server(db: &Db) -> Result<Option<SmtpServer>, MailError> {
    if let Some(server) = &db.outside().smtp {
        return Ok(Some(server.clone()));
    }
    let stored = stored(db).await?;
    if stored.host.is_empty() {
        return Ok(None);
    }
    let login = match (&stored.sealed, stored.user.is_empty()) {
        (Some(sealed), false) => Some((stored.user.clone(), secrets::open(db, PURPOSE, sealed)?)),
        _ => None,
    };
    Ok(Some(SmtpServer {
        host: stored.host,
        port: stored.port,
        login,
        from: stored.from,
        security: stored.security,
    }))
}

/// What may be shown.
pub async fn shown(db: &Db) -> Result<SmtpShown, DbError> {
    let held = super::is_held(db).await?;
    if let Some(server) = &db.outside().smtp {
        return Ok(SmtpShown {
            source: Source::Environment,
            host: server.host.clone(),
            port: server.port,
            user: server
                .login
                .as_ref()
                .map_or_else(String::new, |l| l.0.clone()),
            from: server.from.clone(),
            security: server.security,
            has_password: server.login.is_some(),
            password_error: None,
            held,
        });
    }
    let stored = stored(db).await?;
    let password_error = stored
        .sealed
        .as_deref()
        .and_then(|sealed| secrets::open(db, PURPOSE, sealed).err())
        .map(|e| e.to_string());
    Ok(SmtpShown {
        source: if stored.host.is_empty() {
            Source::Nowhere
        } else {
            Source::Page
        },
        has_password: stored.sealed.is_some(),
        port: if stored.port == 0 {
            stored.security.usual_port()
        } else {
            stored.port
        },
        host: stored.host,
        user: stored.user,
        from: stored.from,
        security: stored.security,
        password_error,
        held,
    })
}

/// Stores a mail server. Without a new password the old one stays, but never for
/// another server or another name: nobody makes it travel.
pub async fn set(
    tx: &mut WriteTx,
    db: &Db,
    mut new: SmtpSettings,
    password: Option<&str>,
    by: &str,
) -> Result<(), SettingsError> {
    if db.outside().smtp.is_some() {
        return Err(field(
            "host",
            "the mail server comes from the environment (SMTP_HOST): change it there".to_owned(),
        ));
    }
    let before = stored(db).await?;
    for text in [&mut new.host, &mut new.user, &mut new.from] {
        *text = text.trim().to_owned();
    }
    if new.host.is_empty() {
        settings::set(tx, KEY, &SmtpSettings::default(), by).await?;
        return Ok(());
    }
    if new.port == 0 {
        new.port = new.security.usual_port();
    }
    if new.user.chars().count() > 200 || new.user.chars().any(char::is_control) {
        return Err(field(
            "user",
            "at most 200 characters, on one line".to_owned(),
        ));
    }
    let server = SmtpServer {
        host: new.host.clone(),
        port: new.port,
        login: None,
        from: new.from.clone(),
        security: new.security,
    };
    outside::check(&server).map_err(|(name, message)| field(name, message))?;
    new.sealed = match password.filter(|p| !p.is_empty()) {
        Some(password) if new.user.is_empty() => {
            let _ = password;
            return Err(field(
                "user",
                "name who signs in with this password".to_owned(),
            ));
        }
        Some(password) if password.len() > 500 => {
            return Err(field("password", "at most 500 bytes".to_owned()));
        }
        Some(password) => Some(
            secrets::seal(db, PURPOSE, password).map_err(|e| field("password", e.to_string()))?,
        ),
        None if new.user.is_empty() => None,
        None if (&before.host, &before.user) == (&new.host, &new.user) => before.sealed,
        None => None,
    };
    if !new.user.is_empty() && new.sealed.is_none() {
        return Err(field(
            "password",
            "enter the password: it is kept only for the same server and name".to_owned(),
        ));
    }
    settings::set(tx, KEY, &new, by).await?;
    Ok(())
}
