//! Filters (RFC 7644 §3.4.2.2): read by recursive descent, with bounds on length, depth and the number of terms.
//!
//! What is read is a tree whose literals are values, never text of a query (SCIM-6).

mod matching;
mod reader;

use serde_json::Value;

use super::path::AttributePath;
use crate::error::{Error, Result, ScimFault};

pub use matching::matches;

/// Longest filter, in bytes.
pub const MAX_LENGTH: usize = 4_096;
/// Most levels of parentheses and brackets.
const MAX_DEPTH: usize = 16;
/// Most comparisons.
const MAX_TERMS: usize = 50;

/// How an attribute is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Compare {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "co" => Self::Contains,
            "sw" => Self::StartsWith,
            "ew" => Self::EndsWith,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }
}

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these.
    And(Vec<Filter>),
    /// One of these at least.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// An attribute compared with a value: a text, a truth value, a number or null.
    Term(AttributePath, Compare, Value),
    /// An attribute that has a value.
    Present(AttributePath),
    /// One value of an attribute for which all this holds.
    Within(AttributePath, Box<Filter>),
}

/// 400 for a filter.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::scim(ScimFault::InvalidFilter, message)
}

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_LENGTH {
            return Err(invalid(format!("The filter is longer than {MAX_LENGTH} bytes.")));
        }
        let mut reader = reader::Reader::new(text);
        let filter = reader.filter()?;
        reader.end()?;
        Ok(filter)
    }
}

/// The path of a change: an attribute, which of its values, and a part of these (RFC 7644 §3.5.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The attribute; its part only where no filter stands between them.
    pub attribute: AttributePath,
    /// Which of its values.
    pub filter: Option<Filter>,
    /// The part of those.
    pub sub: Option<String>,
}

impl Path {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |message: String| Error::scim(ScimFault::InvalidPath, message);
        if text.len() > MAX_LENGTH {
            return Err(wrong(format!("The path is longer than {MAX_LENGTH} bytes.")));
        }
        let no_path = || wrong(format!("'{text:.100}' is no path of an attribute."));
        let Some((before, _)) = text.split_once('[') else {
            let mut attribute = AttributePath::parse(text.trim()).ok_or_else(no_path)?;
            let sub = attribute.sub.take();
            return Ok(Self { attribute, filter: None, sub });
        };
        let attribute = AttributePath::parse(before.trim()).filter(|a| a.sub.is_none()).ok_or_else(no_path)?;
        let mut reader = reader::Reader::new(text.get(before.len()..).unwrap_or_default());
        let filter = reader.bracketed()?;
        let sub = match reader.rest().trim_end() {
            "" => None,
            rest => {
                let name = rest.strip_prefix('.').and_then(AttributePath::parse);
                let name = name.filter(|n| n.schema.is_none() && n.sub.is_none()).ok_or_else(no_path)?;
                Some(name.name)
            }
        };
        Ok(Self { attribute, filter: Some(filter), sub })
    }
}

#[cfg(test)]
mod tests;
