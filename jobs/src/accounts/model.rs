//! The shapes of accounts.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::db::DbError;

/// What somebody may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Role {
    /// Everything, the worker, backups and the team included.
    Admin,
    /// Everything about investors.
    Member,
}

impl Role {
    /// As stored and posted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "admin" => Ok(Self::Admin),
            "member" => Ok(Self::Member),
            _ => Err("the role is admin or member".to_owned()),
        }
    }
}

/// Which colours somebody wants.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum Theme {
    /// As their device has it.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Somebody who may, or once might, sign in.
#[derive(Clone, Debug, FromRow)]
pub struct User {
    /// `UUIDv7`.
    pub id: String,
    /// Lower case; what they sign in with.
    pub email: String,
    /// What others see.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their colours.
    pub theme: Theme,
    /// UTC milliseconds.
    pub created_at: i64,
    /// When they lost access; none while they have it.
    pub disabled_at: Option<i64>,
}

impl User {
    /// Whether they may use the admin's pages.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

/// Where a request came from, for sessions and the audit log.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Network address; empty from a shell.
    pub ip: String,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// Why an account verb was refused.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// A field does not do; the message says what would.
    #[error("{field}: {message}")]
    Field {
        /// The field's name in forms and JSON.
        field: &'static str,
        /// A sentence for the person.
        message: String,
    },
    /// Somebody has this address already.
    #[error("somebody has this address already")]
    Taken,
    /// Address and password do not belong together, or may not sign in. One
    /// case on purpose: the answer must not tell which.
    #[error("this address and password do not belong together")]
    WrongCredentials,
    /// Too many failures lately.
    #[error("too many attempts; try again in {retry_after_s} s")]
    TooManyAttempts {
        /// When to come back.
        retry_after_s: i64,
    },
    /// The code of the second factor is wrong, or was used before.
    #[error("this code is wrong or was used already; wait for the next one")]
    WrongCode,
    /// The secret behind the codes was sealed with another key.
    #[error(
        "codes of your app cannot be checked on this box, because its key has changed: use a recovery code, or ask an admin to remove your second factor under Team (from a shell: crm-api admin remove-second-factor)"
    )]
    SecondFactorLost,
    /// It took too long between password and code.
    #[error("sign in again: too much time has passed since your password")]
    HalfOver,
    /// It took too long between the secret and its first code.
    #[error("begin again: too much time has passed since the picture was shown")]
    EnrolmentOver,
    /// The key for sealed secrets cannot be had.
    #[error(transparent)]
    Secret(#[from] crate::secrets::SecretError),
    /// The one-time link is unknown, used or too old.
    #[error("this link was used already or has expired")]
    LinkInvalid,
    /// Nobody would be left to administer the CRM.
    #[error("this is the last admin who can sign in; make someone else an admin first")]
    LastAdmin,
    /// No such user.
    #[error("no such user")]
    NoSuchUser,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl AccountError {
    pub(super) fn field(field: &'static str, message: impl Into<String>) -> Self {
        Self::Field {
            field,
            message: message.into(),
        }
    }

    /// The field to show it at, with a sentence, when it is about one.
    pub fn at_field(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Field { field, message } => Some((field, message.clone())),
            Self::WrongCode | Self::SecondFactorLost => {
                Some(("code", super::said(&self.to_string())))
            }
            Self::Taken => Some(("email", "Somebody has this address already.".to_owned())),
            _ => None,
        }
    }
}
