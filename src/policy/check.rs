//! The tree of a rule and its evaluation.
//!
//! Evaluation has four outcomes. Besides true and false there is *broken*: the part could not be understood when the rule
//! was read. Broken is never turned into true by a `not`, so a mistake in a policy file cannot open a door. The fourth is
//! a *fault*: oslo.policy would raise an exception here (a lookup inside a value that has no members, a cycle of rules,
//! nesting without end). A fault ends the evaluation and the whole request is denied.
//!
//! Checks that ask another machine do not run here: evaluation stops with [`Stop::Ask`], the enforcer asks, and
//! evaluation starts again with the answer. That keeps this file synchronous and exact.

use serde_json::Value;

use super::python::{self, Kind};
use super::target::{Credentials, Target};
use super::template::Template;

/// Levels of nesting, references between rules included, that one evaluation may go down.
pub(super) const MAX_DEPTH: u32 = 256;

/// Checks that one evaluation may look at. Rules that refer to each other twice grow exponentially.
const MAX_STEPS: u32 = 100_000;

/// One rule, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// `@`, `""` and `[]`.
    Allow,
    /// `!`.
    Deny,
    /// A part that could not be understood: denies, also under `not`.
    Broken,
    /// A part on which oslo.policy raises: ends the evaluation with a denial.
    Fault,
    /// `not x`.
    Not(Box<Check>),
    /// `x and y`.
    All(Vec<Check>),
    /// `x or y`.
    Any(Vec<Check>),
    /// `rule:NAME`; the second field is the place in the rule set, known after linking.
    Rule(String, Option<usize>),
    /// `role:NAME`; the second field is the name in small letters if it is a constant.
    Role(Template, Option<String>),
    /// `kind:match`, the generic check.
    Match(Kind, Template),
    /// `http:…` and `https:…`, scheme included.
    Remote(Template),
}

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    True,
    False,
    Broken,
}

impl From<bool> for Verdict {
    fn from(answer: bool) -> Self {
        if answer { Self::True } else { Self::False }
    }
}

/// Why an evaluation did not come to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The request is denied.
    Fault,
    /// This URL must be asked first.
    Ask(String),
}

/// An evaluation in progress.
pub(super) struct Evaluation<'a> {
    rules: &'a [Check],
    target: &'a Target,
    credentials: &'a Credentials,
    answers: &'a [(String, bool)],
    steps: u32,
}

impl<'a> Evaluation<'a> {
    /// `answers` holds what other machines have said so far, by URL.
    pub(super) fn new(
        rules: &'a [Check],
        target: &'a Target,
        credentials: &'a Credentials,
        answers: &'a [(String, bool)],
    ) -> Self {
        Self { rules, target, credentials, answers, steps: 0 }
    }

    /// Whether `check` allows.
    pub(super) fn allows(mut self, check: &Check) -> Result<bool, Stop> {
        self.eval(check, 1).map(|verdict| verdict == Verdict::True)
    }

    fn eval(&mut self, check: &Check, depth: u32) -> Result<Verdict, Stop> {
        self.steps += 1;
        if depth > MAX_DEPTH || self.steps > MAX_STEPS {
            return Err(Stop::Fault);
        }
        match check {
            Check::Allow => Ok(Verdict::True),
            Check::Deny => Ok(Verdict::False),
            Check::Broken => Ok(Verdict::Broken),
            Check::Fault => Err(Stop::Fault),
            Check::Not(inner) => Ok(match self.eval(inner, depth + 1)? {
                Verdict::True => Verdict::False,
                Verdict::False => Verdict::True,
                Verdict::Broken => Verdict::Broken,
            }),
            Check::All(parts) => {
                for part in parts {
                    match self.eval(part, depth + 1)? {
                        Verdict::True => {}
                        other => return Ok(other),
                    }
                }
                Ok(Verdict::True)
            }
            Check::Any(parts) => {
                let mut last = Verdict::False;
                for part in parts {
                    match self.eval(part, depth + 1)? {
                        Verdict::True => return Ok(Verdict::True),
                        Verdict::Broken => last = Verdict::Broken,
                        Verdict::False => {}
                    }
                }
                Ok(last)
            }
            Check::Rule(_, place) => match place.and_then(|at| self.rules.get(at)) {
                Some(rule) => self.eval(rule, depth + 1),
                None => Ok(Verdict::False),
            },
            Check::Role(template, lowered) => self.role(template, lowered.as_deref()).map(Verdict::from),
            Check::Match(kind, template) => self.matches(kind, template).map(Verdict::from),
            Check::Remote(url) => self.remote(url).map(Verdict::from),
        }
    }

