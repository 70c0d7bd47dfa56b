//! What a header says about its column.

use crate::funds::name_key;

/// Lower-case words of a header.
pub(super) fn words(header: &str) -> Vec<String> {
    header
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

fn any(words: &[String], wanted: &[&str]) -> bool {
    words.iter().any(|w| wanted.contains(&w.as_str()))
}

/// Words that make `Contact …` and `Fund …` something else than links.
const ABOUT: [&str; 16] = [
    "type",
    "status",
    "notes",
    "note",
    "method",
    "stage",
    "owner",
    "date",
    "size",
    "currency",
    "strategy",
    "count",
    "number",
    "last",
    "source",
    "frequency",
];

/// Phone numbers.
pub(super) fn phone(words: &[String]) -> bool {
    any(
        words,
        &[
            "phone",
            "phones",
            "mobile",
            "tel",
            "telephone",
            "cell",
            "fax",
        ],
    )
}

/// Web addresses.
pub(super) fn web(words: &[String]) -> bool {
    any(
        words,
        &["url", "website", "web", "homepage", "linkedin", "link"],
    )
}

/// People.
pub(super) fn contacts(words: &[String]) -> bool {
    any(
        words,
        &["contact", "contacts", "people", "person", "persons"],
    ) && !any(words, &["email", "emails", "mail"])
        && !any(words, &ABOUT)
}

/// Vehicles.
pub(super) fn funds(words: &[String]) -> bool {
    any(words, &["fund", "funds", "vehicle", "vehicles"]) && !any(words, &ABOUT)
}

/// A header that says nothing but "funds".
pub(super) fn only_funds(words: &[String]) -> bool {
    const BESIDE: [&str; 12] = [
        "fund",
        "funds",
        "vehicle",
        "vehicles",
        "linked",
        "interest",
        "interested",
        "in",
        "our",
        "the",
        "names",
        "of",
    ];
    words.iter().all(|w| BESIDE.contains(&w.as_str()))
}

/// Airtable's own ids, shown by a `RECORD_ID()` formula.
pub(super) fn record_id(header: &str) -> bool {
    matches!(
        words(header).join(" ").as_str(),
        "record id" | "recordid" | "airtable id" | "airtable record id" | "rec id"
    )
}

/// The column that names the row.
pub(super) fn names_the_row(header: &str) -> bool {
    matches!(
        words(header).join(" ").as_str(),
        "name"
            | "investor"
            | "investor name"
            | "company"
            | "company name"
            | "organization"
            | "organisation"
            | "account"
            | "lp"
            | "lp name"
    )
}

/// `Fund III soft` → (`Fund III`, `soft`): whose money, and how sure it is. A plain
/// commitment counts as hard.
pub(super) fn commitment(header: &str) -> Option<(String, &'static str)> {
    let mut words: Vec<&str> = header
        .split_whitespace()
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|w| !w.is_empty())
        .collect();
    let stage = |word: &str| {
        Some(match word.to_lowercase().as_str() {
            "target" => "target",
            "soft" => "soft",
            "hard" => "hard",
            "signed" => "signed",
            "wired" | "invested" | "funded" => "wired",
            "declined" => "declined",
            _ => return None,
        })
    };
    let plain = |word: &str| {
        matches!(
            word.to_lowercase().as_str(),
            "commitment" | "commitments" | "committed" | "commit" | "amount"
        )
    };
    let last = *words.last()?;
    let sure = if let Some(stage) = stage(last) {
        words.pop();
        // `Fund III commitment soft`
        if words.last().is_some_and(|w| plain(w)) {
            words.pop();
        }
        stage
    } else if plain(last) {
        words.pop();
        match words.last().and_then(|w| stage(w)) {
            Some(stage) => {
                words.pop();
                stage
            }
            None if last.eq_ignore_ascii_case("amount") => return None,
            None => "hard",
        }
    } else {
        return None;
    };
    let fund = words.join(" ");
    (!name_key(&fund).is_empty()).then_some((fund, sure))
}

/// Whether these words can be the name of a fund nobody has told us of.
pub(super) fn introduces_fund(name: &str) -> bool {
    let words = words(name);
    let vague = any(
        &words,
        &[
            "total", "expected", "our", "all", "overall", "previous", "prior", "other", "current",
        ],
    );
    words.len() > 1
        && !vague
        && any(
            &words,
            &["fund", "spv", "vehicle", "opportunity", "opportunities"],
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitment_headers_name_fund_and_stage() {
        for (header, expected) in [
            ("Fund III commitment", Some(("Fund III", "hard"))),
            ("Fund III soft", Some(("Fund III", "soft"))),
            ("Fund III Soft Commitment", Some(("Fund III", "soft"))),
            ("Sample Fund II (wired)", Some(("Sample Fund II", "wired"))),
            ("Fund I invested", Some(("Fund I", "wired"))),
            ("Commitment", None),
            ("Notes", None),
        ] {
            let expected = expected.map(|(f, s)| (f.to_owned(), s));
            assert_eq!(commitment(header), expected, "{header}");
        }
        assert!(introduces_fund("Fund III"));
        assert!(!introduces_fund("Total fund"));
    }

    #[test]
    fn headers_about_links_are_not_links() {
        assert!(contacts(&words("Key contact(s)")));
        assert!(!contacts(&words("Last contact date")));
        assert!(funds(&words("Linked funds")) && only_funds(&words("Linked funds")));
        assert!(!funds(&words("Fund size")));
    }
}
