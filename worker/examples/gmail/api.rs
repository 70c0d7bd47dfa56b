//! `gmail/v1`, with errors in Google's own shape.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use mail_parser::MessageParser;
use serde_json::{Value, json};

use crate::{
    Shared, World,
    mail::{Mailbox, Message},
    tokens::jiff_now,
};

type Asked = Query<Vec<(String, String)>>;

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/gmail/v1/users/{user}/profile", get(profile))
        .route("/gmail/v1/users/{user}/labels", get(labels))
        .route("/gmail/v1/users/{user}/messages", get(list).post(insert))
        .route(
            "/gmail/v1/users/{user}/messages/{id}",
            get(message).delete(remove),
        )
        .route("/gmail/v1/users/{user}/messages/{id}/modify", post(modify))
        .route(
            "/gmail/v1/users/{user}/messages/{id}/attachments/{part}",
            get(attachment),
        )
        .route("/gmail/v1/users/{user}/history", get(history))
        .route("/gmail/v1/users/{user}/drafts", post(draft))
        .fallback(unknown)
}

/// What this stand-in does not do, sending first of all, is on record.
async fn unknown(State(world): State<Shared>, uri: axum::http::Uri) -> Response {
    let kind = format!("unknown {}", uri.path());
    *world.lock().unwrap().calls.entry(kind).or_default() += 1;
    gone()
}

pub fn refused(status: u16, reason: &str, word: &str, says: &str) -> Response {
    let body = json!({ "error": {
        "code": status, "message": says, "status": word,
        "errors": [{ "message": says, "domain": "global", "reason": reason }],
    }});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

/// A failure that a test asked for.
pub async fn injected(world: &Shared, path: &str) -> Option<Response> {
    let failure = {
        let mut world = world.lock().unwrap();
        let at = world
            .failures
            .iter()
            .position(|f| f.times > 0 && path.contains(&f.path))?;
        world.failures[at].times -= 1;
        world.failures[at].clone()
    };
    if failure.stall_ms > 0 {
        tokio::time::sleep(Duration::from_millis(failure.stall_ms)).await;
        if failure.status == 200 {
            return None;
        }
    }
    if failure.body.is_null() {
        let (reason, status) = match failure.status {
            401 => ("authError", "UNAUTHENTICATED"),
            403 => ("rateLimitExceeded", "PERMISSION_DENIED"),
            429 => ("rateLimitExceeded", "RESOURCE_EXHAUSTED"),
            404 => ("notFound", "NOT_FOUND"),
            _ => ("backendError", "INTERNAL"),
        };
        return Some(refused(failure.status, reason, status, "injected"));
    }
    Some(
        (
            StatusCode::from_u16(failure.status).unwrap(),
            Json(failure.body),
        )
            .into_response(),
    )
}

/// Whose mailbox this request may see.
async fn allowed(
    world: &Shared,
    headers: &HeaderMap,
    user: &str,
    path: &str,
) -> Result<String, Response> {
    if let Some(failed) = injected(world, path).await {
        return Err(failed);
    }
    let mut world = world.lock().unwrap();
    let token = headers
        .get("authorization")
        .and_then(|v| v.to_str().ok()?.strip_prefix("Bearer "))
        .unwrap_or_default();
    let Some((owner, scope)) = world.tokens.get(token).cloned() else {
        return Err(refused(
            401,
            "authError",
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials.",
        ));
    };
    if user != "me" && user != owner {
        return Err(refused(
            403,
            "forbidden",
            "PERMISSION_DENIED",
            &format!("Delegation denied for {owner}"),
        ));
    }
    let kind = path.split('/').next().unwrap_or(path);
    // Reading and writing drafts are two scopes, and neither does the other's work.
    let needed = if kind == "drafts" {
        "gmail.compose"
    } else {
        "gmail.readonly"
    };
    if !scope.split(' ').any(|s| s.ends_with(needed)) {
        return Err(refused(
            403,
            "insufficientPermissions",
            "PERMISSION_DENIED",
            "Request had insufficient authentication scopes.",
        ));
    }
    *world.calls.entry(kind.to_owned()).or_default() += 1;
    Ok(owner)
}

fn asked<'a>(query: &'a Asked, name: &str) -> Option<&'a str> {
    query
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, v)| v.as_str())
}

