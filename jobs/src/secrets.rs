//! Credentials of other services, sealed before they are stored.
//!
//! The key is in no database and in no backup: it comes from `CRM_SECRET_KEY`, or
//! else from `keys/secret-key` in the data directory, made on first use. What a
//! text is for is bound to it, so that one sealed setting cannot be put in the
//! place of another.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

use crate::{clock::random_bytes, db::Db};

/// In the data directory's `keys`.
const OWN: &str = "secret-key";
/// Sealed texts begin with it.
const MARK: &str = "sealed:1:";
const NONCE: usize = 24;

/// Why a secret was not sealed or did not open.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Sealed with another key, or damaged.
    #[error("stored with another key: enter it again")]
    OtherKey,
    /// The key file cannot be made or read.
    #[error("the key for stored credentials (keys/secret-key): {0}")]
    KeyFile(#[from] io::Error),
}

/// Seals a text. `purpose` names the setting, and only that opens it again.
pub fn seal(db: &Db, purpose: &str, plain: &str) -> Result<String, SecretError> {
    let nonce: [u8; NONCE] = random_bytes();
    let payload = Payload {
        msg: plain.as_bytes(),
        aad: purpose.as_bytes(),
    };
    let sealed = cipher(db)?
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| SecretError::OtherKey)?;
    let all: Vec<u8> = nonce.into_iter().chain(sealed).collect();
    Ok(format!("{MARK}{}", crate::hex(&all)))
}

/// Opens what [`seal`] made for the same purpose.
pub fn open(db: &Db, purpose: &str, sealed: &str) -> Result<String, SecretError> {
    let bytes = sealed
        .strip_prefix(MARK)
        .and_then(unhex)
        .ok_or(SecretError::OtherKey)?;
    let (nonce, text) = bytes.split_at_checked(NONCE).ok_or(SecretError::OtherKey)?;
    let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| SecretError::OtherKey)?;
    let payload = Payload {
        msg: text,
        aad: purpose.as_bytes(),
    };
    let plain = cipher(db)?
        .decrypt(&XNonce::from(nonce), payload)
        .map_err(|_| SecretError::OtherKey)?;
    String::from_utf8(plain).map_err(|_| SecretError::OtherKey)
}

fn cipher(db: &Db) -> Result<XChaCha20Poly1305, SecretError> {
    let key = match db.outside().secret_key() {
        Some(key) => *key,
        None => own_key(&db.dir().keys())?,
    };
    Ok(XChaCha20Poly1305::new(&Key::from(key)))
}

/// The box's own key, made on first use. Two processes may want it at once: the
/// first link wins, and both read what is there.
fn own_key(folder: &Path) -> io::Result<[u8; 32]> {
    let path = folder.join(OWN);
    if !path.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let made: [u8; 32] = random_bytes();
        let suffix: [u8; 8] = random_bytes();
        let partial = folder.join(format!("{OWN}.{}.tmp", crate::hex(&suffix)));
        let mut file = fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&partial)?;
        file.write_all(crate::hex(&made).as_bytes())?;
        file.sync_all()?;
        let linked = fs::hard_link(&partial, &path);
        fs::remove_file(&partial)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => fs::File::open(folder)?.sync_all()?,
        }
    }
    let text = fs::read_to_string(&path)?;
    unhex(text.trim())
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "it does not hold 64 hexadecimal digits",
            )
        })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{outside::Outside, testing::TestDb};

    fn keyed(db: &Db, key: &str) -> Db {
        let key = key.to_owned();
        let lookup = move |name: &str| (name == "CRM_SECRET_KEY").then(|| key.clone());
        db.clone().reaching(Outside::from_lookup(lookup).unwrap())
    }

    #[tokio::test]
    async fn comes_back_for_its_purpose_and_for_nothing_else() {
        let t = TestDb::new().await;
        let sealed = seal(&t.db, "smtp_password", "correct horse").unwrap();
        assert!(!sealed.contains("correct"));
        assert_ne!(
            sealed,
            seal(&t.db, "smtp_password", "correct horse").unwrap()
        );
        assert_eq!(
            open(&t.db, "smtp_password", &sealed).unwrap(),
            "correct horse"
        );
        assert!(open(&t.db, "gmail_credentials", &sealed).is_err());
        let mode = fs::metadata(t.dir().join("keys").join(OWN))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(t.dir().join("keys")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn another_key_says_what_to_do() {
        let t = TestDb::new().await;
        let one = keyed(&t.db, "0123456789abcdef0123456789abcdef");
        let other = keyed(&t.db, "another 0123456789abcdef01234567");
        let sealed = seal(&one, "smtp_password", "pw").unwrap();
        assert_eq!(open(&one, "smtp_password", &sealed).unwrap(), "pw");
        for db in [&other, &t.db] {
            let error = open(db, "smtp_password", &sealed).unwrap_err();
            assert_eq!(error.to_string(), "stored with another key: enter it again");
        }
    }

    #[tokio::test]
    async fn damage_is_an_error_and_no_panic() {
        let t = TestDb::new().await;
        let sealed = seal(&t.db, "p", "pw").unwrap();
        let cut = &sealed[..sealed.len() - 2];
        let flipped = format!("{cut}00");
        for bad in ["", "sealed:1:", "sealed:1:zz", "sealed:1:äö", cut, &flipped] {
            assert!(open(&t.db, "p", bad).is_err() || bad == sealed, "{bad}");
        }
    }
}
