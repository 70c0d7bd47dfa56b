//! Shows a calculation step by step.

use std::borrow::Cow;

use super::convert;
use super::eval::{Evaluation, calculate};
use super::node::{Node, NodeKind};
use super::value::Value;

/// One sub-expression and its value in a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// First character in the source.
    pub start: usize,
    /// The character behind the last.
    pub end: usize,
    /// The sub-expression as written.
    pub source: String,
    /// Its value.
    pub value: Value,
    /// The value as text.
    pub text: String,
}

/// Every sub-expression, inner ones first; also those that the row's values skip.
/// `run` keeps each value, so nothing is calculated twice.
pub fn steps(source: &str, run: &Evaluation<'_>) -> Vec<Step> {
    let chars: Vec<char> = source.chars().collect();
    let mut steps = Vec::with_capacity(run.nodes.len());
    for (id, node) in run.nodes.iter().enumerate() {
        sums_so_far(&chars, run, node, &mut steps);
        steps.push(step(&chars, run, node.span, run.value(id)));
    }
    steps
}

fn step(chars: &[char], run: &Evaluation<'_>, span: (usize, usize), value: Cow<'_, Value>) -> Step {
    Step {
        start: span.0,
        end: span.1,
        source: chars[span.0..span.1].iter().collect(),
        text: value.text(&run.moment.zone),
        value: value.into_owned(),
    }
}

/// `a - b + c` is one node, but `a - b` is a step of its own.
fn sums_so_far(chars: &[char], run: &Evaluation<'_>, node: &Node, steps: &mut Vec<Step>) {
    let NodeKind::Chain(first, rest) = &node.kind else {
        return;
    };
    if rest[0].0.level() < 2 {
        return;
    }
    let mut sum = convert::number(&run.value(*first));
    for (operator, operand) in &rest[..rest.len() - 1] {
        let right = run.value(*operand);
        sum = sum.and_then(|left| calculate(left, *operator, convert::number(&right)?));
        let value = sum.map_or_else(Value::Error, Value::from);
        let span = (node.span.0, run.nodes[*operand].span.1);
        steps.push(step(chars, run, span, Cow::Owned(value)));
    }
}
