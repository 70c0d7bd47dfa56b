//! Mail that the program itself sends: the daily digest and its test, to our own
//! team, and invitations to those who are about to join it. Nobody else is mailed.
//!
//! "Agents draft, humans send" holds for everything that goes to somebody
//! outside. The digest is exempt because it is internal, and the exemption is
//! kept narrow by its types: [`send`] takes a [`Recipient`], which can only be made
//! from the row of an active user, read in that moment. The one other way out is
//! [`send_invitation`]: it takes an [`Invitee`], which can only be made from an open
//! invitation that an admin ticked, to a domain our people sign in with, and it
//! writes its letter itself. There is no way to name an address.

mod invitation;
mod settings;
mod smtp;
#[cfg(test)]
pub(crate) mod tests;

pub use invitation::{Invitee, invitee, send_invitation};
pub use settings::{SmtpSettings, SmtpShown, Source, server, set, shown, stored};

use std::time::Duration;

use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart},
};

use crate::{
    backup::MAIL_HELD,
    db::{Db, DbError},
    outside::SmtpServer,
};

/// A whole conversation with a mail server may take this long.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// An active user, as the database had them a moment ago.
#[derive(Debug)]
pub struct Recipient {
    id: String,
    name: String,
    email: String,
}

impl Recipient {
    /// Whose mail it is.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it goes.
    pub fn email(&self) -> &str {
        &self.email
    }
}

/// The user, if they are active now. Read it right before sending.
pub async fn recipient(db: &Db, user: &str) -> Result<Option<Recipient>, DbError> {
    let found: Option<(String, String, String)> =
        sqlx::query_as("select id, name, email from users where id = ?1 and disabled_at is null")
            .bind(user)
            .fetch_optional(db.read())
            .await?;
    Ok(found.map(|(id, name, email)| Recipient { id, name, email }))
}

/// What to send.
#[derive(Clone, Debug)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// For every reader.
    pub text: String,
    /// For those that show it.
    pub html: String,
    /// The same each time the same letter is tried for the same person.
    pub message_id: String,
}

/// How sending ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken it.
    Delivered,
    /// Not now: trying again later may help.
    Transient(String),
    /// Trying the same again cannot help.
    Permanent(String),
    /// The server had all of it and did not say whether it took it.
    Unknown(String),
}

/// Why nothing can be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Since a restore, until an admin says otherwise.
    #[error("outbound mail is held since a restore: release it under Backups or Digest")]
    Held,
    /// No mail server is known.
    #[error("no mail server is set: name one under Digest, Mail server")]
    NotSet,
    /// The stored password does not open.
    #[error("the mail server's password: {0}")]
    Secret(#[from] crate::secrets::SecretError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Whether mail is held since a restore.
pub async fn is_held(db: &Db) -> Result<bool, DbError> {
    Ok(crate::settings::get(db, MAIL_HELD).await? == Some(true))
}

/// The mail server, if mail may leave now.
pub async fn ready(db: &Db) -> Result<SmtpServer, MailError> {
    if is_held(db).await? {
        return Err(MailError::Held);
    }
    server(db).await?.ok_or(MailError::NotSet)
}

/// Whether the mail server takes us: connects and signs in, and sends nothing.
/// None: there is none.
pub async fn try_server(
    db: &Db,
    patience: Duration,
) -> Result<Option<Result<(), String>>, MailError> {
    let Some(server) = server(db).await? else {
        return Ok(None);
    };
    let ca = db.outside().smtp_ca.as_deref();
    Ok(Some(smtp::greet(&server, ca, patience).await))
}

/// Sends a letter to one of us, within a time for all of it. See the head of this
/// module for why it may.
pub async fn send(
    db: &Db,
    letter: &Letter,
    to: Recipient,
    patience: Duration,
) -> Result<Outcome, MailError> {
    let server = ready(db).await?;
    deliver(db, &server, letter, Some(&to.name), &to.email, patience).await
}

/// The way out of both. Private to this module: whoever calls it has proven to
/// whom it goes.
async fn deliver(
    db: &Db,
    server: &SmtpServer,
    letter: &Letter,
    name: Option<&str>,
    email: &str,
    patience: Duration,
) -> Result<Outcome, MailError> {
    let message = match message(server, letter, name, email) {
        Ok(message) => message,
        Err(why) => return Ok(Outcome::Permanent(why)),
    };
    let ca = db.outside().smtp_ca.as_deref();
    Ok(smtp::deliver(server, ca, &message, patience).await)
}

/// Everything in the head is written by the library from checked parts, so no
/// name or subject can begin a header of its own.
fn message(
    server: &SmtpServer,
    letter: &Letter,
    name: Option<&str>,
    email: &str,
) -> Result<Message, String> {
    let from: Mailbox = server
        .from
        .parse()
        .map_err(|_| "the sender's address is not one".to_owned())?;
    let address: Address = email
        .parse()
        .map_err(|_| "the recipient's address is not one".to_owned())?;
    Message::builder()
        .from(from)
        .to(Mailbox::new(name.map(one_line), address))
        .subject(one_line(&letter.subject))
        .date_now()
        .message_id(Some(format!("<{}>", one_line(&letter.message_id))))
        .multipart(MultiPart::alternative_plain_html(
            letter.text.clone(),
            letter.html.clone(),
        ))
        .map_err(|e| format!("the message cannot be written: {e}"))
}

fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A Message-ID that the same letter to the same person always has.
pub fn message_id(from: &str, letter: &str, user: &str) -> String {
    let domain = from
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain.trim_end_matches('>'));
    let domain = if domain.is_empty() {
        "crm.invalid"
    } else {
        domain
    };
    format!("digest.{letter}.{user}@{domain}")
}
