//! From a rule as written to a [`Check`]: the oslo.policy language, text and old list form.
//!
//! Reading never fails. A rule that is not a sentence of the language (a dangling operator, two checks side by side, an
//! unbalanced parenthesis, a quoted bare string) denies as a whole; a bare word denies in its place, as in oslo.policy.
//! Either way there is a message that says so, and no `not` can turn the denial around (see `check`).
//!
//! ```text
//! rule  = any            any  = all *( "or" all )       all = one *( "and" one )
//! one   = "not" one | "(" any ")" | check               check = "@" | "!" | kind ":" match
//! ```
//!
//! Words are separated by white space; parentheses are peeled off a word's beginning and end only, so `a:%(b)s` is one
//! check. Operators are written in any case.

use serde_json::Value;

use super::check::Check;
use super::python::Kind;
use super::template::Template;

/// Longest rule text, in bytes: some 1,500 user ids.
pub(super) const MAX_TEXT: usize = 64 * 1024;

/// Levels of parentheses and `not` that a rule may have.
pub(super) const MAX_NESTING: u32 = 64;

/// A rule as it is written in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleText {
    /// The policy language.
    Text(String),
    /// The old form: a list of alternatives, each a check or a list of checks that must all hold.
    List(Vec<RuleText>),
    /// Something that is no rule; the text says what.
    Other(&'static str),
}

impl From<&Value> for RuleText {
    fn from(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Null => Self::Other("nothing"),
            Value::Bool(_) => Self::Other("a boolean"),
            Value::Number(_) => Self::Other("a number"),
            Value::Object(_) => Self::Other("a mapping"),
        }
    }
}

impl From<&str> for RuleText {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// What reading a rule gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The tree, always usable.
    pub check: Check,
    /// What was wrong, in words for the operator.
    pub problems: Vec<String>,
}

/// Reads a rule in either form.
pub fn parse(rule: &RuleText) -> Parsed {
    let mut problems = Vec::new();
    let check = match rule {
        RuleText::Text(text) => parse_text(text, &mut problems),
        RuleText::List(alternatives) => parse_list(alternatives, &mut problems),
        RuleText::Other(what) => broken(&mut problems, format!("a rule is a text or a list, not {what}")),
    };
    Parsed { check, problems }
}

fn broken(problems: &mut Vec<String>, message: String) -> Check {
    problems.push(message);
    Check::Broken
}

fn parse_list(alternatives: &[RuleText], problems: &mut Vec<String>) -> Check {
    if alternatives.is_empty() {
        return Check::Allow;
    }
    let mut any = Vec::new();
    for alternative in alternatives {
        match alternative {
            RuleText::Text(text) if text.is_empty() => {}
            RuleText::Text(text) => any.push(parse_check(text, problems)),
            RuleText::List(checks) if checks.is_empty() => {}
            RuleText::List(checks) => {
                let all = checks.iter().map(|check| match check {
                    RuleText::Text(text) => parse_check(text, problems),
                    RuleText::List(_) => broken(problems, "a list inside a list inside a list".to_owned()),
                    RuleText::Other(what) => broken(problems, format!("a check is a text, not {what}")),
                });
                any.push(join(all.collect(), Check::All));
            }
            RuleText::Other(what) => {
                return broken(problems, format!("an alternative is a text or a list, not {what}"));
            }
        }
    }
    if any.is_empty() { Check::Deny } else { join(any, Check::Any) }
}

fn parse_text(text: &str, problems: &mut Vec<String>) -> Check {
    if text.is_empty() {
        return Check::Allow;
    }
    if text.len() > MAX_TEXT {
        return broken(problems, format!("the rule is longer than {MAX_TEXT} bytes"));
    }
    let tokens = tokenize(text, problems);
    let mut reader = Reader { tokens: tokens.into_iter().peekable() };
    let parsed = reader.any(0).and_then(|check| match reader.tokens.next() {
        None => Ok(check),
        Some(token) => Err(format!("{} where the rule should end", token.name())),
    });
    parsed.unwrap_or_else(|message| broken(problems, message))
}

enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Quoted,
    Check(Check),
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Self::Open => "an opening parenthesis",
            Self::Close => "a closing parenthesis",
            Self::And => "`and`",
            Self::Or => "`or`",
            Self::Not => "`not`",
            Self::Quoted => "a quoted text without a check",
            Self::Check(_) => "a check",
        }
    }
}

