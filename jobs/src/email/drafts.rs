//! Reply drafts: a person writes the answer here, a job puts it into the conversation
//! in Gmail, and a person sends it from there. Nothing here can send. Off until an
//! admin lets a mailbox have drafts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, SqliteConnection};

use crate::{
    clock::{HOUR, MINUTE},
    db::{DbError, WriteTx},
    grid::GridError,
    queue::{EnqueueOptions, Payload, Prepared, RetryPolicy, Unique, enqueue_with},
    work::checked_text,
};

/// Characters of a draft.
const MAX_DRAFT: usize = 20_000;
/// People a draft is addressed to; a reply to more is no reply.
const MOST_PEOPLE: usize = 50;

/// Puts a draft into Gmail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SaveDraft {
    /// Which.
    pub draft: String,
}

impl Payload for SaveDraft {
    const KIND: &'static str = "save_draft";
    const PRIORITY: i64 = 10;
    // Two days: a delegation may take one.
    const RETRY: RetryPolicy = RetryPolicy {
        max_attempts: 60,
        initial_ms: MINUTE,
        factor: 2.0,
        max_ms: HOUR,
    };
    const MAX_RUNNING: Option<i64> = Some(2);

    fn unique(&self) -> Option<Unique> {
        Some(Unique::while_unfinished(&self.draft))
    }
}

/// Somebody a reply is addressed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Addressee {
    /// `to` or `cc`.
    pub role: String,
    /// Lower case.
    pub address: String,
    /// As they write it.
    pub name: String,
}

/// Everybody a draft is addressed to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Addressees(pub Vec<Addressee>);

impl TryFrom<String> for Addressees {
    type Error = serde_json::Error;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        serde_json::from_str(&stored)
    }
}

/// What a reply to a conversation would be.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Reply {
    /// The email it answers: the last one that the mailbox has.
    pub email_id: String,
    /// The mailbox the draft would lie in.
    pub mailbox_id: String,
    /// Its address, from which it would be sent.
    pub address: String,
    /// Everybody it would be addressed to.
    pub recipients: Vec<Addressee>,
    /// Its subject.
    pub subject: String,
}

/// A draft and what became of it.
#[derive(Clone, Debug, FromRow, Serialize, JsonSchema)]
pub struct Draft {
    /// Its id.
    pub id: String,
    /// The email it answers.
    pub email_id: String,
    /// The mailbox it is for.
    pub address: String,
    /// Everybody it is addressed to.
    #[sqlx(try_from = "String")]
    pub recipients: Addressees,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// `pending`, `saved` (it is in Gmail) or `refused` (it never will be).
    pub state: String,
    /// Why it is not in Gmail.
    pub error: Option<String>,
    /// Since when, UTC milliseconds.
    pub created_at: i64,
    /// Who wrote it.
    pub created_by: String,
}

/// What a reply to a conversation would be; none where this person has no mailbox in
/// it that may have drafts. Only one's own mailbox, or one that is nobody's, is used.
pub async fn reply_to(
    conn: &mut SqliteConnection,
    thread: &str,
    user: &str,
) -> Result<Option<Reply>, DbError> {
    #[derive(FromRow)]
    struct Found {
        email_id: String,
        mailbox_id: String,
        address: String,
        is_sent: bool,
        subject: String,
    }
    let found: Option<Found> = sqlx::query_as(
        "select e.id as email_id, m.id as mailbox_id, m.address, e.from_address = m.address as is_sent,
                iif(e.subject = '', t.subject, e.subject) as subject
         from emails e join email_threads t on t.id = e.thread_id
         join email_sightings s on s.email_id = e.id and s.deleted_at is null
         join mailboxes m on m.id = s.mailbox_id and m.deleted_at is null and m.state = 'active' and m.may_draft = 1
         where e.thread_id = ?1 and e.is_matched = 1 and e.deleted_at is null and (m.user_id = ?2 or m.user_id is null)
           and exists (select 1 from email_links l join grid_rows r on r.id = l.row_id and r.deleted_at is null
                       where l.email_id = e.id and l.deleted_at is null)
         order by e.sent_at desc, e.id desc, m.user_id is null, m.id limit 1",
    )
    .bind(thread)
    .bind(user)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let people: Vec<Addressee> = sqlx::query_as::<_, (String, String, String)>(
        "select role, address, name from email_people where email_id = ?1 order by role, address limit 200",
    )
    .bind(&found.email_id)
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|(role, address, name)| Addressee {
        role,
        address,
        name,
    })
    .collect();
    let recipients = addressees(&people, &found.address, found.is_sent);
    Ok((!recipients.is_empty()).then(|| Reply {
        subject: answer_to(&found.subject),
        email_id: found.email_id,
        mailbox_id: found.mailbox_id,
        address: found.address,
        recipients,
    }))
}

/// To whoever wrote, or where they want answers; with everybody else as a copy. What
/// we wrote ourselves goes on to the same people.
fn addressees(people: &[Addressee], own: &str, is_sent: bool) -> Vec<Addressee> {
    let of = |role: &str| -> Vec<&Addressee> { people.iter().filter(|p| p.role == role).collect() };
    let (to, cc) = if is_sent {
        (of("to"), of("cc"))
    } else {
        let answers = of("reply_to");
        let writer = if answers.is_empty() {
            of("from")
        } else {
            answers
        };
        (writer, [of("to"), of("cc")].concat())
    };
    let mut found: Vec<Addressee> = Vec::new();
    for (role, group) in [("to", to), ("cc", cc)] {
        for person in group {
            let is_known = found.iter().any(|p| p.address == person.address);
            if person.address != own && !is_known && found.len() < MOST_PEOPLE {
                found.push(Addressee {
                    role: role.to_owned(),
                    ..person.clone()
                });
            }
        }
    }
    found
}

