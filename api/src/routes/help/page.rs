//! The guides as pages.

use askama::Template;

use super::book::Page;
use crate::routes::page::Frame;

/// All guides.
#[derive(Debug, Template)]
#[template(path = "pages/help_index.html")]
pub struct IndexPage {
    /// The frame.
    pub frame: Frame,
    /// What there is.
    pub sections: Vec<Section>,
}

/// One guide.
#[derive(Debug, Template)]
#[template(path = "pages/help.html")]
pub struct HelpPage {
    /// The frame.
    pub frame: Frame,
    /// What there is.
    pub sections: Vec<Section>,
    /// Its headings.
    pub outline: Vec<Heading>,
    /// HTML of our own making.
    pub text: String,
    /// What to read next.
    pub next: Option<Entry>,
}

/// Guides for the same readers.
#[derive(Debug, Clone)]
pub struct Section {
    /// For what.
    pub title: &'static str,
    /// In the order of reading.
    pub pages: Vec<Entry>,
}

/// A guide in the list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place under `/help`.
    pub slug: &'static str,
    /// Its name.
    pub title: &'static str,
    /// What it answers.
    pub about: &'static str,
    /// It is the one that is open.
    pub is_current: bool,
}

impl Entry {
    /// As the book has it.
    pub fn of(page: &'static Page) -> Self {
        Self {
            slug: page.slug,
            title: page.title,
            about: page.about,
            is_current: false,
        }
    }
}

/// A heading that can be pointed at.
#[derive(Debug, Clone)]
pub struct Heading {
    /// Its anchor.
    pub slug: String,
    /// What it says.
    pub text: String,
}

#[cfg(any(test, debug_assertions))]
impl IndexPage {
    /// For the test that renders every template.
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Help", "/help"),
            sections: super::contents(""),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl HelpPage {
    /// For the test that renders every template.
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("User guide", "/help/user-guide"),
            sections: super::contents("user-guide"),
            outline: vec![Heading {
                slug: "keys".to_owned(),
                text: "Keys".to_owned(),
            }],
            text: "<h1 id=\"user-guide\">User guide</h1><h2 id=\"keys\">Keys</h2>".to_owned(),
            next: super::book::after("user-guide").map(Entry::of),
        }
    }
}
