//! The calendar feed: its secret address on the account page, and what calendars
//! read there.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use crm_jobs::work::{self, feed};

use crate::{
    access::Access,
    error::AppError,
    extract::Path,
    flash::Done,
    frame::html,
    route::{Route, get, post},
    routes::{page::FlashKind, settings},
    session::SignedIn,
    state::App,
};

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    vec![
        get("/calendar/{file}", Access::Public, serve),
        post("/settings/calendar", Access::Member, create),
        post("/settings/calendar/revoke", Access::Member, revoke),
    ]
}

/// Whoever has the address reads it: calendars cannot sign in. Its 32 random
/// bytes cannot be guessed; a wrong one and a revoked one look the same.
async fn serve(State(app): State<App>, Path(file): Path<String>) -> Result<Response, AppError> {
    let nothing = || AppError::not_found("There is nothing at this address.");
    let secret = file.strip_suffix(".ics").ok_or_else(nothing)?;
    let is_secret = secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit());
    let found = if is_secret {
        feed::open(&app.db, secret).await?
    } else {
        None
    };
    let feed = found.ok_or_else(nothing)?;
    let mut conn = app.db.read().acquire().await?;
    let today = work::today(&mut conn, app.db.now()).await?;
    let text = feed::calendar(&mut conn, &feed, today, &app.config.base_url).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CACHE_CONTROL, "private, max-age=300"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"venture-crm.ics\"",
        ),
    ];
    Ok((headers, text).into_response())
}

/// Answers with the page itself: the address is shown this once.
async fn create(State(app): State<App>, who: SignedIn) -> Result<Response, AppError> {
    let mut tx = app.db.write().await?;
    let secret = feed::create(&mut tx, &who.user.id, &who.actor(), &who.ip()).await?;
    tx.commit().await?;
    let mut page = settings::account_page(&app, &who).await?;
    page.new_calendar = Some(app.url(&format!("/calendar/{secret}.ics")));
    "/settings/account".clone_into(&mut page.frame.path);
    Ok(html(&page))
}

async fn revoke(State(app): State<App>, who: SignedIn) -> Result<Done, AppError> {
    let mut tx = app.db.write().await?;
    feed::end(&mut tx, &who.user.id, &who.actor(), &who.ip()).await?;
    tx.commit().await?;
    Ok(Done::to("/settings/account").saying(FlashKind::Ok, "The calendar's address is revoked."))
}
