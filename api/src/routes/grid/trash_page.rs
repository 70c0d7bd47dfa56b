//! The trash as a page.

use askama::Template;

use crate::routes::page::{Frame, When};

/// Deleted rows and columns.
#[derive(Debug, Template)]
#[template(path = "pages/trash.html")]
pub struct TrashPage {
    /// The frame.
    pub frame: Frame,
    /// Deleted rows, newest first.
    pub rows: Vec<Trashed>,
    /// Deleted columns.
    pub columns: Vec<Trashed>,
    /// Whether rows can be purged here.
    pub can_purge: bool,
    /// Address of older ones; empty if there are none.
    pub older_href: String,
}

/// Something deleted.
#[derive(Debug, Clone)]
pub struct Trashed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// When.
    pub at: When,
    /// By whom; empty for columns.
    pub by: String,
}

#[cfg(any(test, debug_assertions))]
impl TrashPage {
    /// A page with one of each.
    #[must_use]
    pub fn sample() -> Self {
        let trashed = |id: &str, title: &str, by: &str| Trashed {
            id: id.to_owned(),
            title: title.to_owned(),
            at: When::new("2026-03-03T10:00:00Z", "3 Mar 2026, 11:00"),
            by: by.to_owned(),
        };
        Self {
            frame: Frame::sample("Trash", "/grid"),
            rows: vec![trashed("r7", "Sample Foundation 031", "Sample Admin")],
            columns: vec![trashed("old_notes", "Old notes", "")],
            can_purge: true,
            older_href: String::new(),
        }
    }
}
