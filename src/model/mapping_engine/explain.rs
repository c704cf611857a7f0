//! Why an assertion led where it did: for each rule and each of its entries what was seen and what came of it.

use std::fmt;

use super::{Mapped, Refusal, SchemaVersion};

/// One entry of `remote`, held against an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The attribute that it looks at.
    pub attribute: String,
    /// `any_one_of`, `not_any_of`, `whitelist`, `blacklist`; None for a bare `type`.
    pub condition: Option<&'static str>,
    /// What the condition lists.
    pub listed: Vec<String>,
    /// These are patterns.
    pub regex: bool,
    /// The attribute's values; None if the assertion has no such attribute.
    pub values: Option<Vec<String>>,
    /// Whether the rule can apply, as far as this entry goes.
    pub passed: bool,
    /// Why, for people.
    pub reason: String,
    /// Which place `{n}` its values are put in.
    pub slot: Option<usize>,
    /// These values.
    pub given: Option<Vec<String>>,
}

/// One rule, held against an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which, from 0.
    pub rule: usize,
    /// Whether it applies.
    pub matched: bool,
    /// Its entries, in order.
    pub entries: Vec<Seen>,
}

/// What came of an assertion, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The version of the rules.
    pub version: SchemaVersion,
    /// Every rule, in order.
    pub rules: Vec<Tried>,
    /// What is odd about the rules, whatever the assertion.
    pub warnings: Vec<String>,
    /// What came of it.
    pub outcome: Result<Mapped, Refusal>,
}

impl fmt::Display for Explanation {
    /// For people: a block for each rule, and what came of all. Values are quoted, so that nothing in them can look like
    /// a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tried in &self.rules {
            writeln!(f, "rule {}: {}", tried.rule, if tried.matched { "matches" } else { "does not match" })?;
            for seen in &tried.entries {
                write!(f, "  {} {:?}", if seen.passed { "ok  " } else { "FAIL" }, seen.attribute)?;
                if let Some(condition) = seen.condition {
                    write!(f, " {condition}{} {:?}", if seen.regex { " (regex)" } else { "" }, seen.listed)?;
                }
                writeln!(f, ": {}", seen.reason)?;
                if let Some(values) = &seen.values {
                    writeln!(f, "         values {values:?}")?;
                }
                if let (Some(slot), Some(given)) = (seen.slot, &seen.given) {
                    writeln!(f, "         {{{slot}}} = {given:?}")?;
                }
            }
        }
        match &self.outcome {
            Ok(mapped) => write!(f, "{}", Lines(mapped))?,
            Err(refusal) => writeln!(f, "refused: {}", refusal.message)?,
        }
        let of_this = self.outcome.as_ref().map(|mapped| mapped.warnings.as_slice()).unwrap_or_default();
        for warning in self.warnings.iter().chain(of_this) {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}

/// The result as lines.
struct Lines<'a>(&'a Mapped);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(mapped) = self;
        match &mapped.user {
            None => writeln!(f, "user: none")?,
            Some(user) => {
                write!(f, "user: {}", user.kind.as_str())?;
                for (what, text) in [("id", &user.id), ("name", &user.name), ("email", &user.email)] {
                    if let Some(text) = text {
                        write!(f, ", {what} {text:?}")?;
                    }
                }
                writeln!(f, ", domain {}", DomainText(user.domain.as_ref()))?;
            }
        }
        for id in &mapped.group_ids {
            writeln!(f, "group: id {id:?}")?;
        }
        for group in &mapped.group_names {
            writeln!(f, "group: name {:?}, domain {}", group.name, DomainText(Some(&group.domain)))?;
        }
        for project in &mapped.projects {
            let domain = DomainText(project.domain.as_ref());
            writeln!(f, "project: name {:?}, domain {domain}, roles {:?}", project.name, project.roles)?;
        }
        if !mapped.names_somebody() {
            writeln!(f, "refused: the rules that match name nobody")?;
        }
        Ok(())
    }
}

struct DomainText<'a>(Option<&'a super::DomainRef>);

impl fmt::Display for DomainText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("of the identity provider"),
            Some(domain) => match (&domain.id, &domain.name) {
                (Some(id), _) if !id.is_empty() => write!(f, "id {id:?}"),
                (_, Some(name)) => write!(f, "name {name:?}"),
                _ => f.write_str("without id and name"),
            },
        }
    }
}
