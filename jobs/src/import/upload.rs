//! Reading an uploaded file before anything is stored: everything that keeps a
//! processor busy happens here, outside any transaction.

use sha2::{Digest, Sha256};

use super::{
    Delimiter, Encoding, ImportError, ImportProfile, Mapping, Overrides, Profile, Table, decode,
    decode::check_size_and_kind, detect_delimiter, on_a_thread, profiles, read_table, store,
    suggest::suggest, xlsx,
};
use crate::{
    db::Db,
    funds::{self, Fund, name_key},
    grid::{self, Column},
    turn,
};

/// Lines shown as they were decoded.
const FIRST_LINES: usize = 6;
/// Characters of each.
const LINE_CHARS: usize = 240;

/// A file that was read, with a suggested mapping: [`super::create`] stores it.
#[derive(Clone, Debug)]
pub struct Upload {
    /// As uploaded, without a path.
    pub file_name: String,
    /// Of the file.
    pub size_bytes: usize,
    /// Of the file, hex.
    pub sha256: String,
    /// What its bytes mean.
    pub encoding: Encoding,
    /// What parts its cells.
    pub delimiter: Delimiter,
    /// The sheet that was read, of a workbook.
    pub sheet: Option<String>,
    /// All sheets of a workbook.
    pub sheets: Vec<String>,
    /// How it begins, decoded.
    pub first_lines: Vec<String>,
    /// Rows below the header.
    pub row_count: usize,
    /// As suggested.
    pub mapping: Mapping,
    /// What each column looks like.
    pub profile: Vec<Profile>,
    /// The saved profile it is taken by.
    pub saved_profile: Option<String>,
    pub(super) zstd: Vec<u8>,
}

/// What a suggestion rests on.
struct Known {
    columns: Vec<Column>,
    funds: Vec<Fund>,
    profiles: Vec<ImportProfile>,
}

/// Reads a file and suggests how its columns are taken.
pub async fn read_upload(
    db: &Db,
    file_name: &str,
    bytes: Vec<u8>,
    overrides: Overrides,
) -> Result<Upload, ImportError> {
    let mut tx = db.read().begin().await?;
    let known = Known {
        columns: grid::columns(&mut tx).await?,
        funds: funds::list(&mut tx).await?,
        profiles: profiles::profiles(&mut tx).await?,
    };
    drop(tx);
    let name = clean_name(file_name);
    let _turn = turn::turn().await;
    on_a_thread(move || digest(name, &bytes, &overrides, &known)).await?
}

/// Reads a stored file again, with another encoding, delimiter or sheet, or to
/// compare its columns with a grid that has changed. [`super::set_upload`] stores it.
pub async fn read_again(db: &Db, id: &str, overrides: Overrides) -> Result<Upload, ImportError> {
    let import = store::load(db, id)
        .await?
        .ok_or_else(|| ImportError::Missing(id.to_owned()))?;
    let zstd = store::load_file(db, id).await?;
    let bytes = on_a_thread(move || unpack(&zstd)).await??;
    read_upload(db, &import.file_name, bytes, overrides).await
}

/// The bytes of a stored file.
pub(super) fn unpack(zstd: &[u8]) -> Result<Vec<u8>, ImportError> {
    zstd::decode_all(zstd).map_err(|e| sqlx::Error::Decode(Box::new(e)).into())
}

/// A file's content, however it was written.
struct Content {
    table: Table,
    encoding: Encoding,
    delimiter: Delimiter,
    sheet: Option<String>,
    sheets: Vec<String>,
    first_lines: Vec<String>,
}

fn content(bytes: &[u8], overrides: &Overrides) -> Result<Content, ImportError> {
    if xlsx::is_archive(bytes) {
        return workbook(bytes, overrides);
    }
    if overrides.encoding == Some(Encoding::Xlsx) || overrides.delimiter == Some(Delimiter::None) {
        return Err(ImportError::invalid(
            "not_a_workbook",
            "encoding",
            "the file is no Excel workbook: choose how its text is written",
        ));
    }
    let (text, encoding) = decode(bytes, overrides.encoding)?;
    let delimiter = overrides
        .delimiter
        .unwrap_or_else(|| detect_delimiter(&text));
    let lines = text.split(['\n', '\r']).filter(|l| !l.trim().is_empty());
    Ok(Content {
        first_lines: lines.take(FIRST_LINES).map(cut).collect(),
        table: read_table(&text, delimiter)?,
        encoding,
        delimiter,
        sheet: None,
        sheets: Vec::new(),
    })
}

