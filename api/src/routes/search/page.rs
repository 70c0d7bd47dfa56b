//! What was found, for people.

use askama::Template;
use crm_jobs::search::Part;

use crate::routes::page::{Badge, Frame, LinkTo, Paging, When};

/// Results by kind, or one kind page by page.
#[derive(Debug, Template)]
#[template(path = "pages/search.html")]
pub struct SearchPage {
    /// The frame.
    pub frame: Frame,
    /// What was looked for.
    pub query: String,
    /// The kind that is shown; empty for all.
    pub kind: String,
    /// All kinds that were found.
    pub tabs: Vec<Tab>,
    /// The hits.
    pub groups: Vec<ResultGroup>,
    /// Words that were looked for too.
    pub near: String,
    /// Where the page stands, if it shows one kind.
    pub paging: Option<Paging>,
}

/// A way to narrow the results.
#[derive(Debug, Clone, Default)]
pub struct Tab {
    /// The kind.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// How many; may be empty.
    pub count: String,
    /// It is shown.
    pub current: bool,
}

/// Hits of one kind.
#[derive(Debug, Clone, Default)]
pub struct ResultGroup {
    /// The kind.
    pub label: String,
    /// How many.
    pub total: String,
    /// Those shown.
    pub hits: Vec<ResultLine>,
    /// Where all of them are.
    pub more: Option<LinkTo>,
}

/// One hit.
#[derive(Debug, Clone, Default)]
pub struct ResultLine {
    /// The page it is on.
    pub href: String,
    /// The symbol of its kind.
    pub icon: &'static str,
    /// Its name.
    pub title: Vec<Part>,
    /// Some of its text.
    pub text: Vec<Part>,
    /// The investor it belongs to; may be empty.
    pub about: String,
    /// Archived, done.
    pub badges: Vec<Badge>,
    /// When it was written.
    pub at: Option<When>,
}

#[cfg(any(test, debug_assertions))]
impl ResultLine {
    fn sample(icon: &'static str, before: &str, hit: &str, after: &str) -> Self {
        let part = |text: &str, hit| Part {
            text: text.to_owned(),
            hit,
        };
        Self {
            href: "/investors/sample".to_owned(),
            icon,
            title: vec![part(before, false), part(hit, true), part(after, false)],
            text: vec![
                part("… asked for the <b>data room</b> of the ", false),
                part("samp", true),
                part("le …", false),
            ],
            about: "Sample Family Office 12".to_owned(),
            badges: vec![Badge::new("Archived", "muted")],
            at: Some(When::new("2025-03-04T08:12:00Z", "4 Mar 2025, 09:12")),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl SearchPage {
    /// Two kinds, and a near word.
    #[must_use]
    pub fn sample() -> Self {
        let tab = |label: &str, count: &str, current| Tab {
            label: label.to_owned(),
            href: "/search?q=samp".to_owned(),
            count: count.to_owned(),
            current,
        };
        Self {
            frame: Frame::sample("Search", "/search"),
            query: "samp".to_owned(),
            kind: String::new(),
            tabs: vec![
                tab("Everything", "", true),
                tab("Investors", "412", false),
                tab("Notes", "3", false),
            ],
            groups: vec![
                ResultGroup {
                    label: "Investors".to_owned(),
                    total: "412".to_owned(),
                    hits: vec![ResultLine::sample(
                        "grid",
                        "",
                        "Samp",
                        "le Family Office 12",
                    )],
                    more: Some(LinkTo::new(
                        "All 412 investors",
                        "/search?q=samp&kind=investor",
                    )),
                },
                ResultGroup {
                    label: "Notes".to_owned(),
                    total: "3".to_owned(),
                    hits: vec![ResultLine::sample("edit", "Pension ", "Samp", "le 3")],
                    more: None,
                },
            ],
            near: "sample".to_owned(),
            paging: None,
        }
    }

    /// One kind, page by page.
    #[must_use]
    pub fn sample_kind() -> Self {
        Self {
            kind: "investor".to_owned(),
            paging: Some(Paging::sample("412 investors")),
            ..Self::sample()
        }
    }

    /// Nothing found.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            groups: Vec::new(),
            near: String::new(),
            ..Self::sample()
        }
    }
}
