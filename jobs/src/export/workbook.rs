//! A sheet as an Excel workbook: real numbers and dates, never a formula. It is
//! written row by row to a file beside the database, so that a large grid costs
//! disk and no memory.

use std::path::Path;

use jiff::{civil, tz::TimeZone};
use rust_decimal::Decimal;
use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::sheet::{Sheet, ShownColumn};
use crate::{
    formula::Value,
    grid::{Column, ColumnType},
};

/// Excel cuts off what is longer, or refuses the file.
const MAX_CHARS: usize = 32_767;
/// Digits that a double keeps.
const EXACT_DIGITS: usize = 15;
/// Cells are cut to one line of this width at most, pixels.
const WIDEST: u16 = 480;

/// Why no workbook was written.
#[derive(Debug, thiserror::Error)]
pub enum WorkbookError {
    /// The file, or its writing.
    #[error("write the workbook: {0}")]
    Write(#[from] XlsxError),
    /// Somebody else ended it.
    #[error("writing the workbook ended early")]
    Ended,
}

impl Sheet {
    /// Writes the workbook to `path`; scratch files lie in `scratch` meanwhile.
    pub fn write_workbook(
        &self,
        path: &Path,
        scratch: &Path,
        title: &str,
    ) -> Result<(), WorkbookError> {
        let mut book = Workbook::new();
        book.set_tempdir(scratch)?;
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name(title))?;
        sheet.set_freeze_panes(1, 1)?;
        let mut looks = Vec::with_capacity(self.columns.len());
        for (at, shown) in (0..).zip(&self.columns) {
            sheet.set_column_width_pixels(at, u32::from(width(shown)))?;
            looks.push(look(&shown.column));
        }
        let head = Format::new().set_bold().set_align(FormatAlign::Top);
        for (at, shown) in (0..).zip(&self.columns) {
            sheet.write_string_with_format(0, at, cut(&shown.column.name), &head)?;
        }
        let zone = &self.table.moment.zone;
        for (row, slot) in (1..).zip(&self.slots) {
            for ((at, shown), look) in (0..).zip(&self.columns).zip(&looks) {
                let Some(column) = self.table.column(&shown.column.id) else {
                    continue;
                };
                let mut cell = Cell {
                    sheet,
                    row,
                    at,
                    look,
                };
                match column.key(*slot) {
                    Value::Blank => {}
                    Value::Number(n) => cell.number(shown.column.kind, *n)?,
                    Value::Boolean(checked) => cell.boolean(*checked)?,
                    Value::Date(day) => cell.date(*day)?,
                    Value::DateTime(stamp) => cell.time(stamp.to_zoned(zone.clone()).datetime())?,
                    Value::Error(error) => cell.text(&format!("#ERROR: {error}"))?,
                    _ => cell.text(&column.text(*slot, &self.table.moment))?,
                }
            }
        }
        let last_row = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        if let Some(last) = u16::try_from(self.columns.len())
            .ok()
            .and_then(|n| n.checked_sub(1))
        {
            sheet.autofilter(0, 0, last_row, last)?;
        }
        book.save(path)?;
        Ok(())
    }

    /// The zone times of a workbook are in.
    pub fn zone(&self) -> &TimeZone {
        &self.table.moment.zone
    }
}

struct Cell<'a> {
    sheet: &'a mut Worksheet,
    row: u32,
    at: u16,
    look: &'a Format,
}

impl Cell<'_> {
    /// A number with more digits than Excel keeps stays text: nothing is rounded
    /// behind anybody's back.
    fn number(&mut self, kind: ColumnType, n: Decimal) -> Result<(), XlsxError> {
        let shown = n.normalize().to_string();
        let is_exact = shown.bytes().filter(u8::is_ascii_digit).count() <= EXACT_DIGITS;
        let value = if kind == ColumnType::Percent {
            n / Decimal::ONE_HUNDRED
        } else {
            n
        };
        match value.to_string().parse::<f64>() {
            Ok(value) if is_exact => {
                self.sheet
                    .write_number_with_format(self.row, self.at, value, self.look)?;
                Ok(())
            }
            _ => self.text(&shown),
        }
    }

    fn boolean(&mut self, checked: bool) -> Result<(), XlsxError> {
        self.sheet.write_boolean(self.row, self.at, checked)?;
        Ok(())
    }

    /// Days before 1900 are text: Excel has none.
    fn date(&mut self, day: civil::Date) -> Result<(), XlsxError> {
        match excel_day(day) {
            Some(value) => {
                self.sheet
                    .write_datetime_with_format(self.row, self.at, value, self.look)?;
                Ok(())
            }
            None => self.text(&day.to_string()),
        }
    }

    fn time(&mut self, at: civil::DateTime) -> Result<(), XlsxError> {
        let part = |n: i8| u8::try_from(n).unwrap_or(0);
        let value = excel_day(at.date()).and_then(|day| {
            let hour = u16::from(part(at.hour()));
            day.and_hms(hour, part(at.minute()), part(at.second())).ok()
        });
        match value {
            Some(value) => {
                self.sheet
                    .write_datetime_with_format(self.row, self.at, value, self.look)?;
                Ok(())
            }
            None => self.text(&at.to_string()),
        }
    }

    /// Always text, whatever it begins with.
    fn text(&mut self, text: &str) -> Result<(), XlsxError> {
        self.sheet.write_string(self.row, self.at, cut(text))?;
        Ok(())
    }
}

