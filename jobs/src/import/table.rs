//! Text → a table of records: delimiter, headers, rows with their line numbers.

use csv::{ReaderBuilder, StringRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ImportError, values::name_list};
use crate::{
    export::unguarded,
    grid::{MAX_COLUMNS, MAX_ROWS},
};

/// What stands between two cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// Tab.
    Tab,
    /// Nothing: a workbook has cells.
    None,
}

impl Delimiter {
    /// Those a text file may have, the likeliest first.
    pub const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::None => "none",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Comma => "Comma",
            Self::Semicolon => "Semicolon",
            Self::Tab => "Tab",
            Self::None => "None",
        }
    }

    /// The delimiter of this stored name.
    pub fn parse(name: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().chain([Self::None]);
        known.into_iter().find(|d| d.as_str() == name)
    }

    fn byte(self) -> u8 {
        match self {
            Self::Comma | Self::None => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// A file as rows and columns.
#[derive(Clone, Debug)]
pub struct Table {
    /// Cleaned, unlike each other.
    pub headers: Vec<String>,
    /// In file order.
    pub records: Vec<Record>,
    /// Rows without any content, left out.
    pub blank_rows: usize,
}

/// One row of a file.
#[derive(Clone, Debug)]
pub struct Record {
    /// The line it starts on, from 1.
    pub line: u64,
    /// Why the row as a whole cannot be taken.
    pub problem: Option<String>,
    /// All cells behind each other, and where each ends: a reader's own record takes
    /// more than twice that.
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Record {
    fn new(line: u64, problem: Option<String>, cells: &StringRecord) -> Self {
        let mut text = String::with_capacity(cells.as_slice().len());
        let mut ends = Vec::with_capacity(cells.len());
        for cell in cells {
            text.push_str(unguarded(cell));
            // A file has 50 MB at most.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self {
            line,
            problem,
            text: text.into(),
            ends: ends.into(),
        }
    }

    /// The cell as written; what a short row lacks is blank.
    pub fn cell(&self, index: usize) -> &str {
        let Some(end) = self.ends.get(index) else {
            return "";
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..*end as usize]
    }

    fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|index| self.cell(index))
    }
}

/// Sample for finding the delimiter, bytes.
const SAMPLE: usize = 64 * 1024;

/// The delimiter that parts the header and most rows of a sample alike.
pub fn detect_delimiter(text: &str) -> Delimiter {
    let whole = text.len() <= SAMPLE;
    let mut end = SAMPLE.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let sample = &text[..end];
    let score = |delimiter: Delimiter| {
        let mut counts: Vec<usize> = reader(sample, delimiter)
            .records()
            .map_while(Result::ok)
            .take(200)
            .map(|r| r.len())
            .collect();
        if !whole && counts.len() > 1 {
            counts.pop(); // cut off half-way
        }
        let Some((&header, rows)) = counts.split_first() else {
            return 0;
        };
        let alike = rows.iter().filter(|n| **n == header).count();
        (header - 1) * (alike * 1_000 / rows.len().max(1) + 1)
    };
    let mut best = (Delimiter::Comma, 0);
    for delimiter in Delimiter::ALL {
        let score = score(delimiter);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

/// Reads all rows. Short ones are padded, long ones kept with their problem.
pub fn read_table(text: &str, delimiter: Delimiter) -> Result<Table, ImportError> {
    let mut reader = reader(text, delimiter);
    let mut lines = Lines::new(text);
    let mut record = StringRecord::new();
    let unreadable =
        |e: csv::Error| ImportError::invalid("unreadable", "file", format!("not readable: {e}"));
    if !reader.read_record(&mut record).map_err(unreadable)? {
        return Err(no_rows());
    }
    let mut rows = Builder::default();
    rows.head(&record.iter().map(unguarded).collect())?;
    while reader.read_record(&mut record).map_err(unreadable)? {
        let at = record.position().map_or(0, csv::Position::byte);
        let line = lines.line_at(usize::try_from(at).unwrap_or(usize::MAX));
        rows.add(line, &record)?;
    }
    let mut table = rows.finish()?;
    mark_open_quote(text, &mut table);
    Ok(table)
}

/// Gathers rows: the first is the header.
#[derive(Default)]
pub(super) struct Builder {
    table: Option<Table>,
}

impl Builder {
    fn head(&mut self, record: &StringRecord) -> Result<(), ImportError> {
        self.table = Some(Table {
            headers: clean_headers(record)?,
            records: Vec::new(),
            blank_rows: 0,
        });
        Ok(())
    }

    /// A row of a sheet; blank ones above the header do not count.
    pub(super) fn push(&mut self, line: u64, cells: &[String]) -> Result<(), ImportError> {
        let is_blank = cells.iter().all(|c| c.trim().is_empty());
        match &self.table {
            None if is_blank => Ok(()),
            None => self.head(&cells.iter().collect()),
            Some(_) => self.add(line, &cells.iter().collect()),
        }
    }

    fn add(&mut self, line: u64, cells: &StringRecord) -> Result<(), ImportError> {
        let Some(table) = &mut self.table else {
            return Ok(());
        };
        if cells.iter().all(|c| c.trim().is_empty()) {
            table.blank_rows += 1;
            return Ok(());
        }
        if table.records.len() >= MAX_ROWS {
            return Err(ImportError::invalid(
                "too_many_rows",
                "file",
                "the file has more than 100,000 rows: split it",
            ));
        }
        let problem = too_long(cells, table.headers.len());
        table.records.push(Record::new(line, problem, cells));
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Table, ImportError> {
        let table = self.table.filter(|t| !t.records.is_empty());
        table.ok_or_else(no_rows)
    }
}

fn reader(text: &str, delimiter: Delimiter) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter.byte())
        .from_reader(text.as_bytes())
}

pub(super) fn no_rows() -> ImportError {
    ImportError::invalid(
        "no_rows",
        "file",
        "the file has no rows below its header line: export it again",
    )
}

fn too_long(record: &StringRecord, columns: usize) -> Option<String> {
    let extra = record.iter().skip(columns).any(|c| !c.trim().is_empty());
    extra.then(|| {
        format!(
            "has {} cells where the header has {columns}: check its quotes and delimiters",
            record.len()
        )
    })
}

/// A quote that is never closed swallows all rows behind it.
fn mark_open_quote(text: &str, table: &mut Table) {
    if text
        .bytes()
        .filter(|b| *b == b'"')
        .count()
        .is_multiple_of(2)
    {
        return;
    }
    if let Some(last) = table.records.last_mut()
        && last.cells().any(|c| c.trim_end().contains('\n'))
    {
        last.problem = Some("a quote opened in this row is never closed".to_owned());
    }
}

pub(super) fn too_many_columns() -> ImportError {
    ImportError::invalid(
        "too_many_columns",
        "file",
        "the file has more than 200 columns: hide some in the view and export it again",
    )
}

/// Trims headers, names empty ones, numbers duplicates.
fn clean_headers(record: &StringRecord) -> Result<Vec<String>, ImportError> {
    let mut last = record.len();
    while last > 1 && record.get(last - 1).is_some_and(|h| h.trim().is_empty()) {
        last -= 1;
    }
    if last > MAX_COLUMNS {
        return Err(too_many_columns());
    }
    // Trailing empty headers are real columns only if someone wrote cells there;
    // such rows then say so themselves.
    let mut headers: Vec<String> = Vec::with_capacity(last);
    let mut taken: std::collections::HashSet<String> = std::collections::HashSet::new();
    for (index, written) in record.iter().take(last).enumerate() {
        let words: Vec<&str> = written.split_whitespace().collect();
        let base = if words.is_empty() {
            format!("Column {}", index + 1)
        } else {
            words.join(" ").chars().take(90).collect()
        };
        let mut header = base.clone();
        let mut n = 1;
        while !taken.insert(header.to_lowercase()) {
            n += 1;
            header = format!("{base} ({n})");
        }
        headers.push(header);
    }
    Ok(headers)
}

/// Counts lines up to a byte, going forward only. The csv crate counts a CRLF
/// late and blank lines not at all.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    fn line_at(&mut self, byte: usize) -> u64 {
        let mut to = byte.clamp(self.at, self.bytes.len());
        while matches!(self.bytes.get(to), Some(b'\n' | b'\r')) {
            to += 1;
        }
        for i in self.at..to {
            let lone_return = self.bytes[i] == b'\r' && self.bytes.get(i + 1) != Some(&b'\n');
            if self.bytes[i] == b'\n' || lone_return {
                self.line += 1;
            }
        }
        self.at = to;
        self.line
    }
}

