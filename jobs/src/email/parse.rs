//! A message as bytes → what is kept of it. Headers lie and parts are broken:
//! nothing here fails for what a message says, and what could still go wrong (a
//! panic, a stack too small for its nesting) stays on a thread of its own.

use mail_parser::{
    Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType,
    decoders::html::html_to_text,
};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::{address, strip};

/// Characters of a body that are kept.
pub const MAX_BODY: usize = 200_000;
/// Characters of a subject that are kept.
const MAX_SUBJECT: usize = 500;
/// Bytes of HTML that are laid out; more is read plainly.
const MAX_HTML: usize = 1_000_000;
/// Nesting of HTML that is laid out; more is read plainly.
const MAX_DEPTH: usize = 120;
/// People of a message that are kept.
const MAX_PEOPLE: usize = 200;
/// Message keys a message may name.
const MAX_REFERENCES: usize = 50;
/// Attachments that are kept.
const MAX_ATTACHMENTS: usize = 100;
/// Enough for nesting that no mail program makes.
const STACK: usize = 32 << 20;

/// Somebody a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `from`, `to`, `cc`, `bcc` or `reply_to`.
    pub role: &'static str,
    /// Normalised.
    pub address: String,
    /// As written.
    pub name: String,
}

/// A part that is not the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// A file name, safe to show.
    pub name: String,
    /// By its own account.
    pub media_type: String,
    /// Decoded.
    pub size: usize,
    /// Which of the attachments, from 0.
    pub at: usize,
}

/// What is kept of a message.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The Message-ID, or a hash of what a message without one says.
    pub key: String,
    /// The first sender.
    pub from: Option<Person>,
    /// Everybody, the sender too, each once in each role.
    pub people: Vec<Person>,
    /// Decoded.
    pub subject: String,
    /// What it answers.
    pub references: Vec<String>,
    /// By its own account, UTC milliseconds.
    pub date: Option<i64>,
    /// The text.
    pub body: String,
    /// The text that is its writer's own.
    pub said: String,
    /// Files.
    pub parts: Vec<Part>,
    /// Bytes in all.
    pub size: usize,
}

/// Reads a message off the threads that answer.
pub async fn parse(raw: Vec<u8>) -> Result<Parsed, String> {
    on_a_thread(move || read(&raw)).await?
}

/// The bytes of one attachment.
pub async fn attachment(raw: Vec<u8>, at: usize) -> Result<Option<Vec<u8>>, String> {
    on_a_thread(move || {
        let message = MessageParser::default().parse(&raw)?;
        message
            .attachments()
            .nth(at)
            .map(|part| part.contents().to_vec())
    })
    .await
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("mail".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            // A panic drops `tell`, which is how it is heard of.
            let _ = tell.send(work());
        })
        .map_err(|e| format!("no thread to read it on: {e}"))?;
    told.await
        .map_err(|_| "reading it failed: please report this message".to_owned())
}

/// Reads a message here and now.
pub fn read(raw: &[u8]) -> Result<Parsed, String> {
    let message = MessageParser::default()
        .parse(raw)
        .ok_or("it has no header that can be read")?;
    let mut people = Vec::new();
    for (role, list) in [
        ("from", message.from()),
        ("to", message.to()),
        ("cc", message.cc()),
        ("bcc", message.bcc()),
        ("reply_to", message.reply_to()),
    ] {
        add_people(&mut people, role, list);
    }
    if !people.iter().any(|p| p.role == "from") {
        add_people(&mut people, "from", message.sender());
    }
    let from = people.iter().find(|p| p.role == "from").cloned();
    let subject = line(message.subject().unwrap_or_default(), MAX_SUBJECT);
    let body = body(&message);
    let date = message
        .date()
        .filter(|d| d.is_valid())
        .map(|d| d.to_timestamp().saturating_mul(1_000));
    let key = message
        .message_id()
        .and_then(key_of)
        .unwrap_or_else(|| content_key(from.as_ref(), date, &subject, &body));
    let mut references = Vec::new();
    for header in [message.in_reply_to(), message.references()] {
        add_references(&mut references, header, &key);
    }
    let parts = message
        .attachments()
        .take(MAX_ATTACHMENTS)
        .enumerate()
        .map(|(at, part)| described(part, at))
        .collect();
    Ok(Parsed {
        said: strip::said(&body),
        key,
        from,
        people,
        subject,
        references,
        date,
        body,
        parts,
        size: raw.len(),
    })
}

