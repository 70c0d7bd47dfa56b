//! How much of a message a mailbox allows to keep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::db::{DbError, WriteTx};

/// What is kept of a message that concerns an investor.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(rename_all = "snake_case")]
pub enum Privacy {
    /// Who wrote to whom, and when.
    Metadata,
    /// The subject too.
    Subject,
    /// All of it.
    Body,
}

impl Privacy {
    /// All of them, with what people read.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Body, "body", "Everything: people, subject and text"),
        (Self::Subject, "subject", "People and subject"),
        (
            Self::Metadata,
            "metadata",
            "Only who wrote to whom, and when",
        ),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Subject => "subject",
            Self::Body => "body",
        }
    }

    /// From its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, name, _)| *name == word)
            .map(|(it, ..)| *it)
    }
}

/// Messages a mailbox saw are kept as those who see them now allow: those nobody
/// sees are gone, what is not allowed any more is blanked, what is allowed anew
/// is fetched.
pub(super) async fn follow(tx: &mut WriteTx, mailbox: &str) -> Result<(), DbError> {
    let now = tx.now();
    for sql in [
        "update emails set deleted_at = ?2 where deleted_at is null
           and id in (select email_id from email_sightings where mailbox_id = ?1 and email_id is not null)
           and not exists (select 1 from email_sightings s join mailboxes m on m.id = s.mailbox_id
                           where s.email_id = emails.id and s.deleted_at is null and m.deleted_at is null)",
        "update emails set deleted_at = null where deleted_at is not null and ?2 > 0
           and id in (select email_id from email_sightings where mailbox_id = ?1 and email_id is not null)
           and exists (select 1 from email_sightings s join mailboxes m on m.id = s.mailbox_id
                       where s.email_id = emails.id and s.deleted_at is null and m.deleted_at is null)",
        "update emails set privacy = (
             select case max(case m.privacy when 'body' then 3 when 'subject' then 2 else 1 end)
                      when 3 then 'body' when 2 then 'subject' else 'metadata' end
             from email_sightings s join mailboxes m on m.id = s.mailbox_id
             where s.email_id = emails.id and s.deleted_at is null and m.deleted_at is null)
         where deleted_at is null and ?2 > 0
           and id in (select email_id from email_sightings where mailbox_id = ?1 and email_id is not null)",
        "update emails set subject = '', body = '', said = '', needs_text = 0
         where privacy = 'metadata' and ?2 > 0
           and id in (select email_id from email_sightings where mailbox_id = ?1 and email_id is not null)",
        "update emails set body = '', said = ''
         where privacy = 'subject' and body <> '' and ?2 > 0
           and id in (select email_id from email_sightings where mailbox_id = ?1 and email_id is not null)",
        "delete from email_attachments
         where ?2 > 0 and email_id in (select s.email_id from email_sightings s join emails e on e.id = s.email_id
                                       where s.mailbox_id = ?1 and e.privacy <> 'body')",
        "update emails set needs_text = 1
         where is_matched = 1 and deleted_at is null and ?2 > 0
           and ((privacy = 'subject' and subject = '') or (privacy = 'body' and body = ''))
           and id in (select email_id from email_sightings where mailbox_id = ?1 and email_id is not null)",
    ] {
        sqlx::query(sql).bind(mailbox).bind(now).execute(&mut **tx).await?;
    }
    Ok(())
}
