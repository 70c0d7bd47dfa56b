//! The one letter that goes to somebody who has no account yet: an invitation, to
//! an address in a domain of our own, that an admin asked to have mailed. An
//! [`Invitee`] can only be made from such an open invitation, read in that moment,
//! and the letter is written here: nobody chooses what it says.

use std::time::Duration;

use askama::Template;

use super::{Letter, MailError, Outcome, deliver, message_id, ready};
use crate::{
    accounts::invite_mail::{self, Open},
    clock::utc_text,
    db::{Db, DbError},
    digest::base_url,
};

/// Somebody who is invited, as the database had it a moment ago.
pub struct Invitee(Open);

#[derive(Template)]
#[template(path = "mail/invite.txt")]
struct Text<'a> {
    inviter: &'a str,
    url: &'a str,
    until: &'a str,
}

#[derive(Template)]
#[template(path = "mail/invite.html")]
struct Html<'a> {
    inviter: &'a str,
    url: &'a str,
    until: &'a str,
}

/// The invitation with this public id, if it may be mailed now.
pub async fn invitee(db: &Db, link: &str) -> Result<Option<Invitee>, DbError> {
    Ok(invite_mail::open(db, link).await?.map(Invitee))
}

/// Sends the invitation.
pub async fn send_invitation(
    db: &Db,
    to: Invitee,
    patience: Duration,
) -> Result<Outcome, MailError> {
    let server = ready(db).await?;
    let secret = invite_mail::secret(db, &to.0)?;
    let url = format!("{}/setup/{secret}", base_url(db));
    let (inviter, until) = (to.0.inviter.as_str(), utc_text(to.0.expires_at));
    let (url, until) = (url.as_str(), until.as_str());
    let text = Text {
        inviter,
        url,
        until,
    }
    .render();
    let html = Html {
        inviter,
        url,
        until,
    }
    .render();
    let (Ok(text), Ok(html)) = (text, html) else {
        return Ok(Outcome::Permanent(
            "the letter cannot be written".to_owned(),
        ));
    };
    let letter = Letter {
        subject: format!("{inviter} invited you to Venture CRM"),
        text,
        html,
        message_id: message_id(
            &server.from,
            "invite",
            &to.0.token_hash[..24.min(to.0.token_hash.len())],
        ),
    };
    deliver(db, &server, &letter, None, &to.0.email, patience).await
}
