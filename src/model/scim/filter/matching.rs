//! A filter held against one value of an attribute, as paths of changes do: `emails[type eq "work"]`.

use serde_json::Value;

use super::super::Document;
use super::super::schema::Attribute;
use super::{Compare, Filter, invalid};
use crate::error::Result;

/// Whether the filter holds for this value of `attribute`.
pub fn matches(filter: &Filter, attribute: &Attribute, item: &Document) -> Result<bool> {
    Ok(match filter {
        Filter::And(all) => {
            let mut holds = true;
            for inner in all {
                holds &= matches(inner, attribute, item)?;
            }
            holds
        }
        Filter::Or(all) => {
            let mut holds = false;
            for inner in all {
                holds |= matches(inner, attribute, item)?;
            }
            holds
        }
        Filter::Not(inner) => !matches(inner, attribute, item)?,
        Filter::Present(path) => value(attribute, &path.name, item)?.1.is_some(),
        Filter::Term(path, compare, literal) => {
            let (exact, stored) = value(attribute, &path.name, item)?;
            term(stored, *compare, literal, exact)
        }
        Filter::Within(..) => return Err(invalid("A value has no values of its own.")),
    })
}

/// The part of that name, and whether letter case counts there.
fn value<'i>(attribute: &Attribute, name: &str, item: &'i Document) -> Result<(bool, Option<&'i Value>)> {
    let sub = attribute.part(name).ok_or_else(|| invalid(format!("'{name:.100}' is no part of that attribute.")))?;
    Ok((sub.case_exact, item.get(sub.name)))
}

fn term(stored: Option<&Value>, compare: Compare, literal: &Value, exact: bool) -> bool {
    let fold = |text: &str| if exact { text.to_owned() } else { text.to_lowercase() };
    match (stored, literal) {
        (None, Value::Null) => compare == Compare::Equal,
        // A truth value that is not there is false.
        (None, Value::Bool(literal)) => truth(false, compare, *literal),
        (None, _) => compare == Compare::NotEqual,
        (Some(_), Value::Null) => compare == Compare::NotEqual,
        (Some(Value::Bool(stored)), Value::Bool(literal)) => truth(*stored, compare, *literal),
        (Some(Value::Bool(stored)), Value::String(text)) => {
            text.to_lowercase().parse().is_ok_and(|literal| truth(*stored, compare, literal))
        }
        (Some(Value::String(stored)), Value::String(literal)) => {
            let (stored, literal) = (fold(stored), fold(literal));
            match compare {
                Compare::Equal => stored == literal,
                Compare::NotEqual => stored != literal,
                Compare::Contains => stored.contains(&literal),
                Compare::StartsWith => stored.starts_with(&literal),
                Compare::EndsWith => stored.ends_with(&literal),
                Compare::Greater => stored > literal,
                Compare::GreaterOrEqual => stored >= literal,
                Compare::Less => stored < literal,
                Compare::LessOrEqual => stored <= literal,
            }
        }
        (Some(_), _) => compare == Compare::NotEqual,
    }
}

fn truth(stored: bool, compare: Compare, literal: bool) -> bool {
    match compare {
        Compare::Equal => stored == literal,
        Compare::NotEqual => stored != literal,
        _ => false,
    }
}
