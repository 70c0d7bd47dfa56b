//! Resolves names, counts arguments and infers types: tree to nodes.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::functions::{self, FunctionDoc, Parameter, Rule};
use super::lexer::{Operator, braced};
use super::node::{Call, Node, NodeId, NodeKind, Prepared};
use super::parser::{Expr, ExprKind};
use super::problem::{Problem, nearest};
use super::types::{Field, Type};
use super::units::Unit;
use super::value::Value;
use super::{Volatility, regexes, zones};
use super::{moment_format, working_days};

/// How columns are named in the text being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `{Name}`, or a bare word.
    Names,
    /// `{#id}`.
    Ids,
}

#[derive(Clone, Debug)]
pub struct Compiled {
    pub nodes: Vec<Node>,
    pub inputs: Vec<String>,
    pub watched: Vec<String>,
    pub watches_all: bool,
    pub volatility: Volatility,
}

pub fn compile(expr: &Expr, fields: &[Field], naming: Naming) -> Result<Compiled, Problem> {
    let mut compiler = Compiler {
        fields,
        naming,
        slots: HashMap::new(),
        watch: None,
        out: Compiled {
            nodes: Vec::new(),
            inputs: Vec::new(),
            watched: Vec::new(),
            watches_all: false,
            volatility: Volatility::Never,
        },
    };
    compiler.node(expr)?;
    if let Some(watch) = compiler.watch {
        compiler.out.watches_all = watch.is_empty();
        compiler.out.watched = watch;
    }
    Ok(compiler.out)
}

/// The column that a reference means.
pub fn resolve<'f>(
    name: &str,
    bare: bool,
    fields: &'f [Field],
    naming: Naming,
) -> Option<&'f Field> {
    match naming {
        Naming::Names => fields.iter().find(|f| f.name == name),
        Naming::Ids if bare => None,
        Naming::Ids => {
            let id = name.strip_prefix('#')?;
            fields.iter().find(|f| f.id == id)
        }
    }
}

struct Compiler<'f> {
    fields: &'f [Field],
    naming: Naming,
    slots: HashMap<&'f str, usize>,
    /// Columns of the `LAST_MODIFIED_TIME` calls so far, sorted; empty means all.
    watch: Option<Vec<String>>,
    out: Compiled,
}

impl<'f> Compiler<'f> {
    fn push(&mut self, kind: NodeKind, result: Type, span: (usize, usize)) -> NodeId {
        self.out.nodes.push(Node { kind, result, span });
        self.out.nodes.len() - 1
    }

    fn result(&self, id: NodeId) -> Type {
        self.out.nodes[id].result
    }

