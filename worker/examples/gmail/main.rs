//! A double of Google: the token endpoint of service accounts with domain-wide
//! delegation, and as much of the Gmail API as reading a mailbox takes. Google's
//! own client judges it (`ops/checks/gmail_conform.py`).
//!
//! `gmail --dir DIR [--port N]` writes a key file `credentials.json` and the
//! address it answers at (`address`) to DIR. Tests steer it by `/control`:
//! `{"mailbox": A}` adds a user, `{"deliver": {"to": A, "raw": TEXT}}` and
//! `{"load": {"to": A, "dir": DIR}}` add mail, `{"delete": {"from": A, "id": ID}}`
//! takes it away, `{"fail": [{"path": P, "times": N, "status": S, …}]}` injects
//! failures, `{"expire_history": A}` forgets, `{"revoke": true}` ends all tokens.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a stand-in for tests: what goes wrong ends it"
)]

mod api;
mod mail;
mod tokens;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

/// What is injected: the next `times` requests whose path contains `path` fail.
#[derive(Clone, Debug)]
pub struct Failure {
    pub path: String,
    pub times: u64,
    pub status: u16,
    pub body: Value,
    pub stall_ms: u64,
}

#[derive(Default)]
pub struct World {
    pub mailboxes: BTreeMap<String, mail::Mailbox>,
    /// Whose, and for which scopes.
    pub tokens: BTreeMap<String, (String, String)>,
    pub failures: Vec<Failure>,
    pub calls: BTreeMap<String, u64>,
    pub next_id: u64,
    pub public_key: Vec<u8>,
    pub client_email: String,
    pub scopes: Vec<String>,
}

pub type Shared = Arc<Mutex<World>>;

#[tokio::main]
async fn main() {
    let mut dir = PathBuf::from(".");
    let mut port = 0_u16;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match name.as_str() {
            "--dir" => dir = value.into(),
            "--port" => port = value.parse().unwrap(),
            other => panic!("{other}: use --dir and --port"),
        }
    }
    std::fs::create_dir_all(&dir).unwrap();
    let world: Shared = Arc::new(Mutex::new(World {
        public_key: tokens::make_key(&dir),
        client_email: tokens::CLIENT_EMAIL.to_owned(),
        scopes: vec!["https://www.googleapis.com/auth/gmail.readonly".to_owned()],
        ..World::default()
    }));
    let router = Router::new()
        .route("/control", post(control))
        .route("/state", get(state))
        .route("/token", post(tokens::grant))
        .merge(api::routes())
        .with_state(world);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    // Written last and in one piece: whoever waits for it finds everything.
    std::fs::write(dir.join("address.new"), &address).unwrap();
    std::fs::rename(dir.join("address.new"), dir.join("address")).unwrap();
    println!("{address}");
    axum::serve(listener, router).await.unwrap();
}

async fn state(State(world): State<Shared>) -> Json<Value> {
    let world = world.lock().unwrap();
    let boxes: BTreeMap<&String, usize> = world
        .mailboxes
        .iter()
        .map(|(k, v)| (k, v.messages.len()))
        .collect();
    let drafts: Vec<Value> = world
        .mailboxes
        .iter()
        .flat_map(|(address, mailbox)| mailbox.drafts.iter().map(move |d| (address, mailbox, d)))
        .filter_map(|(address, mailbox, (_, message))| {
            let found = mailbox.messages.iter().find(|m| m.id == *message)?;
            Some(json!({ "mailbox": address, "thread": found.thread, "raw": String::from_utf8_lossy(&found.raw) }))
        })
        .collect();
    Json(json!({ "mailboxes": boxes, "calls": world.calls, "drafts": drafts }))
}

async fn control(State(world): State<Shared>, Json(order): Json<Value>) -> Response {
    let mut world = world.lock().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut told = json!({});
    if let Some(address) = order["mailbox"].as_str() {
        world.mailboxes.entry(address.to_owned()).or_default();
    }
    if let Some(deliver) = order.get("deliver") {
        let raw = text(&deliver["raw"]).into_bytes();
        let labels = deliver["labels"]
            .as_array()
            .map(|l| l.iter().map(text).collect());
        let thread = deliver["thread"].as_str().map(str::to_owned);
        let id = api::add(
            &mut world,
            &text(&deliver["to"]),
            raw,
            labels,
            thread,
            deliver["at"].as_i64(),
        );
        told["id"] = json!(id);
    }
    if let Some(load) = order.get("load") {
        let mut files: Vec<PathBuf> = Vec::new();
        mail::files(&PathBuf::from(text(&load["dir"])), &mut files);
        files.sort();
        let most = usize::try_from(load["most"].as_u64().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let to = text(&load["to"]);
        for (n, file) in files.iter().take(most).enumerate() {
            let raw = std::fs::read(file).unwrap();
            let at = load["at"].as_i64().map(|at| at + i64::try_from(n).unwrap());
            api::add(&mut world, &to, raw, None, None, at);
        }
        told["loaded"] = json!(files.len().min(most));
    }
    if let Some(delete) = order.get("delete") {
        let (from, id) = (text(&delete["from"]), text(&delete["id"]));
        api::delete(&mut world, &from, &id, delete["bin"] == json!(true));
    }
    for failure in order["fail"].as_array().into_iter().flatten() {
        world.failures.push(Failure {
            path: text(&failure["path"]),
            times: failure["times"].as_u64().unwrap_or(1),
            status: u16::try_from(failure["status"].as_u64().unwrap_or(500)).unwrap(),
            body: failure.get("body").cloned().unwrap_or(Value::Null),
            stall_ms: failure["stall_ms"].as_u64().unwrap_or(0),
        });
    }
    if let Some(address) = order["expire_history"].as_str() {
        let at = world.next_id + 1;
        world.next_id = at;
        if let Some(mailbox) = world.mailboxes.get_mut(address) {
            mailbox.oldest_history = at;
            mailbox.history_id = at;
            mailbox.history.clear();
        }
    }
    if let Some(scopes) = order["scopes"].as_array() {
        world.scopes = scopes.iter().map(text).collect();
    }
    if order["revoke"] == json!(true) {
        world.tokens.clear();
    }
    if order["forgive"] == json!(true) {
        world.failures.clear();
    }
    (StatusCode::OK, Json(told)).into_response()
}
