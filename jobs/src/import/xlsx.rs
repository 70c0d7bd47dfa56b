//! Workbooks: one sheet as a table, within bounds.

use std::io::{Cursor, Read};

use calamine::{Data, DataRef, ExcelDateTime, Reader, Xlsx};

use super::{
    ImportError, Table,
    table::{Builder, too_many_columns},
};
use crate::grid::MAX_COLUMNS;

/// All parts of a workbook together, unpacked: a bomb is told before it is read.
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;
/// Parts a workbook has at most.
const MAX_PARTS: usize = 2_000;
/// Cells right of the columns we take: looked at, to tell of them.
const BEYOND: usize = 56;

/// A sheet, and what others there are.
pub(super) struct Book {
    pub(super) table: Table,
    pub(super) sheets: Vec<String>,
    pub(super) sheet: String,
}

/// Whether these bytes are a workbook of the newer kind, or some other archive.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Reads a sheet: the wanted one, or the first that has rows.
pub(super) fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Book, ImportError> {
    check_size(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|e| unreadable(&e))?;
    let sheets = book.sheet_names();
    if let Some(wanted) = wanted {
        if !sheets.iter().any(|s| s == wanted) {
            return Err(ImportError::invalid(
                "no_such_sheet",
                "sheet",
                format!(
                    "there is no sheet {wanted:?}: use one of {}",
                    sheets.join(", ")
                ),
            ));
        }
        let table = sheet(&mut book, wanted)?;
        return Ok(Book {
            table,
            sheet: wanted.to_owned(),
            sheets,
        });
    }
    let mut first = None;
    for name in &sheets {
        match sheet(&mut book, name) {
            Ok(table) => {
                return Ok(Book {
                    table,
                    sheet: name.clone(),
                    sheets: sheets.clone(),
                });
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(super::table::no_rows))
}

/// Unpacks all parts once, keeping nothing: what an archive says of its own sizes
/// may be a lie.
fn check_size(bytes: &[u8]) -> Result<(), ImportError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| no_workbook())?;
    if archive.len() > MAX_PARTS {
        return Err(too_large());
    }
    if archive.index_for_name("xl/workbook.xml").is_none() {
        return Err(no_workbook());
    }
    let mut left = MAX_UNPACKED;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|e| unreadable(&e))?;
        let read = std::io::copy(&mut part.take(left + 1), &mut std::io::sink())
            .map_err(|e| unreadable(&e))?;
        left = left.checked_sub(read).ok_or_else(too_large)?;
    }
    Ok(())
}

fn no_workbook() -> ImportError {
    ImportError::invalid(
        "not_csv",
        "file",
        "the file is an archive, and no Excel workbook: save it as CSV or XLSX",
    )
}

fn too_large() -> ImportError {
    ImportError::invalid(
        "file_too_large",
        "file",
        "the workbook is larger than 256 MB once it is unpacked: save its sheet as CSV, or split it",
    )
}

fn unreadable(error: &dyn std::fmt::Display) -> ImportError {
    ImportError::invalid(
        "unreadable",
        "file",
        format!("the workbook cannot be read ({error}): open it, save it anew or as CSV"),
    )
}

fn sheet(book: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Table, ImportError> {
    let mut cells = book
        .worksheet_cells_reader(name)
        .map_err(|e| unreadable(&e))?;
    let mut rows = Builder::default();
    let mut row: Vec<String> = Vec::new();
    let mut at: Option<u32> = None;
    while let Some(cell) = cells.next_cell().map_err(|e| unreadable(&e))? {
        let (line, column) = cell.get_position();
        if at != Some(line) {
            if let Some(at) = at {
                rows.push(u64::from(at) + 1, &std::mem::take(&mut row))?;
            }
            at = Some(line);
        }
        let text = text(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        let column = column as usize;
        if column >= MAX_COLUMNS + BEYOND {
            return Err(too_many_columns());
        }
        if row.len() <= column {
            row.resize(column + 1, String::new());
        }
        row[column] = text;
    }
    if let Some(at) = at {
        rows.push(u64::from(at) + 1, &row)?;
    }
    rows.finish()
}

/// A cell as a CSV file would say it: dates as ISO, numbers without the noise of
/// binary fractions, ticks as Airtable writes them.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::DateTime(at) => moment(at),
        other => match Data::from(other.clone()) {
            Data::Empty | Data::Bool(false) => String::new(),
            Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text,
            Data::Int(n) => n.to_string(),
            Data::Float(n) => number(n),
            Data::Bool(true) => "checked".to_owned(),
            Data::Error(error) => error.to_string(),
            Data::DateTime(at) => moment(&at),
        },
    }
}

/// Fifteen digits, as Excel shows: `0.1 + 0.2` is `0.3`.
fn number(n: f64) -> String {
    if !n.is_finite() {
        return String::new();
    }
    let rounded: f64 = format!("{n:.14e}").parse().unwrap_or(n);
    // Also what is below zero by nothing is zero.
    if rounded == 0.0 {
        return "0".to_owned();
    }
    rounded.to_string()
}

fn moment(at: &ExcelDateTime) -> String {
    let days = at.as_f64();
    if at.is_duration() || (0.0..1.0).contains(&days) {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "seconds of a duration, rounded"
        )]
        let seconds = (days * 86_400.0).round() as i64;
        let (sign, s) = (if seconds < 0 { "-" } else { "" }, seconds.abs());
        return format!("{sign}{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60);
    }
    let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    if (hour, minute, second, milli) == (0, 0, 0, 0) {
        return date;
    }
    format!("{date} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_no_noise() {
        for (n, text) in [
            (0.1 + 0.2, "0.3"),
            (1_234_567.0, "1234567"),
            (-0.0, "0"),
            (2.5, "2.5"),
            (1e15, "1000000000000000"),
            (-166_666.67, "-166666.67"),
            (1.1 * 3.0, "3.3"),
        ] {
            assert_eq!(number(n), text);
        }
    }
}
