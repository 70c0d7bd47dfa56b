//! Other layouts of a view: a board by a select column, a calendar by a date.

use axum::{extract::State, response::Response};

use self::place::Place;
use crate::{
    access::Access,
    error::AppError,
    extract::Query,
    frame::html,
    route::{Route, get, post},
    session::SignedIn,
    state::App,
};

mod calendar;
mod cards;
mod lanes;
mod moving;
pub mod page;
mod place;
mod saving;
mod seen;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/grid/board", Access::Member, board),
        get("/grid/calendar", Access::Member, month),
        post("/grid/board/move", Access::Member, moving::move_card),
        post("/grid/board/save", Access::Member, saving::save),
    ]
}

async fn board(
    State(app): State<App>,
    who: SignedIn,
    Query(place): Query<Place>,
) -> Result<Response, AppError> {
    Ok(html(&lanes::build(&app, &who, place, None).await?))
}

async fn month(
    State(app): State<App>,
    who: SignedIn,
    Query(place): Query<Place>,
) -> Result<Response, AppError> {
    Ok(html(&calendar::build(&app, &who, place, None).await?))
}
