//! Names for attached files that every system takes, each once.

use std::collections::HashSet;

/// Characters of a name at most; some systems take 255 bytes.
const MOST: usize = 100;
/// Names that mean devices to Windows.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Gives names away.
#[derive(Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// This name, or it with a number; never one that leads out of its folder.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let clean = clean(wanted);
        let (stem, end) = match clean.rsplit_once('.') {
            Some((stem, end)) if !stem.is_empty() && end.chars().count() <= 10 => {
                (stem.to_owned(), format!(".{end}"))
            }
            _ => (clean, String::new()),
        };
        let stem: String = stem.chars().take(MOST).collect();
        let mut name = format!("{stem}{end}");
        let mut n = 1;
        // Whatever the case: some systems see no difference.
        while !self.0.insert(name.to_lowercase()) {
            n += 1;
            name = format!("{stem} ({n}){end}");
        }
        name
    }
}

fn clean(wanted: &str) -> String {
    let plain: String = wanted
        .chars()
        .map(|c| {
            let is_turning = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || is_turning || "<>:\"/\\|?*".contains(c) {
                '_'
            } else {
                c
            }
        })
        .collect();
    let plain = plain
        .trim()
        .trim_start_matches('.')
        .trim_end_matches(['.', ' ']);
    let stem = plain.split('.').next().unwrap_or_default().to_lowercase();
    if plain.is_empty() {
        "file".to_owned()
    } else if DEVICES.contains(&stem.trim()) {
        format!("_{plain}")
    } else {
        plain.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_by_every_system_and_given_once() {
        let mut names = Names::default();
        for (wanted, given) in [
            ("Deck.pdf", "Deck.pdf"),
            ("deck.PDF", "deck (2).PDF"),
            ("Deck.pdf", "Deck (3).pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..", "file"),
            ("", "file (2)"),
            ("con.txt", "_con.txt"),
            ("a\u{202e}fdp.exe", "a_fdp.exe"),
            ("Über uns?.docx", "Über uns_.docx"),
            ("x. ", "x"),
        ] {
            assert_eq!(names.take(wanted), given);
        }
        let long = names.take(&format!("{}.pdf", "x".repeat(400)));
        assert_eq!(long, format!("{}.pdf", "x".repeat(MOST)));
    }
}
