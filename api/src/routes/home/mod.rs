//! The home page.

use axum::{extract::State, response::Response};

use crate::{
    access::Access,
    error::AppError,
    frame::{frame, html},
    route::{Route, get},
    session::SignedIn,
    state::App,
};

pub mod page;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![get("/", Access::Member, show)]
}

async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let first_name = who.user.name.split_whitespace().next().unwrap_or_default();
    Ok(html(&page::HomePage {
        greeting: format!("Hello, {first_name}"),
        subtitle: String::new(),
        tiles: Vec::new(),
        funds: Vec::new(),
        health: Vec::new(),
        recent: Vec::new(),
        checklist: Vec::new(),
        frame: frame(&app, &who, "Home").await,
    }))
}