    fn node(&mut self, expr: &Expr) -> Result<NodeId, Problem> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Number(number) => {
                Ok(self.push(NodeKind::Literal((*number).into()), Type::Number, span))
            }
            ExprKind::Text(text) => {
                Ok(self.push(NodeKind::Literal(text.as_str().into()), Type::Text, span))
            }
            ExprKind::Column { name, bare } => {
                let field = self.column(name, *bare, span)?;
                let slot = self.slot(field);
                Ok(self.push(NodeKind::Slot(slot), field.kind, span))
            }
            ExprKind::Negate(operand) => {
                if let ExprKind::Number(number) = operand.kind {
                    let negative = Value::Number(Decimal::ZERO - number);
                    return Ok(self.push(NodeKind::Literal(negative), Type::Number, span));
                }
                let operand = self.node(operand)?;
                let result = self.result(operand).blend(Type::Number);
                Ok(self.push(NodeKind::Negate(operand), result, span))
            }
            ExprKind::Chain(first, rest) => self.chain(first, rest, span),
            ExprKind::Call {
                name,
                name_span,
                arguments,
            } => self.call(name, *name_span, arguments, span),
        }
    }

    fn chain(
        &mut self,
        first: &Expr,
        rest: &[(Operator, Expr)],
        span: (usize, usize),
    ) -> Result<NodeId, Problem> {
        let first = self.node(first)?;
        let mut result = self.result(first);
        let mut links = Vec::with_capacity(rest.len());
        for (operator, operand) in rest {
            let operand = self.node(operand)?;
            let other = self.result(operand);
            result = match operator {
                Operator::Add | Operator::Subtract => result.blend(other),
                Operator::Multiply => result.times(other),
                Operator::Divide => result.divided_by(other),
                Operator::Join => Type::Text,
                _ => Type::Boolean,
            };
            links.push((*operator, operand));
        }
        Ok(self.push(NodeKind::Chain(first, links.into()), result, span))
    }

    fn column(&self, name: &str, bare: bool, span: (usize, usize)) -> Result<&'f Field, Problem> {
        if let Some(field) = resolve(name, bare, self.fields, self.naming) {
            return Ok(field);
        }
        if self.naming == Naming::Ids {
            let message = "this formula names a column that no longer exists";
            return Err(Problem::new("unknown_column", span, message));
        }
        if bare && let Some(function) = functions::find(name) {
            let call = format!("{}()", function.name);
            let message = format!("`{name}` is a function: write `{}`", function.signature);
            return Err(Problem::new("unknown_column", span, message).suggesting(call));
        }
        let near = nearest(name, self.fields.iter().map(|f| f.name.as_str()));
        Err(Problem::unknown(
            "unknown_column",
            "column",
            span,
            &braced(name),
            near.map(braced),
        ))
    }

    fn slot(&mut self, field: &'f Field) -> usize {
        *self.slots.entry(&field.id).or_insert_with(|| {
            self.out.inputs.push(field.id.clone());
            self.out.inputs.len() - 1
        })
    }

    fn call(
        &mut self,
        name: &str,
        name_span: (usize, usize),
        arguments: &[Expr],
        span: (usize, usize),
    ) -> Result<NodeId, Problem> {
        let Some(function) = functions::find(name) else {
            let near = nearest(name, functions::functions().map(|f| f.name));
            return Err(Problem::unknown(
                "unknown_function",
                "function",
                name_span,
                name,
                near.map(str::to_owned),
            ));
        };
        check_count(function, arguments.len(), span)?;
        self.out.volatility = self.out.volatility.max(function.volatility);
        if function.parameters == [Parameter::Column] {
            return self.watching(function, arguments, span);
        }
        let mut ids = Vec::with_capacity(arguments.len());
        let mut prepared = Vec::new();
        for (i, argument) in arguments.iter().enumerate() {
            ids.push(self.node(argument)?);
            if let ExprKind::Text(text) = &argument.kind
                && let Some(ready) = prepare(function.parameter(i), text, argument.span)?
            {
                prepared.push((i, ready));
            }
        }
        let result = self.call_type(function, &ids, &prepared);
        let call = Call {
            function,
            arguments: ids.into(),
            prepared: prepared.into(),
        };
        Ok(self.push(NodeKind::Call(call), result, span))
    }

    fn call_type(
        &self,
        function: &FunctionDoc,
        arguments: &[NodeId],
        prepared: &[(usize, Prepared)],
    ) -> Type {
        let types = || arguments.iter().map(|&id| self.result(id));
        match function.result {
            Rule::Is(result) => result,
            Rule::Blend => types().fold(Type::Number, Type::blend),
            Rule::First => types().next().unwrap_or(Type::Number).blend(Type::Number),
            // IF(condition, yes, no): everything behind the condition.
            Rule::IfBranches => types().skip(1).fold(Type::Blank, Type::either),
            // SWITCH(expression, pattern, result, …, default)
            Rule::SwitchBranches => {
                let last = arguments.len() - 1;
                types()
                    .enumerate()
                    .filter(|(i, _)| *i > 0 && (i % 2 == 0 || *i == last))
                    .fold(Type::Blank, |all, (_, one)| all.either(one))
            }
            Rule::Shifted => {
                let whole_days = prepared.iter().any(|(_, ready)| {
                    matches!(ready, Prepared::Unit(unit) if unit.nanoseconds().is_none())
                });
                if whole_days && types().next() == Some(Type::Date) {
                    Type::Date
                } else {
                    Type::DateTime
                }
            }
            Rule::Parsed => match prepared.first() {
                Some((_, Prepared::Format(pieces))) if !moment_format::has_time(pieces) => {
                    Type::Date
                }
                _ => Type::DateTime,
            },
        }
    }

    /// `LAST_MODIFIED_TIME`: its arguments are columns, not their values.
    fn watching(
        &mut self,
        function: &'static FunctionDoc,
        arguments: &[Expr],
        span: (usize, usize),
    ) -> Result<NodeId, Problem> {
        let mut watch = Vec::new();
        for argument in arguments {
            let ExprKind::Column { name, bare } = &argument.kind else {
                let message = "name columns here, without calculating";
                return Err(Problem::new("not_a_column", argument.span, message));
            };
            let field = self.column(name, *bare, argument.span)?;
            if field.computed {
                let message = format!("nobody edits {}: it is calculated", braced(&field.name));
                return Err(Problem::new("computed_column", argument.span, message));
            }
            watch.push(field.id.clone());
        }
        watch.sort();
        watch.dedup();
        // A row brings one time, that of the last edit of the watched columns.
        if self.watch.as_ref().is_some_and(|seen| *seen != watch) {
            let message =
                "a formula can watch one set of columns: use a second column for the other";
            return Err(Problem::new("mixed_watch", span, message));
        }
        self.watch = Some(watch);
        let call = Call {
            function,
            arguments: Box::default(),
            prepared: Box::default(),
        };
        Ok(self.push(NodeKind::Call(call), Type::DateTime, span))
    }
}

fn check_count(function: &FunctionDoc, given: usize, span: (usize, usize)) -> Result<(), Problem> {
    if given >= function.min && function.max.is_none_or(|max| given <= max) {
        return Ok(());
    }
    let needs = match (function.min, function.max) {
        (0, Some(0)) => "no arguments".to_owned(),
        (min, Some(max)) if min == max => format!("{min} argument{}", plural(min)),
        (min, Some(max)) => format!("{min} to {max} arguments"),
        (min, None) => format!("at least {min} argument{}", plural(min)),
    };
    let message = format!(
        "{} takes {needs}, not {given}: {}",
        function.name, function.signature
    );
    Err(Problem::new("argument_count", span, message))
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Reads a constant argument. What can never work is a problem now, not an error in
/// every row.
fn prepare(
    parameter: Parameter,
    text: &str,
    span: (usize, usize),
) -> Result<Option<Prepared>, Problem> {
    Ok(match parameter {
        Parameter::Unit => Some(Prepared::Unit(Unit::parse(text).ok_or_else(|| {
            let message = format!(
                "no unit of time {text:?}: use milliseconds, seconds, minutes, hours, days, weeks, months, quarters or years"
            );
            Problem::new("bad_unit", span, message)
        })?)),
        Parameter::Zone => Some(Prepared::Zone(zones::find(text).ok_or_else(|| {
            let message = format!("no time zone {text:?}: use a name like Europe/Zurich");
            Problem::new("bad_zone", span, message)
        })?)),
        Parameter::Pattern => Some(Prepared::Pattern(regexes::compile(text).map_err(|why| {
            Problem::new("bad_pattern", span, format!("not a regular expression: {why}"))
        })?)),
        Parameter::Format => Some(Prepared::Format(moment_format::pieces(text).into())),
        Parameter::Holidays => working_days::holidays(text).map(|days| Prepared::Holidays(days.into())),
        _ => None,
    })
}