    fn role(&self, template: &Template, lowered: Option<&str>) -> Result<bool, Stop> {
        let filled;
        let wanted = match lowered {
            Some(name) => name,
            None => match template.fill(self.target, |out, value| out.push_str(value)) {
                Some(name) => {
                    filled = name.to_lowercase();
                    &filled
                }
                None => return Ok(false),
            },
        };
        match self.credentials.get("roles") {
            None => Ok(false),
            Some(Value::Array(roles)) => {
                let mut found = false;
                for role in roles {
                    let Value::String(role) = role else { return Err(Stop::Fault) };
                    found |= same_role(role, wanted);
                }
                Ok(found)
            }
            Some(_) => Err(Stop::Fault),
        }
    }

    fn matches(&self, kind: &Kind, template: &Template) -> Result<bool, Stop> {
        if !template.is_filled_by(self.target) {
            return Ok(false);
        }
        match kind {
            Kind::Unusable => Err(Stop::Fault),
            Kind::Literal(text) => Ok(template.equals(self.target, text)),
            // Nothing is not equal to nothing: a target without a domain does not belong to a caller without one.
            Kind::Path(_) if template.meets_null(self.target) => Ok(false),
            Kind::Path(path) => self.walk(self.credentials.as_value(), path, template),
        }
    }

    /// Follows `path` through the credentials; in a list any element will do.
    fn walk(&self, value: &Value, path: &[String], template: &Template) -> Result<bool, Stop> {
        let Some((name, rest)) = path.split_first() else {
            // A caller's null matches the constant text `None` and nothing that comes from the target.
            return Ok((!value.is_null() || template.constant().is_some())
                && template.equals(self.target, &python::text(value)));
        };
        match value {
            Value::Object(members) => match members.get(name) {
                None => Ok(false),
                Some(Value::Array(items)) => {
                    for item in items {
                        if self.walk(item, rest, template)? {
                            return Ok(true);
                        }
                    }
                    Ok(false)
                }
                Some(member) => self.walk(member, rest, template),
            },
            _ => Err(Stop::Fault),
        }
    }

    /// Values are percent-encoded, so that a name in the store cannot change which path is asked.
    fn remote(&self, url: &Template) -> Result<bool, Stop> {
        let encode = |out: &mut String, value: &str| {
            out.extend(percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC));
        };
        let Some(url) = url.fill(self.target, encode) else { return Err(Stop::Fault) };
        match self.answers.iter().find(|(asked, _)| *asked == url) {
            Some((_, answer)) => Ok(*answer),
            None => Err(Stop::Ask(url)),
        }
    }
}

/// Role names are compared without regard to case; `wanted` is in small letters.
fn same_role(role: &str, wanted: &str) -> bool {
    if role.is_ascii() { role.eq_ignore_ascii_case(wanted) } else { role.to_lowercase() == wanted }
}

impl Check {
    /// Calls `visit` with every reference to another rule and its level (the root has level 1).
    pub(super) fn references<'a>(&'a self, level: u32, visit: &mut dyn FnMut(&'a str, u32)) {
        match self {
            Self::Rule(name, _) => visit(name, level),
            Self::Not(inner) => inner.references(level + 1, visit),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.references(level + 1, visit)),
            _ => {}
        }
    }

    /// Resolves references to places in the rule set.
    pub(super) fn link(&mut self, place_of: &dyn Fn(&str) -> Option<usize>) {
        match self {
            Self::Rule(name, place) => *place = place_of(name),
            Self::Not(inner) => inner.link(place_of),
            Self::All(parts) | Self::Any(parts) => parts.iter_mut().for_each(|part| part.link(place_of)),
            _ => {}
        }
    }

    /// Levels of this tree; one check alone has one.
    pub(super) fn height(&self) -> u32 {
        match self {
            Self::Not(inner) => 1 + inner.height(),
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::height).max().unwrap_or(0),
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests;
