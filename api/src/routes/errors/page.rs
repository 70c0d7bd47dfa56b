//! The page shown when a request could not be answered.

use askama::Template;

use crate::routes::page::{Frame, LinkTo};

/// An error in one human sentence, with what to do next.
#[derive(Debug, Template)]
#[template(path = "pages/error.html")]
pub struct ErrorPage {
    /// The frame; its request id is shown.
    pub frame: Frame,
    /// The HTTP status.
    pub status: u16,
    /// A short title.
    pub title: String,
    /// What happened, without its technical cause.
    pub sentence: String,
    /// What the reader can do about it.
    pub what_to_do: String,
    /// Ways out; the first is the main one.
    pub links: Vec<LinkTo>,
}

impl ErrorPage {
    /// The page for a status, in its standard words.
    #[must_use]
    pub fn new(frame: Frame, status: u16) -> Self {
        let (title, sentence, what_to_do) = words(status);
        Self {
            frame: Frame {
                title: title.to_owned(),
                ..frame
            },
            status,
            title: title.to_owned(),
            sentence: sentence.to_owned(),
            what_to_do: what_to_do.to_owned(),
            links: vec![LinkTo::new("Go to the home page", "/")],
        }
    }
}

fn words(status: u16) -> (&'static str, &'static str, &'static str) {
    match status {
        400 | 405 | 415 => (
            "That cannot be done here",
            "The server did not understand this request, so nothing was saved.",
            "Go back and try again from the page you came from.",
        ),
        403 => (
            "Not yours to open",
            "Your account may not see or do this.",
            "If you need it for your work, ask an admin of your team.",
        ),
        404 => (
            "Nothing here",
            "This page does not exist, or what it showed was removed.",
            "Check the address, or search for the investor in the grid.",
        ),
        409 => (
            "Someone was faster",
            "What you were changing has changed since you opened it, so nothing was saved.",
            "Go back, reload the page to see the newer values, and make your change again.",
        ),
        413 => (
            "Too large",
            "What you sent is larger than this server accepts.",
            "Split the file into smaller ones, or ask an admin to raise the limit.",
        ),
        422 => (
            "That did not add up",
            "Some of what you sent could not be understood, so nothing was saved.",
            "Go back and check the fields.",
        ),
        429 => (
            "A little too fast",
            "There were too many attempts in a short time.",
            "Wait a minute, then try again.",
        ),
        503 => (
            "Back in a moment",
            "The server is starting, stopping or busy.",
            "Wait a few seconds and reload the page.",
        ),
        507 => (
            "The disk is full",
            "There is no room left to save changes safely, so nothing was saved.",
            "An admin needs to free space on the box; reading still works.",
        ),
        _ => (
            "Something broke",
            "The server could not finish this, and the problem was written to its log.",
            "Try again; if it happens again, give an admin the request id below.",
        ),
    }
}

#[cfg(any(test, debug_assertions))]
impl ErrorPage {
    /// A page that was not found.
    #[must_use]
    pub fn sample() -> Self {
        Self::new(Frame::sample_signed_out("Nothing here", "/nowhere"), 404)
    }
}
