//! Words of queries and texts: cut, folded and marked the way the index does it.

use schemars::JsonSchema;
use serde::Serialize;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Words of a query that count; the rest narrows nothing more.
pub(super) const MOST_WORDS: usize = 10;
/// Characters of a word that count.
const WORD_CHARS: usize = 60;
/// Characters of a text shown around a match.
const SHOWN: usize = 140;
/// How many of them stand before it.
const BEFORE: usize = 40;

/// A piece of text, marked if it is what was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Part {
    /// Plain text.
    pub text: String,
    /// It matches.
    pub hit: bool,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Without case and accents.
pub(super) fn fold(text: &str) -> String {
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The words of a query, folded, each once.
pub(super) fn of(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for piece in query.split(|c| !is_word(c)) {
        let word: String = fold(piece).chars().take(WORD_CHARS).collect();
        if word.chars().any(char::is_alphanumeric) && !words.contains(&word) {
            words.push(word);
        }
        if words.len() == MOST_WORDS {
            break;
        }
    }
    words
}

/// A query in the language of the index: all groups, each by any of its words,
/// as beginnings. Quoted, so that nothing in it is syntax.
pub(super) fn expression(groups: &[Vec<String>]) -> String {
    let all = groups.iter().map(|any| {
        let any: Vec<String> = any.iter().map(|word| beginning(word)).collect();
        format!("({})", any.join(" OR "))
    });
    all.collect::<Vec<_>>().join(" AND ")
}

/// A word as a beginning.
pub(super) fn beginning(word: &str) -> String {
    format!("\"{}\" *", word.replace('"', "\"\""))
}

/// The text in pieces; those that begin with one of the words are marked.
pub(super) fn marked(text: &str, words: &[String]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut add = |piece: &str, hit: bool| match parts.last_mut() {
        Some(last) if last.hit == hit && !hit => last.text.push_str(piece),
        _ => parts.push(Part {
            text: piece.to_owned(),
            hit,
        }),
    };
    for (piece, is_word) in pieces(text) {
        if is_word && matches(piece, words) {
            add(piece, true);
        } else {
            add(piece, false);
        }
    }
    parts
}

fn matches(piece: &str, words: &[String]) -> bool {
    let folded = fold(piece);
    words.iter().any(|word| folded.starts_with(word.as_str()))
}

/// Some of a text, from shortly before its first match on.
pub(super) fn snippet(text: &str, words: &[String]) -> Vec<Part> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut at = 0;
    let mut first = None;
    for (piece, is_word) in pieces(&text) {
        if is_word && matches(piece, words) {
            first = Some(at);
            break;
        }
        at += piece.len();
    }
    let start = first.map_or(0, |first| back(&text, first));
    let (tail, from_start) = (text.get(start..).unwrap_or_default(), start == 0);
    let cut: String = tail.chars().take(SHOWN).collect();
    let is_whole = cut.len() == tail.len();
    let shown = if is_whole {
        cut.as_str()
    } else {
        // Not in the middle of a word, unless it is a very long one.
        cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| {
            if head.len() > SHOWN / 2 { head } else { &cut }
        })
    };
    let mut parts = marked(shown, words);
    let dots = |text: &str| Part {
        text: text.to_owned(),
        hit: false,
    };
    if !from_start {
        parts.insert(0, dots("… "));
    }
    if !is_whole {
        parts.push(dots(" …"));
    }
    parts
}

/// A place up to [`BEFORE`] characters back, at the start of a word.
fn back(text: &str, from: usize) -> usize {
    let head = text.get(..from).unwrap_or_default();
    let Some((at, _)) = head.char_indices().rev().nth(BEFORE) else {
        return 0;
    };
    let rest = head.get(at..).unwrap_or_default();
    rest.find(' ').map_or(from, |space| at + space + 1)
}

/// Words and what stands between them, in order.
fn pieces(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = is_word(rest.chars().next()?);
        let end = rest.find(|c| is_word(c) != kind).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some((piece, kind))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(parts: &[Part]) -> String {
        parts
            .iter()
            .map(|p| {
                if p.hit {
                    format!("[{}]", p.text)
                } else {
                    p.text.clone()
                }
            })
            .collect()
    }

    #[test]
    fn queries_are_cut_into_folded_words() {
        assert_eq!(
            of("  Müller-Lüdenscheidt \"AND\" müller "),
            ["muller", "ludenscheidt", "and"]
        );
        assert_eq!(of("ada@example.org"), ["ada", "example", "org"]);
        assert!(of("… — 🚀 * - \" ()").is_empty());
        assert_eq!(of(&"x ".repeat(9_000)), ["x"]);
        assert_eq!(of("a b c d e f g h i j k l m n").len(), MOST_WORDS);
        let words = [
            vec!["a\"b".to_owned()],
            vec!["c".to_owned(), "d".to_owned()],
        ];
        assert_eq!(expression(&words), r#"("a""b" *) AND ("c" * OR "d" *)"#);
    }

    #[test]
    fn matches_are_marked_where_they_stand() {
        let words = of("mull off");
        assert_eq!(
            text_of(&marked("Family Office <Müller>", &words)),
            "Family [Office] <[Müller]>"
        );
        let long = format!(
            "{} the Müllers came {}",
            "before ".repeat(30),
            "after ".repeat(60)
        );
        let shown = text_of(&snippet(&long, &words));
        assert!(
            shown.starts_with("… before ") && shown.ends_with("after …"),
            "{shown}"
        );
        assert!(shown.contains("[Müllers] came"), "{shown}");
        assert_eq!(
            text_of(&snippet("short\n\nand  whole", &words)),
            "short and whole"
        );
        assert!(snippet("", &words).is_empty());
    }

    proptest! {
        #[test]
        fn marking_loses_nothing(text in any::<String>(), query in any::<String>()) {
            let words = of(&query);
            let parts = marked(&text, &words);
            let joined: String = parts.iter().map(|p| p.text.as_str()).collect();
            prop_assert_eq!(joined, text.clone());
            snippet(&text, &words);
        }
    }
}
