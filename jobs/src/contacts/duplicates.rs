//! Which two entries are likely one person, and why. Pure. Nothing is merged by
//! itself: two people of one name are more common than one thinks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;
use sqlx::FromRow;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Entries compared with each other because they share something, at most: a
/// phone number of a whole office says nothing.
const MOST_ALIKE: usize = 40;
/// People of one name, at most, of whom the name alone says something.
const RARE: usize = 4;
/// Names at least this near are one name with a slip of the pen (Jaro-Winkler).
const NEAR: f64 = 0.93;
/// Providers whose domain says nothing about where somebody works, and the one
/// that documentation and demo data use.
pub const PUBLIC_PROVIDERS: [&str; 17] = [
    "example.org",
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "yahoo.com",
    "icloud.com",
    "me.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "web.de",
    "proton.me",
    "protonmail.com",
    "mail.com",
    "t-online.de",
];

/// One entry.
#[derive(Clone, Debug, FromRow)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Address.
    pub email: Option<String>,
    /// As written.
    pub phone: Option<String>,
    /// Ids of their investors, parted by spaces.
    pub investors: Option<String>,
}

/// Two entries that are likely one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Duplicate {
    /// The smaller id.
    pub one: String,
    /// The other.
    pub other: String,
    /// In words.
    pub reason: String,
    /// From 1 (worth a look) to 3 (almost certain).
    pub certainty: u8,
}

struct Known<'a> {
    person: &'a Person,
    /// Parts of the name in order, without case, accents and titles.
    name: String,
    mailbox: Option<String>,
    domain: Option<&'a str>,
    phone: Option<String>,
    investors: HashSet<&'a str>,
}

/// Pairs that are likely one person, the surest first.
pub fn likely(
    people: &[Person],
    apart: &BTreeSet<(String, String)>,
    limit: usize,
) -> Vec<Duplicate> {
    let known: Vec<Known<'_>> = people.iter().map(Known::of).collect();
    let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, one) in known.iter().enumerate() {
        for key in one.keys() {
            alike.entry(key).or_default().push(at);
        }
    }
    let mut found: BTreeMap<(&str, &str), (u8, String)> = BTreeMap::new();
    for group in alike.values().filter(|g| g.len() <= MOST_ALIKE) {
        for (place, one) in group.iter().enumerate() {
            for other in &group[place + 1..] {
                let (one, other) = (&known[*one], &known[*other]);
                let found_here = same(one, other);
                // A common name alone says nothing.
                let Some((certainty, reason)) =
                    found_here.filter(|f| f.0 > 1 || group.len() <= RARE)
                else {
                    continue;
                };
                let (a, b) = (one.person.id.as_str(), other.person.id.as_str());
                let pair = if a < b { (a, b) } else { (b, a) };
                let best = found.entry(pair).or_insert((0, String::new()));
                if best.0 < certainty {
                    *best = (certainty, reason);
                }
            }
        }
    }
    let mut pairs: Vec<Duplicate> = found
        .into_iter()
        .filter(|((one, other), _)| !apart.contains(&((*one).to_owned(), (*other).to_owned())))
        .map(|((one, other), (certainty, reason))| Duplicate {
            one: one.to_owned(),
            other: other.to_owned(),
            reason,
            certainty,
        })
        .collect();
    pairs.sort_by(|a, b| (b.certainty, &a.one, &a.other).cmp(&(a.certainty, &b.one, &b.other)));
    pairs.truncate(limit);
    pairs
}

