//! One task as a page: to write a new one, or to change one there is.

use askama::Template;

use crate::routes::page::{Choice, Frame, LinkTo};

/// The form of one task.
#[derive(Debug, Template)]
#[template(path = "pages/task.html")]
pub struct TaskPage {
    /// The frame.
    pub frame: Frame,
    /// Its id; empty for a new one.
    pub id: String,
    /// Where the form posts to.
    pub action: String,
    /// Where to go afterwards.
    pub next: String,
    /// What is to be done.
    pub title: String,
    /// When, as typed or as stored.
    pub due: String,
    /// That day in words; may be empty.
    pub due_words: String,
    /// More about it.
    pub note: String,
    /// Who may do it.
    pub assignees: Vec<Choice>,
    /// How it may come back.
    pub repeats: Vec<Choice>,
    /// The investor it is about.
    pub investor: Option<LinkTo>,
    /// That investor's id; may be empty.
    pub row: String,
    /// People it may be about: nobody in particular, and who stands at the investor.
    pub contacts: Vec<Choice>,
    /// As it was when the form was loaded.
    pub updated_at: i64,
    /// Whether it is done.
    pub done: bool,
    /// Such as `Added yesterday by Robin Sample`.
    pub story: String,
    /// What is wrong with the title.
    pub title_error: Option<String>,
    /// What is wrong with the day.
    pub due_error: Option<String>,
    /// What else is wrong.
    pub error: Option<String>,
}

#[cfg(any(test, debug_assertions))]
impl TaskPage {
    /// A task whose day was not understood.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Send the data room", "/day"),
            id: "sample".to_owned(),
            action: "/tasks/sample".to_owned(),
            next: "/day".to_owned(),
            title: "Send the data room".to_owned(),
            due: "soonish".to_owned(),
            due_words: String::new(),
            note: "They asked for the track record by vintage.".to_owned(),
            assignees: vec![
                Choice::new("r", "Me", true),
                Choice::new("team", "The team", false),
            ],
            repeats: super::item::repeats("FREQ=WEEKLY;INTERVAL=2"),
            investor: Some(LinkTo::new("Sample Family Office 12", "/investors/sample")),
            row: "sample".to_owned(),
            contacts: vec![
                Choice::new("", "Nobody in particular", true),
                Choice::new("c", "Alex Placeholder", false),
            ],
            updated_at: 1,
            done: false,
            story: "Added yesterday by Robin Sample".to_owned(),
            title_error: None,
            due_error: Some(format!(
                "“soonish” is no day: write {}.",
                crm_jobs::work::due::EXAMPLES
            )),
            error: Some("Somebody changed this task meanwhile.".to_owned()),
        }
    }
}