fn add_people(people: &mut Vec<Person>, role: &'static str, list: Option<&Address<'_>>) {
    for one in list.into_iter().flat_map(Address::iter) {
        let Some(address) = one.address().and_then(address::normal) else {
            continue;
        };
        let is_new = !people
            .iter()
            .any(|p| p.role == role && p.address == address);
        if is_new && people.len() < MAX_PEOPLE {
            let name = line(one.name().unwrap_or_default(), 120);
            people.push(Person {
                role,
                address,
                name,
            });
        }
    }
}

fn add_references(found: &mut Vec<String>, header: &HeaderValue<'_>, own: &str) {
    let texts: Vec<&str> = match header {
        HeaderValue::Text(text) => vec![text.as_ref()],
        HeaderValue::TextList(list) => list.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    // The last ones are the nearest.
    for key in texts.into_iter().rev().filter_map(key_of) {
        if key != own && !found.contains(&key) && found.len() < MAX_REFERENCES {
            found.push(key);
        }
    }
}

/// A Message-ID as it is compared; none if it is blank or too long to be one.
fn key_of(id: &str) -> Option<String> {
    let id = id.trim().trim_matches(['<', '>']).trim();
    let fits = !id.is_empty() && id.len() <= 500 && !id.chars().any(char::is_control);
    fits.then(|| id.to_owned())
}

/// Not of the bytes: each mailbox has its own trace of the way it came.
fn content_key(from: Option<&Person>, date: Option<i64>, subject: &str, body: &str) -> String {
    let mut hash = Sha256::new();
    for part in [
        from.map_or("", |p| &p.address),
        &date.unwrap_or(0).to_string(),
        subject,
        body,
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    format!("sha256:{}", crate::hex(&hash.finalize()))
}

/// The key of bytes that are no message.
pub fn raw_key(raw: &[u8]) -> String {
    format!("sha256:{}", crate::hex(&Sha256::digest(raw)))
}

fn body(message: &Message<'_>) -> String {
    let mut text = String::new();
    for part in message.text_bodies() {
        let piece = match &part.body {
            PartType::Text(plain) => clean(plain, MAX_BODY),
            PartType::Html(html) => clean(&laid_out(html), MAX_BODY),
            _ => continue,
        };
        if !piece.trim().is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(piece.trim_matches('\n'));
        }
        if text.len() > MAX_BODY {
            break;
        }
    }
    text.chars().take(MAX_BODY).collect()
}

/// HTML as text: links and pictures leave nothing that could be loaded.
fn laid_out(html: &str) -> String {
    if html.len() <= MAX_HTML && depth(html) <= MAX_DEPTH {
        let config = html2text::config::plain_no_decorate()
            .no_table_borders()
            .allow_width_overflow();
        let laid = config.string_from_read(html.as_bytes(), 10_000);
        if let Ok(text) = laid {
            return text;
        }
    }
    html_to_text(html)
}

/// How deep tags stand in each other, roughly: open ones minus closed ones.
fn depth(html: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    let bytes = html.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'<' {
            match bytes.get(at + 1) {
                Some(b'/') => now = now.saturating_sub(1),
                Some(c) if c.is_ascii_alphabetic() => {
                    let tag = html.get(at + 1..).unwrap_or_default();
                    let name: String = tag
                        .chars()
                        .take_while(char::is_ascii_alphanumeric)
                        .take(8)
                        .collect();
                    let is_void = [
                        "br", "img", "hr", "meta", "link", "input", "col", "wbr", "p", "li", "td",
                        "tr", "option",
                    ]
                    .iter()
                    .any(|v| name.eq_ignore_ascii_case(v));
                    if !is_void {
                        now += 1;
                        most = most.max(now);
                    }
                }
                _ => {}
            }
        }
    }
    most
}

fn described(part: &MessagePart<'_>, at: usize) -> Part {
    let media_type = part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |kind| match kind.subtype() {
            Some(sub) => format!("{}/{sub}", kind.ctype()).to_lowercase(),
            None => kind.ctype().to_lowercase(),
        },
    );
    let name = part.attachment_name().map(|name| line(name, 120));
    let name = name
        .map(|name| name.replace(['/', '\\'], "_"))
        .filter(|name| !name.is_empty() && name != "." && name != "..");
    let fallback = if media_type == "message/rfc822" {
        "message.eml"
    } else {
        "attachment"
    };
    Part {
        name: name.unwrap_or_else(|| fallback.to_owned()),
        media_type: line(&media_type, 120),
        size: part.len(),
        at,
    }
}

