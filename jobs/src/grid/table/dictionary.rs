//! A column's distinct values, each once. Rows hold small codes: filters decide
//! once per distinct value, sorting ranks each once, and the wire sends each once.

use indexmap::IndexSet;

use super::cell::Place;
use crate::formula::Value;

/// Distinct values by code; code 0 is blank and not in here.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    keys: IndexSet<Value>,
    /// What people and formulas see, where the key is an id or JSON.
    faces: Option<Vec<Value>>,
    /// Codes in sorting order, and its inverse: rank by code. Values that came
    /// since are merged in when asked for.
    sorted: Vec<u32>,
    ranks: Vec<u32>,
}

impl Dictionary {
    /// An empty one; `has_faces` where keys are not what people see.
    pub fn new(has_faces: bool) -> Self {
        Self {
            faces: has_faces.then(Vec::new),
            ..Self::default()
        }
    }

    /// Distinct values so far.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Adds a value that is not [`known`](Self::known), and says its code.
    pub fn add(&mut self, key: Value, face: impl FnOnce(&Value) -> Value) -> u32 {
        if let Some(faces) = &mut self.faces {
            faces.push(face(&key));
        }
        let (at, _) = self.keys.insert_full(key);
        code_at(at)
    }

    /// The code of a value that is known already; 0 for blank.
    pub fn known(&self, key: &Value) -> Option<u32> {
        if *key == Value::Blank {
            return Some(0);
        }
        self.keys.get_index_of(key).map(code_at)
    }

    /// The stored value of a code; blank for 0.
    pub fn key(&self, code: u32) -> &Value {
        index(code)
            .and_then(|at| self.keys.get_index(at))
            .unwrap_or(&Value::Blank)
    }

    /// What people see of a code; blank for 0.
    pub fn face(&self, code: u32) -> &Value {
        match &self.faces {
            None => self.key(code),
            Some(faces) => index(code)
                .and_then(|at| faces.get(at))
                .unwrap_or(&Value::Blank),
        }
    }

    /// Gives every key its face anew: names have changed.
    pub fn reface(&mut self, face: impl Fn(&Value) -> Value) {
        if let Some(faces) = &mut self.faces {
            *faces = self.keys.iter().map(face).collect();
        }
        self.sorted.clear();
        self.ranks.clear();
    }

    /// Brings the ranks up to date: only values that came since are sorted.
    pub fn rank(&mut self, place: impl Fn(&Value, &Value) -> Place) {
        let known = self.sorted.len();
        if known == self.keys.len() {
            return;
        }
        let of = |code: u32| (place(self.key(code), self.face(code)), code);
        let mut fresh: Vec<(Place, u32)> = (known..self.keys.len()).map(code_at).map(of).collect();
        fresh.sort_unstable();
        let mut merged = Vec::with_capacity(self.keys.len());
        let mut rest = &self.sorted[..];
        for fresh in &fresh {
            // Few are new, or all are: the old ones are asked for a place only here.
            let at = rest.partition_point(|code| of(*code) < *fresh);
            merged.extend_from_slice(&rest[..at]);
            merged.push(fresh.1);
            rest = &rest[at..];
        }
        merged.extend_from_slice(rest);
        self.sorted = merged;
        self.ranks = vec![0; self.keys.len() + 1];
        for (rank, code) in (1..).zip(&self.sorted) {
            self.ranks[*code as usize] = rank;
        }
    }

    /// Rank by code after [`Self::rank`]; blank has 0.
    pub fn ranks(&self) -> &[u32] {
        &self.ranks
    }

    /// For every code, blank first: whether the predicate holds.
    pub fn holds(&self, predicate: impl Fn(&Value, &Value) -> bool) -> Vec<bool> {
        (0..=self.keys.len())
            .map(|at| {
                let code = u32::try_from(at).unwrap_or(u32::MAX);
                predicate(self.key(code), self.face(code))
            })
            .collect()
    }
}

fn code_at(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

fn index(code: u32) -> Option<usize> {
    (code as usize).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    #[test]
    fn values_that_come_later_are_ranked_in_their_place() {
        let mut words = Dictionary::new(false);
        let by_text = |_: &Value, face: &Value| Place::of(face);
        for word in ["pear", "apple", "fig"] {
            words.add(text(word), Clone::clone);
        }
        words.rank(by_text);
        assert_eq!(words.ranks(), [0, 3, 1, 2]);
        words.add(text("Banana"), Clone::clone);
        words.rank(by_text);
        assert_eq!(words.ranks(), [0, 4, 1, 3, 2]);
        assert_eq!(words.known(&text("fig")), Some(3));
    }

    #[test]
    fn blank_has_code_zero() {
        let words = Dictionary::new(true);
        assert_eq!(words.known(&Value::Blank), Some(0));
        assert_eq!(words.face(0), &Value::Blank);
        assert_eq!(words.len(), 0);
    }
}
