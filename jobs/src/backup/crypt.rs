//! Encrypting backups to a public key with age.
//!
//! Each encrypted backup is sealed for two readers: the admin's key, which opens
//! it when the box is gone, and the box's own, with which it is verified and
//! drilled from its stored bytes. The box's key is made on first use and is in
//! no backup.

use std::{
    fs,
    io::{self, BufRead, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use age::{
    armor::{ArmoredWriter, Format},
    secrecy::ExposeSecret,
    stream::{StreamReader, StreamWriter},
    x25519::{Identity, Recipient},
};
use sha2::{Digest, Sha256};

/// In the data directory.
const FOLDER: &str = "keys";
const OWN: &str = "backup-identity.txt";

/// Secret keys that may open a backup.
#[derive(Clone, Default)]
pub struct Keys(Vec<Identity>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

impl Keys {
    /// The box's own key, if it has one yet.
    pub fn of_box(data_dir: &Path) -> io::Result<Self> {
        match fs::read_to_string(data_dir.join(FOLDER).join(OWN)) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Keys from a file as `age-keygen` writes it.
    pub fn from_file(path: &Path) -> io::Result<Self> {
        Self::parse(&fs::read_to_string(path)?)
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    fn parse(text: &str) -> io::Result<Self> {
        let lines = text.lines().map(str::trim);
        let keys: Result<Vec<Identity>, _> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::parse)
            .collect();
        match keys {
            Ok(keys) if !keys.is_empty() => Ok(Self(keys)),
            _ => Err(invalid(
                "the key file has no line that begins with AGE-SECRET-KEY-1",
            )),
        }
    }
}

fn invalid(says: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, says.into())
}

/// The box's own key, made on first use.
fn own_recipient(data_dir: &Path) -> io::Result<Recipient> {
    let folder = data_dir.join(FOLDER);
    let path = folder.join(OWN);
    if !path.exists() {
        fs::create_dir_all(&folder)?;
        use_owner_only(&folder)?;
        let made = Identity::generate();
        let partial = folder.join(format!("{OWN}.tmp"));
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&partial)?;
        writeln!(
            file,
            "# Opens this box's encrypted backups. Never copy it into one.\n# public key: {}\n{}",
            made.to_public(),
            made.to_string().expose_secret()
        )?;
        file.sync_all()?;
        fs::rename(&partial, &path)?;
        fs::File::open(&folder)?.sync_all()?;
    }
    let own = Keys::of_box(data_dir)?;
    own.0
        .first()
        .map(Identity::to_public)
        .ok_or_else(|| invalid("the box's key file is empty"))
}

fn use_owner_only(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

/// For whom a backup is sealed.
pub(super) struct Readers {
    admin: Recipient,
    own: Recipient,
    /// Names files sealed for this pair.
    pub(super) tag: String,
}

impl Readers {
    pub(super) fn new(data_dir: &Path, recipient: &str) -> io::Result<Self> {
        Ok(Self {
            admin: parse_recipient(recipient).map_err(invalid)?,
            own: own_recipient(data_dir)?,
            tag: tag(recipient),
        })
    }

    /// Seals what is written; the writer must be finished.
    pub(super) fn seal<W: Write>(&self, out: W) -> io::Result<StreamWriter<W>> {
        let both: [&dyn age::Recipient; 2] = [&self.admin, &self.own];
        age::Encryptor::with_recipients(both.into_iter())
            .map_err(io::Error::other)?
            .wrap_output(out)
    }
}

/// Names a recipient in file names.
pub(super) fn tag(recipient: &str) -> String {
    crate::hex(&Sha256::digest(recipient)[..4])
}

/// A public key as people paste it.
pub fn parse_recipient(text: &str) -> Result<Recipient, &'static str> {
    text.trim()
        .parse()
        .map_err(|_| "this is no age public key: it begins with age1 and has 62 characters")
}

/// Whether these bytes begin an age file.
pub(super) fn is_sealed(head: &[u8]) -> bool {
    head.starts_with(b"age-encryption.org/")
}

/// Opens what was sealed.
pub(super) fn open<R: Read>(sealed: R, keys: &Keys) -> io::Result<StreamReader<R>> {
    if keys.0.is_empty() {
        return Err(invalid(
            "the backup is encrypted, and there is no key here to open it: give one with --identity KEY.txt",
        ));
    }
    let decryptor = age::Decryptor::new(sealed).map_err(|e| invalid(e.to_string()))?;
    decryptor
        .decrypt(keys.0.iter().map(|key| key as &dyn age::Identity))
        .map_err(|e| invalid(format!("the encrypted backup does not open: {e}")))
}

/// A phrase sealed for somebody, as text: who can read it holds the key.
pub fn sealed_phrase(recipient: &str, phrase: &str) -> Result<String, String> {
    let reader = parse_recipient(recipient)?;
    let seal = || -> io::Result<String> {
        let both: [&dyn age::Recipient; 1] = [&reader];
        let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut out = age::Encryptor::with_recipients(both.into_iter())
            .map_err(io::Error::other)?
            .wrap_output(armor)?;
        out.write_all(phrase.as_bytes())?;
        let bytes = out.finish()?.finish()?;
        String::from_utf8(bytes).map_err(io::Error::other)
    };
    seal().map_err(|e| e.to_string())
}

/// Looks at the first bytes without taking them.
pub(super) fn peek<R: Read>(source: &mut io::BufReader<R>) -> io::Result<Vec<u8>> {
    Ok(source.fill_buf()?.iter().take(32).copied().collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn both_readers_open_it_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let admin = Identity::generate();
        let recipient = admin.to_public().to_string();
        let readers = Readers::new(dir.path(), &recipient).unwrap();
        let mut out = readers.seal(Vec::new()).unwrap();
        out.write_all(b"the database").unwrap();
        let sealed = out.finish().unwrap();
        assert!(is_sealed(&sealed));
        for keys in [Keys(vec![admin]), Keys::of_box(dir.path()).unwrap()] {
            let mut text = String::new();
            open(&sealed[..], &keys)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, "the database");
        }
        assert!(open(&sealed[..], &Keys(vec![Identity::generate()])).is_err());
        assert!(open(&sealed[..], &Keys::default()).is_err());
        let mode = fs::metadata(dir.path().join(FOLDER).join(OWN))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_phrase_comes_back_from_its_armor() {
        let key = Identity::generate();
        let armored = sealed_phrase(&key.to_public().to_string(), "eleven brown herons").unwrap();
        assert!(armored.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
        let mut text = String::new();
        open(
            age::armor::ArmoredReader::new(armored.as_bytes()),
            &Keys(vec![key]),
        )
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
        assert_eq!(text, "eleven brown herons");
        assert!(sealed_phrase("age1nonsense", "x").is_err());
    }
}