/// One line without anything that turns, hides or ends it.
fn line(text: &str, most: usize) -> String {
    let text = clean(text, most * 4).replace(['\n', '\t'], " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(most).collect()
}

/// Text without control characters, and without those that turn its direction or
/// that nobody sees.
fn clean(text: &str, most: usize) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .take(most)
        .map(|c| if c == '\r' { '\n' } else { c })
        .filter(|c| matches!(c, '\n' | '\t') || !is_hidden(*c))
        .nfc()
        .collect()
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' | '\u{ad}' | '\u{34f}')
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn a_usual_message_gives_all_its_parts() {
        let raw = "From: \"Ada\" <Ada@Norwind.example>\r\nTo: jo@ours.example, Bo <bo@ours.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Tue, 3 Mar 2026 10:00:00 +0100\r\nMessage-ID: <1@norwind.example>\r\nIn-Reply-To: <0@ours.example>\r\nReferences: <a@x> <0@ours.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\u{202e}!\r\n\r\n> old\r\n--b\r\nContent-Type: application/pdf; name=\"../../etc/deck.pdf\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQ=\r\n--b--\r\n";
        let parsed = read(raw.as_bytes()).unwrap();
        assert_eq!(parsed.key, "1@norwind.example");
        assert_eq!(parsed.from.unwrap().address, "ada@norwind.example");
        assert_eq!(parsed.people.len(), 3);
        assert_eq!(parsed.subject, "Grüße");
        assert_eq!(parsed.references, ["0@ours.example", "a@x"]);
        assert_eq!(parsed.date, Some(1_772_528_400_000));
        assert_eq!(parsed.said, "Hello!");
        assert!(parsed.body.contains("> old"));
        assert_eq!(parsed.parts.len(), 1);
        assert_eq!(parsed.parts[0].name, ".._.._etc_deck.pdf");
        assert_eq!(parsed.parts[0].size, 8);
    }

    #[test]
    fn headers_that_lie_or_lack_stop_nothing() {
        let parsed = read(b"Subject: no sender\r\nDate: yesterday-ish\r\n\r\ntext").unwrap();
        assert!(parsed.from.is_none() && parsed.date.is_none());
        assert!(parsed.key.starts_with("sha256:"));
        let again = read(
            b"Received: from elsewhere\r\nSubject: no sender\r\nDate: yesterday-ish\r\n\r\ntext",
        )
        .unwrap();
        assert_eq!(parsed.key, again.key, "the way it came does not count");
        assert!(read(b"").is_err());
    }

    #[test]
    fn html_becomes_text_that_loads_nothing() {
        let html = "<html><head><style>p{color:red}</style></head><body><p>Dear Jo,</p><p>we <b>commit</b>.</p><img src='https://track.example/x.gif'><script>alert(1)</script></body></html>";
        let raw = format!("From: a@x.example\r\nContent-Type: text/html\r\n\r\n{html}");
        let parsed = read(raw.as_bytes()).unwrap();
        assert!(parsed.body.contains("we commit."), "{}", parsed.body);
        for bad in ["track.example", "alert", "<", "color"] {
            assert!(!parsed.body.contains(bad), "{bad}: {}", parsed.body);
        }
    }

    #[tokio::test]
    async fn nesting_without_end_is_survived() {
        for html in [
            "<div>".repeat(100_000),
            "<blockquote><table><tr><td>".repeat(30_000),
            "<b><i><font>".repeat(40_000),
        ] {
            let raw = format!("From: a@x.example\r\nContent-Type: text/html\r\n\r\n{html}deep");
            let parsed = parse(raw.into_bytes()).await.unwrap();
            assert!(parsed.body.contains("deep"));
        }
        let mut raw = String::from("From: a@x.example\r\n");
        for n in 0..5_000 {
            raw.push_str("Content-Type: multipart/mixed; boundary=b");
            let _ = write!(raw, "{n}\r\n\r\n--b{n}\r\n");
        }
        parse(raw.into_bytes()).await.unwrap();
        let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(5_000);
        parse(format!("From: a@x.example\r\n{nested}").into_bytes())
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_panic_stays_where_it_is() {
        let told: Result<(), String> = on_a_thread(|| panic!("as the worst message would")).await;
        assert!(told.unwrap_err().contains("report"));
    }
}
