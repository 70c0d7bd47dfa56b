//! Between a database file and its stored form: zstd, and age around it.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::crypt::{self, Keys, Readers};

const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What was stored.
pub(super) struct Stored {
    pub(super) sha256: String,
    pub(super) size_bytes: u64,
    pub(super) database_bytes: u64,
}

/// Compresses `copy` to `target`, sealed if there are readers: written beside it,
/// synced, then renamed, so that the target is whole or absent.
pub(super) fn pack(copy: &Path, target: &Path, readers: Option<&Readers>) -> io::Result<Stored> {
    let partial = partial(target);
    let mut source = File::open(copy)?;
    let mut hashing = Hashing::new(BufWriter::new(File::create(&partial)?));
    let database_bytes = if let Some(readers) = readers {
        let mut encoder = zstd::stream::Encoder::new(readers.seal(&mut hashing)?, 3)?;
        let bytes = io::copy(&mut source, &mut encoder)?;
        encoder.finish()?.finish()?;
        bytes
    } else {
        let mut encoder = zstd::stream::Encoder::new(&mut hashing, 3)?;
        let bytes = io::copy(&mut source, &mut encoder)?;
        encoder.finish()?;
        bytes
    };
    let (sha256, size_bytes) = hashing.finish()?;
    std::fs::rename(&partial, target)?;
    sync_folder(target)?;
    Ok(Stored {
        sha256,
        size_bytes,
        database_bytes,
    })
}

/// Opens and unpacks a stored file, at most `cap` bytes of it. Its first bytes
/// say what it is: sealed, compressed, or a database as it is.
pub(crate) fn unpack(source: &Path, target: &Path, keys: &Keys, cap: u64) -> io::Result<u64> {
    let mut file = BufReader::new(File::open(source)?);
    if crypt::is_sealed(&crypt::peek(&mut file)?) {
        let opened = BufReader::new(crypt::open(file, keys)?);
        return expand(opened, target, cap);
    }
    expand(file, target, cap)
}

fn expand<R: Read>(mut source: BufReader<R>, target: &Path, cap: u64) -> io::Result<u64> {
    let head = crypt::peek(&mut source)?;
    if head.starts_with(&ZSTD) {
        let mut decoder = zstd::stream::Decoder::with_buffer(source)?;
        return capped(&mut decoder, target, cap);
    }
    if head.starts_with(SQLITE) {
        return capped(&mut source, target, cap);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "it is neither an SQLite database nor one compressed with zstd",
    ))
}

fn capped(source: &mut impl Read, target: &Path, cap: u64) -> io::Result<u64> {
    let mut out = File::create(target)?;
    let size = io::copy(&mut source.take(cap.saturating_add(1)), &mut out)?;
    if size > cap {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it unpacks to more than {cap} bytes"),
        ));
    }
    out.sync_all()?;
    Ok(size)
}

/// Opens one sealed file of plain content.
pub(super) fn unseal(source: &Path, keys: &Keys) -> io::Result<impl Read + use<>> {
    crypt::open(BufReader::new(File::open(source)?), keys)
}

/// Where a file is written before it has its name.
pub(super) fn partial(target: &Path) -> std::path::PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    target.with_file_name(name)
}

/// Writes a small file whole or not at all.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let partial = partial(path);
    let mut file = File::create(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    sync_folder(path)
}

/// Makes a rename durable.
pub(super) fn sync_folder(of: &Path) -> io::Result<()> {
    of.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// SHA-256 and size of what is read.
pub(crate) fn digest(source: &mut impl Read) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let n = source.read(&mut piece)?;
        if n == 0 {
            return Ok((crate::hex(&hash.finalize()), size));
        }
        hash.update(&piece[..n]);
        size += n as u64;
    }
}

/// Writes through, hashing and counting what is stored.
struct Hashing {
    out: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl Hashing {
    fn new(out: BufWriter<File>) -> Self {
        Self {
            out,
            hash: Sha256::new(),
            size: 0,
        }
    }

    fn finish(self) -> io::Result<(String, u64)> {
        let file = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok((crate::hex(&self.hash.finalize()), self.size))
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
