//! Putting a reply draft into Gmail, once.

use lettre::{Address, Message, message::Mailbox as To};
use sqlx::FromRow;

use super::{Addressees, Trouble, address, drafts::one_line, gmail::Gmail};
use crate::queue::{Context, JobError, OrFail, reached};

#[derive(FromRow)]
struct Wanted {
    state: String,
    #[sqlx(try_from = "String")]
    recipients: Addressees,
    subject: String,
    body: String,
    email_id: String,
    message_key: String,
    address: String,
    thread: Option<String>,
    is_allowed: bool,
}

/// Puts a draft into Gmail. Safe to repeat: it carries a Message-ID of its own, and
/// what Gmail has under it already is not made again.
pub async fn save(cx: &Context, id: &str) -> Result<(), JobError> {
    let wanted: Option<Wanted> = sqlx::query_as(
        "select d.state, d.recipients, d.subject, d.body, d.email_id, e.message_key, m.address,
                (select s.gmail_thread_id from email_sightings s
                 where s.mailbox_id = m.id and s.email_id = e.id and s.deleted_at is null limit 1) as thread,
                m.deleted_at is null and m.state = 'active' and m.may_draft = 1 and e.deleted_at is null as is_allowed
         from email_reply_drafts d join emails e on e.id = d.email_id join mailboxes m on m.id = d.mailbox_id where d.id = ?1",
    )
    .bind(id)
    .fetch_optional(cx.db().read())
    .await
    .or_retry()?;
    let Some(wanted) = wanted.filter(|w| w.state == "pending") else {
        return Ok(());
    };
    let thread = match wanted.thread.clone() {
        Some(thread) if wanted.is_allowed => thread,
        _ => {
            let why = "This mailbox may have no drafts now, or has the email no more.";
            return end(cx, id, "refused", Some(why), None).await;
        }
    };
    let message_id = format!("draft.{id}@{}", address::domain(&wanted.address));
    let references = references(cx, &wanted).await?;
    let raw = match message(&wanted, &message_id, &references) {
        Ok(raw) => raw,
        Err(why) => return end(cx, id, "refused", Some(&why), None).await,
    };
    match put(cx, &wanted.address, &message_id, &thread, &raw).await {
        Ok(gmail_id) => {
            reached("before_draft_saved");
            end(cx, id, "saved", None, Some(&gmail_id)).await
        }
        Err(trouble) => {
            end(cx, id, "pending", Some(&trouble.message), None).await?;
            Err(super::text::wait(&trouble))
        }
    }
}

async fn put(
    cx: &Context,
    mailbox: &str,
    message_id: &str,
    thread: &str,
    raw: &[u8],
) -> Result<String, Trouble> {
    let mut gmail = Gmail::of(cx.db(), mailbox).await?;
    if let Some(known) = gmail.find(message_id).await? {
        return Ok(known);
    }
    gmail.create_draft(thread, raw).await
}

async fn end(
    cx: &Context,
    id: &str,
    state: &str,
    error: Option<&str>,
    gmail_id: Option<&str>,
) -> Result<(), JobError> {
    let mut tx = cx.write().await?;
    let now = tx.now();
    sqlx::query("update email_reply_drafts set state = ?2, error = ?3, gmail_id = ?4, updated_at = ?5 where id = ?1")
        .bind(id)
        .bind(state)
        .bind(error)
        .bind(gmail_id)
        .bind(now)
        .execute(&mut *tx)
        .await
        .or_retry()?;
    tx.commit().await.or_retry()
}

/// What the answered email answers, the oldest first as far as that is known, and
/// the email itself last.
async fn references(cx: &Context, wanted: &Wanted) -> Result<Vec<String>, JobError> {
    let mut all: Vec<String> = sqlx::query_scalar(
        "select r.message_key from email_references r left join emails e on e.message_key = r.message_key
         where r.email_id = ?1 order by coalesce(e.sent_at, 0), r.message_key limit 50",
    )
    .bind(&wanted.email_id)
    .fetch_all(cx.db().read())
    .await
    .or_retry()?;
    all.extend(message_key(&wanted.message_key));
    all.retain(|key| is_message_id(key));
    Ok(all)
}

/// The Message-ID in a key; none for an email that came without one.
fn message_key(key: &str) -> Option<String> {
    let key = key.split_once(" from ").map_or(key, |(key, _)| key);
    (!key.starts_with("sha256:")).then(|| key.to_owned())
}

fn is_message_id(key: &str) -> bool {
    key.contains('@')
        && !key
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>'))
}

