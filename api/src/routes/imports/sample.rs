//! Samples of the pages, for the style page and the tests.

use super::page::{
    CellChange, Fact, ImportPage, ImportRow, ImportState, ImportsPage, KeptThing, MappedColumn,
    ProfileRow, Reading, RejectedRow,
};
use crate::routes::page::{Badge, Choice, Frame, LinkTo, Paging, Progress, Tile, When};

impl ImportsPage {
    /// Three imports in three states.
    #[must_use]
    pub fn sample() -> Self {
        let row = |file: &str, detail: &str, state, result: &str, text: &str| ImportRow {
            href: "/imports/sample".to_owned(),
            file: file.to_owned(),
            detail: detail.to_owned(),
            state,
            by: "Robin Sample".to_owned(),
            at: When::new("2025-03-04T07:31:00Z", text),
            result: result.to_owned(),
        };
        Self {
            frame: Frame::sample("Imports", "/imports"),
            imports: vec![
                row(
                    "prospects-spring.csv",
                    "400 rows · 18 columns",
                    Badge::new("Draft", "muted"),
                    "",
                    "5 min ago",
                ),
                row(
                    "investors-2025-03.csv",
                    "400 rows · 18 columns",
                    Badge::new("Applied", "ok"),
                    "312 new, 88 changed",
                    "53 min ago",
                ),
                row(
                    "airtable-export-with-a-rather-long-file-name.csv",
                    "12 rows · 3 columns",
                    Badge::new("Failed", "bad"),
                    "nothing changed",
                    "yesterday",
                ),
            ],
            paging: Paging {
                page: 1,
                pages: 1,
                total: "3 imports".to_owned(),
                prev: None,
                next: None,
            },
            upload_error: None,
            max_size: "50 MB".to_owned(),
            profiles: vec![ProfileRow {
                id: "sample".to_owned(),
                name: "Weekly export".to_owned(),
                detail: "18 columns".to_owned(),
                at: When::new("2025-03-04T07:31:00Z", "53 min ago"),
            }],
        }
    }

    /// No import yet, and an upload refused.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            imports: Vec::new(),
            profiles: Vec::new(),
            upload_error: Some(
                "The file is a spreadsheet of the old kind: save it as CSV or XLSX.".to_owned(),
            ),
            ..Self::sample()
        }
    }
}

