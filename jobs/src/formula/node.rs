//! A compiled formula: nodes in one array, operands before what uses them.

use std::sync::Arc;

use jiff::{civil::Date, tz::TimeZone};

use super::functions::FunctionDoc;
use super::lexer::Operator;
use super::moment_format::Piece;
use super::types::Type;
use super::units::Unit;
use super::value::Value;

/// Index into the array of nodes.
pub type NodeId = usize;

#[derive(Clone, Debug)]
pub struct Node {
    pub kind: NodeKind,
    pub result: Type,
    /// Characters of the source, half-open.
    pub span: (usize, usize),
}

#[derive(Clone, Debug)]
pub enum NodeKind {
    Literal(Value),
    /// The value of the column with this number in `inputs`.
    Slot(usize),
    Negate(NodeId),
    /// Operators of one level, left to right.
    Chain(NodeId, Box<[(Operator, NodeId)]>),
    Call(Call),
}

#[derive(Clone, Debug)]
pub struct Call {
    pub function: &'static FunctionDoc,
    pub arguments: Box<[NodeId]>,
    /// One for each argument that is constant and costly to read.
    pub prepared: Box<[(usize, Prepared)]>,
}

/// A constant argument, read once when the formula is compiled.
#[derive(Clone, Debug)]
pub enum Prepared {
    Unit(Unit),
    Zone(TimeZone),
    Pattern(regex::Regex),
    Format(Arc<[Piece]>),
    Holidays(Arc<[Date]>),
}
