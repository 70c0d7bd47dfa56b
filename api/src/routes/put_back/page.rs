//! Choosing a past, and seeing what putting it back would change.

use askama::Template;
use crm_jobs::grid::{ChangeSet, PutBackCell, PutBackPreview};
use jiff::tz::TimeZone;

use crate::{
    routes::page::{Frame, When},
    show,
};

/// The page.
#[derive(Debug, Template)]
#[template(path = "pages/put_back.html")]
pub struct PutBackPage {
    /// The frame.
    pub frame: Frame,
    /// The day asked for, as typed.
    pub day: String,
    /// The time, as typed.
    pub time: String,
    /// The fund's time zone.
    pub zone: String,
    /// Why there is nothing to show.
    pub problem: Option<String>,
    /// What would change.
    pub wanted: Option<Wanted>,
    /// The newest changes, to go back to before one.
    pub recent: Vec<Past>,
}

/// What would change.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// As the server says it.
    pub preview: PutBackPreview,
    /// When the version was made.
    pub at: When,
    /// In numbers: `12 cells change`.
    pub facts: Vec<String>,
}

impl Wanted {
    /// A preview, in words.
    pub fn of(preview: PutBackPreview, zone: &TimeZone) -> Self {
        let n = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let facts = [
            (
                n(preview.cells),
                "cell gets its value back",
                "cells get their values back",
            ),
            (
                n(preview.rows_back),
                "investor comes back from the trash",
                "investors come back from the trash",
            ),
            (
                n(preview.rows_away),
                "investor added since goes to the trash",
                "investors added since go to the trash",
            ),
            (
                n(preview.rows_moved),
                "investor changes list or comes out of the archive",
                "investors change list, or go into or out of the archive",
            ),
            (n(preview.columns.len()), "column changes", "columns change"),
        ];
        Self {
            at: show::moment(zone, preview.at),
            facts: facts
                .iter()
                .filter(|(n, ..)| *n > 0)
                .map(|(n, one, many)| show::count(*n, one, many))
                .collect(),
            preview,
        }
    }

    /// Whether the table is as it was then.
    pub fn is_same(&self) -> bool {
        self.preview.is_empty()
    }

    /// Names left out of the list of those that come back.
    pub fn more_back(&self) -> usize {
        self.preview.rows_back - self.preview.back.len()
    }

    /// Names left out of the list of those that go.
    pub fn more_away(&self) -> usize {
        self.preview.rows_away - self.preview.away.len()
    }

    /// Cells left out of the table.
    pub fn more_cells(&self) -> usize {
        self.preview.cells - self.preview.examples.len()
    }

    /// The first cells, blank ones shown as such.
    pub fn cells(&self) -> &[PutBackCell] {
        &self.preview.examples
    }
}

/// A change to go back to before.
#[derive(Debug, Clone)]
pub struct Past {
    /// Where its past is shown.
    pub href: String,
    /// What it was.
    pub what: String,
    /// Such as `312 changes`.
    pub size: String,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: When,
}

/// A change set in a few words.
pub fn what(set: &ChangeSet) -> String {
    if set.summary.is_empty() {
        let mut words = set.origin.replace('_', " ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        words
    } else {
        set.summary.clone()
    }
}

#[cfg(any(test, debug_assertions))]
impl PutBackPage {
    /// A past that differs in everything.
    #[must_use]
    pub fn sample() -> Self {
        let cell = |row: &str, now: &str, then: &str| PutBackCell {
            row: row.to_owned(),
            column: "Commitment".to_owned(),
            now: now.to_owned(),
            then: then.to_owned(),
        };
        let preview = PutBackPreview {
            version: 118,
            at: 1_772_532_000_000,
            until: 120,
            change_sets: 2,
            cells: 312,
            rows_back: 2,
            rows_away: 1,
            rows_moved: 4,
            columns: vec!["Region".to_owned()],
            back: vec![
                "Sample Foundation 031".to_owned(),
                "Sample Family Office 004".to_owned(),
            ],
            away: vec!["Sample Bank 099".to_owned()],
            examples: vec![
                cell(
                    "Sample Fund of Funds 007",
                    "2,500,000.00 EUR",
                    "250,000.00 EUR",
                ),
                cell("Sample Trust 012", "", "1,000,000.00 EUR"),
            ],
            purged: 1,
        };
        Self {
            frame: Frame::sample("Put the table back", "/grid"),
            day: "2026-03-03".to_owned(),
            time: "16:00".to_owned(),
            zone: "Europe/Berlin".to_owned(),
            problem: None,
            wanted: Some(Wanted::of(preview, &TimeZone::UTC)),
            recent: vec![Past {
                href: "/grid/put-back?as_of=119".to_owned(),
                size: "312 changes".to_owned(),
                what: "Import of sample-lps.csv: 12 new, 300 changed".to_owned(),
                by: "Sample Admin".to_owned(),
                at: When::new("2026-03-03T15:00:00Z", "3 Mar 2026, 16:00"),
            }],
        }
    }

    /// Before anything was chosen, in a table without history.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            wanted: None,
            recent: Vec::new(),
            problem: Some("There is no such version.".to_owned()),
            ..Self::sample()
        }
    }
}
