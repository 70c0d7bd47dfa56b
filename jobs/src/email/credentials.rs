//! The key of the Google service account: a file the environment names, or pasted
//! by an admin. A pasted key is sealed and never shown again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, DbError, WriteTx},
    grid::GridError,
    secrets, settings,
};

/// Where a pasted key is kept, sealed.
const SETTING: &str = "gmail_credentials";
/// What it is sealed for.
const PURPOSE: &str = "gmail_credentials";
/// Bytes of a key file; Google's have about 2,400.
const MAX_BYTES: usize = 16_000;

/// The only thing asked of Google. A delegation is exact: more or less fails.
pub const SCOPE: &str = "https://www.googleapis.com/auth/gmail.readonly";

/// Asked for only where an admin lets a mailbox have reply drafts, with a token of
/// its own: reading goes on without it.
pub const DRAFT_SCOPE: &str = "https://www.googleapis.com/auth/gmail.compose";

/// What signs in. Its `Debug` shows no key.
#[derive(Clone, Deserialize)]
pub struct Credentials {
    /// Who signs.
    pub client_email: String,
    /// What an admin delegates to.
    #[serde(default)]
    pub client_id: String,
    #[serde(default)]
    pub(super) private_key_id: String,
    pub(super) private_key: String,
    #[serde(rename = "type", default)]
    kind: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("client_email", &self.client_email)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// What of the key everybody who may ask is shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// The service account; none if there is no key that can be used.
    pub client_email: Option<String>,
    /// What Google's admin console asks for.
    pub client_id: Option<String>,
    /// `file`, `pasted` or `none`.
    pub from: String,
    /// Why the key there is cannot be used.
    pub problem: Option<String>,
    /// The scope to delegate, exactly.
    pub scope: String,
    /// The scope that reply drafts need besides, exactly.
    pub draft_scope: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    sealed: String,
    client_email: String,
    client_id: String,
}

/// Reads and checks a key file's text.
pub fn check(text: &str) -> Result<Credentials, GridError> {
    let wrong = |says: &str| GridError::invalid("invalid_credentials", "credentials", says);
    if text.len() > MAX_BYTES {
        return Err(wrong("that is too long for a service account's key file"));
    }
    let found: Credentials = serde_json::from_str(text.trim()).map_err(|_| {
        wrong("paste the whole JSON file that Google gave you for the service account")
    })?;
    if found.kind != "service_account" {
        return Err(wrong(
            "this is another kind of key: in Google Cloud create a key of type JSON for a service account",
        ));
    }
    if super::address::normal(&found.client_email).is_none() {
        return Err(wrong("client_email in the key file is no address"));
    }
    if jsonwebtoken::EncodingKey::from_rsa_pem(found.private_key.as_bytes()).is_err() {
        return Err(wrong(
            "private_key in the key file cannot be read: paste the file unchanged",
        ));
    }
    Ok(found)
}

/// Keeps a pasted key, sealed. Returns what is shown of it.
pub async fn store(
    db: &Db,
    tx: &mut WriteTx,
    text: &str,
    actor: &str,
) -> Result<Credentials, GridError> {
    let found = check(text)?;
    let sealed = secrets::seal(db, PURPOSE, text.trim())
        .map_err(|e| GridError::invalid("not_sealed", "credentials", e.to_string()))?;
    let stored = Stored {
        sealed,
        client_email: found.client_email.clone(),
        client_id: found.client_id.clone(),
    };
    settings::set(tx, SETTING, &stored, actor).await?;
    Ok(found)
}

/// Forgets a pasted key.
pub async fn forget(tx: &mut WriteTx) -> Result<(), DbError> {
    sqlx::query("delete from settings where key = 'gmail_credentials'")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The key to sign in with; the file of the environment first.
pub async fn load(db: &Db) -> Result<Result<Credentials, String>, DbError> {
    if let Some(path) = &db.outside().gmail_credentials {
        let read = tokio::fs::read_to_string(path).await;
        return Ok(match read {
            Ok(text) => check(&text).map_err(|e| format!("CRM_GMAIL_CREDENTIALS: {e}")),
            Err(error) => Err(format!("CRM_GMAIL_CREDENTIALS cannot be read: {error}")),
        });
    }
    let Some(stored) = settings::get::<Stored>(db, SETTING).await? else {
        return Ok(Err(
            "there is no key of a Google service account yet: an admin adds it on the Mailboxes page"
                .to_owned(),
        ));
    };
    Ok(match secrets::open(db, PURPOSE, &stored.sealed) {
        Ok(text) => check(&text).map_err(|e| e.to_string()),
        Err(error) => Err(format!("the Google key was {error}")),
    })
}

/// What is shown of it.
pub async fn shown(db: &Db) -> Result<Shown, DbError> {
    let from = if db.outside().gmail_credentials.is_some() {
        "file"
    } else if settings::get::<Stored>(db, SETTING).await?.is_some() {
        "pasted"
    } else {
        "none"
    };
    let mut shown = Shown {
        from: from.to_owned(),
        scope: SCOPE.to_owned(),
        draft_scope: DRAFT_SCOPE.to_owned(),
        ..Shown::default()
    };
    match load(db).await? {
        Ok(found) => {
            shown.client_email = Some(found.client_email);
            shown.client_id = Some(found.client_id).filter(|id| !id.is_empty());
        }
        Err(problem) if from != "none" => shown.problem = Some(problem),
        Err(_) => {}
    }
    Ok(shown)
}
