//! Cells that a spreadsheet would run. A text that begins like a formula gets an
//! apostrophe in front, as OWASP advises, and our own import takes it off again.

/// With these a spreadsheet takes a text for a formula, alone or once it has cut
/// off what stands before them.
const STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

/// The text as a file may have it. One that begins with apostrophes and then like
/// a formula gets one more, so that [`unguarded`] gives back exactly what it was.
pub fn guarded(text: String) -> String {
    if text.trim_start_matches('\'').starts_with(STARTS) {
        let mut out = String::with_capacity(text.len() + 1);
        out.push('\'');
        out.push_str(&text);
        out
    } else {
        text
    }
}

/// The text that [`guarded`] was given.
pub fn unguarded(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(STARTS) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_guarded() {
        for text in [
            "=1+1", "+49 30 1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''@x",
        ] {
            let safe = guarded(text.to_owned());
            assert_eq!(safe, format!("'{text}"));
            assert_eq!(unguarded(&safe), text);
        }
        for text in ["", "plain", "1-2", "'quoted'", "it's = 1", " =1", "''"] {
            assert_eq!(guarded(text.to_owned()), text);
            assert_eq!(unguarded(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(text in "['=+@\\-a \t\r\n]{0,6}") {
            let safe = guarded(text.clone());
            proptest::prop_assert_eq!(unguarded(&safe), text);
        }
    }
}
