//! `remote`: what the assertion must say for a rule to apply, and which values it gives.

use std::collections::HashSet;

use serde_json::Value;

use super::super::pattern::Pattern;
use super::object::{Object, list, type_name};
use super::{MAX_ENTRIES, MAX_PATTERNS, Reading};

/// The conditions that an entry may have one of.
const CONDITIONS: [&str; 4] = ["any_one_of", "not_any_of", "whitelist", "blacklist"];

/// One entry of `remote`.
#[derive(Debug)]
pub struct Entry {
    /// The attribute that it looks at.
    pub attribute: String,
    /// What it asks of it.
    pub condition: Condition,
}

/// What an entry asks of an attribute, which must be there in any case.
#[derive(Debug)]
pub enum Condition {
    /// Nothing more; all values are given.
    Present,
    /// A value must be among these.
    AnyOneOf(Test),
    /// No value may be among these.
    NotAnyOf(Test),
    /// The values among these are given.
    Whitelist(Test),
    /// The values not among these are given.
    Blacklist(Test),
}

impl Condition {
    /// As written, for all but a bare `type`.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Present => None,
            Self::AnyOneOf(_) => Some("any_one_of"),
            Self::NotAnyOf(_) => Some("not_any_of"),
            Self::Whitelist(_) => Some("whitelist"),
            Self::Blacklist(_) => Some("blacklist"),
        }
    }

    /// Its list.
    pub fn test(&self) -> Option<&Test> {
        match self {
            Self::Present => None,
            Self::AnyOneOf(test) | Self::NotAnyOf(test) | Self::Whitelist(test) | Self::Blacklist(test) => Some(test),
        }
    }

    /// Whether its list is of patterns.
    pub fn has_patterns(&self) -> bool {
        matches!(self.test(), Some(Test::Patterns(_)))
    }

    /// Whether its values can be put into a local text.
    pub fn gives_slot(&self) -> bool {
        matches!(self, Self::Present | Self::Whitelist(_) | Self::Blacklist(_))
    }
}

/// A list that values are held against.
#[derive(Debug)]
pub enum Test {
    /// Texts that are equal to a value or not.
    Exact {
        /// In the order of the document.
        listed: Vec<String>,
        /// For looking up.
        known: HashSet<String>,
    },
    /// Patterns that are found in a value or not.
    Patterns(Vec<Pattern>),
}

/// Reads `remote`.
pub(super) fn read(value: &Value, path: &str, reading: &mut Reading<'_>) -> Option<Vec<Entry>> {
    let items = list(value, path, 1..=MAX_ENTRIES, reading)?;
    let entries: Vec<Option<Entry>> =
        items.iter().enumerate().map(|(i, item)| entry(item, &format!("{path}[{i}]"), reading)).collect();
    entries.into_iter().collect()
}

fn entry(value: &Value, path: &str, reading: &mut Reading<'_>) -> Option<Entry> {
    let mut object = Object::read(value, path, reading)?;
    object.required("type", reading);
    let attribute = object.text("type", reading);
    let given: Vec<&str> = CONDITIONS.into_iter().filter(|name| object.has(name)).collect();
    let regex = object.boolean("regex", reading);
    let condition = match given.as_slice() {
        [] => {
            if object.has("regex") {
                reading.wrong(path, format!("'regex' belongs to one of {}", CONDITIONS.join(", ")));
            }
            Some(Condition::Present)
        }
        [_] => CONDITIONS.into_iter().find_map(|name| object.get(name).map(|list| (name, list))).and_then(
            |(name, list)| {
                let test = test(list, &format!("{path}.{name}"), regex.unwrap_or(false), reading)?;
                Some(match name {
                    "any_one_of" => Condition::AnyOneOf(test),
                    "not_any_of" => Condition::NotAnyOf(test),
                    "whitelist" => Condition::Whitelist(test),
                    _ => Condition::Blacklist(test),
                })
            },
        ),
        several => {
            let several = several.join(" and ");
            reading.wrong(path, format!("an entry has one condition only, not {several}; repeat the type for another"));
            for name in CONDITIONS {
                object.get(name);
            }
            None
        }
    };
    object.finish(reading);
    Some(Entry { attribute: attribute?.to_owned(), condition: condition? })
}

fn test(value: &Value, path: &str, regex: bool, reading: &mut Reading<'_>) -> Option<Test> {
    let items = list(value, path, 0..=usize::MAX, reading)?;
    if regex {
        let patterns: Vec<Option<Pattern>> =
            items.iter().enumerate().map(|(i, item)| pattern(item, &format!("{path}[{i}]"), reading)).collect();
        return patterns.into_iter().collect::<Option<_>>().map(Test::Patterns);
    }
    let mut listed = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        match item {
            Value::String(text) => listed.push(text.clone()),
            // As in Keystone these are legal and equal to no value.
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                reading.warn(
                    &format!("{path}[{i}]"),
                    format!("a {} is equal to no value; write a string", type_name(item)),
                );
            }
            Value::Array(_) | Value::Object(_) => {
                reading.wrong(
                    &format!("{path}[{i}]"),
                    format!("the value is of type '{}', expected 'string'", type_name(item)),
                );
            }
        }
    }
    let known = listed.iter().cloned().collect();
    Some(Test::Exact { listed, known })
}

fn pattern(item: &Value, path: &str, reading: &mut Reading<'_>) -> Option<Pattern> {
    let Value::String(text) = item else {
        reading.wrong(path, format!("the value is of type '{}', expected 'string'", type_name(item)));
        return None;
    };
    reading.patterns += 1;
    if reading.patterns > MAX_PATTERNS {
        if reading.patterns == MAX_PATTERNS + 1 {
            reading.wrong(path, format!("the rules have more than {MAX_PATTERNS} patterns"));
        }
        return None;
    }
    match Pattern::compile(text) {
        Ok(pattern) => Some(pattern),
        Err(reason) => {
            reading.wrong(path, format!("'{text:.100}' is not a regular expression: {reason}"));
            None
        }
    }
}