/// As it will be sent by whoever sends it. The head is written by the library from
/// checked parts, so no name or subject can begin a header of its own.
fn message(wanted: &Wanted, message_id: &str, references: &[String]) -> Result<Vec<u8>, String> {
    let parsed = |address: &str| -> Result<Address, String> {
        address.parse().map_err(|_| {
            format!("{address} is no address that Gmail takes: write this reply in Gmail")
        })
    };
    let mut message = Message::builder()
        .from(To::new(None, parsed(&wanted.address)?))
        .subject(&wanted.subject)
        .date_now()
        .message_id(Some(format!("<{message_id}>")));
    for person in &wanted.recipients.0 {
        let name = Some(one_line(&person.name)).filter(|name| !name.is_empty());
        let to = To::new(name, parsed(&person.address)?);
        message = if person.role == "cc" {
            message.cc(to)
        } else {
            message.to(to)
        };
    }
    if let Some(last) = message_key(&wanted.message_key).filter(|key| is_message_id(key)) {
        message = message.in_reply_to(format!("<{last}>"));
    }
    if !references.is_empty() {
        let all: Vec<String> = references.iter().map(|key| format!("<{key}>")).collect();
        message = message.references(all.join(" "));
    }
    message
        .body(wanted.body.clone())
        .map(|message| message.formatted())
        .map_err(|e| format!("the draft cannot be written: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Addressee;

    fn person(role: &str, address: &str) -> Addressee {
        Addressee {
            role: role.to_owned(),
            address: address.to_owned(),
            name: String::new(),
        }
    }

    #[test]
    fn a_draft_stands_in_its_conversation_and_no_name_begins_a_header() {
        let mut to = person("to", "ada@norwind.example");
        to.name = "Ada\r\nBcc: x@y.example".to_owned();
        let wanted = Wanted {
            state: "pending".to_owned(),
            recipients: Addressees(vec![to, person("cc", "eve@norwind.example")]),
            subject: "Re: Side letter".to_owned(),
            body: "Tak, zgoda. Über.\n.\nJo".to_owned(),
            email_id: "1".to_owned(),
            message_key: "m2@norwind.example from ada@norwind.example".to_owned(),
            address: "jo@ours.example".to_owned(),
            thread: None,
            is_allowed: true,
        };
        let references = vec!["m1@x.example".to_owned(), "m2@norwind.example".to_owned()];
        let raw = message(&wanted, "draft.1@ours.example", &references).unwrap();
        let parsed = mail_parser::MessageParser::default().parse(&raw).unwrap();
        assert_eq!(parsed.in_reply_to().as_text(), Some("m2@norwind.example"));
        assert_eq!(
            parsed.references().as_text_list().unwrap(),
            ["m1@x.example", "m2@norwind.example"]
        );
        assert_eq!(
            parsed.from().unwrap().first().unwrap().address(),
            Some("jo@ours.example")
        );
        assert_eq!(parsed.to().unwrap().iter().count(), 1);
        assert_eq!(parsed.cc().unwrap().iter().count(), 1);
        assert!(parsed.bcc().is_none(), "{}", String::from_utf8_lossy(&raw));
        assert_eq!(
            parsed.body_text(0).unwrap().replace("\r\n", "\n").trim(),
            wanted.body
        );
        let odd = Wanted {
            recipients: Addressees(vec![person("to", "a b@c.example")]),
            ..wanted
        };
        assert!(
            message(&odd, "x@y.example", &[])
                .unwrap_err()
                .contains("write this reply in Gmail")
        );
    }

    /// The promise of the head: agents draft, humans send. Gmail is written to in two
    /// places, for a token and for a draft, and nothing names what would send.
    #[test]
    fn nothing_can_make_gmail_send() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut folders = ["jobs/src", "api/src", "worker/src"]
            .map(|f| root.join(f))
            .to_vec();
        let (mut writers, mut looked_at) = (Vec::new(), 0);
        let words = ["messages", "drafts"].map(|what| format!("{what}/{}", "send"));
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|x| x == "rs") {
                    looked_at += 1;
                    let source = std::fs::read_to_string(&path).unwrap();
                    for word in &words {
                        assert!(!source.contains(word), "{} names {word}", path.display());
                    }
                    assert!(
                        !source.contains(concat!("gmail.", "send"))
                            && !source.contains(concat!("mail.google", ".com/")),
                        "{} asks for a scope that may send",
                        path.display()
                    );
                    if source.contains(concat!("/gmail", "/v1/")) {
                        let posts = source.matches(".post(").count();
                        let others = [".put(", ".patch(", ".delete(", ".request("];
                        assert!(others.iter().all(|o| !source.contains(o)));
                        writers.push((path.file_name().unwrap().to_owned(), posts));
                    }
                }
            }
        }
        assert!(looked_at > 100, "{looked_at}");
        assert_eq!(writers, [("gmail.rs".into(), 2)]);
    }
}
