//! Tokens to a tree. Operators of one level make one flat chain, so that a thousand
//! additions are no deeper than one.

use rust_decimal::Decimal;

use super::lexer::{self, Operator, Token, TokenKind};
use super::limits::MAX_DEPTH;
use super::problem::Problem;

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    /// Parentheses around it are part of it.
    pub span: (usize, usize),
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Number(Decimal),
    Text(String),
    Column {
        name: String,
        /// Written without braces.
        bare: bool,
    },
    Negate(Box<Expr>),
    Chain(Box<Expr>, Vec<(Operator, Expr)>),
    Call {
        name: String,
        name_span: (usize, usize),
        arguments: Vec<Expr>,
    },
}

pub fn parse(source: &str) -> Result<Expr, Problem> {
    let mut parser = Parser {
        tokens: lexer::tokens(source)?.into_iter().peekable(),
        depth: 0,
    };
    if parser.peek() == &TokenKind::End {
        return Err(Problem::new("empty", (0, 0), "write a formula"));
    }
    let expr = parser.expression()?;
    match parser.next() {
        token if token.kind == TokenKind::End => Ok(expr),
        token => Err(unexpected(&token)),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

/// A chain whose last operator still waits for its operand.
struct Open {
    first: Expr,
    rest: Vec<(Operator, Expr)>,
    operator: Operator,
}

impl Open {
    fn closed(mut self, operand: Expr) -> Expr {
        let span = (self.first.span.0, operand.span.1);
        self.rest.push((self.operator, operand));
        Expr {
            kind: ExprKind::Chain(Box::new(self.first), self.rest),
            span,
        }
    }
}

impl Parser {
    fn peek(&mut self) -> &TokenKind {
        self.tokens.peek().map_or(&TokenKind::End, |t| &t.kind)
    }

    fn next(&mut self) -> Token {
        // The lexer ends every stream with End, and nothing reads behind it.
        self.tokens.next().unwrap_or(Token {
            kind: TokenKind::End,
            start: 0,
            end: 0,
        })
    }

    /// Operands and operators. Those still open wait in a list and not on the stack,
    /// so that a level of nesting costs two or three calls, not one for each operator.
    fn expression(&mut self) -> Result<Expr, Problem> {
        let mut open: Vec<Open> = Vec::new();
        let mut operand = self.unary()?;
        loop {
            let next = match *self.peek() {
                TokenKind::Operator(operator) => Some(operator),
                _ => None,
            };
            while let Some(chain) =
                open.pop_if(|chain| next.is_none_or(|next| chain.operator.level() > next.level()))
            {
                operand = chain.closed(operand);
            }
            let Some(operator) = next else {
                return Ok(operand);
            };
            self.next();
            match open.last_mut() {
                Some(chain) if chain.operator.level() == operator.level() => {
                    chain.rest.push((chain.operator, operand));
                    chain.operator = operator;
                }
                _ => open.push(Open {
                    first: operand,
                    rest: Vec::new(),
                    operator,
                }),
            }
            operand = self.unary()?;
        }
    }

    fn deeper(&mut self, token: &Token) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        Err(Problem::new(
            "too_deep",
            (token.start, token.end),
            format!("nested more than {MAX_DEPTH} levels deep: split it over two columns"),
        ))
    }

    fn unary(&mut self) -> Result<Expr, Problem> {
        let token = self.next();
        match token.kind {
            TokenKind::Operator(Operator::Subtract) => self.negation(&token),
            TokenKind::Open => self.parenthesis(&token),
            TokenKind::Name(_) if self.peek() == &TokenKind::Open => self.call(&token),
            _ => leaf(token),
        }
    }

    fn negation(&mut self, minus: &Token) -> Result<Expr, Problem> {
        self.deeper(minus)?;
        let operand = self.unary()?;
        self.depth -= 1;
        Ok(Expr {
            span: (minus.start, operand.span.1),
            kind: ExprKind::Negate(Box::new(operand)),
        })
    }

    fn parenthesis(&mut self, open: &Token) -> Result<Expr, Problem> {
        self.deeper(open)?;
        let mut inner = self.expression()?;
        self.depth -= 1;
        let end = self.close((open.start, open.end))?;
        inner.span = (open.start, end);
        Ok(inner)
    }

    fn call(&mut self, function: &Token) -> Result<Expr, Problem> {
        self.deeper(function)?;
        let open = self.next();
        let mut arguments = Vec::new();
        if self.peek() != &TokenKind::Close {
            arguments.push(self.expression()?);
            while self.peek() == &TokenKind::Comma {
                self.next();
                arguments.push(self.expression()?);
            }
        }
        let end = self.close((open.start, open.end))?;
        self.depth -= 1;
        let name = match &function.kind {
            TokenKind::Name(name) => name.clone(),
            _ => return Err(unexpected(function)),
        };
        Ok(Expr {
            kind: ExprKind::Call {
                name,
                name_span: (function.start, function.end),
                arguments,
            },
            span: (function.start, end),
        })
    }

    /// The end of the closing parenthesis that belongs to `open`.
    fn close(&mut self, open: (usize, usize)) -> Result<usize, Problem> {
        let token = self.next();
        match token.kind {
            TokenKind::Close => Ok(token.end),
            TokenKind::End => Err(Problem::new(
                "unclosed_parenthesis",
                open,
                "this ( has no closing )",
            )),
            _ => Err(unexpected(&token)),
        }
    }
}

/// A constant or a column.
fn leaf(token: Token) -> Result<Expr, Problem> {
    let span = (token.start, token.end);
    let kind = match token.kind {
        TokenKind::Number(number) => ExprKind::Number(number),
        TokenKind::Text(text) => ExprKind::Text(text),
        TokenKind::Column(name) => ExprKind::Column { name, bare: false },
        TokenKind::Name(name) => ExprKind::Column { name, bare: true },
        _ => return Err(unexpected(&token)),
    };
    Ok(Expr { kind, span })
}

fn unexpected(token: &Token) -> Problem {
    let span = (token.start, token.end);
    let message = match &token.kind {
        TokenKind::End => "the formula ends where a value was expected",
        TokenKind::Close => "a ) without a ( or without a value before it",
        TokenKind::Comma => "a comma where a value was expected",
        TokenKind::Operator(Operator::Equal) if token.start == 0 => {
            "a formula does not start with ="
        }
        TokenKind::Operator(_) => "an operator where a value was expected",
        _ => "an operator, a comma or a ) is missing before this",
    };
    Problem::new("unexpected", span, message)
}
