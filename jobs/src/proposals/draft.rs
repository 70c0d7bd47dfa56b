//! A note by rule: what to write when no model is at hand, and what else a mail
//! suggests whoever writes the note.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use super::{Gathered, Mail, NewPerson};
use crate::work;

/// Characters quoted of what a mail says.
const QUOTED: usize = 160;

/// What is suggested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drafted {
    /// One dated line.
    pub note: String,
    /// Who might become a contact.
    pub new_contact: Option<NewPerson>,
    /// When to follow up, a day.
    pub follow_up_on: Option<String>,
    /// See [`super::Proposal::stage_hint`].
    pub stage_hint: Option<String>,
    /// Empty if no model had a part in it.
    pub model: String,
    /// Name and version of the prompt; empty for a rule.
    pub prompt: String,
}

/// Drafts without a model. The newest mail speaks for all of them.
pub fn by_rule(from: &Gathered) -> Drafted {
    let Some(last) = from.mail.last() else {
        return Drafted::default();
    };
    Drafted {
        note: format!("{}: {}", from.day, sentence(from, last)),
        new_contact: new_person(&from.mail),
        follow_up_on: follow_up(from).map(|day| day.to_string()),
        stage_hint: stage_hint(&from.mail).map(str::to_owned),
        model: String::new(),
        prompt: String::new(),
    }
}

fn sentence(from: &Gathered, last: &Mail) -> String {
    let who = match (last.from_name.as_str(), last.from_address.as_str()) {
        ("", address) => address,
        (name, _) => name,
    };
    let whom = if last.direction == "out" {
        format!("{who} wrote to {}", from.row_title)
    } else {
        format!("{who} wrote")
    };
    let about = if last.subject.is_empty() {
        String::new()
    } else {
        format!(" about “{}”", plain_subject(&last.subject))
    };
    let more = match from.mail.len() {
        1 => String::new(),
        n => format!(" ({n} mails that day)"),
    };
    let said = first_sentence(&last.said);
    if said.is_empty() {
        format!("{whom}{about}{more}.")
    } else {
        format!("{whom}{about}{more}: {said}")
    }
}

/// A subject without the marks of answers and forwards.
pub(crate) fn plain_subject(subject: &str) -> &str {
    static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^(?i)(\s*(re|aw|sv|fw|fwd|wg|tr|rv)\s*(\[\d+\])?:)+\s*").ok()
    });
    let marks = MARKS.as_ref().and_then(|marks| marks.find(subject));
    subject[marks.map_or(0, |m| m.end())..].trim()
}

/// The first sentence after greeting and thanks, on one line.
fn first_sentence(said: &str) -> String {
    let greets = |line: &str| {
        let lower = line.to_lowercase();
        let words = lower.split_whitespace().count();
        words <= 4
            && [
                "hi",
                "hello",
                "dear",
                "hey",
                "hallo",
                "liebe",
                "bonjour",
                "good morning",
                "guten",
            ]
            .iter()
            .any(|g| lower.starts_with(g))
    };
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let text = lines
        .filter(|line| !greets(line))
        .collect::<Vec<_>>()
        .join(" ");
    let mut left = text.as_str();
    let mut first = None;
    while !left.is_empty() {
        let (sentence, rest) = left.split_at(end_of_sentence(left));
        left = rest.trim_start();
        if !is_courtesy(sentence) {
            first = Some(sentence);
            break;
        }
        first = first.or(Some(sentence));
    }
    let sentence = first.unwrap_or_default();
    if sentence.chars().count() <= QUOTED {
        return sentence.to_owned();
    }
    let cut: String = sentence.chars().take(QUOTED).collect();
    format!(
        "{}…",
        cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head)
    )
}

/// Where the first sentence ends. A stop soon after its beginning is taken for an
/// abbreviation.
fn end_of_sentence(text: &str) -> usize {
    let is_end = |at: usize, c: char| {
        let after = text[at + c.len_utf8()..].chars().next();
        matches!(c, '.' | '!' | '?') && after.is_none_or(char::is_whitespace) && at > 20
    };
    text.char_indices()
        .find(|(at, c)| is_end(*at, *c))
        .map_or(text.len(), |(at, c)| at + c.len_utf8())
}

/// Thanks and wishes say little: what comes after them says more.
fn is_courtesy(sentence: &str) -> bool {
    const BEGIN: [&str; 9] = [
        "thank",
        "many thanks",
        "hope ",
        "i hope",
        "we hope",
        "it was ",
        "great to",
        "good to",
        "nice to",
    ];
    let lower = sentence.to_lowercase();
    BEGIN.iter().any(|begin| lower.starts_with(begin))
}

/// Whoever wrote from this investor without being one of its contacts.
pub(crate) fn new_person(mail: &[Mail]) -> Option<NewPerson> {
    let mail = mail
        .iter()
        .rev()
        .find(|m| m.direction == "in" && !m.is_known && !m.from_address.is_empty())?;
    Some(NewPerson {
        name: mail.from_name.clone(),
        email: mail.from_address.clone(),
    })
}

/// A day that a mail names as the next step, after the day it was written.
pub(crate) fn follow_up(from: &Gathered) -> Option<Date> {
    static DAYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?i)\b(tomorrow|next (?:week|month|quarter|monday|tuesday|wednesday|thursday|friday)",
            r"|in (?:\d{1,2}|a|one|two|three|four|six) (?:days?|weeks?|months?)",
            r"|(?:on|by) ((?:mon|tues|wednes|thurs|fri)day)",
            r"|\d{4}-\d{2}-\d{2}",
            r"|\d{1,2}\.? (?:january|february|march|april|may|june|july|august|september|october|november|december)",
            r"|(?:january|february|march|april|may|june|july|august|september|october|november|december) \d{1,2})\b",
        ))
        .ok()
    });
    let written: Date = from.day.parse().ok()?;
    let days = DAYS.as_ref()?;
    let named = from
        .mail
        .iter()
        .rev()
        .flat_map(|mail| days.find_iter(&mail.said));
    named
        .filter_map(|found| {
            work::due::understand(found.as_str(), written)
                .ok()
                .flatten()
        })
        .find(|day| *day > written)
}

/// The stage the newest incoming mail sounds like.
pub(crate) fn stage_hint(mail: &[Mail]) -> Option<&'static str> {
    const SOUNDS: [(&str, &[&str]); 3] = [
        (
            "lost",
            &[
                "have to pass",
                "will pass",
                "going to pass",
                "not a fit",
                "decided not to",
                "have to decline",
                "not proceed",
            ],
        ),
        (
            "commitment",
            &[
                "happy to commit",
                "we will commit",
                "we'll commit",
                "count us in",
                "we are in for",
                "signed the subscription",
            ],
        ),
        (
            "diligence",
            &[
                "due diligence",
                "data room",
                "dataroom",
                "ddq",
                "reference calls",
            ],
        ),
    ];
    let last = mail.iter().rev().find(|m| m.direction == "in")?;
    let said = last.said.to_lowercase();
    SOUNDS
        .iter()
        .find(|(_, words)| words.iter().any(|w| said.contains(w)))
        .map(|(stage, _)| *stage)
}
