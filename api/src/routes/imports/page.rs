//! Imports: the list with its upload form, and one import from its mapping
//! to its result.

use askama::Template;

use crate::routes::page::{Badge, Choice, Frame, LinkTo, Paging, Progress, Tile, When};

/// All imports, and the form that starts one.
#[derive(Debug, Template)]
#[template(path = "pages/imports.html")]
pub struct ImportsPage {
    /// The frame.
    pub frame: Frame,
    /// Imports, newest first.
    pub imports: Vec<ImportRow>,
    /// Where the list stands.
    pub paging: Paging,
    /// Why the last upload was refused.
    pub upload_error: Option<String>,
    /// Largest file accepted, such as `"50 MB"`.
    pub max_size: String,
    /// Saved profiles.
    pub profiles: Vec<ProfileRow>,
}

/// A saved profile in the list.
#[derive(Debug, Clone, Default)]
pub struct ProfileRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Such as `"18 columns"`.
    pub detail: String,
    /// When it was used last, or saved.
    pub at: When,
}

/// One import in the list.
#[derive(Debug, Clone, Default)]
pub struct ImportRow {
    /// Its address.
    pub href: String,
    /// Name of the file.
    pub file: String,
    /// Such as `"400 rows · 18 columns"`.
    pub detail: String,
    /// Its state.
    pub state: Badge,
    /// Who uploaded it.
    pub by: String,
    /// When.
    pub at: When,
    /// What came of it, such as `"312 new, 88 changed"`.
    pub result: String,
}

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// Being mapped; nothing has changed.
    Draft,
    /// The job is at work.
    Applying,
    /// Done.
    Applied,
    /// The job gave up; nothing has changed.
    Failed,
    /// A job takes it back.
    Reverting,
    /// Taken back.
    Reverted,
}

/// One import.
#[derive(Debug, Template)]
#[template(path = "pages/import.html")]
pub struct ImportPage {
    /// The frame.
    pub frame: Frame,
    /// Its id.
    pub id: String,
    /// Name of the file.
    pub file: String,
    /// Where it stands.
    pub state: ImportState,
    /// Rows, encoding, delimiter, size, uploaded by.
    pub facts: Vec<Fact>,
    /// How each column of the file is taken.
    pub columns: Vec<MappedColumn>,
    /// Columns that may identify a row.
    pub merge_keys: Vec<Choice>,
    /// New, changed, unchanged, rejected.
    pub tiles: Vec<Tile>,
    /// What the first new rows are called.
    pub new_rows: Vec<String>,
    /// The first changed cells.
    pub changes: Vec<CellChange>,
    /// How many changed cells there are, if more than are shown.
    pub changes_note: String,
    /// Rows that cannot be taken.
    pub rejected: Vec<RejectedRow>,
    /// All rejected rows as a file.
    pub rejected_href: Option<String>,
    /// Things to know before applying.
    pub warnings: Vec<String>,
    /// Why "Apply" is not possible yet.
    pub blocked: Option<String>,
    /// How far the job is.
    pub progress: Option<Progress>,
    /// One sentence on what came of it.
    pub result: String,
    /// Job, change set, grid.
    pub links: Vec<LinkTo>,
    /// Address of this page for live refresh; empty for none.
    pub live_href: String,
    /// Address of its event stream.
    pub events_href: String,
    /// How the file's bytes are read; only a draft shows it.
    pub reading: Reading,
    /// The saved profile it was taken by; empty for none.
    pub by_profile: String,
    /// Whether its mapping may be kept as a profile.
    pub can_keep: bool,
    /// Whether it can be taken back.
    pub can_revert: bool,
    /// Where it is compared with the grid.
    pub drift_href: Option<String>,
    /// All changed cells as a file.
    pub changes_href: Option<String>,
    /// What stayed when it was taken back.
    pub kept: Vec<KeptThing>,
}

/// How the file's bytes are read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// How it begins, decoded.
    pub lines: Vec<String>,
    /// Encodings to choose from; none for a workbook.
    pub encodings: Vec<Choice>,
    /// Delimiters to choose from; none for a workbook.
    pub delimiters: Vec<Choice>,
    /// Sheets of a workbook to choose from.
    pub sheets: Vec<Choice>,
    /// Why it could not be read as asked.
    pub error: Option<String>,
}

/// Something that stays though the import was taken back.
#[derive(Debug, Clone, Default)]
pub struct KeptThing {
    /// The row, or the column.
    pub name: String,
    /// The investor's page.
    pub href: Option<String>,
    /// The column of a cell; may be empty.
    pub column: String,
    /// Why it stays, and who is behind that.
    pub reason: String,
}

/// Something known about a file.
#[derive(Debug, Clone, Default)]
pub struct Fact {
    /// What.
    pub label: String,
    /// How it is.
    pub value: String,
}

/// One column of the file and where it goes.
#[derive(Debug, Clone, Default)]
pub struct MappedColumn {
    /// Position in the file; fields are named after it.
    pub index: usize,
    /// Its header.
    pub header: String,
    /// A few of its values.
    pub samples: String,
    /// Targets: skip, new column, or a column of the grid.
    pub targets: Vec<Choice>,
    /// Types of a new column; empty if the target exists.
    pub kinds: Vec<Choice>,
    /// Whether blank cells are left alone or clear the value.
    pub blanks: Vec<Choice>,
    /// Day or month first; empty unless the dates leave it open.
    pub date_orders: Vec<Choice>,
    /// Whether it is kept as text in spite of its looks.
    pub keep_text: bool,
    /// Whether it is left out.
    pub skipped: bool,
    /// What is wrong with this mapping.
    pub error: Option<String>,
}

/// One cell before and after.
#[derive(Debug, Clone, Default)]
pub struct CellChange {
    /// The investor.
    pub row: String,
    /// The column.
    pub column: String,
    /// Value before; empty for nothing.
    pub before: String,
    /// Value after; empty for nothing.
    pub after: String,
}

/// A row that cannot be taken.
#[derive(Debug, Clone, Default)]
pub struct RejectedRow {
    /// Its line in the file.
    pub line: u64,
    /// What identifies it, as far as known.
    pub row: String,
    /// Why.
    pub reason: String,
}
