//! The digest's pages.

use askama::Template;

use crate::routes::page::{Badge, Frame, Paging, When};

/// Policy and history.
#[derive(Debug, Template)]
#[template(path = "pages/digest.html")]
#[allow(clippy::struct_excessive_bools, reason = "boxes of a form")]
pub struct DigestPage {
    /// The frame.
    pub frame: Frame,
    /// It goes out by itself.
    pub enabled: bool,
    /// Time of day.
    pub time: String,
    /// What is wrong with it.
    pub time_error: Option<String>,
    /// Its zone; empty: the fund's.
    pub zone: String,
    /// What is wrong with it.
    pub zone_error: Option<String>,
    /// The fund's zone.
    pub fund_zone: String,
    /// Monday to Friday.
    pub weekdays_only: bool,
    /// Quiet days are left out.
    pub skip_quiet: bool,
    /// It goes to all active admins.
    pub all_admins: bool,
    /// Who can be chosen.
    pub people: Vec<Person>,
    /// What is wrong with the choice.
    pub people_error: Option<String>,
    /// Mail is held since a restore.
    pub mail_held: bool,
    /// Whether there is a mail server.
    pub mail: Badge,
    /// Its name.
    pub mail_host: String,
    /// How the model is.
    pub model: Badge,
    /// Which it is, or what is wrong with it.
    pub model_name: String,
    /// What was sent.
    pub digests: Vec<DigestRow>,
    /// Pages of it.
    pub paging: Paging,
}

/// Somebody who can be chosen.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// They are.
    pub chosen: bool,
}

/// One digest.
#[derive(Debug, Clone, Default)]
pub struct DigestRow {
    /// Its id.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// There is something to read.
    pub has_letter: bool,
    /// When it was made.
    pub when: When,
    /// How it ended.
    pub state: Badge,
    /// Why.
    pub error: String,
    /// In whose words.
    pub words: String,
}

/// One letter, sent or to be sent.
#[derive(Debug, Template)]
#[template(path = "pages/digest_letter.html")]
pub struct LetterPage {
    /// The frame.
    pub frame: Frame,
    /// The heading.
    pub title: String,
    /// Its subject.
    pub subject: String,
    /// What this is.
    pub lead: String,
    /// Where it is as HTML.
    pub html_href: String,
    /// What it says.
    pub text: String,
    /// How it ended; none for a preview.
    pub state: Option<Badge>,
    /// Who got it.
    pub deliveries: Vec<DeliveryRow>,
    /// Some failed.
    pub failed: bool,
    /// Of some nobody knows.
    pub unknown: bool,
    /// Its id.
    pub id: String,
    /// The job that made it.
    pub job: Option<i64>,
}

/// One person's copy.
#[derive(Debug, Clone, Default)]
pub struct DeliveryRow {
    /// Whose.
    pub name: String,
    /// Where it went.
    pub address: String,
    /// How that ended.
    pub state: Badge,
    /// How often it was tried.
    pub attempts: i64,
    /// What the server said.
    pub error: String,
    /// When.
    pub when: When,
}

#[cfg(any(test, debug_assertions))]
impl DigestPage {
    /// With a history.
    pub fn sample() -> Self {
        Self {
            enabled: true,
            all_admins: false,
            people: vec![Person {
                id: "u1".to_owned(),
                name: "Ada Sample".to_owned(),
                email: "ada@example.org".to_owned(),
                chosen: true,
            }],
            mail_held: true,
            digests: vec![DigestRow {
                id: "d1".to_owned(),
                subject: "Digest for Tuesday 3 March 2026: 3 emails with 2 investors".to_owned(),
                has_letter: true,
                state: Badge::new("Delivered", "ok"),
                words: "rules".to_owned(),
                ..DigestRow::default()
            }],
            ..Self::sample_empty()
        }
    }

    /// Before the first.
    pub fn sample_empty() -> Self {
        Self {
            frame: Frame::sample("Daily digest", "/digest"),
            enabled: false,
            time: "07:30".to_owned(),
            time_error: Some("Write the time as HH:MM, such as 07:30.".to_owned()),
            zone: String::new(),
            zone_error: None,
            fund_zone: "Europe/Zurich".to_owned(),
            weekdays_only: true,
            skip_quiet: true,
            all_admins: true,
            people: Vec::new(),
            people_error: None,
            mail_held: false,
            mail: Badge::new("Not set", "warn"),
            mail_host: String::new(),
            model: Badge::new("Away", "warn"),
            model_name: "nobody answers at its address".to_owned(),
            digests: Vec::new(),
            paging: Paging::sample("newest first"),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl LetterPage {
    /// One that was sent.
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Digest", "/digest"),
            title: "Digest".to_owned(),
            subject: "Digest for Tuesday 3 March 2026".to_owned(),
            lead: "What happened.".to_owned(),
            html_href: "/digest/sent/d1/html".to_owned(),
            text: "TUESDAY 3 MARCH 2026\n".to_owned(),
            state: Some(Badge::new("Delivered", "ok")),
            deliveries: vec![DeliveryRow {
                name: "Ada Sample".to_owned(),
                address: "ada@example.org".to_owned(),
                state: Badge::new("Unknown", "warn"),
                attempts: 1,
                error: "the line broke".to_owned(),
                when: When::default(),
            }],
            failed: true,
            unknown: true,
            id: "d1".to_owned(),
            job: Some(7),
        }
    }
}