fn gone() -> Response {
    refused(
        404,
        "notFound",
        "NOT_FOUND",
        "Requested entity was not found.",
    )
}

async fn profile(
    State(world): State<Shared>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Response {
    let owner = match allowed(&world, &headers, &user, "profile").await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    let world = world.lock().unwrap();
    let mailbox = &world.mailboxes[&owner];
    Json(json!({
        "emailAddress": owner, "messagesTotal": mailbox.messages.len(), "threadsTotal": mailbox.messages.len(),
        "historyId": mailbox.history_id.max(1).to_string(),
    }))
    .into_response()
}

async fn labels(
    State(world): State<Shared>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(refused) = allowed(&world, &headers, &user, "labels").await {
        return refused;
    }
    let all: Vec<Value> = ["INBOX", "SENT", "SPAM", "TRASH", "UNREAD"]
        .iter()
        .map(|l| json!({ "id": l, "name": l, "type": "system" }))
        .collect();
    Json(json!({ "labels": all })).into_response()
}

async fn list(
    State(world): State<Shared>,
    Path(user): Path<String>,
    headers: HeaderMap,
    query: Asked,
) -> Response {
    let owner = match allowed(&world, &headers, &user, "messages?list").await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    let world = world.lock().unwrap();
    let mut found: Vec<&Message> = world.mailboxes[&owner].messages.iter().collect();
    found.sort_by_key(|m| std::cmp::Reverse((m.at, m.history)));
    found.retain(|m| !m.labels.iter().any(|l| l == "SPAM" || l == "TRASH"));
    for word in asked(&query, "q").unwrap_or_default().split_whitespace() {
        if let Some(after) = word
            .strip_prefix("after:")
            .and_then(|s| s.parse::<i64>().ok())
        {
            found.retain(|m| m.at >= after * 1_000);
        } else if let Some(id) = word.strip_prefix("rfc822msgid:") {
            found.retain(|m| {
                MessageParser::default()
                    .parse(&m.raw)
                    .is_some_and(|p| p.message_id() == Some(id))
            });
        }
    }
    let most: usize = asked(&query, "maxResults")
        .and_then(|m| m.parse().ok())
        .unwrap_or(100)
        .min(500);
    let from: usize = match asked(&query, "pageToken").map(str::parse) {
        None => 0,
        Some(Ok(from)) => from,
        Some(Err(_)) => {
            return refused(
                400,
                "invalidArgument",
                "INVALID_ARGUMENT",
                "Invalid pageToken",
            );
        }
    };
    let page: Vec<Value> = found
        .iter()
        .skip(from)
        .take(most)
        .map(|m| json!({ "id": m.id, "threadId": m.thread }))
        .collect();
    let mut answer = json!({ "resultSizeEstimate": found.len() });
    if !page.is_empty() {
        answer["messages"] = json!(page);
    }
    if from + most < found.len() {
        answer["nextPageToken"] = json!((from + most).to_string());
    }
    Json(answer).into_response()
}

async fn message(
    State(world): State<Shared>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
    query: Asked,
) -> Response {
    let owner = match allowed(&world, &headers, &user, &format!("messages/{id}")).await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    let found = world.lock().unwrap().mailboxes[&owner]
        .messages
        .iter()
        .find(|m| m.id == id)
        .cloned();
    let Some(found) = found else { return gone() };
    let wanted: Vec<String> = query
        .iter()
        .filter(|(n, _)| n == "metadataHeaders")
        .map(|(_, v)| v.clone())
        .collect();
    found
        .shown(asked(&query, "format").unwrap_or("full"), &wanted)
        .map_or_else(
            || {
                refused(
                    400,
                    "invalidArgument",
                    "INVALID_ARGUMENT",
                    "Invalid value for format",
                )
            },
            |shown| Json(shown).into_response(),
        )
}

async fn attachment(
    State(world): State<Shared>,
    Path((user, id, part)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let owner = match allowed(&world, &headers, &user, "attachments").await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    let world = world.lock().unwrap();
    let found = world.mailboxes[&owner].messages.iter().find(|m| m.id == id);
    found
        .and_then(|m| m.attachment(&part))
        .map_or_else(gone, |shown| Json(shown).into_response())
}

async fn history(
    State(world): State<Shared>,
    Path(user): Path<String>,
    headers: HeaderMap,
    query: Asked,
) -> Response {
    let owner = match allowed(&world, &headers, &user, "history").await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    let world = world.lock().unwrap();
    let mailbox = &world.mailboxes[&owner];
    let since: u64 = asked(&query, "startHistoryId")
        .and_then(|s| s.parse().ok())
        .unwrap_or(0);
    if since < mailbox.oldest_history {
        return gone();
    }
    let most: usize = asked(&query, "maxResults")
        .and_then(|m| m.parse().ok())
        .unwrap_or(100)
        .min(500);
    let from: usize = asked(&query, "pageToken")
        .and_then(|t| t.parse().ok())
        .unwrap_or(0);
    let kinds: Vec<&str> = query
        .iter()
        .filter(|(n, _)| n == "historyTypes")
        .map(|(_, v)| v.as_str())
        .collect();
    let field = |kind: &str| match kind {
        "messageAdded" => "messagesAdded",
        "messageDeleted" => "messagesDeleted",
        "labelAdded" => "labelsAdded",
        _ => "labelsRemoved",
    };
    let all: Vec<&Value> = mailbox
        .history
        .iter()
        .filter(|(id, entry)| {
            *id > since && (kinds.is_empty() || kinds.iter().any(|k| entry.get(field(k)).is_some()))
        })
        .map(|(_, entry)| entry)
        .collect();
    let page: Vec<&&Value> = all.iter().skip(from).take(most).collect();
    let mut answer = json!({ "historyId": mailbox.history_id.max(1).to_string() });
    if !page.is_empty() {
        answer["history"] = json!(page);
    }
    if from + most < all.len() {
        answer["nextPageToken"] = json!((from + most).to_string());
    }
    Json(answer).into_response()
}

async fn insert(
    State(world): State<Shared>,
    Path(user): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let owner = match allowed(&world, &headers, &user, "messages?insert").await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    let Some(raw) = body["raw"].as_str().and_then(|r| URL_SAFE.decode(r).ok()) else {
        return refused(
            400,
            "invalidArgument",
            "INVALID_ARGUMENT",
            "'raw' RFC822 payload message string is required",
        );
    };
    let labels = body["labelIds"].as_array().map(|l| {
        l.iter()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect()
    });
    let mut world = world.lock().unwrap();
    let id = add(&mut world, &owner, raw, labels, None, None);
    let found = world.mailboxes[&owner]
        .messages
        .iter()
        .find(|m| m.id == id)
        .unwrap();
    Json(found.named()).into_response()
}

async fn modify(
    State(world): State<Shared>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let owner = match allowed(&world, &headers, &user, "modify").await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    let mut world = world.lock().unwrap();
    let of = |name: &str| -> Vec<String> {
        body[name]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect()
    };
    match relabel(
        &mut world,
        &owner,
        &id,
        &of("addLabelIds"),
        &of("removeLabelIds"),
    ) {
        Some(shown) => Json(shown).into_response(),
        None => gone(),
    }
}

async fn remove(
    State(world): State<Shared>,
    Path((user, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let owner = match allowed(&world, &headers, &user, "delete").await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    delete(&mut world.lock().unwrap(), &owner, &id, false);
    StatusCode::NO_CONTENT.into_response()
}

async fn draft(
    State(world): State<Shared>,
    Path(user): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let owner = match allowed(&world, &headers, &user, "drafts").await {
        Ok(owner) => owner,
        Err(refused) => return refused,
    };
    let mut world = world.lock().unwrap();
    let raw = body["message"]["raw"]
        .as_str()
        .and_then(|r| URL_SAFE.decode(r).ok())
        .unwrap_or_default();
    let message = add(
        &mut world,
        &owner,
        raw,
        Some(vec!["DRAFT".to_owned()]),
        body["message"]["threadId"].as_str().map(str::to_owned),
        Some(jiff_now() * 1_000),
    );
    let id = format!("r-{message}");
    let mailbox = world.mailboxes.get_mut(&owner).unwrap();
    mailbox.drafts.push((id.clone(), message.clone()));
    let named = mailbox
        .messages
        .iter()
        .find(|m| m.id == message)
        .unwrap()
        .named();
    Json(json!({ "id": id, "message": named })).into_response()
}

/// Adds a message; answers its id.
pub fn add(
    world: &mut World,
    to: &str,
    raw: Vec<u8>,
    labels: Option<Vec<String>>,
    thread: Option<String>,
    at: Option<i64>,
) -> String {
    world.next_id += 1;
    let number = world.next_id;
    // Different in every mailbox, as Gmail's are.
    let id = format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 4);
    let date = MessageParser::default()
        .parse(&raw)
        .and_then(|m| {
            m.date()
                .filter(|d| d.is_valid())
                .map(mail_parser::DateTime::to_timestamp)
        })
        .filter(|d| (1..=jiff_now()).contains(d));
    let message = Message {
        thread: thread.unwrap_or_else(|| id.clone()),
        labels: labels.unwrap_or_else(|| vec!["INBOX".to_owned()]),
        at: at.unwrap_or_else(|| date.unwrap_or_else(jiff_now) * 1_000),
        history: number,
        id: id.clone(),
        raw,
    };
    let mailbox: &mut Mailbox = world.mailboxes.entry(to.to_owned()).or_default();
    mailbox.history_id = number;
    mailbox.history.push((number, json!({
        "id": number.to_string(), "messages": [{ "id": message.id, "threadId": message.thread }],
        "messagesAdded": [{ "message": message.named() }],
    })));
    mailbox.messages.push(message);
    id
}

/// Deletes a message, or puts it into the bin.
pub fn delete(world: &mut World, from: &str, id: &str, bin: bool) {
    if bin {
        relabel(
            world,
            from,
            id,
            &["TRASH".to_owned()],
            &["INBOX".to_owned()],
        );
        return;
    }
    world.next_id += 1;
    let number = world.next_id;
    let Some(mailbox) = world.mailboxes.get_mut(from) else {
        return;
    };
    let Some(at) = mailbox.messages.iter().position(|m| m.id == id) else {
        return;
    };
    let message = mailbox.messages.remove(at);
    mailbox.history_id = number;
    mailbox.history.push((number, json!({
        "id": number.to_string(), "messages": [{ "id": message.id, "threadId": message.thread }],
        "messagesDeleted": [{ "message": message.named() }],
    })));
}

fn relabel(
    world: &mut World,
    owner: &str,
    id: &str,
    add: &[String],
    remove: &[String],
) -> Option<Value> {
    world.next_id += 1;
    let number = world.next_id;
    let mailbox = world.mailboxes.get_mut(owner)?;
    let message = mailbox.messages.iter_mut().find(|m| m.id == id)?;
    message.labels.retain(|l| !remove.contains(l));
    message.labels.extend(add.iter().cloned());
    message.history = number;
    let named = message.named();
    let short = json!({ "id": message.id, "threadId": message.thread });
    mailbox.history_id = number;
    for (field, labels) in [("labelsAdded", add), ("labelsRemoved", remove)] {
        if !labels.is_empty() {
            mailbox.history.push((number, json!({
                "id": number.to_string(), "messages": [short], field: [{ "message": named, "labelIds": labels }],
            })));
        }
    }
    Some(named)
}
