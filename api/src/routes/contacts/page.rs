//! Pages of people.

use askama::Template;

use crate::routes::page::{Badge, Choice, Frame, LinkTo, When};

/// All people.
#[derive(Debug, Template)]
#[template(path = "pages/contacts.html")]
pub struct ContactsPage {
    /// The frame.
    pub frame: Frame,
    /// On this page.
    pub contacts: Vec<ContactLine>,
    /// Such as `715 people`.
    pub total: String,
    /// Whether there is nobody at all.
    pub is_empty: bool,
    /// Whether this is the first page.
    pub is_first: bool,
    /// What is searched for.
    pub search: String,
    /// The next page.
    pub next: Option<String>,
}

/// A person in a list.
#[derive(Debug, Clone, Default)]
pub struct ContactLine {
    /// Their page.
    pub href: String,
    /// For the avatar.
    pub initials: String,
    /// Full name.
    pub name: String,
    /// What they do.
    pub role: String,
    /// Address.
    pub email: String,
    /// Number.
    pub phone: String,
    /// Where they stand.
    pub investors: String,
}

/// Pairs that are likely one person.
#[derive(Debug, Template)]
#[template(path = "pages/duplicates.html")]
pub struct DuplicatesPage {
    /// The frame.
    pub frame: Frame,
    /// The surest first.
    pub pairs: Vec<PairLine>,
}

/// Two entries.
#[derive(Debug, Clone, Default)]
pub struct PairLine {
    /// Who would stay.
    pub keep_id: String,
    /// Who would go into the other.
    pub merge_id: String,
    /// Who would stay.
    pub keep: ContactLine,
    /// Who would go into the other.
    pub merge: ContactLine,
    /// What tells the one who would stay from the other.
    pub keep_label: String,
    /// What tells the other.
    pub merge_label: String,
    /// Why they are likely one.
    pub reason: String,
    /// How sure that is.
    pub certainty: Badge,
}

/// One person.
#[derive(Debug, Template)]
#[template(path = "pages/contact.html")]
pub struct ContactPage {
    /// The frame.
    pub frame: Frame,
    /// Their id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// For the avatar.
    pub initials: String,
    /// What they do.
    pub lead: String,
    /// Address.
    pub email: Option<String>,
    /// A link that writes to it.
    pub email_href: Option<String>,
    /// Number.
    pub phone: String,
    /// When somebody was first in touch.
    pub first_contact: Option<When>,
    /// When somebody was last in touch.
    pub last_contact: Option<When>,
    /// Investors to log a contact at.
    pub investors: Vec<Choice>,
    /// Kinds of contact.
    pub kinds: Vec<Choice>,
    /// The day it is.
    pub today: String,
    /// What names them, the newest first.
    pub told: Vec<ToldLine>,
    /// Where they stand.
    pub places: Vec<PlaceLine>,
    /// As typed.
    pub form_name: String,
    /// As typed.
    pub form_email: String,
    /// As typed.
    pub form_phone: String,
    /// As typed.
    pub form_role: String,
    /// What is wrong with the name.
    pub name_error: Option<String>,
    /// What is wrong with the address.
    pub email_error: Option<String>,
}

/// Something that names a person.
#[derive(Debug, Clone, Default)]
pub struct ToldLine {
    /// Its symbol.
    pub icon: &'static str,
    /// Who wrote it.
    pub by: String,
    /// What they did.
    pub says: &'static str,
    /// The investor it is about.
    pub investor: Option<LinkTo>,
    /// In words.
    pub text: String,
    /// When.
    pub when: When,
}

/// An investor somebody stands at.
#[derive(Debug, Clone, Default)]
pub struct PlaceLine {
    /// Its page.
    pub href: String,
    /// Its name.
    pub investor: String,
    /// What they do there.
    pub role: String,
    /// Whether it is archived.
    pub archived: bool,
}

#[cfg(any(test, debug_assertions))]
impl ContactLine {
    fn sample(name: &str) -> Self {
        Self {
            href: "/contacts/sample".to_owned(),
            initials: "JT".to_owned(),
            name: name.to_owned(),
            role: "Partner".to_owned(),
            email: "jo@example.org".to_owned(),
            phone: "+49 30 000000".to_owned(),
            investors: "Sample Family Office".to_owned(),
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl ContactsPage {
    /// A page of them.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Contacts", "/contacts"),
            contacts: vec![ContactLine::sample("Jo Testcase")],
            total: "715 people".to_owned(),
            is_empty: false,
            is_first: true,
            search: String::new(),
            next: Some("?after_id=x".to_owned()),
        }
    }

    /// Nobody yet.
    #[must_use]
    pub fn sample_empty() -> Self {
        Self {
            contacts: Vec::new(),
            is_empty: true,
            next: None,
            ..Self::sample()
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl DuplicatesPage {
    /// One pair.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Likely duplicates", "/contacts/duplicates"),
            pairs: vec![PairLine {
                keep_id: "a".to_owned(),
                merge_id: "b".to_owned(),
                keep: ContactLine::sample("Jo Testcase"),
                merge: ContactLine::sample("J. Testcase"),
                keep_label: "Jo Testcase".to_owned(),
                merge_label: "J. Testcase".to_owned(),
                reason: "Almost the same name, at the same investor".to_owned(),
                certainty: Badge::new("Likely", "info"),
            }],
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl ContactPage {
    /// A person with a form that came back.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            frame: Frame::sample("Jo Testcase", "/contacts/sample"),
            id: "sample".to_owned(),
            name: "Jo Testcase".to_owned(),
            initials: "JT".to_owned(),
            lead: "Partner".to_owned(),
            email: Some("jo@example.org".to_owned()),
            email_href: Some("mailto:jo@example.org".to_owned()),
            phone: "+49 30 000000".to_owned(),
            first_contact: Some(When::new("2024-12-01T08:00:00Z", "a year ago")),
            last_contact: None,
            investors: vec![Choice::new("sample", "Sample Family Office", true)],
            kinds: vec![Choice::new("call", "Call", true)],
            today: "2026-03-04".to_owned(),
            told: vec![ToldLine {
                icon: "user",
                by: "Robin Sample".to_owned(),
                says: "was in touch",
                investor: Some(LinkTo::new("Sample Family Office", "/investors/sample")),
                text: "call: asked for the deck".to_owned(),
                when: When::new("2024-12-01T08:00:00Z", "a year ago"),
            }],
            places: vec![PlaceLine {
                href: "/investors/sample".to_owned(),
                investor: "Sample Family Office".to_owned(),
                role: "Partner".to_owned(),
                archived: true,
            }],
            form_name: "Jo Testcase".to_owned(),
            form_email: "jo@example.org".to_owned(),
            form_phone: String::new(),
            form_role: String::new(),
            name_error: None,
            email_error: Some("jo@example.org belongs to somebody else".to_owned()),
        }
    }
}
