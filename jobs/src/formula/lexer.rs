//! Splits a formula into tokens. Offsets count characters, as an editor does.

use rust_decimal::Decimal;

use super::problem::Problem;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Join,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

impl Operator {
    /// How tightly it binds: comparisons least, products most.
    pub fn level(self) -> u8 {
        match self {
            Self::Join => 1,
            Self::Add | Self::Subtract => 2,
            Self::Multiply | Self::Divide => 3,
            _ => 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    Number(Decimal),
    Text(String),
    /// `{…}`, without braces and escapes.
    Column(String),
    /// A bare word: a function if `(` follows, else a column.
    Name(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
    End,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

pub fn tokens(source: &str) -> Result<Vec<Token>, Problem> {
    let chars: Vec<char> = source.chars().collect();
    let mut lexer = Lexer {
        chars: &chars,
        at: 0,
    };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token.kind == TokenKind::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

/// A column's name as a formula writes it.
pub fn braced(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    out.push('{');
    for c in name.chars() {
        if matches!(c, '{' | '}' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('}');
    out
}

struct Lexer<'s> {
    chars: &'s [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    fn next(&mut self) -> Result<Token, Problem> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        let start = self.at;
        let kind = match self.peek() {
            None => TokenKind::End,
            Some('"' | '\'') => self.text()?,
            Some('{') => self.column()?,
            Some(c) if c.is_ascii_digit() || c == '.' => self.number()?,
            Some(c) if c.is_alphabetic() || c == '_' => {
                TokenKind::Name(self.take_while(|c| c.is_alphanumeric() || c == '_'))
            }
            Some(c) => self.symbol(c)?,
        };
        Ok(Token {
            kind,
            start,
            end: self.at,
        })
    }

    fn number(&mut self) -> Result<TokenKind, Problem> {
        let start = self.at;
        let text = self.take_while(|c| c.is_ascii_digit() || c == '.');
        Decimal::from_str_exact(&text)
            .map(TokenKind::Number)
            .map_err(|_| {
                Problem::new(
                    "bad_number",
                    (start, self.at),
                    format!("`{text}` is not a number: write 1234.56, with at most 28 digits"),
                )
            })
    }

    fn text(&mut self) -> Result<TokenKind, Problem> {
        let start = self.at;
        let quote = self.chars[start];
        self.at += 1;
        let mut out = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            if c == quote {
                return Ok(TokenKind::Text(out));
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            match self.peek() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(c @ ('\\' | '"' | '\'')) => out.push(c),
                // Regular expressions are written "\d" as often as "\\d".
                Some(c) => out.extend(['\\', c]),
                None => break,
            }
            self.at += 1;
        }
        Err(Problem::new(
            "unclosed_text",
            (start, self.at),
            format!("this text has no closing {quote}"),
        ))
    }

    fn column(&mut self) -> Result<TokenKind, Problem> {
        let start = self.at;
        self.at += 1;
        let mut name = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match (c, self.peek()) {
                ('}', _) => return Ok(TokenKind::Column(name)),
                ('\\', Some(escaped @ ('{' | '}' | '\\'))) => {
                    self.at += 1;
                    name.push(escaped);
                }
                _ => name.push(c),
            }
        }
        Err(Problem::new(
            "unclosed_column",
            (start, self.at),
            "this column name has no closing }",
        ))
    }

    fn symbol(&mut self, c: char) -> Result<TokenKind, Problem> {
        use Operator as O;
        let start = self.at;
        self.at += 1;
        let second = self.peek();
        let (operator, length) = match (c, second) {
            ('(', _) => return Ok(TokenKind::Open),
            (')', _) => return Ok(TokenKind::Close),
            (',', _) => return Ok(TokenKind::Comma),
            ('!', Some('=')) => (O::NotEqual, 2),
            ('<', Some('=')) => (O::LessOrEqual, 2),
            ('>', Some('=')) => (O::GreaterOrEqual, 2),
            ('<', Some('>')) => return Err(self.instead(start, 2, "<>", "!=")),
            ('=', Some('=')) => return Err(self.instead(start, 2, "==", "=")),
            ('&', Some('&')) => {
                return Err(Problem::new(
                    "bad_character",
                    (start, start + 2),
                    "there is no `&&`: use AND(…), or one & to join text",
                ));
            }
            ('+', _) => (O::Add, 1),
            ('-', _) => (O::Subtract, 1),
            ('*', _) => (O::Multiply, 1),
            ('/', _) => (O::Divide, 1),
            ('&', _) => (O::Join, 1),
            ('=', _) => (O::Equal, 1),
            ('<', _) => (O::Less, 1),
            ('>', _) => (O::Greater, 1),
            _ => return Err(self.stray(start, c)),
        };
        self.at = start + length;
        Ok(TokenKind::Operator(operator))
    }

    fn instead(&self, start: usize, length: usize, wrong: &str, right: &str) -> Problem {
        let end = (start + length).min(self.chars.len());
        let message = format!("there is no `{wrong}`: write `{right}`");
        Problem::new("bad_character", (start, end), message).suggesting(right)
    }

    fn stray(&self, start: usize, c: char) -> Problem {
        match c {
            '\u{201c}' | '\u{201d}' => self.instead(start, 1, &c.to_string(), "\""),
            '\u{2018}' | '\u{2019}' => self.instead(start, 1, &c.to_string(), "'"),
            '\u{2212}' | '\u{2013}' => self.instead(start, 1, &c.to_string(), "-"),
            '\u{d7}' => self.instead(start, 1, "×", "*"),
            '\u{f7}' => self.instead(start, 1, "÷", "/"),
            ';' => self.instead(start, 1, ";", ","),
            '^' => Problem::new(
                "bad_character",
                (start, start + 1),
                "there is no `^`: use POWER(base, exponent)",
            ),
            '%' => Problem::new(
                "bad_character",
                (start, start + 1),
                "there is no `%`: write 0.05 for five percent, or use MOD()",
            ),
            _ => Problem::new(
                "bad_character",
                (start, start + 1),
                format!("`{c}` has no meaning here"),
            ),
        }
    }
}
