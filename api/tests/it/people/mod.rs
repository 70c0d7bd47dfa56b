//! Tasks, notes, the quick log, files, the timeline and the calendar feed,
//! through the routes.

mod notes;
mod records;
mod tasks;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use crm_jobs::{
    accounts::{Role, tokens::Scope},
    clock::DAY,
};
use serde_json::{Value, json};

use crate::{
    harness::{Caller, MEMBER, PASSWORD, Reply, TestApp},
    state::grid_of_one,
};

pub async fn send(app: &TestApp, who: &Caller, method: Method, path: &str, body: &Value) -> Reply {
    who.json(app, method, &format!("/api{path}"), body).await
}

pub async fn read(app: &TestApp, who: &Caller, path: &str) -> Value {
    let reply = who.get(app, &format!("/api{path}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
    reply.json()
}

pub async fn add(app: &TestApp, who: &Caller, body: &Value) -> Value {
    let reply = send(app, who, Method::POST, "/reminders", body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    reply.json()
}

pub async fn titles(app: &TestApp, who: &Caller, query: &str) -> Vec<String> {
    let page = read(app, who, &format!("/reminders?{query}")).await;
    let tasks = page["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|t| t["title"].as_str().unwrap().to_owned())
        .collect()
}

/// The message left for the next page, as JSON text.
pub fn flash(done: &Reply) -> String {
    let cookie = done.header("set-cookie").split(';').next().unwrap();
    let (_, hex) = cookie.split_once('=').unwrap();
    let bytes = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    String::from_utf8(bytes).unwrap()
}

/// What is offered to undo the last thing, pressed.
pub async fn undo(app: &TestApp, who: &Caller, done: &Reply) -> Reply {
    let note: Value = serde_json::from_str(&flash(done)).unwrap();
    let href = note["action"][1]
        .as_str()
        .unwrap_or_else(|| panic!("{note}"));
    let reply = who.post(app, href, &[]).await;
    assert_eq!(
        reply.status,
        StatusCode::SEE_OTHER,
        "{href}: {}",
        reply.text
    );
    reply
}
