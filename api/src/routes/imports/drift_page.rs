//! Where a file and the grid differ, as a page.

use askama::Template;

use crate::routes::page::{Frame, Paging, Tile, When};

/// Where a file and the grid differ.
#[derive(Debug, Template)]
#[template(path = "pages/import_drift.html")]
pub struct DriftPage {
    /// The frame.
    pub frame: Frame,
    /// Name of the file.
    pub file: String,
    /// The import's own page.
    pub import_href: String,
    /// All of it as a file.
    pub csv_href: String,
    /// How much differs; each leads to its differences.
    pub tiles: Vec<Tile>,
    /// Which differences are shown, in words; empty for all.
    pub shown: &'static str,
    /// This page with all differences.
    pub all_href: String,
    /// The differences on this page.
    pub rows: Vec<DriftRow>,
    /// Things to know.
    pub notes: Vec<String>,
    /// Why they cannot be compared.
    pub errors: Vec<String>,
    /// Where the list stands.
    pub paging: Paging,
}

/// One difference.
#[derive(Debug, Clone, Default)]
pub struct DriftRow {
    /// What is different, in words.
    pub kind: &'static str,
    /// The line in the file; may be empty.
    pub line: String,
    /// What the row is called.
    pub row: String,
    /// The investor's page.
    pub href: Option<String>,
    /// The column; empty for whole rows.
    pub column: String,
    /// What the file says.
    pub file: String,
    /// What the grid says, or why it cannot be compared.
    pub grid: String,
    /// Whether both sides are shown.
    pub is_pair: bool,
    /// Who changed ours last.
    pub by: Option<String>,
    /// When.
    pub at: When,
}

#[cfg(any(test, debug_assertions))]
impl DriftPage {
    /// A week of two tools side by side.
    #[must_use]
    pub fn sample() -> Self {
        let row = |kind, line: &str, row: &str, column: &str, file: &str, grid: &str| DriftRow {
            kind,
            line: line.to_owned(),
            row: row.to_owned(),
            href: (kind != "Only in the file").then(|| "/investors/sample".to_owned()),
            column: column.to_owned(),
            file: file.to_owned(),
            grid: grid.to_owned(),
            is_pair: kind == "Reads otherwise",
            by: (kind == "Reads otherwise").then(|| "Robin Sample".to_owned()),
            at: When::new("2025-03-04T07:31:00Z", "2 h ago"),
        };
        Self {
            frame: Frame::sample("Drift of prospects.csv", "/imports"),
            file: "prospects-spring.csv".to_owned(),
            import_href: "/imports/sample".to_owned(),
            csv_href: "/imports/sample/drift.csv".to_owned(),
            tiles: vec![
                Tile::new("The same", "382", "of 400 rows in the file", "ok"),
                Tile::new("Reads otherwise", "14", "cells, in 11 rows", "info")
                    .to("/imports/sample/drift?kind=differs"),
                Tile::new("Only in the file", "7", "rows", "warn")
                    .to("/imports/sample/drift?kind=only_in_file"),
            ],
            shown: "",
            all_href: "/imports/sample/drift".to_owned(),
            rows: vec![
                row(
                    "Reads otherwise",
                    "12",
                    "Sample Family Office 12",
                    "Stage",
                    "Lead",
                    "Engaged",
                ),
                row("Only in the file", "41", "Sample Private 9", "", "", ""),
                row(
                    "Cannot be compared",
                    "52",
                    "Sample Fund 4",
                    "Ticket",
                    "about two",
                    "\"about two\" is not a number",
                ),
            ],
            notes: vec!["The grid has no column for: Internal id.".to_owned()],
            errors: Vec::new(),
            paging: Paging::sample("23 differences"),
        }
    }

    /// No key is chosen.
    #[must_use]
    pub fn sample_refused() -> Self {
        Self {
            rows: Vec::new(),
            errors: vec!["choose a key first: without one no row can be found again".to_owned()],
            ..Self::sample()
        }
    }
}
