//! The password policy, and argon2id at a bounded cost.

use std::sync::LazyLock;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use super::AccountError;
use crate::clock::random_bytes;

/// Fewest characters accepted.
pub const MIN_CHARS: usize = 8;
/// Fewest characters we recommend: length beats symbols.
pub const GOOD_CHARS: usize = 15;
/// Most characters accepted; hashing more only helps an attacker keep us busy.
pub const MAX_CHARS: usize = 256;

/// OWASP's argon2id minimum: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Two hashes at a time at most: a flood of sign-ins must not take all memory
/// and both cores of a small box.
static HASHING: Semaphore = Semaphore::const_new(2);

/// The hash an unknown user's password is compared with, so that unknown and
/// known cost the same.
static DUMMY: LazyLock<String> =
    LazyLock::new(|| hash_now(&super::new_secret()).unwrap_or_default());

/// Passwords everybody tries first (the head of public breach lists, eight
/// characters and up: shorter ones fail on length).
const COMMON: &[&str] = &[
    "12345678",
    "123456789",
    "1234567890",
    "0987654321",
    "87654321",
    "11111111",
    "00000000",
    "88888888",
    "12341234",
    "12344321",
    "123123123",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "1qazxsw2",
    "zaq12wsx",
    "qwertyui",
    "qwertyuiop",
    "qwerty123",
    "qwerty12",
    "qwerty1234",
    "asdfghjk",
    "asdfghjkl",
    "zxcvbnm123",
    "abcd1234",
    "abc12345",
    "abcdefgh",
    "a1b2c3d4",
    "password",
    "password1",
    "password12",
    "password123",
    "password1234",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "iloveyou",
    "iloveyou1",
    "sunshine",
    "princess",
    "princess1",
    "football",
    "football1",
    "baseball",
    "superman",
    "trustno1",
    "letmein1",
    "letmein123",
    "welcome1",
    "welcome123",
    "admin123",
    "admin1234",
    "administrator",
    "changeme",
    "changeme1",
    "changeme123",
    "default1",
    "secret123",
    "master123",
    "starwars",
    "whatever",
    "computer",
    "internet",
    "michelle",
    "jennifer",
    "charlie1",
    "samantha",
    "dragon123",
    "monkey123",
    "shadow123",
    "liverpool",
    "chelsea1",
    "arsenal1",
    "corvette",
    "mercedes",
    "mustang1",
    "qazwsxedc",
    "q1w2e3r4",
    "asdf1234",
    "test1234",
    "testtest",
    "guest123",
    "summer2024",
    "summer2025",
    "winter2024",
    "winter2025",
    "spring2025",
    "correcthorsebatterystaple",
];

/// Checks a new password. `context` holds what a guesser would try first:
/// the person's address and name.
pub fn check(password: &str, context: &[&str]) -> Result<(), AccountError> {
    let refuse = |message: String| Err(AccountError::field("password", message));
    let chars = password.chars().count();
    if chars < MIN_CHARS {
        return refuse(format!(
            "Use at least {MIN_CHARS} characters; {GOOD_CHARS} or more, such as a short sentence, is better."
        ));
    }
    if chars > MAX_CHARS {
        return refuse(format!("Use at most {MAX_CHARS} characters."));
    }
    let lower = password.to_lowercase();
    if COMMON.contains(&lower.as_str()) || is_one_character(&lower) {
        return refuse(
            "This is one of the passwords everybody tries first; choose another.".to_owned(),
        );
    }
    if let Some(word) = context_words(context).find(|word| is_mostly(&lower, word)) {
        return refuse(format!(
            "It is little more than {word:?}, which is easy to guess; add words that have nothing to do with you or this site."
        ));
    }
    Ok(())
}

fn is_one_character(password: &str) -> bool {
    let mut chars = password.chars();
    let first = chars.next();
    chars.all(|c| Some(c) == first)
}

/// A context word is refused when what is left without it would be too short
/// to stand alone: a long sentence may well contain a name.
fn is_mostly(password: &str, word: &str) -> bool {
    password.contains(word) && password.replace(word, "").chars().count() < MIN_CHARS
}

fn context_words<'a>(context: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    let own = context
        .iter()
        .map(|text| text.split_once('@').map_or(*text, |(local, _)| local))
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .map(str::to_lowercase);
    ["venture".to_owned(), "crm".to_owned()]
        .into_iter()
        .chain(own)
        .filter(|word| word.chars().count() >= 3)
}

/// Hashes a password to a PHC string.
pub async fn hash(password: &str) -> Result<String, AccountError> {
    let password = password.to_owned();
    in_background(move || hash_now(&password))
        .await?
        .ok_or_else(|| {
            AccountError::field(
                "password",
                "This password cannot be stored; choose another.",
            )
        })
}

/// Whether the password fits the stored hash. Without one (unknown user, or
/// one who never chose a password) the work is done all the same.
pub(super) async fn verify(password: &str, stored: Option<&str>) -> Result<bool, AccountError> {
    let known = stored.is_some();
    let stored = stored.map(ToOwned::to_owned);
    let password = password.to_owned();
    let fits = in_background(move || {
        // Made by whoever comes first, known or not: the first unknown must not
        // be the one who waits for it.
        let dummy = DUMMY.as_str();
        let phc = stored.as_deref().unwrap_or(dummy);
        PasswordHash::new(phc)
            .is_ok_and(|phc| argon2().verify_password(password.as_bytes(), &phc).is_ok())
    })
    .await?;
    Ok(fits && known)
}

/// Whether a stored hash was made with other parameters than today's.
pub(super) fn is_outdated(stored: &str) -> bool {
    !stored.starts_with(&format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1$"))
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AccountError> {
    let _turn = HASHING.acquire().await;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| AccountError::Db(sqlx::Error::WorkerCrashed))
}

fn hash_now(password: &str) -> Option<String> {
    argon2()
        .hash_password_with_salt(password.as_bytes(), &random_bytes::<16>())
        .ok()
        .map(|phc: PasswordHash| phc.to_string())
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_policy_names_the_fix() {
        let context = ["robin.sample@example.org", "Robin Sample"];
        for (password, says) in [
            ("short", "at least 8"),
            ("Password123", "tries first"),
            ("aaaaaaaaaaaa", "tries first"),
            ("robin-2025", "robin"),
            ("VentureCRM1", "venture"),
        ] {
            let error = check(password, &context).unwrap_err().to_string();
            assert!(error.contains(says), "{password}: {error}");
        }
        assert!(check(&"x1".repeat(129), &context).is_err());
        check("robin walks home at dusk", &context).unwrap();
        check("four quiet herons", &context).unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn two_hashes_run_at_a_time_at_most() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        let work = || {
            let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
            hash_now("four quiet herons");
            RUNNING.fetch_sub(1, Ordering::SeqCst);
            running
        };
        let flood: Vec<_> = (0..8).map(|_| tokio::spawn(in_background(work))).collect();
        let mut most = 0;
        for task in flood {
            most = most.max(task.await.unwrap().unwrap());
        }
        assert_eq!(most, 2);
    }

    #[tokio::test]
    async fn hashes_are_argon2id_and_verify() {
        let stored = hash("four quiet herons").await.unwrap();
        assert!(!is_outdated(&stored), "{stored}");
        assert!(verify("four quiet herons", Some(&stored)).await.unwrap());
        assert!(!verify("four loud herons", Some(&stored)).await.unwrap());
        assert!(!verify("four quiet herons", None).await.unwrap());
        assert!(is_outdated("$argon2id$v=19$m=4096,t=3,p=1$abc$def"));
    }
}