/// The parts of a cell that lists several things, as Airtable writes it: a line
/// of CSV within the cell.
pub(super) fn cell_list(cell: &str) -> Vec<String> {
    if !cell.contains('"') {
        return name_list(cell.split(','));
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(cell.len().clamp(64, 8_192))
        .from_reader(cell.as_bytes());
    let records: Vec<StringRecord> = reader.records().map_while(Result::ok).collect();
    name_list(records.iter().flat_map(StringRecord::iter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_lists_names_that_hold_commas() {
        assert_eq!(
            cell_list("Dirac,\"TopoLogic, Inc\",Acerta"),
            ["Dirac", "TopoLogic, Inc", "Acerta"]
        );
        assert_eq!(cell_list(" A, B,,"), ["A", "B"]);
        assert_eq!(cell_list("Bob \"Bo\" Roe,C"), ["Bob \"Bo\" Roe", "C"]);
    }

    #[test]
    fn what_guards_a_text_from_spreadsheets_is_taken_off() {
        let text = "Name,'=Odd\n'=1+1,'+49 30 1\n-5,'quoted'\n";
        let table = read_table(text, Delimiter::Comma).unwrap();
        assert_eq!(table.headers, ["Name", "=Odd"]);
        let cells = |row: usize| [0, 1].map(|at| table.records[row].cell(at).to_owned());
        assert_eq!(cells(0), ["=1+1", "+49 30 1"]);
        assert_eq!(cells(1), ["-5", "'quoted'"]);
    }

    #[test]
    fn headers_are_trimmed_named_and_told_apart() {
        let table = read_table("Url ,,url,Notes,Url,\n1,2,3,4,5,\n", Delimiter::Comma).unwrap();
        assert_eq!(
            table.headers,
            ["Url", "Column 2", "url (2)", "Notes", "Url (3)"]
        );
        assert_eq!(table.records[0].problem, None);
    }

    #[test]
    fn lines_are_those_an_editor_shows() {
        for newline in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "1,2", "", "\"x", "y\",4", "5,6", ",", "7,8,9"].join(newline);
            let table = read_table(&text, Delimiter::Comma).unwrap();
            let lines: Vec<u64> = table.records.iter().map(|r| r.line).collect();
            assert_eq!(lines, [2, 4, 6, 8], "{newline:?}");
            assert_eq!(table.blank_rows, 1);
            assert!(
                table.records[3]
                    .problem
                    .as_deref()
                    .unwrap()
                    .contains("has 3 cells")
            );
        }
    }

    #[test]
    fn a_quote_left_open_is_told() {
        let table = read_table("a,b\n1,2\n3,\"4\n5,6\n", Delimiter::Comma).unwrap();
        assert_eq!(table.records[1].line, 3);
        assert!(table.records[1].problem.is_some());
    }

    #[test]
    fn the_delimiter_is_found_whatever_the_cells_hold() {
        for (text, delimiter) in [
            ("a,b\n\"1;2;3\",x\n", Delimiter::Comma),
            ("a;b\n1,5;2,5\n1,0;3,1\n", Delimiter::Semicolon),
            ("a\tb\n1,2\t3;4\n", Delimiter::Tab),
            ("only\none\n", Delimiter::Comma),
        ] {
            assert_eq!(detect_delimiter(text), delimiter, "{text}");
        }
    }

    #[test]
    fn files_without_rows_or_beyond_the_limits_are_refused() {
        for (text, code) in [
            ("a,b\n".to_owned(), "no_rows"),
            (
                format!("{}\n1\n", vec!["h"; 201].join(",")),
                "too_many_columns",
            ),
            (format!("a\n{}", "1\n".repeat(100_001)), "too_many_rows"),
        ] {
            match read_table(&text, Delimiter::Comma).unwrap_err() {
                ImportError::Invalid { code: found, .. } => assert_eq!(found, code),
                other => panic!("{other}"),
            }
        }
    }
}