fn excel_day(day: civil::Date) -> Option<ExcelDateTime> {
    let year = u16::try_from(day.year()).ok().filter(|y| *y >= 1900)?;
    let part = |n: i8| u8::try_from(n).unwrap_or(1);
    ExcelDateTime::from_ymd(year, part(day.month()), part(day.day())).ok()
}

fn cut(text: &str) -> String {
    if text.encode_utf16().count() <= MAX_CHARS {
        return text.to_owned();
    }
    let mut room = MAX_CHARS - 1;
    let fits = text.chars().take_while(|c| {
        let is_in = c.len_utf16() <= room;
        room = room.saturating_sub(c.len_utf16());
        is_in
    });
    fits.chain(['…']).collect()
}

fn look(column: &Column) -> Format {
    let digits = |usual: usize| {
        let places = column.options.precision.map_or(usual, usize::from);
        if places == 0 {
            String::new()
        } else {
            format!(".{}", "0".repeat(places))
        }
    };
    let format = match column.kind {
        ColumnType::Currency => {
            let code = column.options.currency.as_deref();
            let code = code.filter(|c| c.bytes().all(|b| b.is_ascii_alphanumeric()));
            let before = code.map_or_else(String::new, |code| format!("[${code}] "));
            format!("{before}#,##0{}", digits(2))
        }
        ColumnType::Number if column.options.precision.is_some() => format!("#,##0{}", digits(0)),
        ColumnType::Percent => format!("0{}%", digits(1)),
        ColumnType::Date => "yyyy-mm-dd".to_owned(),
        ColumnType::DateTime => "yyyy-mm-dd hh:mm".to_owned(),
        _ => return Format::new(),
    };
    Format::new().set_num_format(format)
}

fn width(shown: &ShownColumn) -> u16 {
    let usual = match shown.column.kind {
        ColumnType::LongText => 320,
        ColumnType::Text | ColumnType::Contacts | ColumnType::Email | ColumnType::Url => 200,
        ColumnType::Checkbox | ColumnType::Rating => 80,
        _ => 130,
    };
    let name = u16::try_from(shown.column.name.chars().count()).unwrap_or(60);
    let named = name.min(40) * 8 + 24;
    shown.width.unwrap_or(usual).max(named).min(WIDEST)
}

/// Excel takes 31 characters and none of `[]:*?/\`, and no apostrophe at an end.
fn sheet_name(title: &str) -> String {
    let plain: String = title
        .chars()
        .map(|c| {
            if c.is_control() || "[]:*?/\\'".contains(c) {
                ' '
            } else {
                c
            }
        })
        .collect();
    let mut room = 31_usize;
    let name: String = plain
        .trim()
        .chars()
        .take_while(|c| {
            let is_in = c.len_utf16() <= room;
            room = room.saturating_sub(c.len_utf16());
            is_in
        })
        .collect();
    let name = name.trim();
    // "History" is a word Excel keeps for itself.
    if name.is_empty() || name.eq_ignore_ascii_case("history") {
        "Investors".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_have_names_that_excel_takes() {
        for (title, name) in [
            ("Main list", "Main list"),
            ("a/b:c*[d]?", "a b c  d"),
            ("'='", "="),
            ("history", "Investors"),
            ("", "Investors"),
            (
                "an extraordinarily long name of a view",
                "an extraordinarily long name of",
            ),
        ] {
            assert_eq!(sheet_name(title), name);
        }
    }

    #[test]
    fn long_texts_are_cut_with_a_mark() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"😀".repeat(20_000));
        assert!(long.ends_with('…') && long.encode_utf16().count() <= MAX_CHARS);
    }
}
