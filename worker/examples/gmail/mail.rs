//! Mailboxes, and messages in the shapes of Gmail's discovery document.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::URL_SAFE};
use mail_parser::{MessageParser, MessagePart, MimeHeaders, PartType};
use serde_json::{Value, json};

#[derive(Default)]
pub struct Mailbox {
    pub messages: Vec<Message>,
    /// Id and entry, oldest first.
    pub history: Vec<(u64, Value)>,
    pub oldest_history: u64,
    pub history_id: u64,
    pub drafts: Vec<(String, String)>,
}

#[derive(Clone)]
pub struct Message {
    pub id: String,
    pub thread: String,
    pub labels: Vec<String>,
    pub at: i64,
    pub history: u64,
    pub raw: Vec<u8>,
}

pub fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .file_name()
            .is_some_and(|n| !n.to_string_lossy().starts_with('.'))
        {
            found.push(path);
        }
    }
}

impl Message {
    pub fn named(&self) -> Value {
        json!({ "id": self.id, "threadId": self.thread, "labelIds": self.labels })
    }

    /// In one of the four formats; none for an unknown one.
    pub fn shown(&self, format: &str, wanted: &[String]) -> Option<Value> {
        let mut shown = json!({
            "id": self.id, "threadId": self.thread, "labelIds": self.labels, "snippet": "",
            "historyId": self.history.to_string(), "internalDate": self.at.to_string(), "sizeEstimate": self.raw.len(),
        });
        match format {
            "minimal" => {}
            "raw" => shown["raw"] = json!(URL_SAFE.encode(&self.raw)),
            "metadata" => {
                shown["payload"] =
                    json!({ "mimeType": "text/plain", "headers": headers(&self.raw, wanted) });
            }
            "full" | "" => {
                let parsed = MessageParser::default().parse(&self.raw);
                let mut payload = parsed.as_ref().map_or_else(
                    || json!({ "mimeType": "text/plain", "body": { "size": 0 } }),
                    |m| part(&m.parts, 0, "", &mut 0),
                );
                payload["headers"] = json!(headers(&self.raw, &[]));
                shown["payload"] = payload;
            }
            _ => return None,
        }
        Some(shown)
    }

    pub fn attachment(&self, id: &str) -> Option<Value> {
        let parsed = MessageParser::default().parse(&self.raw)?;
        let at: usize = id.strip_prefix("ANGjdJ")?.parse().ok()?;
        let bytes = parsed.attachments().nth(at)?.contents().to_vec();
        Some(json!({ "size": bytes.len(), "data": URL_SAFE.encode(bytes) }))
    }
}

fn headers(raw: &[u8], wanted: &[String]) -> Vec<Value> {
    let parsed = MessageParser::default().parse(raw);
    let all = parsed.iter().flat_map(mail_parser::Message::headers_raw);
    all.filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w.eq_ignore_ascii_case(name)))
        .map(|(name, value)| json!({ "name": name, "value": value.trim() }))
        .collect()
}

fn part(parts: &[MessagePart<'_>], at: usize, id: &str, attachments: &mut usize) -> Value {
    let it = &parts[at];
    let kind = it.content_type().map_or_else(
        || "text/plain".to_owned(),
        |c| format!("{}/{}", c.ctype(), c.subtype().unwrap_or("plain")),
    );
    let name = it.attachment_name().unwrap_or_default();
    let mut shown = json!({ "partId": id, "mimeType": kind, "filename": name, "headers": [] });
    match &it.body {
        PartType::Multipart(children) => {
            let children: Vec<Value> = children
                .iter()
                .enumerate()
                .map(|(n, child)| {
                    let id = if id.is_empty() {
                        n.to_string()
                    } else {
                        format!("{id}.{n}")
                    };
                    part(parts, usize::try_from(*child).unwrap(), &id, attachments)
                })
                .collect();
            shown["body"] = json!({ "size": 0 });
            shown["parts"] = json!(children);
        }
        PartType::Text(text) | PartType::Html(text) if name.is_empty() => {
            shown["body"] = json!({ "size": text.len(), "data": URL_SAFE.encode(text.as_bytes()) });
        }
        _ => {
            shown["body"] =
                json!({ "size": it.len(), "attachmentId": format!("ANGjdJ{attachments}") });
            *attachments += 1;
        }
    }
    shown
}