fn workbook(bytes: &[u8], overrides: &Overrides) -> Result<Content, ImportError> {
    let is_text = |e: Encoding| e != Encoding::Xlsx;
    if overrides.encoding.is_some_and(is_text)
        || Delimiter::ALL.map(Some).contains(&overrides.delimiter)
    {
        return Err(ImportError::invalid(
            "is_a_workbook",
            "encoding",
            "an Excel workbook has neither encoding nor delimiter: leave both out",
        ));
    }
    if bytes.len() > super::MAX_FILE_BYTES {
        check_size_and_kind(bytes)?;
    }
    let book = xlsx::read(bytes, overrides.sheet.as_deref())?;
    let (headers, records) = (&book.table.headers, &book.table.records);
    let head = std::iter::once(headers.join(" · "));
    let rows = records.iter().map(|r| {
        let cells: Vec<&str> = (0..headers.len()).map(|i| r.cell(i)).collect();
        cells.join(" · ").replace(['\n', '\r'], " ")
    });
    Ok(Content {
        first_lines: head
            .chain(rows)
            .take(FIRST_LINES)
            .map(|l| cut(&l))
            .collect(),
        encoding: Encoding::Xlsx,
        delimiter: Delimiter::None,
        sheet: Some(book.sheet),
        sheets: book.sheets,
        table: book.table,
    })
}

fn cut(line: &str) -> String {
    let shown: String = line
        .chars()
        .filter(|c| !c.is_control() || *c == '\t')
        .take(LINE_CHARS)
        .collect();
    if shown.len() < line.len() {
        shown + "…"
    } else {
        shown
    }
}

fn digest(
    file_name: String,
    bytes: &[u8],
    overrides: &Overrides,
    known: &Known,
) -> Result<Upload, ImportError> {
    let Content {
        table,
        encoding,
        delimiter,
        sheet,
        sheets,
        first_lines,
    } = content(bytes, overrides)?;
    let (mut mapping, profile) = suggest(&table, delimiter, encoding, &known.columns, &known.funds);
    let saved = wanted(
        overrides.profile.as_deref(),
        &known.profiles,
        &table.headers,
    )?;
    if let Some(saved) = saved {
        saved.apply_to(&mut mapping, &profile, &known.columns);
    }
    let row_count = table.records.len();
    let saved_profile = saved.map(|p| p.id.clone());
    drop(table);
    let zstd = zstd::encode_all(bytes, 3).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    Ok(Upload {
        file_name,
        size_bytes: bytes.len(),
        sha256: crate::hex(&Sha256::digest(bytes)),
        encoding,
        delimiter,
        sheet,
        sheets,
        first_lines,
        row_count,
        mapping,
        profile,
        saved_profile,
        zstd,
    })
}

/// The profile that was asked for, or the one used last of those that fit.
fn wanted<'a>(
    asked: Option<&str>,
    all: &'a [ImportProfile],
    headers: &[String],
) -> Result<Option<&'a ImportProfile>, ImportError> {
    match asked.map(str::trim).filter(|a| !a.is_empty()) {
        None => Ok(all.iter().find(|p| p.fits(headers))),
        Some("none") => Ok(None),
        Some(asked) => {
            let key = name_key(asked);
            let found = all
                .iter()
                .find(|p| p.id == asked || name_key(&p.name) == key);
            found.map(Some).ok_or_else(|| {
                ImportError::invalid(
                    "no_such_profile",
                    "profile",
                    format!("there is no profile {asked:?}: leave it out, or take one of the list"),
                )
            })
        }
    }
}

fn clean_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let base: String = base.chars().filter(|c| !c.is_control()).take(200).collect();
    let base = base.trim();
    if base.is_empty() {
        "import.csv".to_owned()
    } else {
        base.to_owned()
    }
}
