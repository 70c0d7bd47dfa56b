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
    let expr = parser.level(0)?;
    match parser.next() {
        token if token.kind == TokenKind::End => Ok(expr),
        token => Err(unexpected(&token)),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

/// Levels of binary operators; behind the last come minus signs and operands.
const LEVELS: u8 = 4;

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

    fn level(&mut self, level: u8) -> Result<Expr, Problem> {
        if level == LEVELS {
            return self.unary();
        }
        let first = self.level(level + 1)?;
        let mut rest = Vec::new();
        while let TokenKind::Operator(operator) = *self.peek() {
            if operator.level() != level {
                break;
            }
            self.next();
            rest.push((operator, self.level(level + 1)?));
        }
        let Some((_, last)) = rest.last() else {
            return Ok(first);
        };
        let span = (first.span.0, last.span.1);
        Ok(Expr {
            kind: ExprKind::Chain(Box::new(first), rest),
            span,
        })
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
        let span = (token.start, token.end);
        match token.kind {
            TokenKind::Operator(Operator::Subtract) => {
                self.deeper(&token)?;
                let operand = self.unary()?;
                self.depth -= 1;
                Ok(Expr {
                    span: (span.0, operand.span.1),
                    kind: ExprKind::Negate(Box::new(operand)),
                })
            }
            TokenKind::Open => {
                self.deeper(&token)?;
                let inner = self.level(0)?;
                self.depth -= 1;
                let end = self.close(span)?;
                Ok(Expr {
                    span: (span.0, end),
                    kind: inner.kind,
                })
            }
            TokenKind::Name(ref name) if self.peek() == &TokenKind::Open => {
                let name = name.clone();
                self.deeper(&token)?;
                let call = self.call(name, span)?;
                self.depth -= 1;
                Ok(call)
            }
            TokenKind::Number(number) => Ok(Expr {
                kind: ExprKind::Number(number),
                span,
            }),
            TokenKind::Text(text) => Ok(Expr {
                kind: ExprKind::Text(text),
                span,
            }),
            TokenKind::Column(name) => Ok(Expr {
                kind: ExprKind::Column { name, bare: false },
                span,
            }),
            TokenKind::Name(name) => Ok(Expr {
                kind: ExprKind::Column { name, bare: true },
                span,
            }),
            _ => Err(unexpected(&token)),
        }
    }

    fn call(&mut self, name: String, name_span: (usize, usize)) -> Result<Expr, Problem> {
        let open = self.next();
        let mut arguments = Vec::new();
        if self.peek() != &TokenKind::Close {
            arguments.push(self.level(0)?);
            while self.peek() == &TokenKind::Comma {
                self.next();
                arguments.push(self.level(0)?);
            }
        }
        let end = self.close((open.start, open.end))?;
        Ok(Expr {
            kind: ExprKind::Call {
                name,
                name_span,
                arguments,
            },
            span: (name_span.0, end),
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