fn answer_to(subject: &str) -> String {
    let subject = one_line(subject);
    let is_answer = subject
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    if is_answer {
        subject
    } else {
        format!("Re: {subject}").trim().to_owned()
    }
}

pub(super) fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(500)
        .collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Keeps a reply and asks for it to be put into Gmail. Returns its id.
pub async fn save_reply(
    tx: &mut WriteTx,
    thread: &str,
    text: &str,
    user: &str,
    by: &str,
) -> Result<String, GridError> {
    let text = checked_text("body", text, MAX_DRAFT)?;
    if text.trim().is_empty() {
        return Err(GridError::invalid(
            "empty",
            "body",
            "write what the reply should say",
        ));
    }
    let Some(reply) = reply_to(tx, thread, user).await? else {
        return Err(GridError::invalid(
            "no_drafts",
            "body",
            "no mailbox of yours in this conversation may have drafts: an admin switches them on under Mailboxes",
        ));
    };
    let (id, now) = (tx.new_id(), tx.now());
    sqlx::query(
        "insert into email_reply_drafts (id, email_id, mailbox_id, recipients, subject, body, created_at, created_by, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7)",
    )
    .bind(&id)
    .bind(&reply.email_id)
    .bind(&reply.mailbox_id)
    .bind(serde_json::json!(reply.recipients).to_string())
    .bind(&reply.subject)
    .bind(text.trim())
    .bind(now)
    .bind(by)
    .execute(&mut **tx)
    .await?;
    let job = Prepared::new(&SaveDraft { draft: id.clone() })?;
    enqueue_with(tx, &job, &EnqueueOptions::by(by)).await?;
    Ok(id)
}

/// Drafts of a conversation, the newest first; twenty at most.
pub async fn drafts_of(conn: &mut SqliteConnection, thread: &str) -> Result<Vec<Draft>, DbError> {
    sqlx::query_as(
        "select d.id, d.email_id, m.address, d.recipients, d.subject, d.body, d.state, d.error, d.created_at, d.created_by
         from emails e join email_reply_drafts d on d.email_id = e.id join mailboxes m on m.id = d.mailbox_id and m.deleted_at is null
         where e.thread_id = ?1 and e.is_matched = 1 and e.deleted_at is null
         order by d.created_at desc, d.id desc limit 20",
    )
    .bind(thread)
    .fetch_all(conn)
    .await
}

/// Drafts of a conversation, and what the next one would be.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Drafting {
    /// To whom and from where a reply would go; null if no mailbox of yours in this
    /// conversation may have drafts.
    pub reply: Option<Reply>,
    /// The newest first.
    pub drafts: Vec<Draft>,
}

/// Drafts of a conversation and what the next one would be; none if it concerns nobody.
pub async fn drafting(
    conn: &mut SqliteConnection,
    thread: &str,
    user: &str,
) -> Result<Option<Drafting>, DbError> {
    if super::thread(conn, thread).await?.is_empty() {
        return Ok(None);
    }
    Ok(Some(Drafting {
        reply: reply_to(conn, thread, user).await?,
        drafts: drafts_of(conn, thread).await?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(role: &str, address: &str) -> Addressee {
        Addressee {
            role: role.to_owned(),
            address: address.to_owned(),
            name: String::new(),
        }
    }

    #[test]
    fn a_reply_goes_to_the_writer_and_copies_to_the_others() {
        let people = [
            person("from", "ada@norwind.example"),
            person("to", "jo@ours.example"),
            person("to", "bo@ours.example"),
            person("cc", "eve@norwind.example"),
            person("cc", "ada@norwind.example"),
            person("bcc", "hidden@ours.example"),
        ];
        let plain = |found: Vec<Addressee>| -> Vec<String> {
            found
                .iter()
                .map(|p| format!("{} {}", p.role, p.address))
                .collect()
        };
        assert_eq!(
            plain(addressees(&people, "jo@ours.example", false)),
            [
                "to ada@norwind.example",
                "cc bo@ours.example",
                "cc eve@norwind.example"
            ]
        );
        // What we wrote goes on to whom we wrote it.
        assert_eq!(
            plain(addressees(&people, "ada@norwind.example", true)),
            [
                "to jo@ours.example",
                "to bo@ours.example",
                "cc eve@norwind.example"
            ]
        );
        let mut wants = people.to_vec();
        wants.push(person("reply_to", "office@norwind.example"));
        assert_eq!(
            plain(addressees(&wants, "jo@ours.example", false))[0],
            "to office@norwind.example"
        );
    }

    #[test]
    fn a_subject_is_answered_once_and_begins_no_header() {
        assert_eq!(answer_to("Side letter"), "Re: Side letter");
        assert_eq!(answer_to("RE: Side letter"), "RE: Side letter");
        assert_eq!(answer_to("a\r\nBcc: x@y.example"), "Re: a Bcc: x@y.example");
        assert_eq!(answer_to("übe"), "Re: übe");
        assert_eq!(answer_to(""), "Re:");
    }
}
