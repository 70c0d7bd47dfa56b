//! The pages of an archive: a small program for any browser and the data it
//! shows, in scripts that it loads as they are needed. A page from a disk may load
//! scripts and nothing else.

use std::{collections::HashMap, io::Write};

use rust_embed::Embed;
use serde_json::{Value as Json, json};

use super::{
    ArchiveError, details,
    entries::Entries,
    make::{KeptFile, Packing},
};
use crate::{
    formula::Value,
    grid::{
        ColumnType,
        table::{Table, TableColumn, is_derived},
    },
};

/// Investors in one script.
const CHUNK: usize = 2_000;
/// Columns of the list at most; a page of an investor has all.
const LISTED: usize = 7;

#[derive(Embed)]
#[folder = "../static/dist-reader"]
#[allow_missing = true]
struct Reader;

/// Stands in where nobody ran Node before the program was built.
const NO_READER: &str = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Venture CRM</title>\n<h1>The reader is not in this build</h1>\n<p>The tables in the folder csv open in any spreadsheet.</p>\n";

/// Adds program and data.
pub(super) fn add(
    packing: &Packing,
    entries: &mut Entries,
    kept: &[KeptFile],
) -> Result<(), ArchiveError> {
    if Reader::get("index.html").is_none() {
        tracing::warn!("the reader was not built: run `npm run build` in static/");
        entries.add_bytes("reader/index.html", NO_READER.as_bytes())?;
    }
    for name in Reader::iter() {
        if let Some(file) = Reader::get(&name) {
            entries.add_bytes(&format!("reader/{name}"), &file.data)?;
        }
    }
    let table = &packing.table;
    let columns: Vec<&TableColumn> = columns(table);
    let slots = table.order();
    let head = head(packing, &columns, slots.len());
    entries.add_bytes("reader/data.js", script("crmHead", &[&head]).as_bytes())?;
    let files: HashMap<&str, &KeptFile> = kept.iter().map(|k| (k.id.as_str(), k)).collect();
    for (n, chunk) in slots.chunks(CHUNK).enumerate() {
        packing.go_on(
            6,
            &format!("writing pages: {} of {}", n * CHUNK, slots.len()),
        )?;
        let number = n + 1;
        Packing::buffered(entries, &format!("reader/data/rows-{number}.js"), |out| {
            lines(out, "crmRows", number, chunk, |slot| {
                row(table, &columns, slot)
            })
        })?;
        let more = packing
            .handle
            .block_on(details::of(packing, chunk, &files))?;
        Packing::buffered(entries, &format!("reader/data/more-{number}.js"), |out| {
            let mut more = more.into_iter();
            lines(out, "crmMore", number, chunk, |_| {
                more.next().unwrap_or_default()
            })
        })?;
    }
    Ok(())
}

/// A call with JSON in it. JSON is a part of the language since 2019.
fn script(call: &str, parts: &[&Json]) -> String {
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    format!("{call}({});\n", parts.join(","))
}

/// A call with one line for each row, written as it goes.
fn lines(
    out: &mut dyn Write,
    call: &str,
    number: usize,
    slots: &[u32],
    mut line: impl FnMut(u32) -> Json,
) -> Result<(), ArchiveError> {
    let failed = || ArchiveError::file("write pages");
    write!(out, "{call}({number},[").map_err(failed())?;
    for (n, slot) in slots.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        write!(out, "{comma}\n{}", line(*slot)).map_err(failed())?;
    }
    out.write_all(b"\n]);\n").map_err(failed())
}

/// Stored columns, then the derived ones that say something about an investor.
fn columns(table: &Table) -> Vec<&TableColumn> {
    let all = table.columns().iter();
    let used = |c: &&TableColumn| c.codes().iter().any(|code| *code != 0);
    all.filter(|c| !is_derived(&c.column.id) || used(c))
        .collect()
}

fn head(packing: &Packing, columns: &[&TableColumn], rows: usize) -> Json {
    let table = &packing.table;
    let mut listed = 0;
    let columns: Vec<Json> = columns
        .iter()
        .map(|c| {
            let is_listed = !c.column.hidden
                && !matches!(c.kind, ColumnType::LongText | ColumnType::Url)
                && listed < LISTED;
            listed += usize::from(is_listed);
            json!({
                "name": c.column.name,
                "kind": kind(c.kind),
                "listed": is_listed,
                "derived": is_derived(&c.column.id),
            })
        })
        .collect();
    let at = jiff::Timestamp::from_millisecond(packing.asked.at).unwrap_or_default();
    json!({
        "made": at.to_zoned(table.moment.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        "version": packing.asked.version,
        "zone": table.moment.zone.iana_name().unwrap_or("UTC"),
        "funds": table.names.funds.iter().map(|f| &f.name).collect::<Vec<_>>(),
        "columns": columns,
        "rows": rows,
        "chunk": CHUNK,
    })
}

/// How the reader shows and sorts a column.
fn kind(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Number | ColumnType::Currency | ColumnType::Percent | ColumnType::Rating => {
            "number"
        }
        ColumnType::Date | ColumnType::DateTime => "date",
        ColumnType::Url => "url",
        ColumnType::Email => "email",
        ColumnType::LongText => "long",
        _ => "text",
    }
}

/// Id, whether it is archived, and its cells as people read them.
fn row(table: &Table, columns: &[&TableColumn], slot: u32) -> Json {
    let head = table.head(slot);
    let id = head.map(|h| h.id.to_string()).unwrap_or_default();
    let archived = u8::from(head.is_some_and(|h| h.archived));
    let cells = columns.iter().map(|c| Json::from(cell(table, c, slot)));
    [id.into(), archived.into()]
        .into_iter()
        .chain(cells)
        .collect()
}

fn cell(table: &Table, column: &TableColumn, slot: u32) -> String {
    match column.key(slot) {
        // One way for all, which sorts.
        Value::Date(day) => day.to_string(),
        Value::DateTime(at) => at
            .to_zoned(table.moment.zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string(),
        Value::Boolean(checked) => if *checked { "yes" } else { "" }.to_owned(),
        Value::Error(error) => format!("#ERROR: {error}"),
        _ => column.text(slot, &table.moment),
    }
}
