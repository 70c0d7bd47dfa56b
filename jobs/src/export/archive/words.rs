//! The words in an archive.

use std::fmt::Write;

use super::{
    make::{KeptFile, Packing},
    tables::Counts,
};
use crate::db::SCHEMA_VERSION;

/// `README.txt`: what is what, and how to check it.
pub(super) fn readme(packing: &Packing, counts: &Counts, kept: &[KeptFile]) -> String {
    let at = jiff::Timestamp::from_millisecond(packing.asked.at).unwrap_or_default();
    let at = at
        .to_zoned(packing.table.moment.zone.clone())
        .strftime("%Y-%m-%d %H:%M %Z");
    let lost: Vec<&KeptFile> = kept
        .iter()
        .filter(|k| k.state != "in the archive")
        .collect();
    let mut text = format!(
        "Everything from Venture CRM, as it was on {at}.

reader/index.html
    Open it in any browser, by a double click. It works without a network and
    without the app: search, sort, and a page for every investor. Unpack the
    archive first; inside a ZIP its parts do not find each other.

csv/
    Tables for any spreadsheet: UTF-8, commas, the first line names the columns.
    A text that begins like a formula (= + - @) has an apostrophe in front, so
    that no spreadsheet runs it. Times are UTC.
"
    );
    for (name, rows) in counts {
        let _ = writeln!(text, "      {name}.csv: {rows} rows");
    }
    let _ = write!(
        text,
        "
files/
    Attached files under their names: {} of {}. csv/files.csv says which belongs
    to whom. They came from many people: open them as carefully as any mail.

crm.db
    The database, an ordinary SQLite file (schema {SCHEMA_VERSION}). Passwords, sessions, API
    tokens, calendar addresses and one-time links are not in it. To look inside:
        sqlite3 crm.db 'select count(*) from grid_rows'
    To run the app on it: make an empty data directory, put crm.db there, start
    crm-api with CRM_DATA_DIR on it, and make a password with
        crm-api admin reset-password --email YOU@EXAMPLE.ORG
    (attached files are found again once they lie under files/ by their SHA-256.)

SHA256SUMS
    How to check that nothing was damaged or changed on the way:
        sha256sum -c SHA256SUMS          (Linux)
        shasum -a 256 -c SHA256SUMS      (macOS)
        sqlite3 crm.db 'pragma integrity_check'      answers: ok
",
        kept.len() - lost.len(),
        kept.len(),
    );
    if !lost.is_empty() {
        text.push_str(
            "\nNot whole\n    The bytes of these attached files were lost or damaged before:\n",
        );
        for file in lost {
            let _ = writeln!(text, "      {}: {}", file.name, file.state);
        }
    }
    let _ = write!(
        text,
        "\nMade by Venture CRM {}. Keep this archive as safe as the CRM itself: it holds\neverything your team knows of its investors.\n",
        packing.asked.version
    );
    text
}