/// Why two entries are one person, if they seem to be.
fn same(one: &Known<'_>, other: &Known<'_>) -> Option<(u8, String)> {
    if one.mailbox.is_some() && one.mailbox == other.mailbox {
        return Some((3, "the same mailbox, written differently".to_owned()));
    }
    let together = !one.investors.is_disjoint(&other.investors);
    let same_domain = one.domain.is_some() && one.domain == other.domain;
    let same_phone = one.phone.is_some() && one.phone == other.phone;
    let two_addresses = one.mailbox.is_some() && other.mailbox.is_some();
    if one.name == other.name {
        return Some(match (together, same_phone, same_domain, two_addresses) {
            (true, ..) => (3, "the same name at the same investor".to_owned()),
            (_, true, ..) => (3, "the same name and phone number".to_owned()),
            (_, _, true, _) => (3, "the same name and company address".to_owned()),
            (_, _, _, false) => (
                2,
                "the same name, and one of them has no address".to_owned(),
            ),
            _ => (1, "the same name at different investors".to_owned()),
        });
    }
    if (together || same_domain || same_phone) && near(&one.name, &other.name) {
        let why = if together {
            "at the same investor"
        } else if same_phone {
            "with the same phone number"
        } else {
            "with the same company address"
        };
        return Some((2, format!("almost the same name, {why}")));
    }
    None
}

/// A slip of the pen, a middle name, or an initial for a first name.
fn near(one: &str, other: &str) -> bool {
    let digits = |name: &str| {
        name.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    if digits(one) != digits(other) {
        return false;
    }
    if strsim::jaro_winkler(one, other) >= NEAR {
        return true;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (one.split(' ').collect(), other.split(' ').collect());
    let (few, many) = if a.len() <= b.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    if few.len() < 2 {
        return false;
    }
    // Every part of the shorter name is in the longer one, whole or as its initial.
    let fits = |part: &&str| {
        many.iter().any(|m| {
            m == part
                || (part.len() == 1 && m.starts_with(*part))
                || (m.len() == 1 && part.starts_with(*m))
        })
    };
    few.iter().all(fits) && few.iter().any(|part| part.len() > 2 && many.contains(part))
}

impl<'a> Known<'a> {
    fn of(person: &'a Person) -> Self {
        let email = person.email.as_deref();
        Self {
            name: plain_name(&person.name),
            mailbox: email.map(mailbox),
            domain: email
                .and_then(|e| e.split_once('@'))
                .map(|(_, domain)| domain)
                .filter(|d| !PUBLIC_PROVIDERS.contains(d)),
            phone: person.phone.as_deref().and_then(plain_phone),
            investors: person
                .investors
                .as_deref()
                .unwrap_or_default()
                .split_whitespace()
                .collect(),
            person,
        }
    }

    /// What two entries must share to be compared at all.
    fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        if !self.name.is_empty() {
            keys.push(format!("name {}", self.name));
        }
        keys.extend(self.mailbox.iter().map(|m| format!("mailbox {m}")));
        keys.extend(self.phone.iter().map(|p| format!("phone {p}")));
        keys.extend(self.investors.iter().map(|i| format!("investor {i}")));
        // A company may be large: its people are compared by surname.
        let surname = self
            .name
            .split(' ')
            .max_by_key(|part| part.len())
            .unwrap_or_default();
        let start: String = surname.chars().take(3).collect();
        keys.extend(self.domain.iter().map(|d| format!("domain {d} {start}")));
        keys
    }
}

/// `Dr. Doe, Jané` and `jane doe` are the same.
fn plain_name(name: &str) -> String {
    const TITLES: [&str; 12] = [
        "dr", "prof", "mr", "mrs", "ms", "mx", "herr", "frau", "sir", "phd", "mba", "jr",
    ];
    let folded: String = name
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .collect::<String>()
        .to_lowercase()
        .replace('ß', "ss");
    let mut parts: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty() && !TITLES.contains(part))
        .collect();
    parts.sort_unstable();
    parts.join(" ")
}

/// The mailbox behind an address: without what stands behind a plus, and
/// without the dots that Gmail ignores.
fn mailbox(email: &str) -> String {
    let lower = email.trim().to_lowercase();
    let Some((local, domain)) = lower.split_once('@') else {
        return lower;
    };
    let local = local.split('+').next().unwrap_or(local);
    match domain {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", local.replace('.', "")),
        _ => format!("{local}@{domain}"),
    }
}

