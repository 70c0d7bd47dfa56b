//! Bytes → text: which encoding a file is in.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ImportError;

/// Largest file taken.
pub const MAX_FILE_BYTES: usize = 50 * 1024 * 1024;

/// How a file's bytes stand for text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// UTF-8 without a byte order mark.
    Utf8,
    /// UTF-8 with one, as Airtable and Excel write it.
    Utf8Bom,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows-1252, of which Latin-1 is a part.
    Cp1252,
    /// An Excel workbook, which says itself what its bytes mean.
    Xlsx,
}

impl Encoding {
    /// Those a text file may be in, in the order menus show.
    pub const ALL: [Self; 5] = [
        Self::Utf8,
        Self::Utf8Bom,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Cp1252,
    ];

    /// As stored and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf8",
            Self::Utf8Bom => "utf8_bom",
            Self::Utf16Le => "utf16_le",
            Self::Utf16Be => "utf16_be",
            Self::Cp1252 => "cp1252",
            Self::Xlsx => "xlsx",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 with BOM",
            Self::Utf16Le => "UTF-16 (little endian)",
            Self::Utf16Be => "UTF-16 (big endian)",
            Self::Cp1252 => "Windows-1252",
            Self::Xlsx => "Excel workbook",
        }
    }

    /// The encoding of this stored name.
    pub fn parse(name: &str) -> Option<Self> {
        let mut known = Self::ALL.into_iter().chain([Self::Xlsx]);
        known.find(|e| e.as_str() == name)
    }
}

/// The file's text without its byte order mark, and the encoding it was in.
/// `wanted` overrides what the bytes look like.
pub fn decode(
    bytes: &[u8],
    wanted: Option<Encoding>,
) -> Result<(Cow<'_, str>, Encoding), ImportError> {
    check_size_and_kind(bytes)?;
    let encoding = match wanted {
        Some(encoding) => encoding,
        None => detect(bytes)?,
    };
    let text = match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom => {
            let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(body).map_err(|e| {
                ImportError::invalid(
                    "bad_encoding",
                    "encoding",
                    format!(
                        "byte {} is not UTF-8: choose Windows-1252 instead",
                        e.valid_up_to()
                    ),
                )
            })?;
            Some(Cow::Borrowed(text))
        }
        Encoding::Utf16Le => {
            utf16(UTF_16LE, bytes.strip_prefix(b"\xff\xfe").unwrap_or(bytes)).map(Cow::Owned)
        }
        Encoding::Utf16Be => {
            utf16(UTF_16BE, bytes.strip_prefix(b"\xfe\xff").unwrap_or(bytes)).map(Cow::Owned)
        }
        Encoding::Cp1252 => Some(WINDOWS_1252.decode_without_bom_handling(bytes).0),
        Encoding::Xlsx => return Err(binary()),
    }
    .ok_or_else(|| {
        ImportError::invalid(
            "bad_encoding",
            "encoding",
            "the file is not valid UTF-16: save it as CSV in UTF-8",
        )
    })?;
    if text.contains('\0') {
        return Err(binary());
    }
    if text.trim().is_empty() {
        return Err(empty());
    }
    Ok((text, encoding))
}

pub(super) fn check_size_and_kind(bytes: &[u8]) -> Result<(), ImportError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ImportError::invalid(
            "file_too_large",
            "file",
            "the file is larger than 50 MB: export fewer columns or split it",
        ));
    }
    if bytes.is_empty() {
        return Err(empty());
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(ImportError::invalid(
            "not_csv",
            "file",
            "the file is a spreadsheet of the old kind: save it as CSV or XLSX",
        ));
    }
    if bytes.starts_with(b"PK\x03\x04")
        || bytes.starts_with(b"%PDF")
        || bytes.starts_with(b"\x89PNG")
    {
        return Err(binary());
    }
    Ok(())
}

fn detect(bytes: &[u8]) -> Result<Encoding, ImportError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Ok(Encoding::Utf8Bom);
    }
    if bytes.starts_with(b"\xff\xfe") {
        return Ok(Encoding::Utf16Le);
    }
    if bytes.starts_with(b"\xfe\xff") {
        return Ok(Encoding::Utf16Be);
    }
    if bytes.contains(&0) {
        return unmarked_utf16(bytes).ok_or_else(binary);
    }
    Ok(if std::str::from_utf8(bytes).is_ok() {
        Encoding::Utf8
    } else {
        Encoding::Cp1252
    })
}

/// UTF-16 without its mark: of each pair of bytes in a header, one is zero, and
/// always the same one.
fn unmarked_utf16(bytes: &[u8]) -> Option<Encoding> {
    let sample = &bytes[..bytes.len().min(1_024)];
    let zeros = |first: usize| {
        sample
            .iter()
            .skip(first)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let enough = sample.len() / 4;
    match (bytes.len() % 2, zeros(0), zeros(1)) {
        (0, 0, odd) if odd > enough => Some(Encoding::Utf16Le),
        (0, even, 0) if even > enough => Some(Encoding::Utf16Be),
        _ => None,
    }
}

fn utf16(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> Option<String> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
}

fn binary() -> ImportError {
    ImportError::invalid(
        "not_csv",
        "file",
        "the file is not text: save it as CSV in UTF-8",
    )
}

fn empty() -> ImportError {
    ImportError::invalid(
        "empty_file",
        "file",
        "the file is empty: export it again with a header line and rows",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_reads_the_same() {
        let text = "Näme,€\n1,2\n";
        let utf16 = |le: bool| -> Vec<u8> {
            std::iter::once(0xfeff)
                .chain(text.encode_utf16())
                .flat_map(|u| if le { u.to_le_bytes() } else { u.to_be_bytes() })
                .collect()
        };
        let mut bom = b"\xef\xbb\xbf".to_vec();
        bom.extend_from_slice(text.as_bytes());
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            (bom, Encoding::Utf8Bom),
            (utf16(true), Encoding::Utf16Le),
            (utf16(false), Encoding::Utf16Be),
            (b"N\xe4me,\x80\n1,2\n".to_vec(), Encoding::Cp1252),
            (utf16(true)[2..].to_vec(), Encoding::Utf16Le),
            (utf16(false)[2..].to_vec(), Encoding::Utf16Be),
        ] {
            assert_eq!(decode(&bytes, None).unwrap(), (text.into(), encoding));
            assert_eq!(Encoding::parse(encoding.as_str()), Some(encoding));
        }
    }

    #[test]
    fn what_is_no_csv_is_refused_with_the_fix() {
        for (bytes, fix) in [
            (&b""[..], "export it again"),
            (b" \n ", "export it again"),
            (b"PK\x03\x04abc", "save it as CSV"),
            (b"a\0b", "save it as CSV"),
            (b"\xff\xfea", "UTF-8"),
        ] {
            let error = decode(bytes, None).unwrap_err().to_string();
            assert!(error.contains(fix), "{error}");
        }
        let error = decode(b"\xe4", Some(Encoding::Utf8))
            .unwrap_err()
            .to_string();
        assert!(error.contains("Windows-1252"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            for wanted in Encoding::ALL.into_iter().map(Some).chain([None]) {
                let _ = decode(&bytes, wanted);
            }
        }
    }
}
