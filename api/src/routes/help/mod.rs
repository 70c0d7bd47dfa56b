//! The guides in `docs/`, readable where they are needed: under `/help`.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use self::{
    book::{Page, SECTIONS},
    page::{Entry, HelpPage, IndexPage, Section},
};
use crate::{
    access::Access,
    error::AppError,
    extract::Path,
    frame::{frame, html},
    route::{Route, get},
    session::SignedIn,
    state::App,
};
use axum::extract::State;

mod book;
pub mod page;
mod render;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    use Access::Member;
    vec![
        get("/help", Member, index),
        get("/help/{page}", Member, show),
        get("/help/img/{file}", Member, picture),
    ]
}

async fn index(State(app): State<App>, who: SignedIn) -> Response {
    html(&IndexPage {
        sections: contents(""),
        frame: frame(&app, &who, "Help").await,
    })
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(slug): Path<String>,
) -> Result<Response, AppError> {
    let found = book::find(&slug);
    let page = found.ok_or_else(|| AppError::not_found("There is no such page of help."))?;
    let text = book::rendered(page);
    Ok(html(&HelpPage {
        frame: frame(&app, &who, page.title).await,
        sections: contents(page.slug),
        outline: text.outline.clone(),
        text: text.html.clone(),
        next: book::after(page.slug).map(Entry::of),
    }))
}

/// Pictures change with a release only, and then their page does too.
async fn picture(Path(file): Path<String>) -> Result<Response, AppError> {
    let found = book::picture(&file);
    let bytes = found.ok_or_else(|| AppError::not_found("There is no such picture."))?;
    let kind = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "private, max-age=86400"),
    ];
    Ok((kind, bytes).into_response())
}

fn contents(current: &str) -> Vec<Section> {
    SECTIONS
        .iter()
        .map(|(title, pages)| Section {
            title,
            pages: pages
                .iter()
                .map(|page: &Page| Entry {
                    is_current: page.slug == current,
                    ..Entry::of(page)
                })
                .collect(),
        })
        .collect()
}
