//! The form in which a formula is kept: columns by id, so that renaming one breaks
//! nothing.

use super::compile::{Naming, resolve};
use super::lexer::{self, TokenKind, braced};
use super::types::Field;

/// A text in which references are written in another way.
pub struct Rewritten {
    pub text: String,
    /// For each reference: where it ended, and where it ends now. In characters.
    ends: Vec<(usize, usize)>,
}

impl Rewritten {
    /// Where an offset outside of references, or at their ends, is now.
    pub fn moved(&self, offset: usize) -> usize {
        let behind = self.ends.partition_point(|(end, _)| *end <= offset);
        match behind.checked_sub(1).map(|i| self.ends[i]) {
            Some((before, now)) => now + (offset - before),
            None => offset,
        }
    }
}

/// The source with references named the other way. What cannot be resolved, and a
/// text that is no formula, stays as it is.
pub fn rewrite(source: &str, fields: &[Field], from: Naming) -> Rewritten {
    let chars: Vec<char> = source.chars().collect();
    let mut text = String::with_capacity(source.len());
    let (mut ends, mut length, mut copied) = (Vec::new(), 0, 0);
    let tokens = lexer::tokens(source).unwrap_or_default();
    for (i, token) in tokens.iter().enumerate() {
        let (name, bare) = match &token.kind {
            TokenKind::Column(name) => (name, false),
            // A name before a parenthesis is a function's.
            TokenKind::Name(name)
                if tokens.get(i + 1).map(|t| &t.kind) != Some(&TokenKind::Open) =>
            {
                (name, true)
            }
            _ => continue,
        };
        let Some(field) = resolve(name, bare, fields, from) else {
            continue;
        };
        let reference = match from {
            Naming::Names => braced(&format!("#{}", field.id)),
            Naming::Ids => braced(&field.name),
        };
        text.extend(&chars[copied..token.start]);
        text.push_str(&reference);
        length += token.start - copied + reference.chars().count();
        copied = token.end;
        ends.push((token.end, length));
    }
    text.extend(&chars[copied..]);
    Rewritten { text, ends }
}
