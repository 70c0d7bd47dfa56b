//! What the team wishes for.

use askama::Template;

use crate::{
    error::AppError,
    routes::page::{Badge, Choice, Frame, When},
};

/// All requests, and a form for one more.
#[derive(Debug, Template)]
#[template(path = "pages/feature_requests.html")]
pub struct RequestsPage {
    /// The frame.
    pub frame: Frame,
    /// By status.
    pub tabs: Vec<Choice>,
    /// Whether there is none at all.
    pub is_empty: bool,
    /// The most wished for first.
    pub requests: Vec<RequestLine>,
    /// The page before.
    pub prev: Option<String>,
    /// The page after.
    pub next: Option<String>,
    /// As typed.
    pub title: String,
    /// As typed.
    pub body: String,
    /// What is wrong with the title.
    pub title_error: Option<String>,
    /// What is wrong with the description.
    pub body_error: Option<String>,
}

/// One request.
#[derive(Debug, Clone, Default)]
pub struct RequestLine {
    /// Its id.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// In more words.
    pub body: String,
    /// What becomes of it.
    pub status: Badge,
    /// The word with that.
    pub answer: String,
    /// Who said so.
    pub answered_by: String,
    /// Whose wish it is.
    pub by: String,
    /// Since when.
    pub at: When,
    /// How many wish it too.
    pub votes: String,
    /// Whoever looks does.
    pub is_voted: bool,
    /// It is theirs.
    pub is_own: bool,
    /// For admins to choose from.
    pub statuses: Vec<Choice>,
}

/// One request to be changed.
#[derive(Debug, Template)]
#[template(path = "pages/feature_request.html")]
pub struct EditPage {
    /// The frame.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// As typed.
    pub title: String,
    /// As typed.
    pub body: String,
    /// What is wrong with the title.
    pub title_error: Option<String>,
    /// What is wrong with the description.
    pub body_error: Option<String>,
}

impl RequestsPage {
    /// The form again, with what is wrong at its field.
    pub fn put_back(&mut self, title: String, body: String, refused: &AppError) {
        (self.title, self.body) = (title, body);
        (self.title_error, self.body_error) = errors(refused);
    }
}

impl EditPage {
    /// What is wrong, at its field.
    pub fn refuse(&mut self, refused: &AppError) {
        (self.title_error, self.body_error) = errors(refused);
    }
}

fn errors(refused: &AppError) -> (Option<String>, Option<String>) {
    let says = Some(refused.detail().to_owned());
    if refused.field() == Some("body") {
        (None, says)
    } else {
        (says, None)
    }
}

#[cfg(any(test, debug_assertions))]
impl RequestsPage {
    /// One that is open, one that was answered.
    #[must_use]
    pub fn sample() -> Self {
        let line = |title: &str, status: Badge, votes: &str, is_own: bool| RequestLine {
            id: "sample".to_owned(),
            title: title.to_owned(),
            body: "It would save a click.\nEvery day.".to_owned(),
            status,
            answer: if is_own {
                String::new()
            } else {
                "With the next release".to_owned()
            },
            answered_by: if is_own {
                String::new()
            } else {
                "Robin Sample".to_owned()
            },
            by: "Jo Testcase".to_owned(),
            at: When::new("2025-03-04T08:12:00Z", "3 days ago"),
            votes: votes.to_owned(),
            is_voted: is_own,
            is_own,
            statuses: vec![
                Choice::new("open", "Open", true),
                Choice::new("done", "Done", false),
            ],
        };
        Self {
            frame: Frame::sample("Feature requests", "/feature-requests"),
            tabs: vec![
                Choice::new("", "All 2", true),
                Choice::new("open", "Open 1", false),
            ],
            is_empty: false,
            requests: vec![
                line("A dark sidebar", Badge::new("Open", "warn"), "4", true),
                line("Bigger buttons", Badge::new("Planned", "info"), "1", false),
            ],
            prev: None,
            next: Some("/feature-requests?page=2".to_owned()),
            title: String::new(),
            body: String::new(),
            title_error: Some("Say in a few words what you wish for.".to_owned()),
            body_error: None,
        }
    }

    /// Nobody wishes for anything yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            requests: Vec::new(),
            is_empty: true,
            next: None,
            title_error: None,
            ..Self::sample()
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl EditPage {
    /// A form that was refused.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Change the request", "/feature-requests/sample"),
            id: "sample".to_owned(),
            title: "A dark sidebar".to_owned(),
            body: "It would save a click.".to_owned(),
            title_error: None,
            body_error: Some("Body has at most 4000 characters.".to_owned()),
        }
    }
}
