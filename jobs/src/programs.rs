//! What each running program says of itself, in `run/NAME.json`: so that
//! `crm-api doctor` can tell that the two were started with different settings.

use std::{collections::BTreeMap, fs, io, os::unix::fs::OpenOptionsExt, path::PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    db::{DataDir, Db, SCHEMA_VERSION},
    outside::{Outside, SmtpServer},
};

/// The programs there are.
pub const PROGRAMS: [&str; 2] = ["crm-api", "crm-worker"];

/// What a program said when it started. It stays after the program is gone:
/// whether it runs, others know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its release.
    pub version: String,
    /// The schema it knows.
    pub schema: i64,
    /// When it started, UTC milliseconds.
    pub started_at: i64,
    /// Variables both must have alike, as short hashes; empty: not set.
    pub settings: BTreeMap<String, String>,
}

/// Says it.
pub fn say(db: &Db, program: &str) -> io::Result<()> {
    let said = Said {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema: SCHEMA_VERSION,
        started_at: db.now(),
        settings: fingerprints(db.outside()),
    };
    let path = db.dir().run().join(format!("{program}.json"));
    let partial = path.with_extension("json.tmp");
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)?;
    serde_json::to_writer_pretty(file, &said)?;
    fs::rename(partial, path)
}

/// What it said the last time it started.
pub fn said(dir: &DataDir, program: &str) -> Option<Said> {
    let text = fs::read(dir.run().join(format!("{program}.json"))).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The variables in which a program and an environment differ.
pub fn differences(said: &Said, outside: &Outside) -> Vec<String> {
    let here = fingerprints(outside);
    let differing = said
        .settings
        .iter()
        .filter(|(name, value)| here.get(*name).is_some_and(|own| own != *value));
    differing.map(|(name, _)| name.clone()).collect()
}

/// What both programs must have alike, by variable, so that two processes can be
/// compared without either value being told: a short hash of each. The mail password
/// is left out: it may be weak enough to be found by its hash.
fn fingerprints(outside: &Outside) -> BTreeMap<String, String> {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
    let smtp = outside.smtp.as_ref();
    let of_smtp = |value: fn(&SmtpServer) -> String| smtp.map(value);
    [
        ("CRM_BASE_URL", outside.base_url.clone()),
        (
            "CRM_SECRET_KEY",
            outside.secret_key().map(|key| crate::hex(key)),
        ),
        ("SPARK_URL", outside.spark_url.clone()),
        ("SMTP_HOST", of_smtp(|s| s.host.clone())),
        ("SMTP_PORT", of_smtp(|s| s.port.to_string())),
        (
            "SMTP_USER",
            of_smtp(|s| s.login.as_ref().map(|l| l.0.clone()).unwrap_or_default()),
        ),
        ("SMTP_FROM", of_smtp(|s| s.from.clone())),
        ("SMTP_SECURITY", of_smtp(|s| s.security.as_str().to_owned())),
        ("SMTP_CA", path(&outside.smtp_ca)),
        ("CRM_GMAIL_CREDENTIALS", path(&outside.gmail_credentials)),
        ("CRM_GMAIL_API_BASE", outside.gmail_api_base.clone()),
        ("CRM_GMAIL_TOKEN_URL", outside.gmail_token_url.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), fingerprint(name, value.as_deref())))
    .collect()
}

fn fingerprint(name: &str, value: Option<&str>) -> String {
    let Some(value) = value else {
        return String::new();
    };
    let mut hash = Sha256::new();
    hash.update(b"venture-crm/fingerprint/1\0");
    hash.update(name.as_bytes());
    hash.update(b"\0");
    hash.update(value.as_bytes());
    // Enough to tell two apart, too little to find a key by.
    crate::hex(&hash.finalize()[..4])
}