fn tokenize(text: &str, problems: &mut Vec<String>) -> Vec<Token> {
    let mut tokens = Vec::new();
    // Python counts four ASCII separators as white space that Unicode does not.
    for word in
        text.split(|c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')).filter(|word| !word.is_empty())
    {
        let body = word.trim_start_matches('(');
        tokens.extend((body.len()..word.len()).map(|_| Token::Open));
        let clean = body.trim_end_matches(')');
        if !clean.is_empty() {
            tokens.push(if clean.eq_ignore_ascii_case("and") {
                Token::And
            } else if clean.eq_ignore_ascii_case("or") {
                Token::Or
            } else if clean.eq_ignore_ascii_case("not") {
                Token::Not
            } else if is_quoted(body) {
                Token::Quoted
            } else {
                Token::Check(parse_check(clean, problems))
            });
        }
        tokens.extend((clean.len()..body.len()).map(|_| Token::Close));
    }
    tokens
}

fn is_quoted(word: &str) -> bool {
    word.len() >= 2 && ['\'', '"'].iter().any(|quote| word.starts_with(*quote) && word.ends_with(*quote))
}

struct Reader {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Reader {
    fn any(&mut self, nesting: u32) -> Result<Check, String> {
        let mut parts = vec![self.all(nesting)?];
        while self.tokens.next_if(|token| matches!(token, Token::Or)).is_some() {
            parts.push(self.all(nesting)?);
        }
        Ok(join(parts, Check::Any))
    }

    fn all(&mut self, nesting: u32) -> Result<Check, String> {
        let mut parts = vec![self.one(nesting)?];
        while self.tokens.next_if(|token| matches!(token, Token::And)).is_some() {
            parts.push(self.one(nesting)?);
        }
        Ok(join(parts, Check::All))
    }

    fn one(&mut self, nesting: u32) -> Result<Check, String> {
        if nesting > MAX_NESTING {
            return Err(format!("nested deeper than {MAX_NESTING} levels"));
        }
        match self.tokens.next() {
            Some(Token::Check(check)) => Ok(check),
            Some(Token::Not) => Ok(Check::Not(Box::new(self.one(nesting + 1)?))),
            Some(Token::Open) => {
                let inner = self.any(nesting + 1)?;
                match self.tokens.next() {
                    Some(Token::Close) => Ok(inner),
                    Some(token) => Err(format!("{} where a closing parenthesis should be", token.name())),
                    None => Err("a parenthesis is not closed".to_owned()),
                }
            }
            Some(token) => Err(format!("{} where a check should be", token.name())),
            None => Err("the rule ends where a check should be".to_owned()),
        }
    }
}

fn join(mut parts: Vec<Check>, many: fn(Vec<Check>) -> Check) -> Check {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => Check::Deny,
    }
}

/// One check: `@`, `!` or `kind:match`, split at the first colon.
fn parse_check(text: &str, problems: &mut Vec<String>) -> Check {
    match text {
        "@" => return Check::Allow,
        "!" => return Check::Deny,
        _ if text.len() > MAX_TEXT => return broken(problems, format!("a check is longer than {MAX_TEXT} bytes")),
        _ => {}
    }
    let Some((kind, wanted)) = text.split_once(':') else {
        return broken(problems, format!("`{}` is not a check: a check is written kind:match", shown(text)));
    };
    if kind == "rule" {
        return Check::Rule(wanted.to_owned(), None);
    }
    let remote = matches!(kind, "http" | "https");
    let Some(template) = Template::read(if remote { text } else { wanted }) else {
        problems.push(format!("`{}`: only %(name)s and %% may follow a percent sign", shown(text)));
        return Check::Fault;
    };
    if remote {
        return Check::Remote(template);
    }
    if kind == "role" {
        let lowered = template.constant().map(str::to_lowercase);
        return Check::Role(template, lowered);
    }
    let kind_read = Kind::read(kind);
    if kind_read == Kind::Unusable {
        problems.push(format!("`{}` is neither a literal nor the name of a credential", shown(kind)));
    }
    Check::Match(kind_read, template)
}

/// A part of a rule for a message, cut to a length that a log line can bear.
fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests;
