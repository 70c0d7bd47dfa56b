//! Words that are nearly the same: one slip of the finger, two in long words.

use std::{collections::HashSet, sync::Arc};

use sqlx::SqliteConnection;
use tokio::sync::{Mutex, RwLock};

use crate::{
    clock::MINUTE,
    db::{Db, DbError},
};

/// Near words that stand for one typed word, at most.
const MOST_NEAR: usize = 6;
/// Up to so many words the dictionary is read anew at once when the index has
/// changed; a larger one behind the answer's back, once a minute at most.
const SMALL: usize = 20_000;
/// Letters of words that are compared.
const ROOM: usize = 40;
/// Words that are kept, at most: bounds memory and work.
const MOST_TERMS: i64 = 1_000_000;

/// Every word of the index, kept in memory: reading them from the file costs as
/// much as the index is large. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    known: Arc<RwLock<Arc<Terms>>>,
    /// Held by whoever reads, so that nobody reads it twice at once.
    reading: Arc<Mutex<()>>,
}

#[derive(Debug, Default)]
pub(super) struct Terms {
    /// Sorted; with the number of entries each is in.
    words: Vec<(Box<str>, i64)>,
    /// The index as it was then.
    mark: Vec<u8>,
    read_at: i64,
}

impl Dictionary {
    /// Begins to read it if nobody did yet: whoever types has typed on by the
    /// time it is needed.
    pub(super) async fn prepare(&self, db: &Db) {
        if self.known.read().await.read_at == 0 && self.reading.try_lock().is_ok() {
            self.read_aside(db);
        }
    }

    /// The words as they are, or were a moment ago.
    pub(super) async fn terms(
        &self,
        db: &Db,
        conn: &mut SqliteConnection,
    ) -> Result<Arc<Terms>, DbError> {
        let known = Arc::clone(&*self.known.read().await);
        let mark = mark(conn).await?;
        if known.mark == mark {
            return Ok(known);
        }
        if known.words.len() <= SMALL {
            return self.read(db, conn).await;
        }
        if db.now() - known.read_at >= MINUTE && self.reading.try_lock().is_ok() {
            self.read_aside(db);
        }
        Ok(known)
    }

    /// Nobody waits for it, and a failure is tried again by the next question.
    fn read_aside(&self, db: &Db) {
        let (this, db) = (self.clone(), db.clone());
        tokio::spawn(async move {
            if let Ok(mut conn) = db.read().acquire().await {
                let _ = this.read(&db, &mut conn).await;
            }
        });
    }

    async fn read(&self, db: &Db, conn: &mut SqliteConnection) -> Result<Arc<Terms>, DbError> {
        let _one_at_a_time = self.reading.lock().await;
        let mark = mark(conn).await?;
        let known = Arc::clone(&*self.known.read().await);
        if known.mark == mark {
            return Ok(known);
        }
        // Numbers have no typos: one digit more is another number.
        let words: Vec<(String, i64)> = sqlx::query_as(
            "select term, doc from search_terms where term not glob '*[0-9]*' limit ?1",
        )
        .bind(MOST_TERMS)
        .fetch_all(conn)
        .await?;
        let terms = Arc::new(Terms {
            words: words
                .into_iter()
                .map(|(word, count)| (word.into_boxed_str(), count))
                .collect(),
            mark,
            read_at: db.now(),
        });
        *self.known.write().await = Arc::clone(&terms);
        Ok(terms)
    }
}

/// The record of the index's segments: every write to the index changes it.
async fn mark(conn: &mut SqliteConnection) -> Result<Vec<u8>, DbError> {
    let mark: Option<Vec<u8>> =
        sqlx::query_scalar("select block from search_index_data where id = 10")
            .fetch_optional(conn)
            .await?;
    Ok(mark.unwrap_or_default())
}