impl ImportPage {
    /// A draft with its dry run.
    #[must_use]
    pub fn sample() -> Self {
        let fact = |label: &str, value: &str| Fact {
            label: label.to_owned(),
            value: value.to_owned(),
        };
        let kinds = || {
            vec![
                Choice::new("text", "Text", false),
                Choice::new("currency", "Currency", true),
                Choice::new("date", "Date", false),
            ]
        };
        let column = |index, header: &str, samples: &str, target: &str| MappedColumn {
            index,
            header: header.to_owned(),
            samples: samples.to_owned(),
            targets: vec![
                Choice::new("skip", "Skip this column", target == "skip"),
                Choice::new("new", "New column", target == "new"),
                Choice::new("c1", "Investor", target == "c1"),
                Choice::new("c2", "Stage", target == "c2"),
                Choice::new("c3", "Next step", target == "c3"),
            ],
            kinds: if target == "new" { kinds() } else { Vec::new() },
            blanks: vec![
                Choice::new("skip", "Leave as it is", true),
                Choice::new("clear", "Clear the value", false),
            ],
            date_orders: if target == "c3" {
                vec![
                    Choice::new("dmy", "Day first (3 April)", true),
                    Choice::new("mdy", "Month first (4 March)", false),
                ]
            } else {
                Vec::new()
            },
            keep_text: false,
            skipped: target == "skip",
            error: None,
        };
        let change = |row: &str, column: &str, before: &str, after: &str| CellChange {
            row: row.to_owned(),
            column: column.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        Self {
            frame: Frame::sample("prospects-spring.csv", "/imports"),
            id: "sample".to_owned(),
            file: "prospects-spring.csv".to_owned(),
            state: ImportState::Draft,
            facts: vec![fact("Rows", "400"), fact("Columns", "18"), fact("Size", "212 KB"), fact("Encoding", "UTF-8 with BOM"), fact("Delimiter", "comma"), fact("Uploaded by", "Robin Sample")],
            columns: vec![
                column(0, "Name", "Sample Family Office 12 · Sample Fund of Funds 4", "c1"),
                column(1, "Status", "Engaged · Lead", "c2"),
                column(2, "Next date", "03/04/2025 · 11/04/2025", "c3"),
                MappedColumn {
                    error: Some("“Ticket” has 3 values that are no amounts; keep it as text or let those rows be rejected.".to_owned()),
                    ..column(3, "Ticket", "€2.500.000 · 1,000,000", "new")
                },
                column(4, "Internal id", "rec0001 · rec0002", "skip"),
            ],
            merge_keys: vec![Choice::new("c1", "Investor (all different)", true), Choice::new("none", "None: every row is new", false)],
            tiles: vec![
                Tile::new("New", "312", "rows added", "ok"),
                Tile::new("Changed", "76", "rows, 141 cells", "info"),
                Tile::new("Unchanged", "9", "rows", "muted"),
                Tile::new("Rejected", "3", "rows left out", "bad"),
            ],
            new_rows: vec!["Sample Family Office 90".to_owned(), "Sample Trust 4".to_owned()],
            changes: vec![
                change("Sample Family Office 12", "Stage", "Lead", "Engaged"),
                change("Sample Fund of Funds 4", "Ticket", "", "EUR 1,000,000"),
                change("Sample Foundation 31", "Next step", "1 Mar 2025", ""),
            ],
            changes_note: "The first 100 of 141 changed cells.".to_owned(),
            rejected: vec![
                RejectedRow { line: 41, row: "Sample Private 9".to_owned(), reason: "Ticket: “about two” is no amount".to_owned() },
                RejectedRow { line: 187, row: String::new(), reason: "Name is empty, so the row cannot be told apart".to_owned() },
            ],
            rejected_href: Some("/imports/sample/rejected.csv".to_owned()),
            warnings: vec!["2 options of Status do not exist yet and will be added: “On hold”, “Warm”.".to_owned()],
            blocked: None,
            progress: None,
            result: String::new(),
            links: Vec::new(),
            live_href: String::new(),
            events_href: String::new(),
            reading: Reading::sample(),
            by_profile: "Weekly export".to_owned(),
            can_keep: true,
            can_revert: false,
            drift_href: Some("/imports/sample/drift".to_owned()),
            changes_href: Some("/imports/sample/changes.csv".to_owned()),
            kept: Vec::new(),
        }
    }

    /// The same import while its job is at work.
    #[must_use]
    pub fn sample_applying() -> Self {
        Self {
            state: ImportState::Applying,
            progress: Some(Progress {
                done: 240,
                total: Some(400),
                text: "240 of 400 rows".to_owned(),
            }),
            links: vec![LinkTo::new("Job", "/jobs/sample")],
            live_href: "/imports/sample".to_owned(),
            events_href: "/imports/sample/events".to_owned(),
            ..Self::sample()
        }
    }

    /// The same import, applied.
    #[must_use]
    pub fn sample_applied() -> Self {
        Self {
            state: ImportState::Applied,
            can_revert: true,
            result: "312 investors were added and 76 changed, in one change set.".to_owned(),
            links: vec![
                LinkTo::new("Open the grid", "/grid"),
                LinkTo::new("Job", "/jobs/sample"),
                LinkTo::new("Change set", "/activity?change_set=sample"),
            ],
            ..Self::sample()
        }
    }

    /// The same import, failed.
    #[must_use]
    pub fn sample_failed() -> Self {
        Self {
            state: ImportState::Failed,
            drift_href: None,
            result: "The grid had no column “Stage” any more when the import ran.".to_owned(),
            links: vec![LinkTo::new("Job", "/jobs/sample")],
            ..Self::sample()
        }
    }

    /// The same import, taken back but for one cell.
    #[must_use]
    pub fn sample_reverted() -> Self {
        Self {
            state: ImportState::Reverted,
            result:
                "Taken back: 312 rows, 140 cells. One thing stays because it was changed since."
                    .to_owned(),
            kept: vec![KeptThing {
                name: "Sample Family Office 12".to_owned(),
                href: Some("/investors/sample".to_owned()),
                column: "Stage".to_owned(),
                reason: "was changed since by Jo Testcase".to_owned(),
            }],
            links: vec![LinkTo::new("Open the grid", "/grid")],
            ..Self::sample()
        }
    }
}

impl Reading {
    /// A text file that could be read otherwise.
    fn sample() -> Self {
        Self {
            lines: vec![
                "Name,Status,Next date,Ticket,Internal id".to_owned(),
                "Sample Family Office 12,Engaged,03/04/2025,€2.500.000,rec0001".to_owned(),
            ],
            encodings: vec![
                Choice::new("utf8", "UTF-8", true),
                Choice::new("cp1252", "Windows-1252", false),
            ],
            delimiters: vec![
                Choice::new("comma", "Comma", true),
                Choice::new("semicolon", "Semicolon", false),
            ],
            sheets: Vec::new(),
            error: None,
        }
    }
}
