//! Every component on one page, in development only.

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
    vec![get("/style", Access::Member, show)]
}

async fn show(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    if app.config.production {
        return Err(AppError::not_found("There is nothing at this address."));
    }
    let frame = frame(&app, &who, "Style").await;
    Ok(html(&page::StylePage::new(frame, Vec::new())))
}
