//! The grid as paged tables.

use askama::Template;

use crate::routes::page::{Badge, Choice, Frame, LinkTo, Paging, When};

/// The grid: one page of rows with one cell, at most, being edited.
#[derive(Debug, Template)]
#[template(path = "pages/grid.html")]
pub struct GridPage {
    /// The frame.
    pub frame: Frame,
    /// The lists, with how many rows each holds.
    pub tabs: Vec<ListTab>,
    /// Id of the view shown.
    pub view: String,
    /// Value of the `list` parameter; empty for all.
    pub list: String,
    /// Name of the list, for headings and the add-row button.
    pub list_label: String,
    /// What is searched for; empty for nothing.
    pub search: String,
    /// Value of the `sort` parameter; may be empty.
    pub sort: String,
    /// Columns in order; the first is the row's title.
    pub columns: Vec<ColumnHead>,
    /// Rows of this page.
    pub rows: Vec<GridRow>,
    /// Where this page stands.
    pub paging: Paging,
    /// Why a row was not added.
    pub add_error: Option<String>,
    /// Name typed for that row.
    pub add_name: String,
    /// A change that met a newer one.
    pub conflict: Option<Conflict>,
    /// Why the view is not shown as it was saved.
    pub notice: Option<String>,
    /// Whether the grid has no rows at all.
    pub is_new: bool,
    /// Whether these are the archived rows, to which none is added.
    pub is_archive: bool,
}

/// A list as a tab.
#[derive(Debug, Clone, Default)]
pub struct ListTab {
    /// Its name.
    pub label: String,
    /// Its address.
    pub href: String,
    /// How many rows it holds, formatted.
    pub count: String,
    /// Whether it is shown now.
    pub current: bool,
}

/// The head of a column.
#[derive(Debug, Clone, Default)]
pub struct ColumnHead {
    /// Its name.
    pub name: String,
    /// Address that sorts by it.
    pub sort_href: String,
    /// `ascending`, `descending`, or empty.
    pub sorted: &'static str,
    /// Whether its values stand to the right.
    pub numeric: bool,
    /// Its type in words, as a tooltip.
    pub kind: String,
}

/// One investor as a row.
#[derive(Debug, Clone, Default)]
pub struct GridRow {
    /// The row's id.
    pub id: String,
    /// Address of its record.
    pub href: String,
    /// Its title.
    pub title: String,
    /// Address that edits the title here.
    pub edit_href: String,
    /// Editor of the title, if it is the cell being edited.
    pub editor: Option<Editor>,
    /// Whether it is archived.
    pub archived: bool,
    /// Values of the columns after the first.
    pub cells: Vec<Cell>,
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// Name of its column.
    pub label: String,
    /// Whether its value stands to the right.
    pub numeric: bool,
    /// What it holds.
    pub value: Value,
    /// Address that edits it here; none for derived cells.
    pub edit_href: Option<String>,
    /// Its editor, if it is the cell being edited.
    pub editor: Option<Editor>,
}

/// A value, ready to be drawn.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Empty,
    /// Plain or long text, clipped where there is no room.
    Text(String),
    /// A number, an amount or a percentage.
    Number(String),
    /// A ticked checkbox.
    Checked,
    /// A chosen option, or several.
    Pills(Vec<Pill>),
    /// Contacts of the investor.
    Contacts(Vec<LinkTo>),
    /// An address to open: web, mail or phone.
    Link(LinkTo),
    /// A rating, and how high it may go.
    Rating(u8, u8),
    /// A date or a moment.
    When(When),
    /// A derived state with a tone.
    Badge(Badge),
}

impl Value {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

/// An option in its colour.
#[derive(Debug, Clone, Default)]
pub struct Pill {
    /// Its name.
    pub text: String,
    /// One of the ten colours: blue, cyan, teal, green, yellow, orange, red,
    /// pink, purple, gray.
    pub colour: &'static str,
}

/// What kind of field edits a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Control {
    /// One line of text.
    #[default]
    Text,
    /// Several lines.
    LongText,
    /// A number; also currency and percent.
    Number,
    /// A date.
    Date,
    /// A date and a time.
    DateTime,
    /// A tick.
    Checkbox,
    /// One option of several.
    Select,
    /// Any options of several.
    MultiSelect,
    /// Contacts, one a line.
    Contacts,
    /// A mail address.
    Email,
    /// A web address.
    Url,
    /// A phone number.
    Phone,
    /// A rating.
    Rating,
}

impl Control {
    /// The `type` of its input; empty when it is not one input.
    #[must_use]
    pub fn input(&self) -> &'static str {
        match self {
            // Not `url`: browsers then refuse `example.org`, which the grid takes.
            Self::Text | Self::Number | Self::Url => "text",
            Self::Date => "date",
            Self::DateTime => "datetime-local",
            Self::Email => "email",
            Self::Phone => "tel",
            _ => "",
        }
    }

    /// The `inputmode` that opens the right keyboard; may be empty.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Number => "decimal",
            Self::Url => "url",
            _ => "",
        }
    }

    /// Whether it is a group of inputs with a legend rather than a label.
    #[must_use]
    pub fn is_group(&self) -> bool {
        matches!(self, Self::MultiSelect | Self::Rating)
    }
}

/// A field that edits one cell.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Id of the control, unique on the page.
    pub id: String,
    /// Name it is posted under.
    pub name: String,
    /// Name of the column.
    pub label: String,
    /// Kind of field.
    pub control: Control,
    /// Present value as the control wants it; for a checkbox `"true"`.
    pub value: String,
    /// Options of selects; ratings list theirs too, from `0`.
    pub options: Vec<Choice>,
    /// What to know before typing; may be empty.
    pub hint: String,
    /// What is wrong with what was typed.
    pub error: Option<String>,
    /// Whether it needs the full width.
    pub wide: bool,
    /// What the field held when the form was loaded, as it would be posted: a
    /// field that still holds it is not saved.
    pub was: String,
}

/// The form of the one cell being edited.
#[derive(Debug, Clone, Default)]
pub struct Editor {
    /// Where it posts to.
    pub action: String,
    /// Id of the row.
    pub row: String,
    /// Id of the column.
    pub column: String,
    /// Row version the edit is based on.
    pub version: i64,
    /// The field, named `value`.
    pub field: Field,
    /// The page without the editor.
    pub cancel_href: String,
}

/// A change that met a newer one.
#[derive(Debug, Clone, Default)]
pub struct Conflict {
    /// The investor.
    pub row_title: String,
    /// Name of the column.
    pub label: String,
    /// What the reader typed, for reading.
    pub yours: String,
    /// What stands there now.
    pub theirs: String,
    /// Who put it there.
    pub by: String,
    /// When.
    pub at: When,
    /// Where "keep mine" posts to.
    pub action: String,
    /// Id of the row.
    pub row: String,
    /// Id of the column.
    pub column: String,
    /// The newer version, which "keep mine" is then based on.
    pub version: i64,
    /// What the reader typed, as it was posted (several for multi-selects).
    pub values: Vec<String>,
    /// The page as it is, for "keep theirs".
    pub keep_theirs_href: String,
}

#[cfg(any(test, debug_assertions))]
#[path = "sample.rs"]
pub(crate) mod sample;
