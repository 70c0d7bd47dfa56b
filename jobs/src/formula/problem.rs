//! Why a formula cannot be saved, and where.

use serde::Serialize;

/// What is wrong with a formula's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Stable, for programs: `unknown_column`, `argument_count`, …
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// First character concerned, counted in characters from 0.
    pub start: usize,
    /// The character behind the last one concerned.
    pub end: usize,
    /// Text that could stand from `start` to `end` instead.
    pub suggestion: Option<String>,
}

impl Problem {
    pub(super) fn new(
        code: &'static str,
        (start, end): (usize, usize),
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            start,
            end,
            suggestion: None,
        }
    }

    pub(super) fn suggesting(mut self, text: impl Into<String>) -> Self {
        self.suggestion = Some(text.into());
        self
    }

    /// An unknown name, with the nearest known one if one is near.
    pub(super) fn unknown(
        code: &'static str,
        what: &str,
        span: (usize, usize),
        name: &str,
        nearest: Option<String>,
    ) -> Self {
        match nearest {
            Some(near) => Self::new(
                code,
                span,
                format!("no {what} `{name}`: did you mean `{near}`?"),
            )
            .suggesting(near),
            None => Self::new(code, span, format!("no {what} `{name}`")),
        }
    }
}

/// The candidate most like `name`, if a typing mistake could explain the difference.
pub(super) fn nearest<'n>(
    name: &str,
    candidates: impl Iterator<Item = &'n str>,
) -> Option<&'n str> {
    // The comparison is quadratic in the length.
    const LONGEST: usize = 100;
    let length = name.chars().count();
    if length > LONGEST {
        return None;
    }
    let wanted = name.trim().to_lowercase();
    candidates
        .filter(|candidate| candidate.chars().count() <= LONGEST)
        .map(|candidate| {
            let distance = strsim::osa_distance(&wanted, &candidate.trim().to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= (length / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
