//! How everything is, part by part, in words for people who are no
//! administrators: the page *Status*, `crm-worker doctor`, `/readyz`.
//!
//! Only what is on record is read here; nothing is asked over a network. What a
//! service outside answers now, `crm-worker doctor` tries.

mod box_itself;
mod services;

pub use box_itself::size;

use schemars::JsonSchema;
use serde::Serialize;

use crate::db::{Db, DbError};

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// As it should be.
    Well,
    /// Not set up; nobody needs to.
    Off,
    /// People can work, and somebody should look.
    Look,
    /// Something does not work.
    Act,
}

/// One part of the whole.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Part {
    /// Its name, a word or two.
    pub name: &'static str,
    /// How it is.
    pub tone: Tone,
    /// That in a sentence.
    pub says: String,
    /// What to do about it; empty: nothing.
    pub fix: String,
    /// The page on which to do it.
    pub page: Option<&'static str>,
}

impl Part {
    fn new(name: &'static str, tone: Tone, says: impl Into<String>) -> Self {
        Self {
            name,
            tone,
            says: says.into(),
            fix: String::new(),
            page: None,
        }
    }

    /// As it should be.
    pub fn well(name: &'static str, says: impl Into<String>) -> Self {
        Self::new(name, Tone::Well, says)
    }

    /// Not set up, and fine so.
    pub fn off(name: &'static str, says: impl Into<String>) -> Self {
        Self::new(name, Tone::Off, says)
    }

    /// To be looked at, and what to do.
    pub fn look(name: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(name, Tone::Look, says).fixed_by(fix)
    }

    /// Not working, and what to do.
    pub fn act(name: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(name, Tone::Act, says).fixed_by(fix)
    }

    fn fixed_by(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    fn at(mut self, page: &'static str) -> Self {
        self.page = Some(page);
        self
    }
}

/// All parts, in the order in which people should look at them.
pub async fn parts(db: &Db) -> Result<Vec<Part>, DbError> {
    Ok(vec![
        box_itself::worker(db).await?,
        box_itself::queue(db).await?,
        box_itself::sync(db).await?,
        box_itself::backup(db).await?,
        box_itself::proven(db).await?,
        box_itself::disk(db),
        services::mail_capture(db).await?,
        services::mail_server(db).await?,
        services::digest(db).await?,
        services::model(db).await?,
        box_itself::release(db).await?,
    ])
}

/// Whether all is well, in one line.
pub fn line(parts: &[Part]) -> (Tone, String) {
    let of = |tone: Tone| {
        let named = parts.iter().filter(|part| part.tone == tone);
        named.map(|part| part.name).collect::<Vec<_>>()
    };
    let (act, look) = (of(Tone::Act), of(Tone::Look));
    match (act.as_slice(), look.as_slice()) {
        ([], []) => (Tone::Well, "All is well.".to_owned()),
        ([], [one]) => (
            Tone::Look,
            format!("People can work; somebody should look at one thing: {one}."),
        ),
        ([], many) => (
            Tone::Look,
            format!(
                "People can work; somebody should look at {} things: {}.",
                many.len(),
                many.join(", ")
            ),
        ),
        ([one], _) => (Tone::Act, format!("Something does not work: {one}.")),
        (many, _) => (
            Tone::Act,
            format!("{} things do not work: {}.", many.len(), many.join(", ")),
        ),
    }
}

/// How long ago, as people say it.
fn ago(now: i64, at: i64) -> String {
    let seconds = (now - at).max(0) / 1_000;
    let (n, unit) = match seconds {
        0..60 => return "a moment ago".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {unit}{s} ago")
}

/// `1 job`, `2 jobs`.
fn count(n: i64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDb;

    #[tokio::test]
    async fn a_box_without_worker_and_backup_says_so_and_what_to_do() {
        let t = TestDb::new().await;
        let parts = parts(&t.db).await.unwrap();
        let of = |name: &str| parts.iter().find(|part| part.name == name).unwrap();
        assert_eq!(of("Worker").tone, Tone::Act);
        assert!(of("Worker").fix.contains("crm-worker run"));
        assert_eq!(of("Backup").tone, Tone::Act);
        assert_eq!(of("Disk").tone, Tone::Well, "{:?}", of("Disk"));
        assert_eq!(of("Mail server").tone, Tone::Off);
        for part in &parts {
            let is_fine = matches!(part.tone, Tone::Well | Tone::Off);
            assert!(is_fine || !part.fix.is_empty(), "{part:?}");
        }
        let (tone, says) = line(&parts);
        assert_eq!(tone, Tone::Act);
        assert!(says.contains("Worker, Backup"), "{says}");
    }

    #[test]
    fn ages_are_said_as_people_say_them() {
        let ages = [0, 90_000, 7_200_000, 86_400_000 * 3].map(|ms| ago(ms, 0));
        assert_eq!(
            ages,
            ["a moment ago", "1 minute ago", "2 hours ago", "3 days ago"]
        );
    }
}
