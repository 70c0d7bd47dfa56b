//! Writing the ZIP, entry by entry, with the checksum of each.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::ArchiveError;
use crate::export::guarded;

/// The ZIP being written.
pub(super) struct Entries {
    zip: ZipWriter<BufWriter<File>>,
    options: SimpleFileOptions,
    /// SHA-256 and name, as `sha256sum -c` reads them.
    sums: String,
}

/// How an entry is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    /// Made smaller.
    Yes,
    /// As it is: it is small already, as pictures and PDFs are.
    No,
}

impl Entries {
    pub(super) fn create(path: &Path, made_at: i64) -> Result<Self, ArchiveError> {
        let file = File::create(path).map_err(ArchiveError::file("make the archive"))?;
        let at = jiff::Timestamp::from_millisecond(made_at)
            .unwrap_or_default()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .datetime();
        let part = |n: i8| u8::try_from(n).unwrap_or(1);
        let modified = zip::DateTime::from_date_and_time(
            u16::try_from(at.year()).unwrap_or(1980),
            part(at.month()),
            part(at.day()),
            part(at.hour()),
            part(at.minute()),
            part(at.second()),
        );
        let options = SimpleFileOptions::default()
            .last_modified_time(modified.unwrap_or_default())
            .unix_permissions(0o644);
        Ok(Self {
            zip: ZipWriter::new(BufWriter::new(file)),
            options,
            sums: String::new(),
        })
    }

    /// Adds an entry. What `write` returns is handed on. `size` is that of large
    /// entries, if known: beyond 4 GB the format needs to know.
    pub(super) fn add<T>(
        &mut self,
        name: &str,
        pressed: Pressed,
        write: impl FnOnce(&mut Entry<'_>) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        let method = match pressed {
            Pressed::Yes => CompressionMethod::Deflated,
            Pressed::No => CompressionMethod::Stored,
        };
        // Every entry may pass 4 GB; saying so costs twenty bytes.
        let options = self.options.compression_method(method).large_file(true);
        self.zip.start_file(name, options)?;
        let mut entry = Entry {
            zip: &mut self.zip,
            hash: Sha256::new(),
        };
        let made = write(&mut entry)?;
        let sum = crate::hex(&entry.hash.finalize());
        self.sums.extend([sum.as_str(), "  ", name, "\n"]);
        Ok(made)
    }

    /// Adds an entry from memory.
    pub(super) fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.add(name, Pressed::Yes, |entry| entry.put(bytes))
    }

    /// Adds a file. Returns its SHA-256 and size.
    pub(super) fn add_file(
        &mut self,
        name: &str,
        pressed: Pressed,
        path: &Path,
    ) -> Result<(String, u64), ArchiveError> {
        let what = || format!("add {name}");
        let mut file = File::open(path).map_err(ArchiveError::file(what()))?;
        self.add(name, pressed, |entry| {
            let size = io::copy(&mut file, entry).map_err(ArchiveError::file(what()))?;
            Ok((crate::hex(&entry.hash.clone().finalize()), size))
        })
    }

    /// Adds the checksums and ends the file: on the disk, whole.
    pub(super) fn finish(mut self) -> Result<(), ArchiveError> {
        let sums = std::mem::take(&mut self.sums);
        self.add_bytes("SHA256SUMS", sums.as_bytes())?;
        let out = self.zip.finish()?;
        let ended = out.into_inner().map_err(io::IntoInnerError::into_error);
        ended
            .and_then(|file| file.sync_all())
            .map_err(ArchiveError::file("end the archive"))
    }
}

/// What an entry is written to.
pub(super) struct Entry<'a> {
    zip: &'a mut ZipWriter<BufWriter<File>>,
    hash: Sha256,
}

impl Entry<'_> {
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.write_all(bytes)
            .map_err(ArchiveError::file("write the archive"))
    }
}

impl Write for Entry<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.zip.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

/// A CSV inside an entry: UTF-8 with its mark, as Excel wants it.
pub(super) struct Table<W: Write> {
    out: csv::Writer<W>,
    numbers: Vec<bool>,
    pub(super) rows: usize,
}

impl<W: Write> Table<W> {
    /// A header that ends in `#` is of a column of numbers, which need no guard.
    pub(super) fn new(mut to: W, headers: &[&str]) -> Result<Self, ArchiveError> {
        let failed = || ArchiveError::file("write a table");
        to.write_all(b"\xef\xbb\xbf").map_err(failed())?;
        let mut out = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(to);
        out.write_record(headers.iter().map(|h| h.trim_end_matches('#')))
            .map_err(|e| failed()(e.into()))?;
        Ok(Self {
            out,
            numbers: headers.iter().map(|h| h.ends_with('#')).collect(),
            rows: 0,
        })
    }

    pub(super) fn row(
        &mut self,
        cells: impl Iterator<Item = Option<String>>,
    ) -> Result<(), ArchiveError> {
        let cells = cells.enumerate().map(|(at, cell)| {
            let cell = cell.unwrap_or_default();
            if self.numbers.get(at).copied().unwrap_or(false) {
                cell
            } else {
                guarded(cell)
            }
        });
        self.out
            .write_record(cells.collect::<Vec<_>>())
            .map_err(|e| ArchiveError::file("write a table")(e.into()))?;
        self.rows += 1;
        Ok(())
    }

    /// As they are: guarded already.
    pub(super) fn raw(&mut self, cells: impl Iterator<Item = String>) -> Result<(), ArchiveError> {
        self.out
            .write_record(cells)
            .map_err(|e| ArchiveError::file("write a table")(e.into()))?;
        self.rows += 1;
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<usize, ArchiveError> {
        self.out
            .flush()
            .map_err(ArchiveError::file("write a table"))?;
        Ok(self.rows)
    }
}

/// Reads every entry back: the ZIP's own checksums must hold. Returns SHA-256 and
/// size of the whole file.
pub(super) fn verify(path: &Path) -> Result<(String, u64), ArchiveError> {
    let open = || File::open(path).map_err(ArchiveError::file("read the archive back"));
    let mut zip = ZipArchive::new(io::BufReader::new(open()?))?;
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at)?;
        io::copy(&mut entry, &mut io::sink())
            .map_err(ArchiveError::file("read the archive back"))?;
    }
    let (mut hash, mut size, mut file) = (Sha256::new(), 0_u64, open()?);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = file
            .read(&mut buffer)
            .map_err(ArchiveError::file("read the archive back"))?;
        if n == 0 {
            return Ok((crate::hex(&hash.finalize()), size));
        }
        hash.update(&buffer[..n]);
        size += n as u64;
    }
}
