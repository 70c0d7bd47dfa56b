//! Reading an uploaded file before anything is stored: everything that keeps a
//! processor busy happens here, outside any transaction.

use sha2::{Digest, Sha256};

use super::{
    Delimiter, Encoding, ImportError, Mapping, Overrides, Profile, decode, detect_delimiter,
    on_a_thread, read_table, store, suggest::suggest,
};
use crate::{
    db::Db,
    funds::{self, Fund},
    grid::{self, Column},
};

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
    /// Rows below the header.
    pub row_count: usize,
    /// As suggested.
    pub mapping: Mapping,
    /// What each column looks like.
    pub profile: Vec<Profile>,
    pub(super) zstd: Vec<u8>,
}

/// Reads a file and suggests how its columns are taken.
pub async fn read_upload(
    db: &Db,
    file_name: &str,
    bytes: Vec<u8>,
    overrides: Overrides,
) -> Result<Upload, ImportError> {
    let mut tx = db.read().begin().await?;
    let (columns, funds) = (grid::columns(&mut tx).await?, funds::list(&mut tx).await?);
    drop(tx);
    let name = clean_name(file_name);
    on_a_thread(move || digest(name, &bytes, overrides, &columns, &funds)).await?
}

/// Reads a stored file again, with another encoding or delimiter, or to compare
/// its columns with a grid that has changed. [`super::set_upload`] stores it.
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

fn digest(
    file_name: String,
    bytes: &[u8],
    overrides: Overrides,
    columns: &[Column],
    funds: &[Fund],
) -> Result<Upload, ImportError> {
    let (text, encoding) = decode(bytes, overrides.encoding)?;
    let delimiter = overrides
        .delimiter
        .unwrap_or_else(|| detect_delimiter(&text));
    let table = read_table(&text, delimiter)?;
    let (mapping, profile) = suggest(&table, delimiter, encoding, columns, funds);
    let zstd = zstd::encode_all(bytes, 3).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    Ok(Upload {
        file_name,
        size_bytes: bytes.len(),
        sha256: crate::hex(&Sha256::digest(bytes)),
        encoding,
        delimiter,
        row_count: table.records.len(),
        mapping,
        profile,
        zstd,
    })
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
