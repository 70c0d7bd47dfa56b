//! Any Markdown as HTML: nothing in it may run, load, or open a tag of its own.
#![no_main]
#![allow(dead_code, missing_docs, reason = "the module is included, not linked")]

use libfuzzer_sys::fuzz_target;

pub struct Mention {
    pub user_id: String,
    pub name: String,
    pub written: String,
}

#[path = "../../src/notes"]
pub mod notes {
    pub use super::Mention;
    pub mod markdown;
}

/// Tags that notes may have; every other `<` must be escaped.
const TAGS: &[&str] = &[
    "p", "em", "strong", "del", "a", "ul", "ol", "li", "code", "pre", "blockquote", "br", "hr",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "mark",
    "span", "input", "sup", "section", "div",
];

fuzz_target!(|body: &str| {
    let mentions = [Mention {
        user_id: "u1".to_owned(),
        name: "<b>Jo</b> \"x\"".to_owned(),
        written: "@jo".to_owned(),
    }];
    let html = notes::markdown::html(body, &mentions);
    for rest in html.split('<').skip(1) {
        let name: String = rest
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        assert!(TAGS.contains(&name.as_str()), "<{name} in {html}");
        // Attributes end with their tag; what follows is text, where a quote may stand.
        let tag = rest.split('>').next().unwrap_or_default().to_lowercase();
        for (at, part) in tag.split('"').enumerate() {
            // Names and values take turns.
            let bad: &[&str] = if at % 2 == 0 {
                &[" on", " src=", " style="]
            } else {
                &["javascript:", "data:", "vbscript:"]
            };
            let is_bad = |bad: &&str| {
                if at % 2 == 0 { part.contains(*bad) } else { part.trim_start().starts_with(*bad) }
            };
            assert!(!bad.iter().any(is_bad), "<{tag}> of {html}");
        }
    }
    assert!(notes::markdown::plain(body, 80).chars().count() <= 81);
});
