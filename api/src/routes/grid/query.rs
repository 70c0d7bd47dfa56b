//! Where somebody is in the grid: the address of a page of it, read and written.

use std::fmt::Write as _;

use axum::{extract::Query, http::Uri};
use serde::Deserialize;

use crate::show;

/// The parameters of `/grid`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GridQuery {
    /// A saved view's id; empty for the first one.
    pub view: String,
    /// A list, `archived`, or empty for what the view shows.
    pub list: String,
    /// What is searched for.
    pub q: String,
    /// A column's id, with `-` before it for the other way round.
    pub sort: String,
    /// From 1. Text, because an odd page number is no reason for an error page.
    pub page: String,
    /// Row being edited …
    pub edit: String,
    /// … and its column.
    pub column: String,
}

impl GridQuery {
    /// The query of an address of ours, if it is one of the grid's.
    pub fn of(path: &str) -> Option<Self> {
        let uri: Uri = path.split('#').next()?.parse().ok()?;
        if uri.path() != "/grid" {
            return None;
        }
        Query::try_from_uri(&uri).ok().map(|Query(query)| query)
    }

    /// The page shown.
    pub fn page(&self) -> i64 {
        self.page.parse().unwrap_or(1).clamp(1, 1_000_000)
    }

    /// Whether archived rows are shown.
    pub fn is_archive(&self) -> bool {
        self.list == "archived"
    }

    /// The same place without an open editor.
    pub fn closed(&self) -> Self {
        Self {
            edit: String::new(),
            column: String::new(),
            ..self.clone()
        }
    }

    /// The first page of another list, sort or search.
    pub fn first_page(&self) -> Self {
        Self {
            page: String::new(),
            ..self.closed()
        }
    }

    /// This place on another page.
    pub fn at_page(&self, page: i64) -> Self {
        Self {
            page: page.to_string(),
            ..self.closed()
        }
    }

    /// This place with the editor of a cell open.
    pub fn editing(&self, row: &str, column: &str) -> Self {
        Self {
            edit: row.to_owned(),
            column: column.to_owned(),
            ..self.clone()
        }
    }

    /// Its address.
    pub fn href(&self) -> String {
        let parts = [
            ("view", &self.view),
            ("list", &self.list),
            ("q", &self.q),
            ("sort", &self.sort),
            ("page", &self.page),
            ("edit", &self.edit),
            ("column", &self.column),
        ];
        let mut href = "/grid".to_owned();
        for (name, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
            let mark = if href.contains('?') { '&' } else { '?' };
            let _ = write!(href, "{mark}{name}={}", show::encoded(value));
        }
        href
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back() {
        let query = GridQuery {
            list: "main".to_owned(),
            q: "a&b é".to_owned(),
            ..GridQuery::default()
        };
        let href = query.at_page(3).href();
        assert_eq!(href, "/grid?list=main&q=a%26b%20%C3%A9&page=3");
        let back = GridQuery::of(&format!("{href}#r1")).unwrap();
        assert_eq!((back.q.as_str(), back.page()), ("a&b é", 3));
        assert!(GridQuery::of("/investors/r1").is_none());
    }
}