impl Terms {
    /// Each word with those it may have been meant for; none if there are none.
    /// Words that find nothing are bent first; all of them if each finds something.
    pub(super) fn widen(&self, words: &[String]) -> Option<Vec<Vec<String>>> {
        let lost: HashSet<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| !self.has_beginning(word))
            .collect();
        let mut is_wider = false;
        let groups = words
            .iter()
            .map(|word| {
                let mut any = vec![word.clone()];
                if lost.is_empty() || lost.contains(word.as_str()) {
                    any.extend(self.near(word));
                }
                is_wider |= any.len() > 1;
                any
            })
            .collect();
        is_wider.then_some(groups)
    }

    fn from(&self, start: &str) -> usize {
        self.words.partition_point(|(word, _)| &**word < start)
    }

    fn has_beginning(&self, word: &str) -> bool {
        let next = self.words.get(self.from(word));
        next.is_some_and(|(found, _)| found.starts_with(word))
            || word.bytes().any(|b| b.is_ascii_digit())
    }

    /// The nearest words that share the first letter, or have the first two
    /// swapped. The end of a word may be missing still.
    fn near(&self, word: &str) -> Vec<String> {
        let letters: Vec<char> = word.chars().collect();
        let most = match letters.len() {
            4..8 => 1,
            8..36 => 2,
            _ => return Vec::new(),
        };
        if letters.iter().any(char::is_ascii_digit) {
            return Vec::new();
        }
        let first: String = letters.iter().take(1).collect();
        let swapped: String = letters.iter().take(2).rev().collect();
        let starting = |start: String| {
            self.words
                .iter()
                .skip(self.from(&start))
                .take_while(move |(found, _)| found.starts_with(&start))
        };
        let mut found: Vec<(usize, i64, &str)> = starting(first)
            .chain(starting(swapped))
            .filter(|(candidate, _)| !candidate.starts_with(word))
            .filter_map(|(candidate, count)| {
                let far = distance(&letters, candidate, most)?;
                Some((far, -count, &**candidate))
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        let nearest = found.iter().take(MOST_NEAR);
        nearest.map(|(_, _, word)| (*word).to_owned()).collect()
    }
}

/// How many letters were dropped, added, exchanged or swapped with their
/// neighbour (optimal string alignment) between what was typed and a word or the
/// beginning of one; none if more than `most`. On the stack: it is asked of every
/// word that shares a letter.
fn distance(typed: &[char], word: &str, most: usize) -> Option<usize> {
    let mut letters = ['\0'; ROOM];
    let mut long = 0;
    for (place, letter) in letters
        .iter_mut()
        .zip(word.chars())
        .take(typed.len() + most)
    {
        *place = letter;
        long += 1;
    }
    if long + most < typed.len() {
        return None;
    }
    let word = &letters[..long];
    let mut before = [0; ROOM + 1];
    let mut last: [usize; ROOM + 1] = std::array::from_fn(|j| j);
    for (i, a) in typed.iter().enumerate() {
        let mut row = [0; ROOM + 1];
        row[0] = i + 1;
        for (j, b) in word.iter().enumerate() {
            let exchanged = last[j] + usize::from(a != b);
            let mut steps = exchanged.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == word[j - 1] && typed[i - 1] == *b {
                steps = steps.min(before[j - 1] + 1);
            }
            row[j + 1] = steps;
        }
        // Two rows decide the next one: if both are past it, so are all to come.
        if i > 0 && row[..=long].iter().chain(&last[..=long]).all(|d| *d > most) {
            return None;
        }
        (before, last) = (last, row);
    }
    let nearest = last[..=long].iter().min().copied();
    nearest.filter(|steps| *steps <= most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms(words: &[&str]) -> Terms {
        let mut words: Vec<(Box<str>, i64)> = words.iter().map(|w| ((*w).into(), 1)).collect();
        words.sort();
        Terms {
            words,
            ..Terms::default()
        }
    }

    #[test]
    fn one_slip_in_short_words_two_in_long_ones() {
        let known = terms(&[
            "sample",
            "simple",
            "sampling",
            "berghof",
            "foundation",
            "amsple",
            "tiny",
        ]);
        for (typed, meant) in [
            ("smaple", "sample"),
            ("sampel", "sample"),
            ("smple", "sample"),
            ("saample", "sample"),
            ("asmple", "sample"),
            ("bergfo", "berghof"),
            ("fundatoin", "foundation"),
        ] {
            assert!(
                known.near(typed).contains(&meant.to_owned()),
                "{typed}: {:?}",
                known.near(typed)
            );
        }
        for typed in ["tin", "tni", "bregfo", "s4mple", "xample", "sempil"] {
            assert!(
                known.near(typed).is_empty(),
                "{typed}: {:?}",
                known.near(typed)
            );
        }
    }

    #[test]
    fn only_words_that_find_nothing_are_bent() {
        let known = terms(&["sample", "simple", "office"]);
        let words = |text: &str| super::super::words::of(text);
        assert_eq!(
            known.widen(&words("simpel office")).unwrap(),
            [vec!["simpel", "simple"], vec!["office"]]
        );
        // Each finds something, but not together: all are bent.
        assert_eq!(
            known.widen(&words("sample office")).unwrap(),
            [vec!["sample", "simple"], vec!["office"]]
        );
        assert!(known.widen(&words("nothing here")).is_none());
    }

    proptest! {
        /// Against a library that compares whole words only.
        #[test]
        fn the_distance_is_the_one_to_some_beginning(typed in "[a-d]{1,9}", word in "[a-d]{0,12}") {
            let letters: Vec<char> = typed.chars().collect();
            let all: Vec<char> = word.chars().collect();
            let expected = (0..=all.len())
                .map(|n| strsim::osa_distance(&typed, &all[..n].iter().collect::<String>()))
                .min()
                .unwrap();
            for most in 0..3 {
                prop_assert_eq!(distance(&letters, &word, most), Some(expected).filter(|d| *d <= most));
            }
        }
    }
}
