//! Files that people attach to investors.
//!
//! What is known of a file is in the database; its bytes lie beside it, named by
//! their SHA-256, written once and never changed. The order keeps both together
//! through a crash: bytes first, then the record; the record goes first, then
//! the bytes. So there may be bytes too many, which [`sweep`] removes, and never
//! a record without its bytes.

mod bytes;
mod kind;
mod records;
mod sweep;

pub(crate) use bytes::in_folder;
pub use bytes::{path_of, read};
pub use kind::{ALLOWED, is_shown_inline, media_type};
pub use records::{File, find, of_row, remove, restore};
pub(crate) use sweep::remove_unnamed;
pub use sweep::{KEEP_DELETED, Swept, sweep};

use crate::{
    db::{Db, DbError, WriteTx},
    grid::GridError,
    work,
};

/// Bytes of one file at most.
pub const MAX_BYTES: usize = 25 * 1024 * 1024;
/// Characters of a name at most.
const MAX_NAME_CHARS: usize = 150;

/// Why a file was not kept.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Too many bytes.
    #[error("a file has at most 25 MB: this one is larger")]
    TooLarge,
    /// Not of a kind that is kept.
    #[error("{0}")]
    Refused(String),
    /// What it was to be attached to.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// It could not be read or written.
    #[error("{what}: {error}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// Why not.
        error: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl FileError {
    pub(crate) fn disk(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::Disk { what, error }
    }
}

/// A file on its way in: checked, its bytes stored, its record not yet written.
#[derive(Clone, Debug)]
pub struct Stored {
    name: String,
    media_type: &'static str,
    size: i64,
    sha256: String,
}

/// Checks a file and stores its bytes. What is stored and then not recorded is
/// swept later.
pub async fn store(db: &Db, name: &str, content: Vec<u8>) -> Result<Stored, FileError> {
    if content.len() > MAX_BYTES {
        return Err(FileError::TooLarge);
    }
    let name = clean_name(name);
    let media_type = media_type(&name, &content).map_err(FileError::Refused)?;
    let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
    let sha256 = bytes::write(db, content).await?;
    Ok(Stored {
        name,
        media_type,
        size,
        sha256,
    })
}

/// Records a stored file at an investor. Fails if its bytes were swept since:
/// nothing may be recorded that is not there.
pub async fn attach(
    tx: &mut WriteTx,
    db: &Db,
    stored: &Stored,
    row: &str,
    contact: Option<&str>,
    by: &str,
) -> Result<File, FileError> {
    work::row_is_live(tx, row).await?;
    if let Some(contact) = contact {
        work::contact_exists(tx, contact).await?;
    }
    std::fs::metadata(path_of(db.dir(), &stored.sha256))
        .map_err(FileError::disk("look for the stored file"))?;
    let new = records::NewFile {
        row,
        contact,
        name: &stored.name,
        media_type: stored.media_type,
        size: stored.size,
        sha256: &stored.sha256,
        by,
    };
    Ok(records::add(tx, &new).await?)
}

/// A name that is only ever shown and put into a header: its last part, without
/// what could mean something there.
pub fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_odd = |c: char| {
        c.is_control()
            || "\"<>|:*?".contains(c)
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let clean: String = last.chars().filter(|c| !is_odd(*c)).collect();
    let clean = clean.trim().trim_start_matches('.').trim();
    if clean.is_empty() {
        return "file".to_owned();
    }
    if clean.chars().count() <= MAX_NAME_CHARS {
        return clean.to_owned();
    }
    // The ending says what it is: it stays.
    let (stem, ending) = clean.rsplit_once('.').unwrap_or((clean, ""));
    let ending: String = ending.chars().take(10).collect();
    let stem: String = stem.chars().take(MAX_NAME_CHARS - 12).collect();
    format!("{}.{ending}", stem.trim_end())
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests;
