//! The reader of filters.

use serde_json::Value;

use super::super::path::AttributePath;
use super::{Compare, Filter, MAX_DEPTH, MAX_TERMS, invalid};
use crate::error::Result;

/// What stands next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    Word(&'t str),
    /// With its quotation marks.
    Text(&'t str),
    End,
}

/// Reads a filter from left to right.
pub(super) struct Reader<'t> {
    left: &'t str,
    depth: usize,
    terms: usize,
    within: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { left: text, depth: 0, terms: 0, within: false }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'t str {
        self.left
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.next()? {
            Token::End => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// The next token with what follows it.
    fn look(&self) -> Result<(Token<'t>, &'t str)> {
        let text = self.left.trim_start();
        let Some(first) = text.chars().next() else { return Ok((Token::End, "")) };
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenBracket, 1),
            ']' => (Token::CloseBracket, 1),
            '"' => {
                let length = text_length(text).ok_or_else(|| invalid("A text does not end."))?;
                (Token::Text(text.get(..length).unwrap_or_default()), length)
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
                let length = text.find(ends).unwrap_or(text.len());
                (Token::Word(text.get(..length).unwrap_or_default()), length)
            }
        };
        Ok((token, text.get(length..).unwrap_or_default()))
    }

    fn next(&mut self) -> Result<Token<'t>> {
        let (token, rest) = self.look()?;
        self.left = rest;
        Ok(token)
    }

    /// Takes the next token if it is this keyword.
    fn keyword(&mut self, keyword: &str) -> Result<bool> {
        let (token, rest) = self.look()?;
        let is = matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        if is {
            self.left = rest;
        }
        Ok(is)
    }

    /// `a or b or …`, where `and` binds more.
    pub(super) fn filter(&mut self) -> Result<Filter> {
        let mut all = vec![self.all()?];
        while self.keyword("or")? {
            all.push(self.all()?);
        }
        Ok(one_or(all, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter> {
        let mut all = vec![self.factor()?];
        while self.keyword("and")? {
            all.push(self.factor()?);
        }
        Ok(one_or(all, Filter::And))
    }

    fn factor(&mut self) -> Result<Filter> {
        match self.next()? {
            Token::Open => self.grouped(),
            Token::Word(word) if word.eq_ignore_ascii_case("not") => match self.next()? {
                Token::Open => Ok(Filter::Not(Box::new(self.grouped()?))),
                other => Err(unexpected(other)),
            },
            Token::Word(word) => self.term(word),
            other => Err(unexpected(other)),
        }
    }

    fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(invalid(format!("The filter has more than {MAX_DEPTH} levels.")));
        }
        Ok(())
    }

    fn closed(&mut self, by: Token<'static>) -> Result<()> {
        self.depth -= 1;
        match self.next()? {
            token if token == by => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    fn grouped(&mut self) -> Result<Filter> {
        self.deeper()?;
        let inner = self.filter()?;
        self.closed(Token::Close)?;
        Ok(inner)
    }

    /// `[…]`
    pub(super) fn bracketed(&mut self) -> Result<Filter> {
        match self.next()? {
            Token::OpenBracket if !self.within => {}
            other => return Err(unexpected(other)),
        }
        self.deeper()?;
        self.within = true;
        let inner = self.filter()?;
        self.within = false;
        self.closed(Token::CloseBracket)?;
        Ok(inner)
    }

    fn term(&mut self, word: &str) -> Result<Filter> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(invalid(format!("The filter has more than {MAX_TERMS} terms.")));
        }
        let path = AttributePath::parse(word).filter(|p| !p.name.is_empty());
        let path = path.ok_or_else(|| invalid(format!("'{word:.100}' is no attribute.")))?;
        if self.look()?.0 == Token::OpenBracket {
            return Ok(Filter::Within(path, Box::new(self.bracketed()?)));
        }
        let Token::Word(operator) = self.next()? else {
            return Err(invalid(format!("An operator is missing behind '{word:.100}'.")));
        };
        if operator.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let compare = Compare::parse(operator).ok_or_else(|| invalid(format!("'{operator:.20}' is no operator.")))?;
        Ok(Filter::Term(path, compare, self.literal()?))
    }

    fn literal(&mut self) -> Result<Value> {
        match self.next()? {
            Token::Text(quoted) => match serde_json::from_str::<Value>(quoted) {
                Ok(Value::String(text)) if !text.contains('\0') => Ok(Value::String(text)),
                _ => Err(invalid("A text is not written as in JSON.")),
            },
            // Entra ID writes truth values with a capital letter.
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Value::Null),
            Token::Word(word) => match serde_json::from_str::<Value>(word) {
                Ok(number @ Value::Number(_)) => Ok(number),
                _ => Err(invalid(format!("'{word:.100}' is no value: texts stand in quotation marks."))),
            },
            other => Err(unexpected(other)),
        }
    }
}

fn one_or(mut all: Vec<Filter>, many: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    if all.len() == 1 { all.remove(0) } else { many(all) }
}

/// How long a text is with both its quotation marks.
fn text_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn unexpected(token: Token<'_>) -> crate::error::Error {
    let what = match token {
        Token::Open => "'('",
        Token::Close => "')'",
        Token::OpenBracket => "'['",
        Token::CloseBracket => "']'",
        Token::Text(_) => "a text",
        Token::Word(word) => return invalid(format!("'{word:.100}' is not expected there.")),
        Token::End => return invalid("The filter is not complete."),
    };
    invalid(format!("{what} is not expected there."))
}