/// The last nine digits: enough to tell numbers apart, whatever stands before.
fn plain_phone(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= 7).then(|| digits[digits.len().saturating_sub(9)..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, name: &str, email: &str, phone: &str, investors: &str) -> Person {
        let some = |t: &str| (!t.is_empty()).then(|| t.to_owned());
        Person {
            id: id.to_owned(),
            name: name.to_owned(),
            email: some(email),
            phone: some(phone),
            investors: some(investors),
        }
    }

    fn found(a: (&str, &str, &str, &str), b: (&str, &str, &str, &str)) -> Option<(u8, String)> {
        let people = [
            person("a", a.0, a.1, a.2, a.3),
            person("b", b.0, b.1, b.2, b.3),
        ];
        let mut pairs = likely(&people, &BTreeSet::new(), 10);
        pairs.pop().map(|p| (p.certainty, p.reason))
    }

    #[test]
    fn one_person_in_two_spellings_is_proposed_with_the_reason() {
        let cases = [
            (
                ("Ana Doe", "ana.doe@gmail.com", "", "i1"),
                ("A. Doe", "anadoe+crm@googlemail.com", "", "i2"),
                3,
                "mailbox",
            ),
            (
                ("Dr. Doe, Jané", "", "", "i1"),
                ("Jane Doe", "jane@x.example", "", "i1"),
                3,
                "same investor",
            ),
            (
                ("Ana Doe", "a@x.example", "+49 30 1234567", "i1"),
                ("ana doe", "b@y.example", "030 1234567", "i2"),
                3,
                "phone number",
            ),
            (
                ("Ana Doe", "a@x.example", "", "i1"),
                ("Ana Doe", "doe@x.example", "", "i2"),
                3,
                "company address",
            ),
            (
                ("Ana Doe", "a@x.example", "", "i1"),
                ("Ana Doe", "", "", "i2"),
                2,
                "no address",
            ),
            (
                ("Anna Doe", "", "", "i1"),
                ("Ana Doe", "", "", "i1"),
                2,
                "almost",
            ),
            (
                ("Ana Maria Doe", "", "", "i1"),
                ("A. Doe", "", "", "i1"),
                2,
                "almost",
            ),
            (
                ("Ana Doe", "a@x.example", "", "i1"),
                ("Ana Doe", "b@y.example", "", "i2"),
                1,
                "different investors",
            ),
        ];
        for (one, other, certainty, word) in cases {
            let (sure, reason) = found(one, other).unwrap_or_else(|| panic!("{one:?} {other:?}"));
            assert!(reason.contains(word), "{one:?} {other:?}: {reason}");
            assert_eq!(sure, certainty, "{one:?} {other:?}: {reason}");
        }
    }

    #[test]
    fn different_people_are_left_alone() {
        let cases = [
            (
                ("Ana Doe", "a@gmail.com", "", "i1"),
                ("Bea Roe", "b@gmail.com", "", "i1"),
            ),
            (
                ("Ana Doe", "a@x.example", "", "i1"),
                ("Ben Doe", "b@x.example", "", "i1"),
            ),
            (("Ana Doe", "", "123", "i1"), ("Tom Poe", "", "123", "i2")),
            (("Doe", "", "", "i1"), ("Ana Doe", "", "", "i1")),
            (("Desk 11", "", "", "i1"), ("Desk 12", "", "", "i1")),
        ];
        for (one, other) in cases {
            assert_eq!(found(one, other), None, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_common_name_alone_says_nothing() {
        let people: Vec<Person> = (0..=RARE)
            .map(|n| {
                person(
                    &n.to_string(),
                    "Ana Doe",
                    &format!("a@{n}.example"),
                    "",
                    &n.to_string(),
                )
            })
            .collect();
        assert_eq!(likely(&people, &BTreeSet::new(), 10), []);
        assert!(!likely(&people[1..], &BTreeSet::new(), 10).is_empty());
    }

    #[test]
    fn who_was_said_to_be_two_is_not_proposed_again() {
        let people = [
            person("a", "Ana Doe", "", "", "i1"),
            person("b", "Ana Doe", "", "", "i1"),
        ];
        let apart = BTreeSet::from([("a".to_owned(), "b".to_owned())]);
        assert_eq!(likely(&people, &apart, 10), []);
    }
}
