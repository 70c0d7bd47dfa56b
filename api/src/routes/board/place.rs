//! Where somebody is: which layout of which view, by which column, read from an
//! address and written as one.

use std::fmt::Write as _;

use axum::{extract::Query, http::Uri};
use crm_jobs::grid::view::Layout;
use serde::Deserialize;

use crate::show;

/// The parameters of both layouts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    /// A saved view's id.
    pub view: String,
    /// The column that the layout goes by.
    pub by: String,
    /// Of a calendar: `2026-11`.
    pub month: String,
    /// What is searched for.
    pub q: String,
}

impl Place {
    /// The layout and place of an address of ours; the board's if it is none.
    pub fn of(address: &str) -> (Layout, Self) {
        let uri: Option<Uri> = address.split('#').next().and_then(|a| a.parse().ok());
        let Some(uri) = uri else {
            return (Layout::Board, Self::default());
        };
        let layout = match uri.path() {
            "/grid/calendar" => Layout::Calendar,
            _ => Layout::Board,
        };
        let place = Query::try_from_uri(&uri).map_or_else(|_| Self::default(), |Query(q)| q);
        (layout, place)
    }

    /// The address of this place in a layout. Columns differ between layouts, so
    /// only the same layout keeps `by` and `month`: see [`Self::elsewhere`].
    pub fn href(&self, layout: Layout) -> String {
        let mut href = path(layout).to_owned();
        let parts = [
            ("view", &self.view),
            ("by", &self.by),
            ("month", &self.month),
            ("q", &self.q),
        ];
        for (name, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
            let mark = if href.contains('?') { '&' } else { '?' };
            let _ = write!(href, "{mark}{name}={}", show::encoded(value));
        }
        href
    }

    /// The same view and search in another layout.
    pub fn elsewhere(&self, layout: Layout) -> String {
        let place = Self {
            view: self.view.clone(),
            q: self.q.clone(),
            ..Self::default()
        };
        place.href(layout)
    }

    /// The grid with this view, looking for a text.
    pub fn in_grid(&self, text: &str) -> String {
        let place = Self {
            view: self.view.clone(),
            q: text.to_owned(),
            ..Self::default()
        };
        place.href(Layout::Grid)
    }
}

/// The path of a layout's page.
pub fn path(layout: Layout) -> &'static str {
    match layout {
        Layout::Grid => "/grid",
        Layout::Board => "/grid/board",
        Layout::Calendar => "/grid/calendar",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back() {
        let place = Place {
            view: "v1".to_owned(),
            by: "@list".to_owned(),
            month: "2026-11".to_owned(),
            q: "a&b é".to_owned(),
        };
        let href = place.href(Layout::Calendar);
        assert_eq!(
            href,
            "/grid/calendar?view=v1&by=%40list&month=2026-11&q=a%26b%20%C3%A9"
        );
        let (layout, back) = Place::of(&format!("{href}#day"));
        assert_eq!((layout, back.by.as_str()), (Layout::Calendar, "@list"));
        assert_eq!(back.q, "a&b é");
        assert_eq!(
            place.elsewhere(Layout::Board),
            "/grid/board?view=v1&q=a%26b%20%C3%A9"
        );
        assert_eq!(Place::of("/jobs").0, Layout::Board);
    }
}
